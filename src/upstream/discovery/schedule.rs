//! When AWS is asked again.

use std::time::Duration;

/// The first pause after a failure, doubled with every further one.
const FIRST: Duration = Duration::from_secs(5);
/// The longest pause after a failure: rights that are granted shall show before the next hour.
const LONGEST: Duration = Duration::from_mins(15);

/// How long to wait after `failures` refreshes in a row that were not complete; `random` in 0..1 spreads the pause by
/// 0.9 to 1.1, so that gateways that began together do not ask together. An interval of zero bounds nothing.
pub(super) fn pause(interval: Duration, failures: u32, random: f64) -> Duration {
    let pause = match failures.checked_sub(1) {
        None => interval,
        Some(doublings) => {
            let pause = FIRST.saturating_mul(1 << doublings.min(10));
            let longest = if interval.is_zero() {
                LONGEST
            } else {
                interval
            };
            pause.min(LONGEST).min(longest)
        }
    };
    pause.mul_f64(0.9 + 0.2 * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn seconds(interval: Duration, failures: u32, random: f64) -> u64 {
        let pause = pause(interval, failures, random);
        (pause + Duration::from_millis(500)).as_secs()
    }

    #[test]
    fn failures_are_followed_up_soon_and_then_ever_more_rarely() {
        let pauses = [0, 1, 2, 3, 8, 9, u32::MAX].map(|failures| seconds(HOUR, failures, 0.5));
        assert_eq!(pauses, [3600, 5, 10, 20, 640, 900, 900]);
    }

    #[test]
    fn no_pause_is_much_longer_than_the_interval() {
        assert_eq!(seconds(Duration::from_mins(1), 9, 0.5), 60);
    }

    #[test]
    fn an_interval_of_zero_is_no_reason_to_ask_without_pause() {
        let pauses = [1, 2, 9].map(|failures| seconds(Duration::ZERO, failures, 0.5));
        assert_eq!(pauses, [5, 10, 900]);
    }

    #[test]
    fn gateways_that_began_together_spread() {
        let pauses = [0.0, 1.0, -1.0].map(|random| seconds(HOUR, 0, random));
        assert_eq!(pauses, [3240, 3960, 3240]);
    }
}
