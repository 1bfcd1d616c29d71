//! The rows: what each model of every provider but Anthropic takes.

use super::{Family, Sampling, StopSequences, ToolChoiceForms, ToolTurns, ToolUseIdForm, TopK};

/// The rule for a model of an unknown provider: everything is tried, nothing is assumed.
pub(super) const UNKNOWN: Family = Family {
    system: true,
    image: true,
    image_in_tool_result: true,
    streaming_tools: true,
    tool_choice: ToolChoiceForms::All,
    parallel_tool_switch: false,
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

/// Text-only third-party chat models with tools.
const TEXT: Family = Family {
    image: false,
    image_in_tool_result: false,
    ..UNKNOWN
};

const NOVA: Family = Family {
    prefill: true,
    top_k: TopK::InferenceConfig,
    max_output_tokens: Some(10_000),
    context_window: Some(300_000),
    ..UNKNOWN
};

const TITAN: Family = Family {
    system: false,
    ..TEXT
};

const LLAMA: Family = Family {
    streaming_tools: false,
    tool_turns: ToolTurns::ResultsAlone,
    tool_choice: ToolChoiceForms::Auto,
    ..TEXT
};

const MISTRAL: Family = Family {
    tool_choice: ToolChoiceForms::AutoAny,
    tool_turns: ToolTurns::ResultsAlone,
    tool_use_id: ToolUseIdForm::NineAlphanumerics,
    image_in_tool_result: false,
    ..UNKNOWN
};

const QWEN: Family = Family {
    image_in_tool_result: false,
    leading_assistant: true,
    stop_sequences: StopSequences::Refused,
    ..UNKNOWN
};

const GPT: Family = Family {
    schema_combinations: false,
    image_in_tool_result: false,
    sampling: Sampling::Refused,
    min_output_tokens: 16,
    ..UNKNOWN
};

const GPT_OSS: Family = Family {
    stop_sequences: StopSequences::Refused,
    context_window: Some(128_000),
    ..TEXT
};

/// The rows of every provider but Anthropic: the first that the foundation model's id begins with.
/// A provider's last row is its newest rule and matches all that no row above it knows.
pub(super) const ROWS: &[(&str, Family)] = &[
    (
        "amazon.nova-micro",
        Family {
            image: false,
            image_in_tool_result: false,
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
    ("amazon.titan", TITAN),
    (
        "amazon.",
        Family {
            max_output_tokens: Some(65_535),
            context_window: Some(1_000_000),
            ..NOVA
        },
    ),
    (
        "meta.llama4",
        Family {
            image: true,
            image_in_tool_result: true,
            ..LLAMA
        },
    ),
    (
        "meta.llama3-2-11b",
        Family {
            image: true,
            context_window: Some(128_000),
            ..LLAMA
        },
    ),
    (
        "meta.llama3-2-90b",
        Family {
            image: true,
            context_window: Some(128_000),
            ..LLAMA
        },
    ),
    (
        "meta.llama3-1",
        Family {
            max_output_tokens: Some(4096),
            context_window: Some(128_000),
            ..LLAMA
        },
    ),
    (
        "meta.llama3-3",
        Family {
            max_output_tokens: Some(4096),
            context_window: Some(128_000),
            ..LLAMA
        },
    ),
    ("meta.llama3", LLAMA),
    ("meta.llama2", LLAMA),
    (
        "meta.",
        Family {
            image: true,
            image_in_tool_result: true,
            ..LLAMA
        },
    ),
    (
        "mistral.mistral-7b",
        Family {
            system: false,
            image: false,
            streaming_tools: false,
            ..MISTRAL
        },
    ),
    (
        "mistral.mixtral",
        Family {
            system: false,
            image: false,
            streaming_tools: false,
            ..MISTRAL
        },
    ),
    (
        "mistral.mistral-large-24",
        Family {
            image: false,
            streaming_tools: false,
            ..MISTRAL
        },
    ),
    (
        "mistral.mistral-small",
        Family {
            image: false,
            streaming_tools: false,
            ..MISTRAL
        },
    ),
    ("mistral.pixtral", MISTRAL),
    (
        "mistral.voxtral",
        Family {
            image: false,
            ..MISTRAL
        },
    ),
    (
        "mistral.devstral",
        Family {
            image: false,
            ..MISTRAL
        },
    ),
    ("mistral.", MISTRAL),
    (
        "cohere.",
        Family {
            tool_turns: ToolTurns::CallsAlone,
            top_k: TopK::K,
            ..TEXT
        },
    ),
    ("ai21.", TEXT),
    (
        "deepseek.",
        Family {
            tool_choice: ToolChoiceForms::AutoAny,
            ..TEXT
        },
    ),
    ("qwen.qwen3-vl", QWEN),
    (
        "qwen.",
        Family {
            image: false,
            ..QWEN
        },
    ),
    ("openai.gpt-oss", GPT_OSS),
    ("openai.", GPT),
    (
        "xai.",
        Family {
            pattern_look_around: false,
            sampling: Sampling::Refused,
            min_output_tokens: 16,
            ..UNKNOWN
        },
    ),
    (
        "moonshot.kimi-k2-thinking",
        Family {
            leading_assistant: true,
            ..TEXT
        },
    ),
    (
        "moonshot",
        Family {
            pattern_look_around: false,
            image_in_tool_result: false,
            leading_assistant: true,
            ..UNKNOWN
        },
    ),
    (
        "zai.",
        Family {
            leading_assistant: true,
            ..TEXT
        },
    ),
    ("minimax.", TEXT),
    (
        "google.",
        Family {
            image_in_tool_result: false,
            ..UNKNOWN
        },
    ),
    ("nvidia.nemotron-nano-12b", UNKNOWN),
    ("nvidia.", TEXT),
    (
        "writer.",
        Family {
            tool_turns: ToolTurns::ResultsAlone,
            streaming_tools: false,
            tool_choice: ToolChoiceForms::Auto,
            ..TEXT
        },
    ),
];
