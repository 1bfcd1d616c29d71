use super::*;

mod places;

/// The models that AWS documents for Converse and `InvokeModel`, one version of each.
const MODELS: [&str; 108] = [
    "ai21.jamba-1-5-large-v1:0",
    "ai21.jamba-1-5-mini-v1:0",
    "ai21.jamba-instruct-v1:0",
    "amazon.nova-2-lite-v1:0",
    "amazon.nova-2-multimodal-embeddings-v1:0",
    "amazon.nova-lite-v1:0",
    "amazon.nova-micro-v1:0",
    "amazon.nova-premier-v1:0",
    "amazon.nova-pro-v1:0",
    "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2:0",
    "amazon.titan-text-express-v1",
    "amazon.titan-text-lite-v1",
    "amazon.titan-text-premier-v1:0",
    "anthropic.claude-3-5-haiku-20241022-v1:0",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-3-opus-20240229-v1:0",
    "anthropic.claude-3-sonnet-20240229-v1:0",
    "anthropic.claude-fable-5",
    "anthropic.claude-fable-5-1",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-haiku-5-5",
    "anthropic.claude-instant-v1",
    "anthropic.claude-mythos-5",
    "anthropic.claude-mythos-5-1",
    "anthropic.claude-opus-4-1-20250805-v1:0",
    "anthropic.claude-opus-4-20250514-v1:0",
    "anthropic.claude-opus-4-5-20251101-v1:0",
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-opus-4-7",
    "anthropic.claude-opus-4-8",
    "anthropic.claude-opus-5",
    "anthropic.claude-opus-5-5",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-sonnet-4-6",
    "anthropic.claude-sonnet-5",
    "anthropic.claude-sonnet-5-5",
    "anthropic.claude-v2:1",
    "cohere.command-r-plus-v1:0",
    "cohere.command-r-v1:0",
    "cohere.embed-english-v3",
    "cohere.embed-multilingual-v3",
    "cohere.embed-v4:0",
    "deepseek.r1-v1:0",
    "deepseek.v3-v1:0",
    "deepseek.v3.2",
    "google.gemma-3-12b-it",
    "google.gemma-3-27b-it",
    "google.gemma-3-4b-it",
    "meta.llama3-1-405b-instruct-v1:0",
    "meta.llama3-1-70b-instruct-v1:0",
    "meta.llama3-1-8b-instruct-v1:0",
    "meta.llama3-2-11b-instruct-v1:0",
    "meta.llama3-2-1b-instruct-v1:0",
    "meta.llama3-2-3b-instruct-v1:0",
    "meta.llama3-2-90b-instruct-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "meta.llama3-70b-instruct-v1:0",
    "meta.llama3-8b-instruct-v1:0",
    "meta.llama4-maverick-17b-instruct-v1:0",
    "meta.llama4-scout-17b-instruct-v1:0",
    "minimax.minimax-m2",
    "minimax.minimax-m2.1",
    "minimax.minimax-m2.5",
    "mistral.devstral-2-123b",
    "mistral.magistral-small-2509",
    "mistral.ministral-3-14b-instruct",
    "mistral.ministral-3-3b-instruct",
    "mistral.ministral-3-8b-instruct",
    "mistral.mistral-7b-instruct-v0:2",
    "mistral.mistral-large-2402-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "mistral.mistral-large-3-675b-instruct",
    "mistral.mistral-small-2402-v1:0",
    "mistral.mixtral-8x7b-instruct-v0:1",
    "mistral.pixtral-large-2502-v1:0",
    "mistral.voxtral-mini-3b-2507",
    "mistral.voxtral-small-24b-2507",
    "moonshot.kimi-k2-thinking",
    "moonshotai.kimi-k2.5",
    "moonshotai.kimi-k3",
    "nvidia.nemotron-nano-12b-v2",
    "nvidia.nemotron-nano-3-30b",
    "nvidia.nemotron-nano-9b-v2",
    "nvidia.nemotron-super-3-120b",
    "openai.gpt-5.6-luna",
    "openai.gpt-5.6-sol",
    "openai.gpt-5.6-terra",
    "openai.gpt-oss-120b-1:0",
    "openai.gpt-oss-20b-1:0",
    "openai.gpt-oss-safeguard-120b",
    "openai.gpt-oss-safeguard-20b",
    "qwen.qwen3-235b-a22b-2507-v1:0",
    "qwen.qwen3-32b-v1:0",
    "qwen.qwen3-coder-30b-a3b-v1:0",
    "qwen.qwen3-coder-480b-a35b-v1:0",
    "qwen.qwen3-next-80b-a3b",
    "qwen.qwen3-vl-235b-a22b",
    "writer.palmyra-x4-v1:0",
    "writer.palmyra-x5-v1:0",
    "xai.grok-4.6",
    "zai.glm-4.7",
    "zai.glm-4.7-flash",
    "zai.glm-5",
];

/// Models of which no price is published, or several that contradict each other.
const UNKNOWN: [&str; 3] = [
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "qwen.qwen3-coder-480b-a35b-v1:0",
];

fn rows() -> impl Iterator<Item = &'static Row> {
    [amazon::ROWS, anthropic::ROWS, others::ROWS]
        .into_iter()
        .flatten()
}

fn price(foundation_model: &str) -> Option<Price> {
    Price::of(
        foundation_model,
        Some(&format!("global.{foundation_model}")),
        None,
    )
}

#[test]
fn each_known_model_has_a_price_or_is_listed_as_unknown() {
    let unpriced: Vec<_> = MODELS
        .into_iter()
        .filter(|model| price(model).is_none())
        .collect();
    assert_eq!(unpriced, UNKNOWN);
}

#[test]
fn each_model_has_one_row() {
    for row in rows() {
        let found: Vec<_> = rows().filter(|other| other.is_of(row.model)).collect();
        assert_eq!(found.len(), 1, "{}: {found:?}", row.model);
        assert_eq!(price(row.model), Some(row.price), "{}", row.model);
    }
}

#[test]
fn a_cache_is_cheaper_to_read_than_the_prompt_and_dearer_to_write() {
    for Row { model, price, .. } in rows() {
        assert!(price.input > 0.0, "{model}");
        assert!(
            price
                .cache_read
                .is_none_or(|read| 0.0 < read && read < price.input),
            "{model}"
        );
        assert!(
            price
                .cache_write
                .is_none_or(|written| written > price.input),
            "{model}"
        );
        if model.contains("embed") {
            assert_eq!(price.output.to_bits(), 0.0_f64.to_bits(), "{model}");
        } else {
            assert!(price.output >= price.input, "{model}");
        }
    }
}

#[test]
fn claudes_prices_are_in_proportion() {
    let near = |price: f64, other: f64| (price - other).abs() < 1e-9;
    let since_3 = anthropic::ROWS.iter().skip(2);
    for Row { model, price, .. } in since_3 {
        assert!(near(price.output, 5.0 * price.input), "{model}");
        let written = price.cache_write.unwrap_or(1.25 * price.input);
        assert!(near(written, 1.25 * price.input), "{model}");
        assert!(
            price
                .cache_read
                .is_none_or(|read| read < 0.11 * price.input),
            "{model}"
        );
    }
}

#[test]
fn an_hour_in_the_cache_costs_twice_the_prompt_and_long_prompts_more() {
    for Row { model, price, .. } in rows() {
        if let Some(for_an_hour) = price.cache_write_1h {
            assert!((for_an_hour - 2.0 * price.input).abs() < 1e-9, "{model}");
            assert!(
                price
                    .cache_write
                    .is_some_and(|written| written < for_an_hour),
                "{model}"
            );
        }
        if let Some(long) = price.long_prompt {
            assert!((100_000..=272_000).contains(&long.above), "{model}");
            assert!(long.input > 1.0 && long.output > 1.0, "{model}");
        }
    }
    let long: Vec<_> = rows()
        .filter(|row| row.price.long_prompt.is_some() && !row.model.starts_with("openai."))
        .map(|row| row.model)
        .collect();
    assert_eq!(
        long,
        [
            "anthropic.claude-sonnet-4",
            "anthropic.claude-sonnet-4-5",
            "anthropic.claude-haiku-5-5"
        ]
    );
}

#[test]
fn a_longer_name_is_another_model() {
    let inputs = |models: [&str; 2]| models.map(|model| price(model).map(|price| price.input));
    for (models, expected) in [
        (
            ["amazon.nova-lite-v1:0", "amazon.nova-2-lite-v1:0"],
            [0.06, 0.30],
        ),
        (
            ["amazon.titan-embed-text-v1", "amazon.titan-embed-text-v2:0"],
            [0.10, 0.02],
        ),
        (
            [
                "anthropic.claude-opus-4-20250514-v1:0",
                "anthropic.claude-opus-4-5-20251101-v1:0",
            ],
            [15.0, 5.0],
        ),
        (
            ["anthropic.claude-opus-5", "anthropic.claude-opus-5-5"],
            [5.0, 4.0],
        ),
        (
            ["cohere.command-r-v1:0", "cohere.command-r-plus-v1:0"],
            [0.5, 3.0],
        ),
        (["deepseek.v3-v1:0", "deepseek.v3.2"], [0.58, 0.62]),
        (["zai.glm-4.7-flash", "zai.glm-4.7"], [0.07, 0.60]),
    ] {
        assert_eq!(inputs(models), expected.map(Some), "{models:?}");
    }
}

#[test]
fn a_model_of_tomorrow_has_no_price() {
    for model in [
        "",
        "amazon.nova-2-lite-mini-v1:0",
        "amazon.nova-canvas-v1:0",
        "amazon.titan-embed-text",
        "anthropic.claude-haiku-4-20250514-v1:0",
        "anthropic.claude-opus-5-7",
        "anthropic.claude-sonnet-4-7-20260401-v1:0",
        "anthropic.claude-sonnet-4-vision",
        "deepseek.v3.3",
        "meta.llama3-70b",
        "openai.gpt-5.6-sol-pro",
        "replay.short-text",
    ] {
        assert_eq!(price(model), None, "{model}");
    }
}

#[test]
fn dates_and_versions_are_no_part_of_a_name() {
    let expected = price("amazon.nova-pro-v1:0");
    assert!(expected.is_some());
    for version in [
        "",
        "-v1",
        "-v2:0",
        "-v1:0:300k",
        ":0",
        "-20260101-v1:0",
        "-20260101",
    ] {
        assert_eq!(
            price(&format!("amazon.nova-pro{version}")),
            expected,
            "{version}"
        );
    }
    for rest in ["-v", "-vx:0", "-2026-v1:0", "v1", "-2026010é"] {
        assert_eq!(price(&format!("amazon.nova-pro{rest}")), None, "{rest}");
    }
}
