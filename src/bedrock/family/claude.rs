//! Claude's rules, by version: what a release takes depends on its number more than on its tier.

use super::table::UNKNOWN;
use super::{
    Adaptive, Family, PromptCache, Reasoning, Sampling, StopSequences, ToolChoiceForms, TopK, media,
};

const CLAUDE: Family = Family {
    document_in_tool_result: true,
    video: false,
    audio: false,
    media: media::CLAUDE,
    tool_choice: ToolChoiceForms::All,
    parallel_tool_switch: true,
    structured_output: false,
    schema_combinations: false,
    leading_assistant: true,
    stop_sequences: StopSequences::NotBlank,
    top_k: TopK::TopK,
    context_window: Some(200_000),
    ..UNKNOWN
};

/// Claude 2 and Claude Instant, which have no tools.
const CLAUDE_2: Family = Family {
    image: false,
    image_in_tool_result: false,
    media: media::CLAUDE_3,
    tools: false,
    prefill: true,
    max_output_tokens: Some(4096),
    ..CLAUDE
};

/// Claude 3.
const CLAUDE_3: Family = Family {
    media: media::CLAUDE_3,
    prefill: true,
    max_output_tokens: Some(4096),
    ..CLAUDE
};

/// Claude 3.7, the first that thinks.
const CLAUDE_3_7: Family = Family {
    reasoning: Reasoning::Budget {
        interleaved_beta: false,
        effort_beta: false,
    },
    replays_reasoning: true,
    prompt_cache: Some(cache(1024, false)),
    max_output_tokens: Some(64_000),
    ..CLAUDE_3
};

/// Claude 4.0, the first that thinks between its calls.
const CLAUDE_4: Family = Family {
    media: media::CLAUDE,
    reasoning: Reasoning::Budget {
        interleaved_beta: true,
        effort_beta: false,
    },
    ..CLAUDE_3_7
};

/// Claude 4.5.
const CLAUDE_4_5: Family = Family {
    sampling: Sampling::EitherOne,
    strict_tools: true,
    structured_output: true,
    prompt_cache: Some(cache(4096, true)),
    ..CLAUDE_4
};

/// Claude 4.6, the first that decides for itself how long it thinks.
const CLAUDE_4_6: Family = Family {
    reasoning: Reasoning::Adaptive(Adaptive {
        on_by_default: false,
        can_be_disabled: true,
        xhigh: false,
        budget: true,
        hides_text: false,
    }),
    prefill: false,
    context_window: Some(1_000_000),
    ..CLAUDE_4_5
};

/// Claude 4.7 and 4.8.
const CLAUDE_4_7: Family = Family {
    reasoning: Reasoning::Adaptive(Adaptive {
        on_by_default: false,
        ..ADAPTIVE
    }),
    prompt_cache: Some(cache(4096, true)),
    ..CLAUDE_5
};

/// Claude 5, and every Claude that is newer than this table.
pub(super) const CLAUDE_5: Family = Family {
    reasoning: Reasoning::Adaptive(ADAPTIVE),
    replays_reasoning: true,
    prompt_cache: Some(cache(512, true)),
    sampling: Sampling::Refused,
    top_k: TopK::Nowhere,
    max_output_tokens: Some(128_000),
    context_window: Some(1_000_000),
    ..CLAUDE
};

const ADAPTIVE: Adaptive = Adaptive {
    on_by_default: true,
    can_be_disabled: true,
    xhigh: true,
    budget: false,
    hides_text: true,
};

/// The Claudes that cannot but think.
const ALWAYS_THINKING: Reasoning = Reasoning::Adaptive(Adaptive {
    can_be_disabled: false,
    ..ADAPTIVE
});

const fn cache(min_tokens: u32, one_hour: bool) -> PromptCache {
    PromptCache {
        tools: true,
        tool_turns: true,
        min_tokens,
        one_hour,
    }
}

/// A Claude's rule, by its name and version; everything newer than the table has the newest rule.
pub(super) fn rule(name: &str) -> Family {
    let is = |tier: &str| name.contains(tier);
    if is("claude-v2") || is("claude-instant") {
        return CLAUDE_2;
    }
    if is("fable") || is("mythos") {
        return Family {
            tool_choice: ToolChoiceForms::Auto,
            reasoning: ALWAYS_THINKING,
            ..CLAUDE_5
        };
    }
    match version_of(name) {
        Some((3, 0)) => CLAUDE_3,
        Some((3, 5)) => claude_3_5(name),
        Some((3, _)) => CLAUDE_3_7,
        Some((4, minor @ (0 | 1))) => Family {
            sampling: if minor == 1 {
                Sampling::EitherOne
            } else {
                Sampling::Free
            },
            max_output_tokens: Some(if is("opus") { 32_000 } else { 64_000 }),
            ..CLAUDE_4
        },
        Some((4, 2..=5)) => claude_4_5(name),
        Some((4, 6)) if is("opus") => Family {
            max_output_tokens: Some(128_000),
            ..CLAUDE_4_6
        },
        Some((4, 6)) => Family {
            prompt_cache: Some(cache(1024, true)),
            ..CLAUDE_4_6
        },
        Some((4, 7)) => CLAUDE_4_7,
        Some((4, 8)) => Family {
            prompt_cache: Some(cache(1024, true)),
            ..CLAUDE_4_7
        },
        Some((5, 5)) if is("opus") => Family {
            reasoning: ALWAYS_THINKING,
            ..CLAUDE_5
        },
        _ if is("sonnet") => Family {
            prompt_cache: Some(cache(1024, true)),
            ..CLAUDE_5
        },
        _ => CLAUDE_5,
    }
}

fn claude_3_5(name: &str) -> Family {
    let haiku = name.contains("haiku");
    Family {
        image: !haiku,
        image_in_tool_result: !haiku,
        prompt_cache: if haiku {
            Some(cache(2048, false))
        } else if name.contains("20240620") {
            None
        } else {
            Some(cache(1024, false))
        },
        max_output_tokens: Some(8192),
        ..CLAUDE_3
    }
}

fn claude_4_5(name: &str) -> Family {
    let opus = name.contains("opus");
    Family {
        reasoning: Reasoning::Budget {
            interleaved_beta: true,
            effort_beta: opus,
        },
        prompt_cache: if name.contains("sonnet") {
            Some(cache(1024, true))
        } else {
            CLAUDE_4_5.prompt_cache
        },
        ..CLAUDE_4_5
    }
}

/// The version in a Claude's name, whichever side of the tier it stands on: `3-7-sonnet`, `sonnet-4-5`.
/// A number of more than two digits is a date, never a version: `opus-4-20250514` is 4.0.
pub(super) fn version_of(name: &str) -> Option<(u32, u32)> {
    let small = |part: &str| {
        let digits =
            part.len() <= 2 && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    };
    let mut parts = name
        .split(['-', ':', '.', '['])
        .skip_while(|part| small(part).is_none());
    let major = parts.next().and_then(small)?;
    Some((major, parts.next().and_then(small).unwrap_or(0)))
}
