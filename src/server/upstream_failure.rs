//! What went wrong on the way to Bedrock, in the words of this side.

use std::time::Duration;

use tracing::warn;

use crate::error::Error;
use crate::openai::InvalidRequest;
use crate::translate::Failure;
use crate::upstream::{self, CredentialsError};

/// The longest `retry-after` that is passed on: clients give up at once on longer ones.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(1);
/// The shortest one.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// The error for a call that failed; `context_window` is the model's, in tokens, where known.
pub(super) fn from_upstream(error: &upstream::Error, context_window: Option<u32>) -> Error {
    let failure = match error {
        upstream::Error::Exception {
            exception,
            retry_after,
            ..
        } => {
            let mut failure = Failure::from_exception(exception, context_window);
            if let (Some(asked), Some(seconds)) = (retry_after, &mut failure.retry_after) {
                let asked = asked.clamp(&MIN_RETRY_AFTER, &MAX_RETRY_AFTER).as_secs();
                *seconds = u32::try_from(asked).unwrap_or(*seconds);
            }
            failure
        }
        upstream::Error::Unreachable(_) => {
            let message = format!("Service unavailable: {error}.");
            Failure::new(502, "server_error", Some("upstream_unreachable"), message)
        }
        upstream::Error::Timeout(_) => Failure::new(
            504,
            "timeout",
            Some("upstream_timeout"),
            format!("Timeout: {error}."),
        ),
        upstream::Error::Credentials(error) => credentials_failure(error),
        upstream::Error::Interrupted(_)
        | upstream::Error::Stream(_)
        | upstream::Error::Protocol { .. } => Failure::upstream_stream_error(&error.to_string()),
        upstream::Error::ModelId => {
            let wrong = InvalidRequest::value("model", "This cannot be a model's id.");
            let code = Some("model_not_found");
            return InvalidRequest { code, ..wrong }.into();
        }
        upstream::Error::Request(_) => Failure::new(
            500,
            "server_error",
            None,
            format!("Internal server error: {error}."),
        ),
    };
    failure.into()
}

/// What anybody may be told of credentials that cannot be loaded. The whole story is for the log: it can hold
/// what a credential process wrote, or the name of a role.
pub(super) fn credentials_failure(error: &CredentialsError) -> Failure {
    warn!(%error, "there are no AWS credentials");
    let (text, permanent) = match error {
        CredentialsError::Missing
        | CredentialsError::InstanceMetadata(_)
        | CredentialsError::LoginSession(_)
        | CredentialsError::NothingToAssumeWith(_) => (
            "there are none; the gateway's operator must configure them.",
            true,
        ),
        CredentialsError::TimedOut(_) => ("they did not arrive in time.", false),
        CredentialsError::Failed(_) | CredentialsError::NotLoggedIn { .. } => (
            "they could not be loaded; the gateway's log says why.",
            false,
        ),
    };
    Failure {
        permanent,
        ..Failure::upstream_auth(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_what_a_credential_process_wrote() {
        let failed = CredentialsError::Failed("stderr: arn:aws:iam::1:user/x secret".to_owned());
        for (error, permanent) in [
            (failed, false),
            (
                CredentialsError::TimedOut("role arn:aws:iam::1:role/x".to_owned()),
                false,
            ),
            (CredentialsError::Missing, true),
            (
                CredentialsError::NothingToAssumeWith("arn:aws:iam::1:role/x".to_owned()),
                true,
            ),
        ] {
            let failure = credentials_failure(&error);
            assert_eq!(failure.object.code.as_deref(), Some("upstream_auth"));
            assert_eq!((failure.status, failure.permanent), (502, permanent));
            let message = failure.object.message;
            assert!(
                !message.contains("secret") && !message.contains("arn:"),
                "{message}"
            );
        }
    }
}
