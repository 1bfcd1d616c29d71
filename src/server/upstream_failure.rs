//! What went wrong on the way to Bedrock, in the words of this side.

use std::time::Duration;

use crate::error::Error;
use crate::openai::InvalidRequest;
use crate::translate::Failure;
use crate::upstream;

/// The longest `retry-after` that is passed on: clients give up at once on longer ones.
const MAX_RETRY_AFTER: Duration = Duration::from_mins(1);

/// The error for a call that failed; `context_window` is the model's, in tokens, where known.
pub(super) fn from_upstream(error: &upstream::Error, context_window: Option<u32>) -> Error {
    let failure = match error {
        upstream::Error::Exception {
            exception,
            retry_after,
            ..
        } => {
            let mut failure = Failure::from_exception(exception, context_window);
            let asked = retry_after
                .filter(|time| *time <= MAX_RETRY_AFTER && failure.retry_after.is_some());
            if let Some(seconds) = asked.and_then(|time| u32::try_from(time.as_secs()).ok()) {
                failure.retry_after = Some(seconds.max(1));
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
        upstream::Error::Credentials(error) => Failure::upstream_auth(&error.to_string()),
        upstream::Error::Interrupted(_)
        | upstream::Error::Stream(_)
        | upstream::Error::Protocol { .. } => Failure::upstream_stream_error(&error.to_string()),
        upstream::Error::ModelId => {
            return InvalidRequest::value("model", "This cannot be a model's id.").into();
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
