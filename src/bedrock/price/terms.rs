//! On which terms a call is processed, as far as its price depends on them.

/// On which terms a call is processed: what a price is multiplied by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    tier: Tier,
    /// Whether the latency is optimized, which some models offer at a price that is not in the table.
    optimized: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tier {
    #[default]
    Standard,
    /// Cheaper and later.
    Flex,
    /// Dearer and sooner.
    Priority,
    /// Capacity that is reserved by the hour, and what a later version of the API adds.
    Other,
}

impl Terms {
    /// The terms of a Converse request with this type of `serviceTier` and this `latency` of `performanceConfig`.
    pub fn of(service_tier: Option<&str>, latency: Option<&str>) -> Self {
        Self::default().answered(service_tier, latency)
    }

    /// The terms of the answer to such a request: what it says goes before what was asked for.
    #[must_use]
    pub fn answered(self, service_tier: Option<&str>, latency: Option<&str>) -> Self {
        let tier = service_tier.map(|tier| match tier {
            "" | "default" => Tier::Standard,
            "flex" => Tier::Flex,
            "priority" => Tier::Priority,
            _ => Tier::Other,
        });
        let optimized = latency.map(|latency| !matches!(latency, "" | "standard"));
        Self {
            tier: tier.unwrap_or(self.tier),
            optimized: optimized.unwrap_or(self.optimized),
        }
    }

    /// What the standard price is multiplied by, where that is known. AWS sells the tiers at the same discount and
    /// premium with all models that have them.
    pub(super) const fn factor(self) -> Option<f64> {
        match self.tier {
            _ if self.optimized => None,
            Tier::Standard => Some(1.0),
            Tier::Flex => Some(0.5),
            Tier::Priority => Some(1.75),
            Tier::Other => None,
        }
    }
}
