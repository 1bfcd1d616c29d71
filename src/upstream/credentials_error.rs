//! Why there are no credentials, in one line that says what to do.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError as ProviderError;
use thiserror::Error;

use super::credential_source::CredentialSource;
use super::credentials::LOAD_TIMEOUT;
use super::error::chain;
use super::profile::ProfileCredentials;

/// The longest reason that is passed on, in characters: a credential process may say anything.
const MAX_REASON_LENGTH: usize = 500;

/// Why there are no credentials.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialsError {
    /// No source has any.
    #[error(
        "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or \
         AWS_BEARER_TOKEN_BEDROCK, or run where an AWS role provides them"
    )]
    Missing,
    /// The source that is named did not answer within five seconds.
    #[error(
        "the AWS credentials did not arrive within {limit} s; they come from {0}",
        limit = LOAD_TIMEOUT.as_secs()
    )]
    TimedOut(String),
    /// Instance metadata answered, but not with credentials.
    #[error(
        "no AWS credentials were found, and instance metadata gave none ({0}): give the instance an IAM role, or set \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or AWS_BEARER_TOKEN_BEDROCK"
    )]
    InstanceMetadata(String),
    /// Nothing can assume a role: a Bedrock API key cannot.
    #[error(
        "there are no AWS credentials to assume the role {0} with: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or \
         AWS_PROFILE, or run where an AWS role provides them; a Bedrock API key cannot assume a role"
    )]
    NothingToAssumeWith(String),
    /// The session of SSO is missing or over.
    #[error(
        "the AWS credentials could not be loaded: run `aws sso login --profile {profile}` ({reason})"
    )]
    NotLoggedIn {
        /// The profile that says where to log in.
        profile: String,
        /// What aws-config says.
        reason: String,
    },
    /// The profile's credentials are those of `aws login`, which aws-config was built without.
    #[error(
        "the AWS credentials could not be loaded: sessions of `aws login`, as the profile {0} has one, are for the AWS CLI; \
         have it print their credentials: in another profile, credential_process = aws configure export-credentials \
         --profile {0} --format process"
    )]
    LoginSession(String),
    /// The source failed.
    #[error("the AWS credentials could not be loaded: {0}")]
    Failed(String),
}

impl CredentialsError {
    /// What `error` of the provider means, where the credentials come from `source`.
    pub(super) fn explain(error: &ProviderError, source: &CredentialSource) -> Self {
        match source {
            CredentialSource::InstanceMetadata => of_instance_metadata(error),
            CredentialSource::Role { role_arn, .. } => match of_base(error) {
                None => of_provider(error, source),
                Some(Self::Missing | Self::InstanceMetadata(_)) => {
                    Self::NothingToAssumeWith(role_arn.clone())
                }
                Some(base) => base.clone(),
            },
            CredentialSource::Profile {
                name,
                credentials: ProfileCredentials::LoginSession,
            } => Self::LoginSession(name.clone()),
            CredentialSource::Profile { name, .. } if is_about_sso(error) => Self::NotLoggedIn {
                profile: name.clone(),
                reason: reason(error),
            },
            _ => of_provider(error, source),
        }
    }
}

/// Whether there is no session of SSO, or none that can be used any more.
fn is_about_sso(error: &ProviderError) -> bool {
    let reason = reason(error);
    reason.contains("SSO") || reason.contains("UnauthorizedException")
}

fn of_provider(error: &ProviderError, source: &CredentialSource) -> CredentialsError {
    match error {
        ProviderError::CredentialsNotLoaded(_) => CredentialsError::Missing,
        ProviderError::ProviderTimedOut(_) => CredentialsError::TimedOut(source.to_string()),
        _ => CredentialsError::Failed(reason(error)),
    }
}

/// Instance metadata is asked last, when nothing else is configured. Off EC2 nobody answers there, which is no news; what
/// somebody answers is.
fn of_instance_metadata(error: &ProviderError) -> CredentialsError {
    let reason = reason(error);
    let is_answer = match error {
        ProviderError::CredentialsNotLoaded(_) => reason.contains("received 404"),
        ProviderError::ProviderTimedOut(_) => false,
        _ => !reason.contains("timeout") && !reason.contains("timed out"),
    };
    if is_answer {
        CredentialsError::InstanceMetadata(reason)
    } else {
        CredentialsError::Missing
    }
}

/// Why there was nothing to assume a role with.
fn of_base(error: &ProviderError) -> Option<&CredentialsError> {
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

fn reason(error: &ProviderError) -> String {
    chain(error).chars().take(MAX_REASON_LENGTH).collect()
}
