//! `[[prices]]`: a file of prices that go over those of the built-in table.

use super::cost::{self, Cost};
use super::entry::Entry;
use super::model::model_id;
use super::value::{Value, is_region};

/// The keys of one table.
pub(super) const KEYS: &[&str] = &[
    "model",
    "region",
    "input",
    "output",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "long_prompt",
];

/// What one model costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    /// The id that is called, or a foundation model's, with or without its date and version.
    pub model: String,
    /// The only region that it is meant for.
    pub region: Option<String>,
    /// The price.
    pub cost: Cost,
}

/// Reads one table. What is wrong in it is noted, and then there is no price.
pub(super) fn read(mut entry: Entry<'_, '_, '_>) -> Option<Price> {
    let model = entry.required("model", model_id);
    let region = entry.optional("region", region);
    let cost = cost::read(&mut entry);
    Some(Price {
        model: model?,
        region,
        cost: cost?,
    })
}

fn region(value: &Value<'_>) -> Result<String, String> {
    let region = value.text().filter(|text| is_region(text));
    region
        .map(str::to_owned)
        .ok_or_else(|| value.mismatch("a region such as \"eu-west-1\""))
}
