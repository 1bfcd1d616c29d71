//! What a client is told of its key's limits: how they stand, and which of them is reached.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;
use crate::keys::{RateLimit, RateLimits, Refusal};

/// OpenAI's names: <https://platform.openai.com/docs/guides/rate-limits>.
const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// The longest `retry-after`, in seconds: pi-ai gives up at once on longer ones.
const MAX_RETRY_AFTER: u32 = 60;
/// How long a client waits for another of its own requests to end, in seconds.
const CONCURRENCY_RETRY_AFTER: u32 = 1;

/// Writes how the limits stand; a limit that a key does not have has no headers.
pub(super) fn write_rate_limits(limits: &RateLimits, headers: &mut HeaderMap) {
    for (names, limit) in [(REQUESTS, limits.requests), (TOKENS, limits.tokens)] {
        let Some(RateLimit {
            limit,
            remaining,
            reset,
        }) = limit
        else {
            continue;
        };
        let [limit_name, remaining_name, reset_name] = names;
        headers.insert(limit_name, HeaderValue::from(limit));
        headers.insert(remaining_name, HeaderValue::from(remaining));
        if let Ok(reset) = HeaderValue::from_str(&seconds(reset)) {
            headers.insert(reset_name, reset);
        }
    }
}

/// How the limits stood when they were found reached, as far as that was looked at.
pub(super) const fn standing(refusal: &Refusal) -> Option<RateLimits> {
    match refusal {
        Refusal::Requests { rate_limits, .. }
        | Refusal::Tokens { rate_limits, .. }
        | Refusal::Concurrency { rate_limits, .. }
        | Refusal::Budget { rate_limits, .. } => Some(*rate_limits),
        Refusal::Unpriced | Refusal::StoreAway => None,
    }
}

/// The error for a request that the limits of its key do not let pass; `model` is what the client asked for.
///
/// The words are chosen: OpenClaw and pi-ai take `rate limit` for a reason to wait, and "too many tokens" for a prompt
/// that does not fit the model.
pub(super) fn refused(refusal: &Refusal, model: &str) -> Error {
    match refusal {
        Refusal::Requests {
            retry_after,
            rate_limits,
        } => wait(rate_limits.requests, "requests", *retry_after),
        Refusal::Tokens {
            retry_after,
            rate_limits,
        } => wait(rate_limits.tokens, "tokens", *retry_after),
        Refusal::Concurrency { limit, .. } => Error::RateLimited {
            message: format!(
                "Rate limit reached for this key: {limit} requests at the same time. Try again when one of them has ended."
            ),
            retry_after: CONCURRENCY_RETRY_AFTER,
        },
        Refusal::Budget {
            amount,
            per,
            renewed,
            ..
        } => {
            let per = per.name();
            let renewed = match renewed {
                Some(renewed) => format!(" It is renewed at {renewed}."),
                None => String::new(),
            };
            Error::BudgetSpent {
                message: format!(
                    "You exceeded your current quota: the budget of this key, USD {amount} ({per}), is spent.{renewed}"
                ),
            }
        }
        Refusal::Unpriced => Error::ModelNotAllowed {
            id: model.to_owned(),
            reason: "The key has a budget, and this gateway does not know what the model costs.",
        },
        Refusal::StoreAway => Error::Unavailable("the key store does not answer"),
    }
}

fn wait(limit: Option<RateLimit>, of: &str, retry_after: Duration) -> Error {
    let limit = limit.map_or(0, |limit| limit.limit);
    Error::RateLimited {
        message: format!(
            "Rate limit reached for this key: {limit} {of} per minute. Try again in {}.",
            seconds(retry_after)
        ),
        retry_after: whole_seconds(retry_after).clamp(1, MAX_RETRY_AFTER),
    }
}

fn whole_seconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
}

/// A time as OpenAI writes it: `1.2s`, rounded up so that nobody comes too early.
fn seconds(time: Duration) -> String {
    let tenths = time.as_millis().div_ceil(100);
    match (tenths / 10, tenths % 10) {
        (seconds, 0) => format!("{seconds}s"),
        (seconds, tenth) => format!("{seconds}.{tenth}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::Money;
    use crate::keys::{Period, Timestamp};

    const LIMITS: RateLimits = RateLimits {
        requests: Some(RateLimit {
            limit: 60,
            remaining: 0,
            reset: Duration::from_millis(59_101),
        }),
        tokens: None,
    };

    #[test]
    fn limits_stand_in_the_headers_of_those_that_have_them() {
        let mut headers = HeaderMap::new();
        write_rate_limits(&LIMITS, &mut headers);
        let mut shown: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        shown.sort();
        assert_eq!(
            shown,
            [
                "x-ratelimit-limit-requests: 60",
                "x-ratelimit-remaining-requests: 0",
                "x-ratelimit-reset-requests: 59.2s",
            ]
        );
    }

    #[test]
    fn a_time_is_in_seconds_and_rounded_up() {
        for (millis, shown) in [(0, "0s"), (1, "0.1s"), (1200, "1.2s"), (59_901, "60s")] {
            assert_eq!(seconds(Duration::from_millis(millis)), shown);
        }
    }

    #[test]
    fn a_client_is_told_when_to_come_again_and_when_not() {
        let header = |error: &Error, name: &str| {
            let mut headers = HeaderMap::new();
            error.write_headers(&mut headers);
            let value = headers.get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        for (millis, seconds) in [(1, "1"), (1001, "2"), (500_000, "60")] {
            let error = refused(
                &Refusal::Requests {
                    retry_after: Duration::from_millis(millis),
                    rate_limits: LIMITS,
                },
                "m",
            );
            assert_eq!(
                (error.status().as_u16(), error.label()),
                (429, "rate_limit_exceeded")
            );
            assert_eq!(header(&error, "retry-after").as_deref(), Some(seconds));
            assert_eq!(header(&error, "x-should-retry"), None);
        }
        let spent = refused(
            &Refusal::Budget {
                amount: Money::from_usd(50.0).unwrap(),
                per: Period::Month,
                renewed: Timestamp::parse("2026-12-01T00:00:00Z"),
                rate_limits: LIMITS,
            },
            "m",
        );
        assert_eq!(
            (spent.status().as_u16(), spent.label()),
            (429, "insufficient_quota")
        );
        assert_eq!(header(&spent, "retry-after"), None);
        assert_eq!(header(&spent, "x-should-retry").as_deref(), Some("false"));
        let object = spent.object();
        assert_eq!(object.r#type, "insufficient_quota");
        assert_eq!(
            object.message,
            "You exceeded your current quota: the budget of this key, USD 50.00 (month), is spent. It is renewed at \
             2026-12-01T00:00:00Z."
        );
    }
}
