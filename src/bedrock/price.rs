//! What tokens cost: one table of Bedrock's on-demand prices, looked up on 2026-11-20.
//!
//! The prices are those of the standard tier, in US dollars, as <https://aws.amazon.com/bedrock/pricing/> and the model
//! cards of the user guide publish them for `us-east-1`; for Claude they agree with
//! <https://platform.claude.com/docs/en/about-claude/pricing>. [`Terms`] says what other tiers make of them, `long_above`
//! what a long prompt does, and `regional` where they are others. All were compared with the price map of litellm, from
//! which the newest models are taken, the regional prices, and those of long prompts (`NOTICE` has its version).
//!
//! To update it: change the rows against those pages, and the date above; then run `.ci/regional_prices.py`. A model whose
//! price nobody publishes, or for which the sources disagree, has no row; an unknown price is never zero.

mod amazon;
mod anthropic;
mod cost;
mod money;
mod others;
mod regional;
mod terms;

use super::model_id;

pub use cost::Cost;
pub use money::{Money, Rate};
pub use terms::Terms;

/// What a model's tokens cost on demand, in US dollars per million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Price {
    /// Tokens of the prompt that the cache has no part in.
    pub input: f64,
    /// Tokens of the answer; 0 for embeddings models, which write none.
    pub output: f64,
    /// Tokens of the prompt that were read from the cache; `None` where no price is published.
    pub cache_read: Option<f64>,
    /// Tokens of the prompt that the cache keeps for five minutes; `None` where no price is published.
    pub cache_write: Option<f64>,
    /// Tokens of the prompt that the cache keeps for an hour; `None` where no price is published.
    pub cache_write_1h: Option<f64>,
    /// What becomes of all of it when the prompt is long.
    pub long_prompt: Option<LongPrompt>,
}

/// How much dearer a call is whose prompt is long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LongPrompt {
    /// The tokens of the longest prompt that is not long, those in the cache included.
    pub above: u64,
    /// What the prices of the prompt's tokens are multiplied by, all of them.
    pub input: f64,
    /// What the price of the answer's tokens is multiplied by.
    pub output: f64,
}

/// What a price through `global.` is multiplied by in a geography or a region.
const IN_ONE_GEOGRAPHY: f64 = 1.1;

impl Price {
    /// The price of a foundation model when it is called as `profile`, the id of an inference profile or its own, from
    /// a region, where that is known.
    ///
    /// Newer models are cheaper when they may run anywhere: through a geography or in a region they cost 10 % more
    /// than through `global.`. An application inference profile does not say where its model runs, so it counts as a
    /// geography. `None` for unknown prices, GovCloud's among them that follow from no others.
    pub fn of(foundation_model: &str, profile: Option<&str>, region: Option<&str>) -> Option<Self> {
        let called = profile.unwrap_or(foundation_model);
        let row = [amazon::ROWS, anthropic::ROWS, others::ROWS]
            .into_iter()
            .flatten()
            .find(|row| row.is_of(foundation_model))?;
        let name = called.rsplit_once('/').map_or(called, |(_, name)| name);
        let places = match name.strip_suffix(foundation_model) {
            Some("") => [None, region],
            Some(geography) => [geography.strip_suffix('.'), None],
            None => [None, None],
        };
        let gov_cloud = region.filter(|region| region.starts_with("us-gov-"));
        let mut places = places.into_iter().chain([gov_cloud]).flatten();
        if let Some(regional) = places.find_map(|place| Regional::of(row, place)) {
            return Some(regional);
        }
        if gov_cloud.is_some() || model_id::is_gov_cloud(called) {
            return None;
        }
        if row.through == Through::Global && !name.starts_with("global.") {
            Some(row.price.times(IN_ONE_GEOGRAPHY, IN_ONE_GEOGRAPHY))
        } else {
            Some(row.price)
        }
    }

    /// Whether `name` names a foundation model, in any version: what follows the name in its id must be a version, so that
    /// Opus 5 is no name for an Opus 5.5.
    pub fn is_named(name: &str, foundation_model: &str) -> bool {
        foundation_model.strip_prefix(name).is_some_and(is_version)
    }

    /// The same for a prompt and an answer that cost so many times as much.
    fn times(self, input: f64, output: f64) -> Self {
        // The product has more digits than a price list has.
        let times = |price: f64, factor: f64| (price * factor * 1e6).round() / 1e6;
        let of_input = |price: f64| times(price, input);
        Self {
            input: of_input(self.input),
            output: times(self.output, output),
            cache_read: self.cache_read.map(of_input),
            cache_write: self.cache_write.map(of_input),
            cache_write_1h: self.cache_write_1h.map(of_input),
            long_prompt: self.long_prompt,
        }
    }
}

/// What a row's price holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Through {
    /// However the model is called.
    Anything,
    /// Through `global.`; elsewhere it costs more.
    Global,
}

/// A model's price.
#[derive(Debug)]
struct Row {
    /// The model's id without its date and version.
    model: &'static str,
    price: Price,
    through: Through,
}

/// What a model costs in places where it does not cost what its row says.
#[derive(Debug)]
struct Regional {
    /// The model of the row.
    model: &'static str,
    input: f64,
    output: f64,
    /// Regions, and geographies of inference profiles.
    places: &'static [&'static str],
}

impl Regional {
    const fn new(
        model: &'static str,
        input: f64,
        output: f64,
        places: &'static [&'static str],
    ) -> Self {
        Self {
            model,
            input,
            output,
            places,
        }
    }

    /// The price of a row's model in a place, where it has one of its own. That of the cache is in proportion.
    fn of(row: &Row, place: &str) -> Option<Price> {
        let mut rows = regional::ROWS.iter();
        let found = rows.find(|other| other.model == row.model && other.places.contains(&place))?;
        let times = found.input / row.price.input;
        Some(Price {
            input: found.input,
            output: found.output,
            ..row.price.times(times, 1.0)
        })
    }
}

impl Row {
    /// A model without prices for its cache.
    const fn new(model: &'static str, input: f64, output: f64) -> Self {
        Self {
            model,
            price: Price {
                input,
                output,
                cache_read: None,
                cache_write: None,
                cache_write_1h: None,
                long_prompt: None,
            },
            through: Through::Anything,
        }
    }

    /// A model that turns text into vectors.
    const fn embeddings(model: &'static str, input: f64) -> Self {
        Self::new(model, input, 0.0)
    }

    /// The same, with what is read from the cache.
    const fn read(mut self, price: f64) -> Self {
        self.price.cache_read = Some(price);
        self
    }

    /// The same, with what the cache keeps for five minutes.
    const fn written(mut self, price: f64) -> Self {
        self.price.cache_write = Some(price);
        self
    }

    /// The same, with what the cache keeps for an hour.
    const fn written_1h(mut self, price: f64) -> Self {
        self.price.cache_write_1h = Some(price);
        self
    }

    /// The same, for a model to which prompts above so many tokens are dearer.
    const fn long_above(mut self, tokens: u64, input: f64, output: f64) -> Self {
        self.price.long_prompt = Some(LongPrompt {
            above: tokens,
            input,
            output,
        });
        self
    }

    /// The same, for a price through `global.`.
    const fn through_global(mut self) -> Self {
        self.through = Through::Global;
        self
    }

    fn is_of(&self, foundation_model: &str) -> bool {
        Price::is_named(self.model, foundation_model)
    }
}

/// Whether the rest of an id is nothing but a date and a version: `-20250514-v1:0`, `-v1`, `:0:24k`.
fn is_version(rest: &str) -> bool {
    const DATE: usize = "-20250514".len();
    let version = match rest.split_at_checked(DATE) {
        Some((date, version)) if is_number(date.strip_prefix('-')) => version,
        _ => rest,
    };
    version.is_empty()
        || version.starts_with(':')
        || is_number(
            version
                .strip_prefix("-v")
                .and_then(|text| text.split(':').next()),
        )
}

/// Whether there is a text, and it is made of digits.
fn is_number(text: Option<&str>) -> bool {
    text.is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests;
