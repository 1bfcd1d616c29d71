//! Claude's rules, by version: what a release takes depends on its number more than on its tier.

use super::table::UNKNOWN;
use super::{Family, Sampling, StopSequences, ToolChoiceForms, TopK};

const CLAUDE: Family = Family {
    tool_choice: ToolChoiceForms::All,
    parallel_tool_switch: true,
    schema_combinations: false,
    leading_assistant: true,
    stop_sequences: StopSequences::NotBlank,
    top_k: TopK::TopK,
    context_window: Some(200_000),
    ..UNKNOWN
};

/// A Claude's rule, by its name and version; everything newer than the table has the newest rule.
pub(super) fn rule(name: &str) -> Family {
    let version = version_of(name);
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
            ..newest()
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
        Some((4, 0)) if is("opus") => Family {
            max_output_tokens: Some(32_000),
            ..until_4_5
        },
        Some((3, _) | (4, 0)) => Family {
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
        _ => newest(),
    }
}

pub(super) fn newest() -> Family {
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
pub(super) fn version_of(name: &str) -> Option<(u32, u32)> {
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
