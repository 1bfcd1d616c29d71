//! Rates, against the definition of a bucket: in no stretch of time does more pass than it holds and what flows into
//! it meanwhile.

use super::*;
use crate::keys::RateLimit;

fn tpm(limit: u32) -> KeyLimits {
    KeyLimits {
        tpm: Some(limit),
        ..KeyLimits::default()
    }
}

fn rpm(limit: u32) -> KeyLimits {
    KeyLimits {
        rpm: Some(limit),
        ..KeyLimits::default()
    }
}

fn tokens(amount: u64) -> Demand {
    demand(amount, 0, 1)
}

/// What passed, and when.
#[derive(Default)]
struct Passed(Vec<(u64, u64)>);

impl Passed {
    /// Whether `amount` may pass at `now`, by every stretch of time that ends then.
    fn admits(&self, limit: u64, amount: u64, now: u64) -> bool {
        let mut begins = self.0.iter().map(|(at, _)| *at).chain([now]);
        begins.all(|begun| {
            let within = self.0.iter().filter(|(at, _)| *at >= begun);
            let sum: u64 = within.map(|(_, amount)| *amount).sum();
            (sum + amount) * 60_000 <= limit * 60_000 + limit * (now - begun)
        })
    }
}

proptest! {
    #[test]
    fn tokens_pass_exactly_when_the_limit_lets_them(
        limit in 1_u32..200,
        asked in vec((0_u64..40_000, 1_u64..300), 1..60),
    ) {
        let mut key = Asked::new(tpm(limit));
        let mut passed = Passed::default();
        let mut now = 0;
        for (pause, amount) in asked {
            now += pause;
            // What is larger than the limit is cut to it.
            let counted = amount.min(limit.into());
            let admits = passed.admits(limit.into(), counted, now);
            match key.reserve(&tokens(amount), at(now)) {
                Ok(grant) => {
                    prop_assert!(admits);
                    prop_assert_eq!(grant.tokens, counted);
                    passed.0.push((now, counted));
                }
                Err(Refusal::Tokens { retry_after, .. }) => {
                    prop_assert!(!admits);
                    let wait = u64::try_from(retry_after.as_millis()).unwrap();
                    prop_assert!(passed.admits(limit.into(), counted, now + wait));
                    prop_assert!(!passed.admits(limit.into(), counted, now + wait - 1));
                }
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn requests_pass_exactly_when_the_limit_lets_them(
        limit in 1_u32..100,
        pauses in vec(prop_oneof![3 => Just(0_u64), 1 => 0_u64..5_000], 1..200),
    ) {
        let mut key = Asked::new(rpm(limit));
        let mut passed = Passed::default();
        let mut now = 0;
        for pause in pauses {
            now += pause;
            let admits = passed.admits(limit.into(), 1, now);
            let granted = key.reserve(&tokens(1), at(now));
            prop_assert_eq!(granted.is_ok(), admits);
            if let Ok(grant) = granted {
                passed.0.push((now, 1));
                // No request comes back when it is settled.
                key.settle(&grant, None, at(now));
            }
        }
    }

    /// Against a level that is reckoned with parts of tokens, from event to event.
    #[test]
    fn settled_tokens_leave_the_level_that_the_real_ones_would(
        limit in 1_u32..200,
        asked in vec((0_u64..20_000, 1_u64..300, 0_u64..20_000, 0_u64..900), 1..40),
    ) {
        let parts = |tokens: u64| i64::try_from(tokens * 60_000).unwrap();
        let flow = |millis: u64| i64::try_from(millis * u64::from(limit)).unwrap();
        let full = parts(limit.into());
        let mut key = Asked::new(tpm(limit));
        let mut level = full;
        let mut now = 0;
        for (pause, wanted, duration, used) in asked {
            now += pause;
            level = full.min(level + flow(pause));
            let Ok(grant) = key.reserve(&tokens(wanted), at(now)) else {
                prop_assert!(level < parts(wanted.min(limit.into())));
                continue;
            };
            level -= parts(grant.tokens);
            prop_assert!(level >= 0);
            now += duration;
            level = full.min(level + flow(duration));
            key.settle(&grant, Some(&spent(used, None)), at(now));
            level = full.min(level + parts(grant.tokens) - parts(used));
            let stands = key.meter.rate_limits(&key.limits, at(now)).tokens.unwrap();
            prop_assert_eq!(stands.remaining, u64::try_from(level.max(0)).unwrap() / 60_000);
            let missing = u64::try_from(full - level).unwrap();
            let reset = Duration::from_millis(missing.div_ceil(limit.into()));
            prop_assert_eq!(stands.reset, reset);
        }
    }

    #[test]
    fn nothing_overflows(
        limit in any::<u32>(),
        wanted in any::<u64>(),
        used in any::<u64>(),
        times in vec(any::<u64>(), 1..6),
    ) {
        let mut key = Asked::new(KeyLimits { rpm: Some(limit), ..tpm(limit) });
        for time in times {
            let now = Timestamp::from_millis(time);
            if let Ok(grant) = key.reserve(&demand(wanted, u32::MAX, u32::MAX), now) {
                key.settle(&grant, Some(&spent(used, Some(Money::from_billionths(used)))), now);
            }
            key.limits.tpm = Some(limit.rotate_left(7));
        }
    }
}

#[test]
fn the_last_of_a_minute_passes_and_the_next_waits_for_its_share() {
    let mut key = Asked::new(rpm(60));
    for left in (0..60).rev() {
        let grant = key.reserve(&tokens(1), at(0)).unwrap();
        let expected = RateLimit {
            limit: 60,
            remaining: left,
            reset: Duration::from_secs(60 - left),
        };
        assert_eq!(grant.rate_limits.requests, Some(expected));
        assert_eq!(grant.rate_limits.tokens, None);
    }
    for (now, waits) in [(0, Some(1000)), (999, Some(1)), (1000, None)] {
        let retry_after = match key.reserve(&tokens(1), at(now)) {
            Err(Refusal::Requests { retry_after, .. }) => Some(retry_after),
            _ => None,
        };
        assert_eq!(retry_after, waits.map(Duration::from_millis), "{now}");
    }
}

#[test]
fn a_changed_limit_keeps_the_share_that_is_left() {
    let mut key = Asked::new(tpm(1_000_000));
    key.reserve(&tokens(750_000), at(0)).unwrap();
    for (limit, remaining) in [(100, 25), (1_000_000, 250_000), (4, 1), (40, 10)] {
        key.limits = tpm(limit);
        // A request without tokens makes the change count.
        key.reserve(&Demand::default(), at(0)).unwrap();
        let stands = key.meter.rate_limits(&key.limits, at(0)).tokens.unwrap();
        assert_eq!(stands.remaining, remaining, "{limit}");
        assert_eq!(stands.reset, Duration::from_secs(45), "{limit}");
    }
    key.limits = KeyLimits::default();
    assert!(key.reserve(&tokens(u64::MAX), at(0)).is_ok());
}

#[test]
fn a_limit_of_zero_lets_nothing_pass() {
    let minute = Duration::from_mins(1);
    let mut key = Asked::new(tpm(0));
    assert!(matches!(
        key.reserve(&tokens(1), at(0)),
        Err(Refusal::Tokens { retry_after, .. }) if retry_after == minute
    ));
    let mut key = Asked::new(rpm(0));
    assert!(matches!(
        key.reserve(&tokens(1), at(600_000)),
        Err(Refusal::Requests { retry_after, .. }) if retry_after == minute
    ));
}

#[test]
fn a_clock_that_was_set_back_stops_nothing_for_long() {
    let mut key = Asked::new(rpm(1));
    key.reserve(&tokens(1), at(3_600_000)).unwrap();
    assert!(key.reserve(&tokens(1), at(0)).is_err());
    assert!(
        key.reserve(&tokens(1), at(60_000)).is_ok(),
        "a minute later by the new clock"
    );

    // Requests that overtake each other by a moment make nothing come back twice.
    let mut key = Asked::new(tpm(60_000));
    key.reserve(&tokens(60_000), at(1000)).unwrap();
    for now in [1001, 1000, 1001, 1000, 1001] {
        assert!(key.reserve(&tokens(2), at(now)).is_err());
        let stands = key.meter.rate_limits(&key.limits, at(now)).tokens.unwrap();
        assert_eq!(stands.remaining, 1);
    }
}
