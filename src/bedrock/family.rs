//! What each model family takes on Converse: one table, keyed on the foundation model's id.
//!
//! The rows follow AWS's model cards and the refusals that Bedrock answers with. A model that no row
//! knows gets the newest known rule of its provider and keeps its tools.

/// What a model takes, as far as a request must be shaped for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Family {
    /// Whether there is a `system` member; without it system text becomes a user turn.
    pub system: bool,
    /// Whether the model sees images.
    pub image: bool,
    /// Whether `toolResult.content` may hold an image.
    pub image_in_tool_result: bool,
    /// Whether tools work with ConverseStream; otherwise Converse is called and the stream is made from its answer.
    pub streaming_tools: bool,
    /// Which forms of `toolChoice` are taken beside its absence.
    pub tool_choice: ToolChoiceForms,
    /// Whether `tool_choice.disable_parallel_tool_use` may be sent among the additional fields.
    pub parallel_tool_switch: bool,
    /// Whether `toolSpec.strict` is taken.
    pub strict_tools: bool,
    /// What a replayed `toolUseId` must look like.
    pub tool_use_id: ToolUseIdForm,
    /// Whether a conversation may begin with an assistant turn.
    pub leading_assistant: bool,
    /// Whether a conversation may end with an assistant turn, which the model then continues.
    pub prefill: bool,
    /// Which of temperature and top_p are taken.
    pub sampling: Sampling,
    /// Which stop sequences are taken.
    pub stop_sequences: StopSequences,
    /// Where top_k goes.
    pub top_k: TopK,
    /// The least `maxTokens` that is accepted, in tokens.
    pub min_output_tokens: u32,
    /// The most output tokens the model can produce, where known.
    pub max_output_tokens: Option<u32>,
    /// The context window in tokens, where known.
    pub context_window: Option<u32>,
}

/// The forms of `toolChoice` that force a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolChoiceForms {
    /// Only its absence, which is `auto`.
    Auto,
    /// `any` as well.
    AutoAny,
    /// `any` and `tool`.
    All,
}

/// What a replayed `toolUseId` must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolUseIdForm {
    /// `[a-zA-Z0-9_.:-]{1,64}`, as the service model says.
    Declared,
    /// `[a-zA-Z0-9]{9}`, which Mistral's models insist on.
    NineAlphanumerics,
}

/// Which sampling parameters a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// temperature and top_p.
    Free,
    /// Either, not both: "`temperature` and `top_p` cannot both be specified for this model."
    EitherOne,
    /// Neither: "`temperature` is deprecated for this model."
    Refused,
}

/// Which stop sequences a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSequences {
    /// Any that is not empty.
    Any,
    /// Any that is not blank.
    NotBlank,
    /// None: "This model doesn't support the stopSequences field."
    Refused,
}

/// Where top_k goes among `additionalModelRequestFields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopK {
    /// `top_k` (Claude).
    TopK,
    /// `k` (Cohere).
    K,
    /// `inferenceConfig.topK` (Nova).
    InferenceConfig,
    /// Nowhere.
    Nowhere,
}

/// The rule for a model of an unknown provider: everything is tried, nothing is assumed.
const UNKNOWN: Family = Family {
    system: true,
    image: true,
    image_in_tool_result: true,
    streaming_tools: true,
    tool_choice: ToolChoiceForms::All,
    parallel_tool_switch: false,
    strict_tools: false,
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
    tool_choice: ToolChoiceForms::Auto,
    ..TEXT
};

const MISTRAL: Family = Family {
    tool_choice: ToolChoiceForms::AutoAny,
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

/// The rows of every provider but Anthropic: the first whose fragment the foundation model's id contains.
/// A provider's last row is its newest rule and matches all that no row above it knows.
const ROWS: &[(&str, Family)] = &[
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
            streaming_tools: false,
            tool_choice: ToolChoiceForms::Auto,
            ..TEXT
        },
    ),
];

const CLAUDE: Family = Family {
    tool_choice: ToolChoiceForms::All,
    parallel_tool_switch: true,
    leading_assistant: true,
    stop_sequences: StopSequences::NotBlank,
    top_k: TopK::TopK,
    context_window: Some(200_000),
    ..UNKNOWN
};

impl Family {
    /// The rule for a foundation model's id (without geography), or for a model that nobody could resolve.
    pub fn of(foundation_model: Option<&str>) -> Self {
        let Some(id) = foundation_model else {
            return UNKNOWN;
        };
        if let Some(name) = id.strip_prefix("anthropic.") {
            return claude(name);
        }
        ROWS.iter()
            .find(|(fragment, _)| id.starts_with(fragment))
            .map_or(UNKNOWN, |(_, family)| *family)
    }
}

/// A Claude's rule, by its name and version; everything newer than the table has the newest rule.
fn claude(name: &str) -> Family {
    let version = claude_version(name);
    let is = |tier: &str| name.contains(tier);
    if is("claude-v2") || is("claude-instant") {
        return Family {
            image: false,
            image_in_tool_result: false,
            prefill: true,
            max_output_tokens: Some(4096),
            ..CLAUDE
        };
    }
    if is("fable") || is("mythos") {
        return Family {
            tool_choice: ToolChoiceForms::Auto,
            ..newest_claude()
        };
    }
    let until_4_5 = Family {
        prefill: true,
        ..CLAUDE
    };
    match version {
        Some((3, 0)) => Family {
            max_output_tokens: Some(4096),
            ..until_4_5
        },
        Some((3, 5)) => Family {
            image: !is("haiku"),
            max_output_tokens: Some(8192),
            ..until_4_5
        },
        Some((3, _)) => Family {
            max_output_tokens: Some(64_000),
            ..until_4_5
        },
        Some((4, 0)) if is("opus") => Family {
            max_output_tokens: Some(32_000),
            ..until_4_5
        },
        Some((4, 0)) => Family {
            max_output_tokens: Some(64_000),
            ..until_4_5
        },
        Some((4, 1)) => Family {
            sampling: Sampling::EitherOne,
            max_output_tokens: Some(32_000),
            ..until_4_5
        },
        Some((4, 2..=5)) => Family {
            sampling: Sampling::EitherOne,
            strict_tools: true,
            max_output_tokens: Some(64_000),
            ..until_4_5
        },
        Some((4, 6)) => Family {
            sampling: Sampling::EitherOne,
            strict_tools: true,
            max_output_tokens: Some(if is("opus") { 128_000 } else { 64_000 }),
            context_window: Some(1_000_000),
            ..CLAUDE
        },
        _ => newest_claude(),
    }
}

fn newest_claude() -> Family {
    Family {
        sampling: Sampling::Refused,
        top_k: TopK::Nowhere,
        max_output_tokens: Some(128_000),
        context_window: Some(1_000_000),
        ..CLAUDE
    }
}

/// The version in a Claude's name, whichever side of the tier it stands on: `3-7-sonnet`, `sonnet-4-5`.
/// A number of more than two digits is a date, never a version: `opus-4-20250514` is 4.0.
fn claude_version(name: &str) -> Option<(u32, u32)> {
    let small = |part: &str| {
        let digits =
            part.len() <= 2 && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let mut parts = name
        .split(['-', ':', '.'])
        .skip_while(|part| small(part).is_none());
    let major = parts.next().and_then(small)?;
    Some((major, parts.next().and_then(small).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claude_versions_do_not_eat_dates() {
        for (name, version) in [
            ("claude-3-haiku-20240307-v1:0", (3, 0)),
            ("claude-3-5-sonnet-20241022-v2:0", (3, 5)),
            ("claude-3-7-sonnet-20250219-v1:0", (3, 7)),
            ("claude-opus-4-20250514-v1:0", (4, 0)),
            ("claude-opus-4-1-20250805-v1:0", (4, 1)),
            ("claude-sonnet-4-5-20250929-v1:0", (4, 5)),
            ("claude-opus-4-6-v1", (4, 6)),
            ("claude-sonnet-4-6", (4, 6)),
            ("claude-haiku-5-5", (5, 5)),
            ("claude-sonnet-5", (5, 0)),
        ] {
            assert_eq!(claude_version(name), Some(version), "{name}");
        }
    }

    #[test]
    fn each_family_has_its_rule() {
        let family = |id| Family::of(Some(id));
        assert_eq!(
            family("anthropic.claude-haiku-4-5-20251001-v1:0").sampling,
            Sampling::EitherOne
        );
        assert!(family("anthropic.claude-haiku-4-5-20251001-v1:0").prefill);
        assert!(!family("anthropic.claude-opus-4-6-v1").prefill);
        assert_eq!(
            family("anthropic.claude-opus-4-7").sampling,
            Sampling::Refused
        );
        assert_eq!(
            family("anthropic.claude-fable-5-1").tool_choice,
            ToolChoiceForms::Auto
        );
        assert_eq!(
            family("anthropic.claude-sonnet-4-20250514-v1:0").max_output_tokens,
            Some(64_000)
        );
        assert!(!family("anthropic.claude-3-5-haiku-20241022-v1:0").image);
        assert!(!family("meta.llama3-1-70b-instruct-v1:0").streaming_tools);
        assert!(!family("mistral.mixtral-8x7b-instruct-v0:1").system);
        assert_eq!(
            family("mistral.mistral-large-3-675b-instruct").tool_use_id,
            ToolUseIdForm::NineAlphanumerics
        );
        assert_eq!(
            family("openai.gpt-oss-120b-1:0").stop_sequences,
            StopSequences::Refused
        );
        assert_eq!(family("openai.gpt-oss-120b-1:0").sampling, Sampling::Free);
        assert_eq!(family("openai.gpt-5.6-luna").min_output_tokens, 16);
        assert_eq!(family("amazon.nova-pro-v1:0").top_k, TopK::InferenceConfig);
        assert!(!family("amazon.titan-text-express-v1").system);
        assert!(!family("moonshotai.kimi-k2.5").image_in_tool_result);
    }

    #[test]
    fn a_model_of_tomorrow_has_the_newest_rule_of_its_provider_and_keeps_its_tools() {
        assert_eq!(Family::of(Some("anthropic.claude-opus-9")), newest_claude());
        assert_eq!(Family::of(Some("anthropic.saga-1")), newest_claude());
        assert_eq!(
            Family::of(Some("amazon.nova-3-pro")).max_output_tokens,
            Some(65_535)
        );
        assert!(Family::of(Some("acme.model-1")).streaming_tools);
        assert!(Family::of(None).streaming_tools);
    }
}
