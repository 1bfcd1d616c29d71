//! What tokens cost, as the configuration says it of a model.

use super::entry::Entry;
use super::value::Value;

/// No prompt of today has a hundred million tokens.
const MAX_PROMPT: u64 = 100_000_000;
/// The keys of a price.
pub(super) const KEYS: &[&str] = &[
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "long_prompt",
];

/// What tokens cost, in USD per million.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Input that no cache knows.
    pub input: f64,
    /// Output, reasoning included.
    pub output: f64,
    /// Input that is read from the prompt cache.
    pub cache_read: Option<f64>,
    /// Input that is written to the prompt cache for five minutes.
    pub cache_write: Option<f64>,
    /// Input that is written to the prompt cache for an hour.
    pub cache_write_1h: Option<f64>,
    /// What becomes of all of it when the prompt is long.
    pub long_prompt: Option<LongPrompt>,
}

/// How much dearer a call is whose prompt is long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongPrompt {
    /// The tokens of the longest prompt that is not long, those in the cache included.
    pub above: u64,
    /// What the prices of all input are multiplied by.
    pub input: f64,
    /// What the price of output is multiplied by.
    pub output: f64,
}

/// Reads a price. What is wrong in it is noted, and then there is none.
pub(super) fn read(entry: &mut Entry<'_, '_, '_>) -> Option<Cost> {
    let cost = Cost {
        input: entry.required("input", dollars).unwrap_or_default(),
        output: entry.required("output", dollars).unwrap_or_default(),
        cache_read: entry.optional("cache_read", dollars),
        cache_write: entry.optional("cache_write", dollars),
        cache_write_1h: entry.optional("cache_write_1h", dollars),
        long_prompt: entry.table("long_prompt", &["above", "input", "output"], long_prompt),
    };
    entry.is_right().then_some(cost)
}

fn long_prompt(mut entry: Entry<'_, '_, '_>) -> Option<LongPrompt> {
    let tokens = |value: &Value<'_>| value.whole(&(1..=MAX_PROMPT));
    let long = LongPrompt {
        above: entry.required("above", tokens).unwrap_or_default(),
        input: entry.required("input", factor).unwrap_or_default(),
        output: entry.required("output", factor).unwrap_or_default(),
    };
    entry.is_right().then_some(long)
}

fn dollars(value: &Value<'_>) -> Result<f64, String> {
    let kind = "USD per million tokens, a number from 0 to 1000000";
    number(value, 1e6).ok_or_else(|| value.mismatch(kind))
}

fn factor(value: &Value<'_>) -> Result<f64, String> {
    let kind = "how many times as much it costs, a number from 0 to 1000";
    number(value, 1e3).ok_or_else(|| value.mismatch(kind))
}

fn number(value: &Value<'_>, most: f64) -> Option<f64> {
    let number = value.number().and_then(|text| text.parse::<f64>().ok());
    number.filter(|number| (0.0..=most).contains(number))
}
