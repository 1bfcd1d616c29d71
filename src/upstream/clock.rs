//! What time it is at AWS. Signatures hold for five minutes around their date, so that a machine whose clock is wrong is
//! refused: the answer's `Date` then says by how much, and later signatures are dated right.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use aws_types::sdk_config::TimeSource;
use http::HeaderMap;
use http::header::DATE;
use tracing::warn;

/// What time it is on this machine; a function, so that tests turn the clock.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What counts as no difference: less does not spoil a signature.
const LEAST: i64 = 60;
/// The largest difference that is believed, a week: whoever could make us sign for next year could use the signatures then.
const MOST: i64 = 7 * 24 * 60 * 60;
/// Stands for a difference that was not measured yet.
const UNKNOWN: i64 = i64::MIN;

/// This machine's clock and its difference from AWS's; a clone is the same.
#[derive(Clone)]
pub(super) struct AwsClock {
    local: Clock,
    differences: Arc<Differences>,
}

/// How many seconds AWS is ahead of this machine; negative when it is behind.
struct Differences {
    /// As the last answer said, to the second.
    heard: AtomicI64,
    /// By which signatures are corrected.
    applied: AtomicI64,
}

/// By how many seconds a signature's date was corrected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Correction(i64);

impl AwsClock {
    pub(super) fn new(local: Clock) -> Self {
        Self {
            local,
            differences: Arc::new(Differences {
                heard: AtomicI64::new(UNKNOWN),
                applied: AtomicI64::new(0),
            }),
        }
    }

    /// What this machine's clock shows.
    pub(super) fn local(&self) -> SystemTime {
        (self.local)()
    }

    /// What time it is at AWS as far as is known, and the correction that is in it.
    pub(super) fn corrected(&self) -> (SystemTime, Correction) {
        let seconds = self.differences.applied.load(Ordering::Relaxed);
        (later(self.local(), seconds), Correction(seconds))
    }

    /// What this machine's clock shows when it is `time` at AWS.
    pub(super) fn to_local(&self, time: SystemTime) -> SystemTime {
        let seconds = self.differences.applied.load(Ordering::Relaxed);
        later(time, seconds.saturating_neg())
    }

    /// Measures by the `Date` of an answer that has just arrived.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        if let Some(date) = headers.get(DATE).and_then(|value| value.to_str().ok())
            && let Ok(date) = DateTime::from_str(date, Format::HttpDate)
        {
            let difference = date.secs().saturating_sub(seconds_of(self.local()));
            self.differences.heard.store(difference, Ordering::Relaxed);
        }
    }

    /// Corrects signatures by what was heard last, because AWS did not like the date of one that had the correction
    /// `used`. Tells whether another signature would now have another date.
    pub(super) fn correct(&self, used: Correction) -> bool {
        let heard = self.differences.heard.load(Ordering::Relaxed);
        if heard == UNKNOWN || heard.abs_diff(used.0) < LEAST.unsigned_abs() {
            return false;
        }
        if heard.abs() > MOST {
            warn!(
                "this machine's clock is {}: that is too much to correct, set it",
                Offset(heard)
            );
            return false;
        }
        if self.differences.applied.swap(heard, Ordering::Relaxed) != heard {
            warn!(
                "this machine's clock is {}: signatures are corrected by that, set it",
                Offset(heard)
            );
        }
        true
    }

    /// How many seconds AWS's clock is ahead of this machine's, by the last answer; negative when it is behind.
    pub(super) fn difference(&self) -> Option<i64> {
        let heard = self.differences.heard.load(Ordering::Relaxed);
        (heard != UNKNOWN).then_some(heard)
    }
}

/// aws-config signs its calls to STS and SSO by the corrected time.
impl TimeSource for AwsClock {
    fn now(&self) -> SystemTime {
        self.corrected().0
    }
}

impl fmt::Debug for AwsClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsClock")
            .field("difference", &self.difference())
            .finish_non_exhaustive()
    }
}

/// A difference as a person says it.
struct Offset(i64);

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = if self.0 > 0 { "behind" } else { "ahead of" };
        write!(f, "{} s {direction} AWS's", self.0.unsigned_abs())
    }
}

fn later(time: SystemTime, seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 {
        time.checked_sub(distance)
    } else {
        time.checked_add(distance)
    };
    moved.unwrap_or(time)
}

fn seconds_of(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    let since = since.unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thu, 15 Jan 2026 12:30:45 GMT.
    const NOW: u64 = 1_768_480_245;

    fn clock() -> AwsClock {
        AwsClock::new(Arc::new(|| {
            SystemTime::UNIX_EPOCH + Duration::from_secs(NOW)
        }))
    }

    fn hear(clock: &AwsClock, date: &'static str) {
        let headers = [(DATE, http::HeaderValue::from_static(date))];
        clock.hear(&headers.into_iter().collect());
    }

    fn offset(clock: &AwsClock) -> i64 {
        seconds_of(clock.corrected().0) - i64::try_from(NOW).unwrap()
    }

    #[test]
    fn nothing_is_corrected_before_aws_complains() {
        let clock = clock();
        assert_eq!((clock.difference(), offset(&clock)), (None, 0));
        hear(&clock, "Thu, 15 Jan 2026 13:30:45 GMT");
        assert_eq!((clock.difference(), offset(&clock)), (Some(3600), 0));
    }

    #[test]
    fn a_clock_that_is_behind_or_ahead_is_corrected() {
        for (date, seconds) in [
            ("Thu, 15 Jan 2026 13:30:45 GMT", 3600),
            ("Thu, 15 Jan 2026 12:20:45 GMT", -600),
            ("Thu, 22 Jan 2026 12:30:45 GMT", MOST),
        ] {
            let clock = clock();
            let (_, used) = clock.corrected();
            hear(&clock, date);
            assert!(clock.correct(used));
            assert_eq!(offset(&clock), seconds);
            let (now, _) = clock.corrected();
            assert_eq!(clock.to_local(now), clock.local());
        }
    }

    #[test]
    fn what_would_not_help_or_cannot_be_is_not_applied() {
        for date in [
            "Thu, 15 Jan 2026 12:30:45 GMT",
            "Thu, 15 Jan 2026 12:31:44 GMT",
            "Thu, 22 Jan 2026 12:30:46 GMT",
            "Thu, 15 Jan 1970 12:31:44 GMT",
            "yesterday",
            "",
        ] {
            let clock = clock();
            let (_, used) = clock.corrected();
            hear(&clock, date);
            assert!(!clock.correct(used), "{date}");
            assert_eq!(offset(&clock), 0);
        }
    }

    #[test]
    fn a_signature_from_before_another_calls_correction_may_be_made_anew() {
        let clock = clock();
        let (_, used) = clock.corrected();
        hear(&clock, "Thu, 15 Jan 2026 13:30:45 GMT");
        assert!(clock.correct(used) && clock.correct(used));
        let (_, used) = clock.corrected();
        assert!(!clock.correct(used), "the correction did not help");
    }

    #[test]
    fn a_clock_that_somebody_sets_right_is_corrected_back() {
        let clock = clock();
        let (_, used) = clock.corrected();
        hear(&clock, "Thu, 15 Jan 2026 13:30:45 GMT");
        clock.correct(used);
        let (_, used) = clock.corrected();
        hear(&clock, "Thu, 15 Jan 2026 12:30:45 GMT");
        assert!(clock.correct(used));
        assert_eq!(offset(&clock), 0);
    }
}
