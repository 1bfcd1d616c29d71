//! Tool names: Bedrock takes `[a-zA-Z0-9_-]{1,64}`, clients send dots, slashes and longer names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The most characters of a tool's name at Bedrock.
const MAX_LENGTH: usize = 64;
/// The characters kept of a name that has to be replaced; an underscore and six hex digits follow.
const KEPT_LENGTH: usize = 57;

/// The names of one request in both directions. It depends on the request alone, so that the same
/// conversation always has the same bytes.
#[derive(Clone, Debug, Default)]
pub struct ToolNames {
    /// Client's name by Bedrock's name.
    clients: HashMap<String, String>,
    /// Bedrock's name by client's name, for those that were replaced: a history repeats them.
    replaced: HashMap<String, String>,
}

impl ToolNames {
    /// The name to use towards Bedrock: the client's own where Bedrock takes it.
    pub(super) fn register<'a>(&mut self, name: Cow<'a, str>) -> Cow<'a, str> {
        if let Some(replaced) = self.replaced.get(name.as_ref()) {
            return Cow::Owned(replaced.clone());
        }
        let mut candidate = if is_valid(&name) {
            name.clone()
        } else {
            Cow::Owned(replacement(&name, 0))
        };
        for salt in 1.. {
            match self.clients.get(candidate.as_ref()) {
                Some(client) if *client == *name => return candidate,
                // Another name was replaced by just this one.
                Some(_) => candidate = Cow::Owned(replacement(&name, salt)),
                None => break,
            }
        }
        if candidate != name {
            let replaced = candidate.to_string();
            self.replaced.insert(name.to_string(), replaced);
        }
        self.clients
            .insert(candidate.to_string(), name.into_owned());
        candidate
    }

    /// Whether a tool has this name towards Bedrock.
    pub(super) fn has(&self, name: &str) -> bool {
        self.clients.contains_key(name)
    }

    /// The client's name for a tool that Bedrock names; a name that a model made up stays as it is.
    pub fn restore<'n>(&'n self, name: &'n str) -> &'n str {
        self.clients.get(name).map_or(name, String::as_str)
    }
}

fn is_valid_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

fn is_valid(name: &str) -> bool {
    (1..=MAX_LENGTH).contains(&name.len()) && name.chars().all(is_valid_character)
}

fn replacement(name: &str, salt: u32) -> String {
    let mut replaced: String = name
        .chars()
        .take(KEPT_LENGTH)
        .map(|c| if is_valid_character(c) { c } else { '_' })
        .collect();
    replaced.push('_');
    let mut hash = Sha256::new_with_prefix(name.as_bytes());
    if salt > 0 {
        hash.update(salt.to_be_bytes());
    }
    push_hex(&mut replaced, &hash.finalize(), 3);
    replaced
}

/// Appends the first `count` bytes of `digest` in hexadecimal.
pub(super) fn push_hex(text: &mut String, digest: &[u8], count: usize) {
    for byte in digest.iter().take(count) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_names_stay_and_others_come_back_as_they_were() {
        let mut names = ToolNames::default();
        let long = "mcp.".repeat(30);
        for name in ["get_weather", "9-lives", "fs.read", "größe", "", &long] {
            let wire = names.register(name.into()).into_owned();
            assert!(is_valid(&wire), "{name:?} -> {wire:?}");
            assert_eq!(names.restore(&wire), name);
            assert_eq!(
                names.register(name.into()),
                wire,
                "a name is always replaced alike"
            );
        }
        assert_eq!(names.register("get_weather".into()), "get_weather");
        assert_eq!(names.restore("invented"), "invented");
    }

    #[test]
    fn a_replacement_never_takes_the_name_of_another_tool() {
        let mut names = ToolNames::default();
        let taken = names.register("a.b".into()).into_owned();
        let other = names.register(Cow::Owned(taken.clone())).into_owned();
        assert_ne!(taken, other);
        assert_eq!(names.restore(&taken), "a.b");
        assert_eq!(names.restore(&other), taken);
    }

    /// A client can take the replacements of a name away and then call it again and again. Looked for anew each
    /// time, this would take hours.
    #[test]
    fn a_replacement_is_looked_for_once() {
        let mut names = ToolNames::default();
        for salt in 0..20_000 {
            names.register(Cow::Owned(replacement("a.b", salt)));
        }
        let replaced = replacement("a.b", 20_000);
        for _ in 0..20_000 {
            assert_eq!(names.register("a.b".into()), replaced);
        }
        assert_eq!(names.restore(&replaced), "a.b");
    }

    #[test]
    fn replacements_never_change_from_version_to_version() {
        // Prompt caches and histories depend on them.
        assert_eq!(
            ToolNames::default().register("fs.read".into()),
            "fs_read_4074bc"
        );
    }
}
