//! The label sets. None holds anything a client sent but the bounded name of the model;
//! of a key it is the id and the operator's name for it.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};

use super::names::NameLabel;

/// Labels of finished requests.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Request {
    pub(super) route: &'static str,
    pub(super) model: NameLabel,
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
    pub(super) model: NameLabel,
    pub(super) kind: TokenKind,
}

/// Labels of requests with cache points.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct CacheOutcome {
    pub(super) model: NameLabel,
    pub(super) status: &'static str,
}

/// Labels of a managed key.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Key {
    pub(super) key: NameLabel,
    pub(super) key_id: NameLabel,
}

/// Labels of finished requests with a managed key.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct KeyRequest {
    pub(super) key: NameLabel,
    pub(super) key_id: NameLabel,
    pub(super) status: u16,
}

/// Labels of the token counts of a managed key.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct KeyKind {
    pub(super) key: NameLabel,
    pub(super) key_id: NameLabel,
    pub(super) kind: TokenKind,
}

/// Labels of times that depend on the model alone.
#[derive(Clone, Debug, EncodeLabelSet, Eq, Hash, PartialEq)]
pub(super) struct Model {
    pub(super) model: NameLabel,
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
