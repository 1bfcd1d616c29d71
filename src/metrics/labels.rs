//! The label sets. None holds anything a client sent but the bounded name of the model.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};

use super::models::ModelLabel;

/// Labels of finished requests.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Request {
    pub(super) route: &'static str,
    pub(super) model: ModelLabel,
    pub(super) status: u16,
    pub(super) stream: bool,
}

/// Labels of times that do not depend on the model.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Answer {
    pub(super) route: &'static str,
    pub(super) stream: bool,
}

/// Labels of error objects.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Failure {
    pub(super) code: &'static str,
}

/// Labels of token counts.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Kind {
    pub(super) model: ModelLabel,
    pub(super) kind: TokenKind,
}

/// Labels of requests with cache points.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct CacheOutcome {
    pub(super) model: ModelLabel,
    pub(super) status: &'static str,
}

/// Labels of times that depend on the model alone.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Model {
    pub(super) model: ModelLabel,
}

/// Labels of calls to Bedrock.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Operation {
    pub(super) operation: &'static str,
}

/// Labels of repeated calls.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Reason {
    pub(super) reason: &'static str,
}

/// Labels of failed calls.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Exception {
    pub(super) exception: &'static str,
}

/// Labels of refreshes of the list of models.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Outcome {
    pub(super) outcome: &'static str,
}

/// What tokens were counted for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum TokenKind {
    Input,
    Output,
    CacheRead,
    CacheWrite,
}

impl EncodeLabelValue for TokenKind {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::CacheRead => "cache_read",
            Self::CacheWrite => "cache_write",
        };
        name.encode(encoder)
    }
}
