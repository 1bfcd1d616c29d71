//! Amazon's rows: Nova and Titan.

use super::table::{READERS, UNKNOWN};
use super::{Family, PromptCache, Reasoning, TopK, media};

/// Nova 1, which writes its thoughts into its text.
const NOVA: Family = Family {
    audio: false,
    media: media::NOVA,
    prompt_cache: Some(PromptCache {
        tools: false,
        tool_turns: false,
        min_tokens: 1000,
        one_hour: false,
    }),
    structured_output: false,
    prefill: true,
    top_k: TopK::InferenceConfig,
    max_output_tokens: Some(10_000),
    context_window: Some(300_000),
    ..UNKNOWN
};

/// The first row that the foundation model's id begins with; the last is Nova 2 and all that is newer.
pub(super) const ROWS: &[(&str, Family)] = &[
    (
        "amazon.nova-micro",
        Family {
            image: false,
            image_in_tool_result: false,
            document: false,
            video: false,
            context_window: Some(128_000),
            ..NOVA
        },
    ),
    (
        "amazon.nova-premier",
        Family {
            context_window: Some(1_000_000),
            ..NOVA
        },
    ),
    ("amazon.nova-lite", NOVA),
    ("amazon.nova-pro", NOVA),
    (
        "amazon.titan",
        Family {
            system: false,
            tools: false,
            ..READERS
        },
    ),
    (
        "amazon.",
        Family {
            reasoning: Reasoning::ReasoningConfig,
            max_output_tokens: Some(65_535),
            context_window: Some(1_000_000),
            ..NOVA
        },
    ),
];
