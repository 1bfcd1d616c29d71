//! The rule for a model that nobody knows, and the rows of the providers with few models.

use super::openai::LOW_TO_XHIGH;
use super::{
    EffortField, Family, MediaRules, Reasoning, Sampling, StopSequences, ToolChoiceForms,
    ToolTurns, ToolUseIdForm, TopK, media,
};

/// The rule for a model of an unknown provider: everything that matters to an answer is tried, nothing that only
/// makes it better is assumed.
pub(super) const UNKNOWN: Family = Family {
    system: true,
    image: true,
    image_in_tool_result: true,
    document: true,
    document_in_tool_result: false,
    video: true,
    audio: true,
    // Nobody knows whether S3 is read, and to send what is there would need the gateway to read it.
    media: MediaRules {
        s3: true,
        ..media::GENERAL
    },
    tools: true,
    streaming_tools: true,
    tool_choice: ToolChoiceForms::All,
    parallel_tool_switch: false,
    reasoning: Reasoning::None,
    replays_reasoning: false,
    prompt_cache: None,
    structured_output: true,
    strict_tools: false,
    schema_combinations: true,
    pattern_look_around: true,
    tool_turns: ToolTurns::Mixed,
    tool_use_id: ToolUseIdForm::Declared,
    leading_assistant: false,
    prefill: false,
    sampling: Sampling::Free,
    stop_sequences: StopSequences::Any,
    top_k: TopK::Nowhere,
    min_output_tokens: 1,
    max_output_tokens: None,
    context_window: None,
};

/// Models that read text and documents.
pub(super) const READERS: Family = Family {
    image: false,
    image_in_tool_result: false,
    video: false,
    audio: false,
    media: media::GENERAL,
    structured_output: false,
    ..UNKNOWN
};

/// Models with open weights, since late 2025: text alone, and answers in a given schema.
pub(super) const TEXT: Family = Family {
    document: false,
    structured_output: true,
    strict_tools: true,
    ..READERS
};

/// The same with images.
pub(super) const IMAGES: Family = Family {
    image: true,
    ..TEXT
};

/// Command R, which refuses text beside calls.
const COHERE: Family = Family {
    tool_turns: ToolTurns::CallsAlone,
    top_k: TopK::K,
    ..READERS
};

const DEEPSEEK: Family = Family {
    tool_choice: ToolChoiceForms::AutoAny,
    reasoning: Reasoning::Effort {
        field: EffortField::ReasoningEffort,
        values: &["high"],
        on_by_default: false,
        forced_calls: false,
    },
    max_output_tokens: Some(81_920),
    context_window: Some(163_840),
    ..TEXT
};

const QWEN: Family = Family {
    leading_assistant: true,
    stop_sequences: StopSequences::Refused,
    max_output_tokens: Some(262_144),
    context_window: Some(262_144),
    ..TEXT
};

/// The Qwens that think, and do so unasked.
const THINKING_QWEN: Family = Family {
    reasoning: Reasoning::Effort {
        field: EffortField::ReasoningConfig,
        values: &["low", "high"],
        on_by_default: true,
        forced_calls: true,
    },
    ..QWEN
};

const KIMI: Family = Family {
    pattern_look_around: false,
    leading_assistant: true,
    reasoning: Reasoning::Effort {
        field: EffortField::ReasoningEffort,
        values: &["low", "high", "max"],
        on_by_default: true,
        forced_calls: true,
    },
    max_output_tokens: Some(262_144),
    context_window: Some(262_144),
    ..IMAGES
};

const GLM: Family = Family {
    leading_assistant: true,
    max_output_tokens: Some(131_072),
    context_window: Some(202_752),
    ..TEXT
};

const MINIMAX: Family = Family {
    reasoning: Reasoning::Embedded,
    max_output_tokens: Some(98_304),
    context_window: Some(196_608),
    ..TEXT
};

const GEMMA: Family = Family {
    max_output_tokens: Some(131_072),
    context_window: Some(131_072),
    ..IMAGES
};

const NEMOTRON: Family = Family {
    max_output_tokens: Some(131_072),
    context_window: Some(131_072),
    ..TEXT
};

const PALMYRA: Family = Family {
    streaming_tools: false,
    tool_choice: ToolChoiceForms::Auto,
    tool_turns: ToolTurns::ResultsAlone,
    max_output_tokens: Some(8192),
    ..READERS
};

/// The first row that the foundation model's id begins with. A provider's last row is its newest rule and
/// matches all that no row above it knows.
pub(super) const ROWS: &[(&str, Family)] = &[
    ("cohere.", COHERE),
    (
        "ai21.jamba-instruct",
        Family {
            tools: false,
            ..READERS
        },
    ),
    ("ai21.", READERS),
    (
        "deepseek.r1",
        Family {
            tools: false,
            reasoning: Reasoning::Embedded,
            ..READERS
        },
    ),
    ("deepseek.", DEEPSEEK),
    (
        "qwen.qwen3-32b",
        Family {
            max_output_tokens: Some(16_384),
            context_window: Some(32_768),
            ..THINKING_QWEN
        },
    ),
    ("qwen.qwen3-235b", QWEN),
    (
        "qwen.qwen3-coder-480b",
        Family {
            max_output_tokens: Some(131_072),
            context_window: Some(131_072),
            ..QWEN
        },
    ),
    ("qwen.qwen3-coder", QWEN),
    (
        "qwen.qwen3-vl",
        Family {
            image: true,
            ..THINKING_QWEN
        },
    ),
    ("qwen.", THINKING_QWEN),
    (
        "xai.",
        Family {
            image: true,
            image_in_tool_result: true,
            pattern_look_around: false,
            reasoning: Reasoning::Effort {
                field: EffortField::ReasoningEffort,
                values: LOW_TO_XHIGH,
                on_by_default: true,
                forced_calls: true,
            },
            sampling: Sampling::Refused,
            min_output_tokens: 16,
            ..READERS
        },
    ),
    (
        "moonshot.kimi-k2-thinking",
        Family {
            image: false,
            reasoning: Reasoning::Embedded,
            ..KIMI
        },
    ),
    ("moonshot", KIMI),
    ("zai.", GLM),
    ("minimax.", MINIMAX),
    (
        "google.gemma-3-4b",
        Family {
            structured_output: false,
            strict_tools: false,
            ..GEMMA
        },
    ),
    ("google.", GEMMA),
    (
        "nvidia.nemotron-nano-12b",
        Family {
            image: true,
            ..NEMOTRON
        },
    ),
    (
        "nvidia.nemotron-nano-3-30b",
        Family {
            max_output_tokens: Some(262_144),
            context_window: Some(262_144),
            ..NEMOTRON
        },
    ),
    (
        "nvidia.nemotron-super",
        Family {
            structured_output: false,
            strict_tools: false,
            ..NEMOTRON
        },
    ),
    ("nvidia.", NEMOTRON),
    ("writer.", PALMYRA),
];
