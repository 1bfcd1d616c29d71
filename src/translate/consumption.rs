//! What a call took, in tokens and in money.

use std::ops::Add;

use super::token_estimate::answer_tokens;
use crate::bedrock::response::{PerformanceConfiguration, ServiceTier, TokenUsage};
use crate::bedrock::{Cost, Price, Terms};

/// What a model's tokens cost, and whether the client is told.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pricing {
    /// The price, where it is known.
    pub price: Option<Price>,
    /// Whether answers say what they cost.
    pub is_shown: bool,
}

/// What must be known of a call to say what it took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Billing {
    /// What the model's tokens cost.
    pub pricing: Pricing,
    /// On which terms the call was asked to be processed.
    pub terms: Terms,
    /// The tokens of the prompt, as estimated.
    pub input_tokens: u64,
}

/// What a call took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    /// Tokens read and written.
    pub usage: TokenUsage,
    /// What they cost; `None` where nobody knows.
    pub cost: Option<Cost>,
    /// Whether the tokens are an estimate, because Bedrock did not count them.
    pub estimated: bool,
}

impl Billing {
    /// What must be known of a call on these terms, with a prompt of about so many tokens.
    pub(super) const fn new(pricing: Pricing, terms: Terms, input_tokens: u64) -> Self {
        Self {
            pricing,
            terms,
            input_tokens,
        }
    }

    /// What a call took that Bedrock counted this for and processed on these terms; of one that it did not count, so
    /// many bytes of the answer were seen.
    pub(super) fn consumption(
        &self,
        counted: Option<&TokenUsage>,
        terms: Terms,
        seen: u64,
    ) -> Consumption {
        let estimate = || TokenUsage::uncached(self.input_tokens, answer_tokens(seen));
        let usage = counted.copied().unwrap_or_else(estimate);
        let price = self.pricing.price.as_ref();
        Consumption {
            usage,
            cost: price.and_then(|price| price.cost(&usage, terms)),
            estimated: counted.is_none(),
        }
    }

    /// What a call took that only reads: so many tokens as were counted, or as many as were estimated.
    pub fn of_input(&self, counted: Option<u64>) -> Consumption {
        let usage = counted.map(TokenUsage::of_input);
        self.consumption(usage.as_ref(), self.terms, 0)
    }

    /// What a call takes with an answer of so many tokens, as estimated.
    pub fn estimate(&self, output_tokens: u64) -> Consumption {
        let usage = TokenUsage::uncached(self.input_tokens, output_tokens);
        let counted = self.consumption(Some(&usage), self.terms, 0);
        Consumption {
            estimated: true,
            ..counted
        }
    }

    /// The terms on which the call was processed, by what its answer says.
    pub(super) fn served(
        &self,
        tier: Option<&ServiceTier<'_>>,
        performance: Option<&PerformanceConfiguration<'_>>,
    ) -> Terms {
        self.terms.answered(
            tier.map(|tier| &*tier.kind),
            performance.map(|performance| &*performance.latency),
        )
    }

    /// The cost to tell the client, in US dollars.
    pub(super) fn shown(&self, consumption: &Consumption) -> Option<f64> {
        let cost = consumption.cost.filter(|_| self.pricing.is_shown);
        cost.map(|cost| cost.amount.usd())
    }
}

impl Add for Consumption {
    type Output = Self;

    /// Both together, whose cost is known if both are.
    fn add(self, other: Self) -> Self {
        Self {
            usage: self.usage + other.usage,
            cost: self.cost.zip(other.cost).map(|(cost, more)| cost + more),
            estimated: self.estimated || other.estimated,
        }
    }
}

#[cfg(test)]
mod tests;
