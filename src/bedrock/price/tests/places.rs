use std::collections::BTreeSet;

use super::{price, rows};
use crate::bedrock::price::*;

#[test]
fn newer_models_cost_a_tenth_more_in_a_geography_and_in_a_region() {
    let sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    let long_prompt = Some(LongPrompt {
        above: 200_000,
        input: 2.0,
        output: 1.5,
    });
    let globally = Price {
        input: 3.0,
        output: 15.0,
        cache_read: Some(0.3),
        cache_write: Some(3.75),
        cache_write_1h: Some(6.0),
        long_prompt,
    };
    let elsewhere = Price {
        input: 3.3,
        output: 16.5,
        cache_read: Some(0.33),
        cache_write: Some(4.125),
        cache_write_1h: Some(6.6),
        long_prompt,
    };
    let profile = |id: &str| Price::of(sonnet, Some(id), None);
    let arn = "arn:aws:bedrock:us-east-1:123456789012:";
    for id in [
        format!("global.{sonnet}"),
        format!("{arn}inference-profile/global.{sonnet}"),
    ] {
        assert_eq!(profile(&id), Some(globally), "{id}");
    }
    assert_eq!(Price::of(sonnet, None, None), Some(elsewhere));
    for id in [
        sonnet.to_owned(),
        format!("us.{sonnet}"),
        format!("mars.{sonnet}"),
        format!("{arn}inference-profile/eu.{sonnet}"),
        format!("{arn}application-inference-profile/ab12cd34ef56"),
    ] {
        assert_eq!(profile(&id), Some(elsewhere), "{id}");
    }
}

#[test]
fn older_models_cost_the_same_everywhere() {
    for model in [
        "anthropic.claude-sonnet-4-20250514-v1:0",
        "amazon.nova-pro-v1:0",
        "zai.glm-5",
    ] {
        let everywhere = price(model);
        assert!(everywhere.is_some());
        assert_eq!(Price::of(model, None, None), everywhere, "{model}");
        assert_eq!(
            Price::of(model, Some(&format!("us.{model}")), None),
            everywhere,
            "{model}"
        );
    }
}

#[test]
fn the_models_that_are_cheaper_through_global() {
    let cheaper: BTreeSet<_> = rows()
        .filter(|row| row.through == Through::Global)
        .map(|row| row.model)
        .collect();
    let claude_4_5_and_later: BTreeSet<_> = anthropic::ROWS
        .iter()
        .map(|row| row.model)
        .skip_while(|model| !model.ends_with("4-5"))
        .collect();
    assert!(cheaper.is_superset(&claude_4_5_and_later));
    let others: Vec<_> = cheaper.difference(&claude_4_5_and_later).collect();
    assert_eq!(
        others,
        [
            &"amazon.nova-2-lite",
            &"moonshotai.kimi-k3",
            &"openai.gpt-5.4",
            &"openai.gpt-5.5",
            &"openai.gpt-5.6-luna",
            &"openai.gpt-5.6-sol",
            &"openai.gpt-5.6-terra",
            &"openai.gpt-6-astra",
            &"openai.gpt-6-luna",
            &"openai.gpt-6-sol",
            &"openai.gpt-6.1-sol",
            &"openai.gpt-6.1-terra",
            &"xai.grok-4.6",
            &"xai.grok-4.7",
            &"zai.glm-5.3"
        ]
    );
}

#[test]
fn gov_cloud_has_prices_of_its_own() {
    let input = |model: &str, profile: &str, region| {
        Price::of(model, Some(profile), region).map(|price| price.input)
    };
    let haiku = "anthropic.claude-haiku-4-5-20251001-v1:0";
    let west = Some("us-gov-west-1");
    let profile = format!("us-gov.{haiku}");
    assert_eq!(input(haiku, haiku, west), Some(1.2));
    assert_eq!(input(haiku, &profile, west), Some(1.2));
    // In which of its regions nobody said.
    assert_eq!(input(haiku, &profile, None), None);
    let arn = format!("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/{haiku}");
    assert_eq!(input(haiku, &arn, None), None);
    assert_eq!(input(haiku, &arn, west), Some(1.2));
    let opus = "anthropic.claude-opus-4-5-20251101-v1:0";
    for region in [west, None] {
        assert_eq!(input(opus, &format!("us-gov.{opus}"), region), None);
    }
    assert_eq!(input(opus, opus, west), None);
}

#[test]
fn some_models_cost_more_in_some_places() {
    let of = |model: &str, profile: &str, region| Price::of(model, Some(profile), Some(region));
    let nova = "amazon.nova-pro-v1:0";
    let paid =
        |price: Option<Price>| price.map(|price| (price.input, price.output, price.cache_read));
    let us = Some((0.80, 3.20, Some(0.20)));
    assert_eq!(paid(of(nova, nova, "us-east-1")), us);
    assert_eq!(paid(of(nova, &format!("us.{nova}"), "us-west-2")), us);
    let eu = Some((1.05, 4.2, Some(0.2625)));
    assert_eq!(paid(of(nova, &format!("eu.{nova}"), "eu-west-1")), eu);
    let arn = format!("arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.{nova}");
    assert_eq!(paid(of(nova, &arn, "eu-west-1")), eu);
    let large = "mistral.mistral-large-2402-v1:0";
    assert_eq!(paid(of(large, large, "eu-west-3")), Some((5.2, 15.6, None)));
    assert_eq!(paid(of(large, large, "us-east-1")), Some((4.0, 12.0, None)));
    let nova_2 = "amazon.nova-2-lite-v1:0";
    let globally = of(nova_2, &format!("global.{nova_2}"), "eu-west-1");
    assert_eq!(paid(globally), Some((0.30, 2.50, Some(0.075))));
}

#[test]
fn regional_prices_are_of_known_models_and_in_proportion() {
    for (index, row) in regional::ROWS.iter().enumerate() {
        let known = rows().find(|known| known.model == row.model);
        let price = known
            .unwrap_or_else(|| panic!("{} has no row", row.model))
            .price;
        let times = row.input / price.input;
        assert!((1.0..=2.0).contains(&times), "{row:?}");
        assert!(
            (row.output - price.output * times).abs() <= 0.05 * row.output,
            "{row:?}"
        );
        let again = regional::ROWS.iter().skip(index + 1);
        for other in again.filter(|other| other.model == row.model) {
            assert!(
                row.places.iter().all(|place| !other.places.contains(place)),
                "{row:?}"
            );
        }
    }
}
