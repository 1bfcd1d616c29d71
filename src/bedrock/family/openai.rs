//! OpenAI's rows: the models with open weights, and GPT.

use super::table::{READERS, TEXT};
use super::{EffortField, Family, Reasoning, Sampling, StopSequences};

pub(super) const LOW_TO_HIGH: &[&str] = &["low", "medium", "high"];
pub(super) const LOW_TO_XHIGH: &[&str] = &["low", "medium", "high", "xhigh"];

/// gpt-oss, which always thinks: `none` is refused.
const GPT_OSS: Family = Family {
    reasoning: Reasoning::Effort {
        field: EffortField::ReasoningEffort,
        values: LOW_TO_HIGH,
        on_by_default: true,
        forced_calls: true,
    },
    stop_sequences: StopSequences::Refused,
    max_output_tokens: Some(128_000),
    context_window: Some(128_000),
    ..TEXT
};

/// The first row that the foundation model's id begins with; the last is GPT-5.6 and all that is newer.
pub(super) const ROWS: &[(&str, Family)] = &[
    (
        "openai.gpt-oss-safeguard",
        Family {
            reasoning: Reasoning::Embedded,
            structured_output: false,
            strict_tools: false,
            ..GPT_OSS
        },
    ),
    ("openai.gpt-oss", GPT_OSS),
    (
        "openai.",
        Family {
            image: true,
            schema_combinations: false,
            reasoning: Reasoning::Effort {
                field: EffortField::Reasoning,
                values: &["none", "low", "medium", "high", "xhigh"],
                on_by_default: true,
                forced_calls: true,
            },
            structured_output: true,
            strict_tools: true,
            sampling: Sampling::Refused,
            min_output_tokens: 16,
            ..READERS
        },
    ),
];
