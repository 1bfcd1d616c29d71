//! What keys have used, as it is kept: added up for each key, model and day.

use serde::{Deserialize, Serialize};
use std::ops::AddAssign;

use super::{KeyId, Spent, Timestamp};
use crate::bedrock::Money;

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Requests that called Bedrock.
    pub requests: u64,
    /// Calls of Bedrock, repeated ones included.
    pub calls: u64,
    /// Tokens of prompts that the cache had no part in.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// Tokens of prompts that were read from the cache.
    pub cache_read_tokens: u64,
    /// Tokens of prompts that were written to the cache.
    pub cache_write_tokens: u64,
    /// What all of it cost whose price is known.
    #[serde(rename = "cost_usd")]
    pub cost: Money,
    /// How many of the requests have no known price, and are not in the cost.
    pub unpriced_requests: u64,
    /// How many of the requests are booked with estimates.
    pub estimated_requests: u64,
}

/// Which usage is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageQuery {
    /// Of which key; `None` for all.
    pub key: Option<KeyId>,
    /// From which moment's day on, in UTC.
    pub since: Timestamp,
}

/// What one key has used of one model on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Which key.
    pub key: KeyId,
    /// When the day began, in UTC.
    pub day: Timestamp,
    /// Which model, as it was called.
    pub model: String,
    /// What was used.
    pub usage: Usage,
}

impl From<&Spent> for Usage {
    /// The usage of one request.
    fn from(spent: &Spent) -> Self {
        Self {
            requests: 1,
            calls: spent.calls.into(),
            input_tokens: spent.input_tokens,
            output_tokens: spent.output_tokens,
            cache_read_tokens: spent.cache_read_tokens,
            cache_write_tokens: spent.cache_write_tokens,
            cost: spent.cost.unwrap_or_default(),
            unpriced_requests: spent.cost.is_none().into(),
            estimated_requests: spent.estimated.into(),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, more: Self) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.requests, more.requests);
        add(&mut self.calls, more.calls);
        add(&mut self.input_tokens, more.input_tokens);
        add(&mut self.output_tokens, more.output_tokens);
        add(&mut self.cache_read_tokens, more.cache_read_tokens);
        add(&mut self.cache_write_tokens, more.cache_write_tokens);
        self.cost += more.cost;
        add(&mut self.unpriced_requests, more.unpriced_requests);
        add(&mut self.estimated_requests, more.estimated_requests);
    }
}
