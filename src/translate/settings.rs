//! Latency and processing tier.

use std::borrow::Cow;

use super::notes::Notes;
use crate::bedrock::request::{PerformanceConfiguration, ServiceTier};

/// The latency that is asked for; the standard one is what Bedrock does unasked.
pub(super) fn performance_configuration<'a>(
    latency: Option<Cow<'a, str>>,
    notes: &mut Notes,
) -> Option<PerformanceConfiguration<'a>> {
    match latency?.as_ref() {
        "standard" => None,
        "optimized" => Some(PerformanceConfiguration {
            latency: Cow::Borrowed("optimized"),
        }),
        _ => {
            notes.ignore("performance_config");
            None
        }
    }
}

/// `auto` and `default` are what Bedrock does unasked; OpenAI's other tiers do not exist there.
pub(super) fn service_tier<'a>(
    tier: Option<Cow<'a, str>>,
    notes: &mut Notes,
) -> Option<ServiceTier<'a>> {
    let tier = tier?;
    match tier.as_ref() {
        "auto" | "default" => None,
        "flex" | "priority" | "reserved" => Some(ServiceTier { r#type: tier }),
        _ => {
            notes.ignore("service_tier");
            None
        }
    }
}
