//! Meta's rows: Llama.

use super::table::READERS;
use super::{Family, ToolChoiceForms, ToolTurns};

const LLAMA: Family = Family {
    streaming_tools: false,
    tool_choice: ToolChoiceForms::Auto,
    tool_turns: ToolTurns::ResultsAlone,
    ..READERS
};

/// The Llamas without tools.
const LLAMA_WITHOUT_TOOLS: Family = Family {
    tools: false,
    tool_turns: ToolTurns::Mixed,
    ..LLAMA
};

const LLAMA_3_1: Family = Family {
    max_output_tokens: Some(4096),
    context_window: Some(128_000),
    ..LLAMA
};

const LLAMA_3_2: Family = Family {
    image: true,
    context_window: Some(128_000),
    ..LLAMA
};

/// The first row that the foundation model's id begins with; the last is Llama 4 and all that is newer.
pub(super) const ROWS: &[(&str, Family)] = &[
    ("meta.llama2", LLAMA_WITHOUT_TOOLS),
    ("meta.llama3-8b", LLAMA_WITHOUT_TOOLS),
    ("meta.llama3-70b", LLAMA_WITHOUT_TOOLS),
    ("meta.llama3-1-", LLAMA_3_1),
    (
        "meta.llama3-2-1b",
        Family {
            context_window: Some(128_000),
            ..LLAMA_WITHOUT_TOOLS
        },
    ),
    (
        "meta.llama3-2-3b",
        Family {
            context_window: Some(128_000),
            ..LLAMA_WITHOUT_TOOLS
        },
    ),
    ("meta.llama3-2-", LLAMA_3_2),
    ("meta.llama3-3-", LLAMA_3_1),
    (
        "meta.",
        Family {
            image: true,
            image_in_tool_result: true,
            document_in_tool_result: true,
            ..LLAMA
        },
    ),
];
