//! Which models a key may use.

use serde::{Deserialize, Serialize};

/// An id, in which `*` stands for any run of characters, slashes and colons included: `us.anthropic.*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ModelPattern(String);

impl ModelPattern {
    /// The pattern as it was written.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `id` is one of those that are meant.
    pub fn matches(&self, id: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = id.strip_prefix(first) else {
            return false;
        };
        let Some(last) = parts.next_back() else {
            // There is no asterisk.
            return rest.is_empty();
        };
        for part in parts {
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asterisk_stands_for_any_run_of_characters() {
        for (pattern, id, expected) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-4o", "my-gpt-4o", false),
            ("*", "", true),
            ("*", "arn:aws:bedrock:us-east-1:1:x/y", true),
            ("", "", true),
            ("", "a", false),
            (
                "us.anthropic.*",
                "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
                true,
            ),
            (
                "us.anthropic.*",
                "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
                false,
            ),
            (
                "*claude*haiku*",
                "us.anthropic.claude-haiku-4-5-20251001-v1:0",
                true,
            ),
            ("*claude*haiku", "us.anthropic.claude-haiku-4-5", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("a*b*b", "ab", false),
            ("a**b", "ab", true),
        ] {
            assert_eq!(
                ModelPattern::new(pattern).matches(id),
                expected,
                "{pattern} {id}"
            );
        }
    }
}
