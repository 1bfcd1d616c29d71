//! What the models cost: by the configuration, else by the built-in table.

use crate::bedrock::Price;
use crate::config;

/// What a model costs that is called as `called` in a region. `None` where nobody knows.
pub(super) fn price(
    configured: Option<&config::Model>,
    foundation_model: Option<&str>,
    called: &str,
    region: Option<&str>,
) -> Option<Price> {
    if let Some(cost) = configured.and_then(|model| model.cost.as_ref()) {
        return Some(Price {
            input: cost.input,
            output: cost.output,
            cache_read: cost.cache_read,
            cache_write: cost.cache_write,
            cache_write_1h: None,
            long_prompt: None,
        });
    }
    // A foundation model's own id says nothing of GovCloud, whose prices are not known.
    if region.is_some_and(|region| region.starts_with("us-gov-")) {
        return None;
    }
    Price::of(foundation_model?, Some(called))
}
