//! What was asked of AWS when it refused: all that advice is made from, beside the failure itself.

use crate::upstream::{Bedrock, CredentialSource, Region};

/// One call and its circumstances.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// What was called.
    pub(super) operation: Operation,
    /// The region that was called.
    pub(super) region: &'a Region,
    /// Where the credentials come from.
    pub(super) source: &'a CredentialSource,
    /// The account's twelve digits, if STS told them.
    pub(super) account: Option<&'a str>,
    /// The model that was called.
    pub(super) model: Option<&'a Subject>,
}

/// The operations that are called, named as in AWS's reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Converse,
    ConverseStream,
    GetCallerIdentity,
    ListFoundationModels,
    ListInferenceProfiles,
}

/// A model that is called, and what the lists say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Subject {
    /// As it is called.
    pub(super) id: String,
    /// Its ARN, when it is an inference profile that is listed.
    pub(super) profile_arn: Option<String>,
    /// The ARNs of the foundation models behind it, in every region that it may be routed to.
    pub(super) behind: Vec<String>,
    /// Ids of inference profiles that lead to it, best first.
    pub(super) profiles: Vec<String>,
    /// The one of them that the gateway chooses by itself where the model needs one.
    pub(super) chosen: Option<Box<Self>>,
}

impl<'a> Question<'a> {
    /// A call of `operation` at `bedrock`.
    pub(super) fn of(bedrock: &'a Bedrock, operation: Operation) -> Self {
        let in_force = bedrock.describe();
        Self {
            operation,
            region: &in_force.region,
            source: &in_force.credential_source,
            account: None,
            model: None,
        }
    }
}

impl Operation {
    /// AWS's name of it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Converse => "Converse",
            Self::ConverseStream => "ConverseStream",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::ListFoundationModels => "ListFoundationModels",
            Self::ListInferenceProfiles => "ListInferenceProfiles",
        }
    }

    /// Whether it calls a model.
    pub(super) fn is_inference(self) -> bool {
        matches!(self, Self::Converse | Self::ConverseStream)
    }

    /// The IAM action that allows it; Converse has none of its own.
    pub(super) fn action(self) -> &'static str {
        match self {
            Self::Converse => "bedrock:InvokeModel",
            Self::ConverseStream => "bedrock:InvokeModelWithResponseStream",
            Self::GetCallerIdentity => "sts:GetCallerIdentity",
            Self::ListFoundationModels => "bedrock:ListFoundationModels",
            Self::ListInferenceProfiles => "bedrock:ListInferenceProfiles",
        }
    }
}
