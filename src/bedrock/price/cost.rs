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
            (for_an_hour, price.cache_write_1h, price.for_an_hour()),
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
        let written = price.cache_write.unwrap_or(price.input);
        let input = price.input.max(written).max(price.for_an_hour());
        Some((Rate::per_million(input), Rate::per_million(price.output)))
    }

    /// What the cache keeps for an hour. Without a published price of its own it is taken for what others ask, or for
    /// the prompt's, where no price of writing is published at all.
    fn for_an_hour(&self) -> f64 {
        let usual = self
            .cache_write
            .map_or(self.input, |_| self.input * AN_HOUR);
        self.cache_write_1h.unwrap_or(usual)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bedrock::LongPrompt;

    /// One token of each kind costs another power of ten.
    const PRICE: Price = Price {
        input: 1.0,
        output: 10.0,
        cache_read: Some(0.1),
        cache_write: Some(100.0),
        cache_write_1h: Some(1000.0),
        long_prompt: Some(LongPrompt {
            above: 100,
            input: 2.0,
            output: 3.0,
        }),
    };

    fn usage(input: u64, output: u64, read: u64, written: u64, for_an_hour: u64) -> TokenUsage {
        let details = json!([
            {"ttl": "5m", "inputTokens": written - for_an_hour},
            {"ttl": "1h", "inputTokens": for_an_hour},
            {"ttl": "1d"},
        ]);
        let usage = json!({
            "inputTokens": input,
            "outputTokens": output,
            "cacheReadInputTokens": read,
            "cacheWriteInputTokens": written,
            "cacheDetails": details,
        });
        serde_json::from_value(usage).unwrap()
    }

    /// In millionths of a dollar, as a price per million tokens is one of a token.
    fn cost(price: &Price, usage: &TokenUsage, terms: Terms) -> Option<(f64, bool)> {
        let cost = price.cost(usage, terms)?;
        let billionths = u32::try_from(cost.amount.billionths()).unwrap();
        Some((f64::from(billionths) / 1e3, cost.estimated))
    }

    #[test]
    fn each_kind_of_token_has_its_price() {
        let standard = Terms::default();
        for (usage, expected) in [
            (TokenUsage::default(), 0.0),
            (usage(3, 0, 0, 0, 0), 3.0),
            (usage(0, 4, 0, 0, 0), 40.0),
            (usage(0, 0, 5, 0, 0), 0.5),
            (usage(0, 0, 0, 6, 0), 600.0),
            (usage(0, 0, 0, 6, 6), 6000.0),
            (usage(3, 4, 5, 7, 1), 1643.5),
            // No more can be kept for an hour than is written at all.
            (usage(1, 1, 0, 0, 0) + usage(0, 0, 0, 9, 9), 9011.0),
        ] {
            assert_eq!(
                cost(&PRICE, &usage, standard),
                Some((expected, false)),
                "{usage:?}"
            );
        }
    }

    #[test]
    fn a_long_prompt_makes_all_of_it_dearer() {
        let standard = Terms::default();
        for (usage, expected) in [
            (usage(100, 1, 0, 0, 0), 110.0),
            (usage(101, 1, 0, 0, 0), 232.0),
            // What the cache holds is a part of the prompt.
            (usage(80, 1, 20, 0, 0), 92.0),
            (usage(80, 1, 21, 0, 0), 194.2),
            (usage(0, 100, 100, 1, 0), 3220.0),
        ] {
            assert_eq!(
                cost(&PRICE, &usage, standard),
                Some((expected, false)),
                "{usage:?}"
            );
        }
    }

    #[test]
    fn tiers_have_their_discount_and_their_premium() {
        let usage = usage(10, 10, 0, 0, 0);
        for (tier, latency, expected) in [
            (None, None, Some(110.0)),
            (Some("default"), Some("standard"), Some(110.0)),
            (Some(""), None, Some(110.0)),
            (Some("flex"), None, Some(55.0)),
            (Some("priority"), None, Some(192.5)),
            (Some("reserved"), None, None),
            (Some("tomorrow"), None, None),
            (None, Some("optimized"), None),
        ] {
            let cost = cost(&PRICE, &usage, Terms::of(tier, latency));
            assert_eq!(
                cost,
                expected.map(|cost| (cost, false)),
                "{tier:?} {latency:?}"
            );
        }
    }

    #[test]
    fn what_the_answer_says_goes_before_what_was_asked_for() {
        let asked = Terms::of(Some("priority"), Some("optimized"));
        assert_eq!(asked.answered(None, None), asked);
        assert_eq!(
            asked.answered(Some("default"), Some("standard")),
            Terms::default()
        );
        assert_eq!(
            asked.answered(None, Some("standard")),
            Terms::of(Some("priority"), None)
        );
    }

    #[test]
    fn a_part_without_a_price_is_taken_for_a_dearer_one() {
        let sparse = Price {
            cache_read: None,
            cache_write: None,
            cache_write_1h: None,
            long_prompt: None,
            ..PRICE
        };
        let standard = Terms::default();
        for (usage, expected) in [
            (usage(3, 0, 0, 0, 0), (3.0, false)),
            (usage(0, 0, 5, 0, 0), (5.0, true)),
            (usage(0, 0, 0, 5, 0), (5.0, true)),
            (usage(0, 0, 0, 5, 5), (5.0, true)),
        ] {
            assert_eq!(cost(&sparse, &usage, standard), Some(expected), "{usage:?}");
        }
        let without_an_hour = Price {
            cache_write: Some(1.25),
            ..sparse
        };
        let kept = usage(0, 0, 0, 5, 5);
        assert_eq!(cost(&without_an_hour, &kept, standard), Some((10.0, true)));
    }

    #[test]
    fn what_is_reserved_covers_whatever_the_prompt_turns_into() {
        let rates = |tokens, terms| PRICE.highest(tokens, terms);
        let dollars = |input, output| Some((Rate::per_million(input), Rate::per_million(output)));
        assert_eq!(rates(100, Terms::default()), dollars(1000.0, 10.0));
        assert_eq!(rates(101, Terms::default()), dollars(2000.0, 30.0));
        assert_eq!(rates(1, Terms::of(Some("flex"), None)), dollars(500.0, 5.0));
        assert_eq!(rates(1, Terms::of(Some("reserved"), None)), None);
    }

    proptest::proptest! {
        #[test]
        fn no_call_costs_more_than_what_was_reserved_for_it(
            parts in proptest::array::uniform5(0..1_000_000_u64),
            tier in proptest::sample::select(vec![None, Some("flex"), Some("priority")]),
        ) {
            let [input, output, read, written, for_an_hour] = parts;
            let usage = usage(input, output, read, written, for_an_hour.min(written));
            let terms = Terms::of(tier, None);
            let without_an_hour = Price { cache_write_1h: None, ..PRICE };
            let uncached = Price { cache_write: None, cache_read: None, ..without_an_hour };
            for price in [PRICE, without_an_hour, uncached] {
                let (rate, of_answer) = price.highest(usage.prompt_tokens(), terms).unwrap();
                let reserved = rate.of(usage.prompt_tokens()) + of_answer.of(output);
                let cost = price.cost(&usage, terms).unwrap();
                // Each kind of token is rounded up for itself.
                let rounded = Money::from_billionths(reserved.billionths() + 5);
                proptest::prop_assert!(cost.amount <= rounded, "{cost:?} {reserved:?}");
            }
        }
    }
}
