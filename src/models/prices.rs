//! What the models cost: by the configuration, else by the file of prices, else by the built-in table.

use crate::bedrock::{LongPrompt, Price};
use crate::config;

/// The file of prices, and the table under it.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    file: Vec<config::Price>,
}

/// A model as it is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called<'a> {
    /// What the configuration says of it.
    pub(super) configured: Option<&'a config::Model>,
    /// Its foundation model, where that is known.
    pub(super) foundation_model: Option<&'a str>,
    /// The id that is called: the foundation model's own, or a profile's.
    pub(super) id: &'a str,
    /// The region that is called, where that is known.
    pub(super) region: Option<&'a str>,
}

impl Prices {
    /// The prices that the configuration names.
    pub(super) fn new(config: &config::Prices) -> Self {
        Self {
            file: config.list.clone(),
        }
    }

    /// What a model costs. `None` where nobody knows.
    pub(super) fn of(&self, called: Called<'_>) -> Option<Price> {
        let configured = called.configured.and_then(|model| model.cost.as_ref());
        if let Some(cost) = configured.or_else(|| self.in_file(called)) {
            return Some(price(cost));
        }
        Price::of(called.foundation_model?, Some(called.id), called.region)
    }

    /// The price in the file that is meant most closely: first by the id, then by the region.
    fn in_file(&self, called: Called<'_>) -> Option<&config::Cost> {
        let name = called
            .id
            .rsplit_once('/')
            .map_or(called.id, |(_, name)| name);
        let is_called = |price: &config::Price| [called.id, name].contains(&price.model.as_str());
        let is_meant = |price: &&config::Price| {
            let foundation_model = called.foundation_model;
            let here = price.region.as_deref();
            (is_called(price)
                || foundation_model.is_some_and(|id| Price::is_named(&price.model, id)))
                && here.is_none_or(|region| called.region == Some(region))
        };
        let meant = self.file.iter().filter(is_meant);
        let closest = meant.max_by_key(|price| (is_called(price), price.region.is_some()));
        closest.map(|price| &price.cost)
    }
}

fn price(cost: &config::Cost) -> Price {
    Price {
        input: cost.input,
        output: cost.output,
        cache_read: cost.cache_read,
        cache_write: cost.cache_write,
        cache_write_1h: cost.cache_write_1h,
        long_prompt: cost.long_prompt.map(|long| LongPrompt {
            above: long.above,
            input: long.input,
            output: long.output,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

    fn row(model: &str, region: Option<&str>, input: f64) -> config::Price {
        config::Price {
            model: model.to_owned(),
            region: region.map(str::to_owned),
            cost: config::Cost {
                input,
                ..config::Cost::default()
            },
        }
    }

    fn input(prices: &Prices, id: &str, region: &str) -> Option<f64> {
        let called = Called {
            configured: None,
            foundation_model: Some(SONNET),
            id,
            region: Some(region),
        };
        prices.of(called).map(|price| price.input)
    }

    #[test]
    fn the_row_that_is_meant_most_closely_goes_over_the_table() {
        let prices = Prices {
            file: vec![
                row("anthropic.claude-sonnet-4", None, 9.0),
                row("anthropic.claude-sonnet-4-5", None, 1.0),
                row("anthropic.claude-sonnet-4-5", Some("eu-west-1"), 2.0),
                row(&format!("eu.{SONNET}"), None, 4.0),
            ],
        };
        let us = format!("us.{SONNET}");
        let eu = format!("eu.{SONNET}");
        let arn = format!("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/{eu}");
        for (id, region, expected) in [
            (SONNET, "us-east-1", 1.0),
            (SONNET, "eu-west-1", 2.0),
            (us.as_str(), "us-gov-west-1", 1.0),
            (eu.as_str(), "eu-west-1", 4.0),
            (arn.as_str(), "eu-west-1", 4.0),
        ] {
            assert_eq!(input(&prices, id, region), Some(expected), "{id} {region}");
        }
        let none = Prices { file: Vec::new() };
        assert_eq!(input(&none, &us, "us-east-1"), Some(3.3));
        assert_eq!(input(&none, SONNET, "us-gov-west-1"), Some(3.6));
    }

    #[test]
    fn the_configuration_of_a_model_goes_over_the_file() {
        let model = config::Model {
            cost: Some(config::Cost {
                input: 7.0,
                cache_write_1h: Some(14.0),
                ..config::Cost::default()
            }),
            ..config::Model::default()
        };
        let prices = Prices {
            file: vec![row("custom", None, 1.0)],
        };
        let called = Called {
            configured: Some(&model),
            foundation_model: None,
            id: "custom",
            region: None,
        };
        let price = prices.of(called).unwrap();
        assert_eq!((price.input, price.cache_write_1h), (7.0, Some(14.0)));
        let called = Called {
            configured: None,
            ..called
        };
        assert_eq!(prices.of(called).map(|price| price.input), Some(1.0));
        assert_eq!(
            prices.of(Called {
                id: "other",
                ..called
            }),
            None
        );
    }
}
