//! What a call costs, and what it costs at most.

use super::{Money, Price, Rate, Terms};
use crate::bedrock::response::TokenUsage;

/// What something costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How much.
    pub amount: Money,
    /// Whether a part of it has no published price and was taken for a dearer one.
    pub estimated: bool,
}

/// How the price of what the cache keeps for an hour relates to that of the prompt, with all models that publish both.
const AN_HOUR: f64 = 2.0;

impl Price {
    /// What a call costs that used so much. `None` where the terms have no known price.
    pub fn cost(&self, usage: &TokenUsage, terms: Terms) -> Option<Cost> {
        let price = self.on(terms, usage.prompt_tokens())?;
        let for_an_hour = usage.cache_write_1h_input_tokens();
        let written = usage.cache_write_input_tokens().saturating_sub(for_an_hour);
        let parts = [
            (usage.input_tokens, Some(price.input), price.input),
            (usage.output_tokens, Some(price.output), price.output),
            (
                usage.cache_read_input_tokens(),
                price.cache_read,
                price.input,
            ),
            (written, price.cache_write, price.input),
            (for_an_hour, price.cache_write_1h, price.input * AN_HOUR),
        ];
        let parts = parts.into_iter().filter(|(tokens, ..)| *tokens > 0);
        Some(
            parts.fold(Cost::default(), |sum, (tokens, known, otherwise)| Cost {
                amount: sum.amount + Rate::per_million(known.unwrap_or(otherwise)).of(tokens),
                estimated: sum.estimated || known.is_none(),
            }),
        )
    }

    /// What a token of a prompt of this length costs at most, and one of the answer: whether the cache keeps the prompt
    /// is not known before. `None` where the terms have no known price.
    pub fn highest(&self, prompt_tokens: u64, terms: Terms) -> Option<(Rate, Rate)> {
        let price = self.on(terms, prompt_tokens)?;
        let written = [price.cache_write, price.cache_write_1h];
        let input = written.into_iter().flatten().fold(price.input, f64::max);
        Some((Rate::per_million(input), Rate::per_million(price.output)))
    }

    /// The price on these terms, and for a prompt of this length.
    fn on(&self, terms: Terms, prompt_tokens: u64) -> Option<Self> {
        let factor = terms.factor()?;
        let long = self.long_prompt.filter(|long| prompt_tokens > long.above);
        let (input, output) = long.map_or((1.0, 1.0), |long| (long.input, long.output));
        Some(self.times(factor * input, factor * output))
    }
}

impl std::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            amount: self.amount + other.amount,
            estimated: self.estimated || other.estimated,
        }
    }
}
