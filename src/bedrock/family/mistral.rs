//! Mistral's rows.

use super::table::READERS;
use super::{Family, Reasoning, ToolChoiceForms, ToolTurns, ToolUseIdForm};

/// The models of 2024.
const MISTRAL: Family = Family {
    streaming_tools: false,
    tool_choice: ToolChoiceForms::AutoAny,
    tool_turns: ToolTurns::ResultsAlone,
    tool_use_id: ToolUseIdForm::NineAlphanumerics,
    ..READERS
};

/// The first models, without system prompt and tools.
const MISTRAL_7B: Family = Family {
    system: false,
    tools: false,
    tool_turns: ToolTurns::Mixed,
    ..MISTRAL
};

/// Mistral Large 3, Ministral 3, and all that is newer.
const MISTRAL_3: Family = Family {
    image: true,
    document: false,
    streaming_tools: true,
    structured_output: true,
    strict_tools: true,
    max_output_tokens: Some(262_144),
    context_window: Some(262_144),
    ..MISTRAL
};

/// The first row that the foundation model's id begins with.
pub(super) const ROWS: &[(&str, Family)] = &[
    ("mistral.mistral-7b", MISTRAL_7B),
    ("mistral.mixtral", MISTRAL_7B),
    ("mistral.mistral-large-24", MISTRAL),
    (
        "mistral.mistral-small-24",
        Family {
            document: false,
            ..MISTRAL
        },
    ),
    (
        "mistral.pixtral",
        Family {
            image: true,
            document_in_tool_result: true,
            streaming_tools: true,
            ..MISTRAL
        },
    ),
    (
        "mistral.magistral",
        Family {
            reasoning: Reasoning::Embedded,
            max_output_tokens: Some(131_072),
            context_window: Some(131_072),
            ..MISTRAL_3
        },
    ),
    (
        "mistral.voxtral",
        Family {
            image: false,
            audio: true,
            max_output_tokens: None,
            context_window: Some(32_768),
            ..MISTRAL_3
        },
    ),
    (
        "mistral.devstral",
        Family {
            image: false,
            structured_output: false,
            strict_tools: false,
            max_output_tokens: None,
            context_window: None,
            ..MISTRAL_3
        },
    ),
    ("mistral.", MISTRAL_3),
];
