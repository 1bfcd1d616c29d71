//! What a request wants of its key's limits, what it is given, and what it took in the end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{Key, Period, Timestamp};
use crate::bedrock::{Money, Rate};

/// The fewest tokens that an answer may be cut down to when little of a budget is left.
pub const FEWEST_TOKENS: u32 = 16;

/// What a request wants: one request, one place among those at the same time, and at most so many tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The model that is called, as usage is told by; empty for requests that call none.
    pub model: String,
    /// The tokens of all prompts, as estimated.
    pub input_tokens: u64,
    /// The most tokens that each answer may have.
    pub output_tokens: u32,
    /// How many answers are asked for.
    pub choices: u32,
    /// What a token of the prompt and one of the answer cost at most; `None` where nobody knows.
    pub rates: Option<(Rate, Rate)>,
}

/// What is reserved for a request until it is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What tells it from all others.
    pub id: ReservationId,
    /// The most tokens that each answer may have: as many as wanted, or as many as the budget is left for.
    pub output_tokens: u32,
    /// The tokens that are reserved.
    pub tokens: u64,
    /// The money that is reserved, where a price is known.
    pub cost: Option<Money>,
    /// When it was reserved.
    pub at: Timestamp,
    /// How the rate limits stand from now on.
    pub rate_limits: RateLimits,
}

/// What tells a reservation from all others, on all gateways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReservationId(pub u128);

/// Why a request has to wait, or is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too many requests in a minute.
    Requests {
        /// When the next may pass.
        retry_after: Duration,
        /// How the rate limits stand.
        rate_limits: RateLimits,
    },
    /// Too many tokens in a minute.
    Tokens {
        /// When this request may pass.
        retry_after: Duration,
        /// How the rate limits stand.
        rate_limits: RateLimits,
    },
    /// Too many requests at the same time.
    Concurrency {
        /// How many there may be.
        limit: u32,
        /// How the rate limits stand.
        rate_limits: RateLimits,
    },
    /// The budget is spent, or reserved by other requests.
    Budget {
        /// How much it is.
        amount: Money,
        /// For how long.
        per: Period,
        /// When the next begins.
        renewed: Option<Timestamp>,
        /// How the rate limits stand.
        rate_limits: RateLimits,
    },
    /// The key has a budget, and nobody knows what the model costs.
    Unpriced,
    /// The store does not answer, and the key may not pass without it.
    StoreAway,
}

/// How the limits of one key stand; `None` where it has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// Requests per minute.
    pub requests: Option<RateLimit>,
    /// Tokens per minute.
    pub tokens: Option<RateLimit>,
}

/// How one limit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How much there is in a minute.
    pub limit: u64,
    /// How much of it is left.
    pub remaining: u64,
    /// When all of it is there again, if nobody asks.
    pub reset: Duration,
}

/// What a request took in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls of Bedrock, repeated ones included.
    pub calls: u32,
    /// Tokens of prompts that the cache had no part in.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Tokens of prompts that were read from the cache.
    pub cache_read_tokens: u64,
    /// Tokens of prompts that were written to the cache.
    pub cache_write_tokens: u64,
    /// What they cost; `None` where nobody knows.
    pub cost: Option<Money>,
    /// Whether any of it is an estimate.
    pub estimated: bool,
}

/// The end of a reservation. What was reserved is given back, and what was spent is booked.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Whose it is.
    pub key: Arc<Key>,
    /// What was reserved.
    pub grant: Grant,
    /// The model that was called.
    pub model: String,
    /// What it took; `None` when Bedrock was not called or took nothing, so that only the request counts.
    pub spent: Option<Spent>,
}

impl Demand {
    /// All tokens together.
    pub fn tokens(&self) -> u64 {
        self.tokens_within(self.output_tokens)
    }

    /// All tokens together when each answer has so many.
    pub fn tokens_within(&self, output_tokens: u32) -> u64 {
        self.input_tokens
            .saturating_add(self.all_answers(output_tokens))
    }

    /// What all of it costs at most when each answer has so many tokens.
    pub fn cost_within(&self, output_tokens: u32) -> Option<Money> {
        let (_, output) = self.rates?;
        let answers = output.of(self.all_answers(output_tokens));
        self.input_cost().map(|prompts| prompts + answers)
    }

    /// What the prompts cost at most.
    pub fn input_cost(&self) -> Option<Money> {
        self.rates.map(|(input, _)| input.of(self.input_tokens))
    }

    /// How many tokens each answer may have when only so much money is left: as many as wanted, or fewer, but never so
    /// few that it would be no answer. What costs nothing always passes.
    pub fn output_for(&self, left: Money) -> Option<u32> {
        let wanted = self.output_tokens;
        if self.cost_within(wanted).unwrap_or_default() <= left {
            return Some(wanted);
        }
        let (_, output) = self.rates?;
        let prompts = self.input_cost().filter(|cost| *cost <= left)?;
        let all = output.tokens_for(left.less(prompts))?;
        let each = all.checked_div(self.choices.into())?;
        let each = u32::try_from(each).map_or(wanted, |each| each.min(wanted));
        (each >= FEWEST_TOKENS).then_some(each)
    }

    fn all_answers(&self, output_tokens: u32) -> u64 {
        u64::from(output_tokens).saturating_mul(self.choices.into())
    }
}

impl Spent {
    /// All tokens together, as a limit counts them.
    pub const fn tokens(&self) -> u64 {
        self.input_tokens
            .saturating_add(self.output_tokens)
            .saturating_add(self.cache_read_tokens)
            .saturating_add(self.cache_write_tokens)
    }
}

impl fmt::Display for ReservationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
