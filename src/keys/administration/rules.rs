//! What names, tags, models and guardrails of keys have to be like.

use std::collections::BTreeMap;

use super::mistakes::Found;
use crate::keys::ModelPattern;

/// The most characters of a name, which is a label of metrics as well.
pub(super) const LONGEST_NAME: usize = 64;
/// The most patterns of models.
const MOST_PATTERNS: usize = 100;
/// The most characters of a pattern; Bedrock's longest ids are ARNs of 2,048.
const LONGEST_PATTERN: usize = 2048;
/// The most pairs of Converse's `requestMetadata`, as the service model says.
const MOST_TAGS: usize = 16;
/// The most characters of one of its names or values.
const LONGEST_TAG: usize = 256;
/// The longest id of a guardrail, as the service model says.
const LONGEST_GUARDRAIL: usize = 2048;

/// Whether somebody took a key for a name.
pub(super) fn looks_like_a_key(text: &str) -> bool {
    text.contains("sk-outcrop-")
}

/// Whether a terminal obeys it instead of showing it: control characters, and those that turn text around or end a line.
fn is_obeyed(character: char) -> bool {
    let turns = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

pub(super) fn check_name(name: &str, found: &mut Found) {
    let problem = if looks_like_a_key(name) {
        "must not hold a key"
    } else if name.is_empty() || name.chars().count() > LONGEST_NAME {
        "must be of 1 to 64 characters"
    } else if [".", ".."].contains(&name) {
        "must be more than dots"
    } else if name.trim() != name || name.chars().any(is_obeyed) {
        "must have no blank at an end and no control character"
    } else {
        return;
    };
    found.note("name", problem);
}

pub(super) fn check_models(patterns: &[ModelPattern], found: &mut Found) {
    if patterns.len() > MOST_PATTERNS {
        return found.note(
            "models",
            format!("must be at most {MOST_PATTERNS} patterns"),
        );
    }
    let is_pattern = |text: &str| {
        (1..=LONGEST_PATTERN).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !patterns.iter().all(|pattern| is_pattern(pattern.as_str())) {
        found.note(
            "models",
            "must be ids of models, in which * stands for any characters: us.anthropic.*",
        );
    }
}

pub(super) fn check_guardrail(guardrail: &str, found: &mut Found) {
    let is_version = |text: &str| {
        let is_number = (1..=8).contains(&text.len())
            && !text.starts_with('0')
            && text.bytes().all(|byte| byte.is_ascii_digit());
        text == "DRAFT" || is_number
    };
    let is_id = |text: &str| {
        let id = text.rsplit_once(":guardrail/").map_or(text, |(_, id)| id);
        let is_arn = text.starts_with("arn:aws");
        (is_arn || id == text)
            && !id.is_empty()
            && text.len() <= LONGEST_GUARDRAIL
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let parts = guardrail.rsplit_once(':');
    if !parts.is_some_and(|(id, version)| is_id(id) && is_version(version)) {
        found.note(
            "guardrail",
            "must be a guardrail's id or ARN, a colon, and its version: gr0example12:1",
        );
    }
}

/// Checks pairs that are to be `requestMetadata`.
pub(super) fn check_tags(tags: &BTreeMap<String, String>, found: &mut Found) {
    if tags.len() > MOST_TAGS {
        found.note(
            "tags",
            format!("must be at most {MOST_TAGS}, as many as Bedrock takes"),
        );
    }
    let is_taken = |text: &str| {
        let is_taken = |character: char| {
            character.is_ascii_alphanumeric()
                || character.is_ascii_whitespace()
                || ":_@$#=/+,-.".contains(character)
        };
        text.len() <= LONGEST_TAG && text.chars().all(is_taken)
    };
    if !tags
        .iter()
        .all(|(name, value)| !name.is_empty() && is_taken(name) && is_taken(value))
    {
        found.note(
            "tags",
            "must have names and values of at most 256 letters, digits, blanks and :_@$#=/+,-. as Bedrock wants it",
        );
    }
    if tags.values().any(|value| looks_like_a_key(value)) {
        found.note("tags", "must not hold a key");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(check: impl FnOnce(&mut Found)) -> bool {
        let mut found = Found::default();
        check(&mut found);
        found.none_in(()).is_err()
    }

    #[test]
    fn a_name_is_short_printable_and_no_key() {
        for name in [
            "search",
            "Team Search (EU)",
            "ü",
            "👩\u{200d}🚀",
            &"x".repeat(64),
        ] {
            assert!(!is_refused(|found| check_name(name, found)), "{name}");
        }
        for name in [
            "",
            " search",
            "a\nb",
            "\u{1b}[31m",
            "a\u{202e}b",
            "a\u{2028}b",
            &"x".repeat(65),
            "my sk-outcrop-abc",
        ] {
            assert!(is_refused(|found| check_name(name, found)), "{name}");
        }
    }

    #[test]
    fn a_guardrail_is_an_id_or_an_arn_with_a_version() {
        let arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/gr0example12";
        for text in ["gr0example12:1", "gr0example12:DRAFT", &format!("{arn}:12")] {
            assert!(!is_refused(|found| check_guardrail(text, found)), "{text}");
        }
        for text in [
            "",
            "gr0example12",
            "gr0example12:",
            ":1",
            "gr0example12:0",
            "gr0example12:draft",
            "GR:1",
            "other:guardrail/x:1",
            arn,
        ] {
            assert!(is_refused(|found| check_guardrail(text, found)), "{text}");
        }
    }

    #[test]
    fn tags_are_what_converse_takes_as_request_metadata() {
        let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        for pairs in [
            &[][..],
            &[("team", "search"), ("cost center", "")],
            &[("a@b", "x=1,y=2")],
        ] {
            assert!(
                !is_refused(|found| check_tags(&tags(pairs), found)),
                "{pairs:?}"
            );
        }
        for pairs in [
            &[("", "x")][..],
            &[("a", "ü")],
            &[("a;b", "")],
            &[("a", "sk-outcrop-1")],
        ] {
            assert!(
                is_refused(|found| check_tags(&tags(pairs), found)),
                "{pairs:?}"
            );
        }
        let many: BTreeMap<_, _> = (0..17).map(|n| (n.to_string(), String::new())).collect();
        assert!(is_refused(|found| check_tags(&many, found)));
    }

    #[test]
    fn models_are_patterns_of_ids() {
        let check = |texts: &[&str]| {
            let patterns: Vec<_> = texts.iter().map(|text| ModelPattern::new(text)).collect();
            is_refused(|found| check_models(&patterns, found))
        };
        assert!(!check(&[]) && !check(&["*"]) && !check(&["us.anthropic.*", "gpt-4o"]));
        assert!(check(&[""]) && check(&["a b"]) && check(&["a"; 101]));
    }
}
