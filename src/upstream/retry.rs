//! When a failed call is repeated: only before the client has seen anything, never against a quota that stays used up,
//! and never long after the request began (AWS's own SDKs' rules, with a bound in time).

use std::time::Duration;

use super::error::Error;
use crate::bedrock::{Exception, ExceptionKind};

/// The first pause, doubled with every attempt.
const BASE: Duration = Duration::from_millis(500);
/// The longest pause, before jitter.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// No attempt begins later than this after the request began: a client does not wait for a fourth minute of failures.
const MAX_ELAPSED: Duration = Duration::from_secs(30);
/// How many attempts a failing model container gets: its answer rarely changes.
const MODEL_ERROR_ATTEMPTS: u32 = 2;

/// The rule by which failed calls are repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Retry {
    max_attempts: u32,
}

impl Retry {
    /// A rule that allows `max_attempts` calls for one request, the first included.
    pub(super) fn new(max_attempts: u32) -> Self {
        Self { max_attempts }
    }

    /// How many calls it allows for one request.
    pub(super) fn max_attempts(self) -> u32 {
        self.max_attempts
    }

    /// How long to wait before the next call, or `None` when `error` is final. `attempts` have been made,
    /// `elapsed` has passed since the request began, and `random` in 0..1 spreads the pauses by 0.8 to 1.2.
    pub(super) fn after(
        self,
        error: &Error,
        attempts: u32,
        elapsed: Duration,
        random: f64,
    ) -> Option<Duration> {
        if attempts >= self.max_attempts.min(allowed_attempts(error)) {
            return None;
        }
        let doublings = attempts.saturating_sub(1).min(8);
        let pause = BASE.saturating_mul(1 << doublings).min(MAX_PAUSE);
        let pause = pause.mul_f64(0.8 + 0.4 * random.clamp(0.0, 1.0));
        let pause = pause.max(retry_after(error));
        let begins = elapsed.checked_add(pause)?;
        (begins <= MAX_ELAPSED).then_some(pause)
    }
}

/// How many calls an error allows in all, whatever the settings say.
fn allowed_attempts(error: &Error) -> u32 {
    match error {
        Error::Exception { exception, .. } => exception_attempts(exception),
        Error::Unreachable(_) | Error::Interrupted(_) | Error::Stream(_) => u32::MAX,
        // A timeout has cost the client minutes, and the model goes on thinking for the first call.
        Error::Timeout(_)
        | Error::Credentials(_)
        | Error::Protocol { .. }
        | Error::ModelId
        | Error::Request(_) => 0,
    }
}

fn exception_attempts(exception: &Exception) -> u32 {
    if exception.is_daily_quota() {
        return 0;
    }
    match exception.kind {
        ExceptionKind::InternalServer
        | ExceptionKind::ModelNotReady
        | ExceptionKind::ModelTimeout
        | ExceptionKind::ServiceUnavailable
        | ExceptionKind::Throttling => u32::MAX,
        ExceptionKind::ModelError => MODEL_ERROR_ATTEMPTS,
        ExceptionKind::AccessDenied
        | ExceptionKind::Authentication
        | ExceptionKind::Other
        | ExceptionKind::RequestTooLarge
        | ExceptionKind::ResourceNotFound
        | ExceptionKind::ServiceQuotaExceeded
        | ExceptionKind::Validation => 0,
    }
}

fn retry_after(error: &Error) -> Duration {
    match error {
        Error::Exception { retry_after, .. } => retry_after.unwrap_or_default(),
        _ => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::event_stream::FrameError;
    use crate::upstream::credentials_error::CredentialsError;
    use crate::upstream::error::Timeout;

    const MILLISECOND: Duration = Duration::from_millis(1);

    fn exception(status: u16, name: &str, message: &str) -> Error {
        Error::Exception {
            exception: Exception::from_answer(status, Some(name), Some(message), b""),
            request_id: None,
            retry_after: None,
        }
    }

    fn retries(error: &Error, attempts: u32) -> bool {
        Retry::new(3)
            .after(error, attempts, Duration::ZERO, 0.5)
            .is_some()
    }

    #[test]
    fn each_error_has_its_number_of_attempts() {
        let day = "Too many tokens per day, please wait before trying again.";
        let cases = [
            (exception(408, "ModelTimeoutException", ""), 3),
            (
                exception(429, "ThrottlingException", "Too many requests"),
                3,
            ),
            (exception(429, "", "Rate exceeded"), 3),
            (exception(429, "ModelNotReadyException", ""), 3),
            (exception(500, "InternalServerException", ""), 3),
            (exception(502, "", ""), 3),
            (exception(503, "ServiceUnavailableException", ""), 3),
            (exception(424, "ModelErrorException", ""), 2),
            (exception(429, "ThrottlingException", day), 1),
            (exception(400, "ServiceQuotaExceededException", ""), 1),
            (exception(400, "ValidationException", ""), 1),
            (exception(403, "AccessDeniedException", ""), 1),
            (exception(403, "ExpiredTokenException", ""), 1),
            (exception(404, "ResourceNotFoundException", ""), 1),
            (Error::Unreachable(String::new()), 3),
            (Error::Interrupted(String::new()), 3),
            (Error::Stream(FrameError::MessageChecksum), 3),
            (Error::Timeout(Timeout::Head(MILLISECOND)), 1),
            (Error::Credentials(CredentialsError::Missing), 1),
            (Error::ModelId, 1),
        ];
        for (error, attempts) in cases {
            let made = (1..=3).find(|attempt| !retries(&error, *attempt));
            assert_eq!(made, Some(attempts), "{error}");
        }
    }

    #[test]
    fn one_attempt_means_no_retry() {
        let error = Error::Unreachable(String::new());
        assert_eq!(Retry::new(1).after(&error, 1, Duration::ZERO, 0.5), None);
        assert_eq!(Retry::new(0).after(&error, 1, Duration::ZERO, 0.5), None);
    }

    #[test]
    fn pauses_double_up_to_five_seconds_and_are_spread() {
        let error = Error::Unreachable(String::new());
        let pause = |attempts, random| {
            Retry::new(99)
                .after(&error, attempts, Duration::ZERO, random)
                .unwrap()
                .as_millis()
        };
        let pauses = [1, 2, 3, 4, 5, 6, 50].map(|attempts| pause(attempts, 0.5));
        assert_eq!(pauses, [500, 1000, 2000, 4000, 5000, 5000, 5000]);
        assert_eq!((pause(1, 0.0), pause(1, 1.0)), (400, 600));
    }

    #[test]
    fn retry_after_is_waited_for_unless_it_is_too_late_then() {
        let mut error = exception(503, "ServiceUnavailableException", "");
        let mut after = |seconds, elapsed| {
            if let Error::Exception { retry_after, .. } = &mut error {
                *retry_after = Some(Duration::from_secs(seconds));
            }
            Retry::new(3).after(&error, 1, Duration::from_secs(elapsed), 0.5)
        };
        assert_eq!(after(7, 0), Some(Duration::from_secs(7)));
        assert_eq!(after(0, 0), Some(Duration::from_millis(500)));
        assert_eq!(after(30, 0), Some(Duration::from_secs(30)));
        assert_eq!(after(30, 1), None);
        assert_eq!(after(u64::MAX, 1), None);
    }

    #[test]
    fn no_attempt_begins_later_than_thirty_seconds() {
        let error = Error::Interrupted(String::new());
        let after = |elapsed| Retry::new(3).after(&error, 1, elapsed, 0.5);
        assert!(after(Duration::from_millis(29_500)).is_some());
        assert!(after(Duration::from_millis(29_501)).is_none());
        assert!(after(Duration::MAX).is_none());
    }
}
