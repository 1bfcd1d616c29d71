//! Tool-call ids: what a client replays becomes what Bedrock takes, in calls and results alike.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::tool_names::push_hex;
use crate::bedrock::ToolUseIdForm;

/// The most characters of a `toolUseId`.
const MAX_LENGTH: usize = 64;
/// The characters kept of an id that has to be replaced; an underscore and eight hex digits follow.
const KEPT_LENGTH: usize = 55;

/// The ids of one conversation, no two of them alike.
#[derive(Debug)]
pub(super) struct ToolUseIds {
    form: ToolUseIdForm,
    issued: HashSet<String>,
    /// How often each of the client's ids was asked for.
    uses: HashMap<String, u64>,
}

impl ToolUseIds {
    pub(super) fn new(form: ToolUseIdForm) -> Self {
        Self {
            form,
            issued: HashSet::new(),
            uses: HashMap::new(),
        }
    }

    /// The `toolUseId` for the client's `id`. When it was issued already, the next one is derived from it: it
    /// depends on what came before in the conversation alone, so that the same history has the same bytes.
    pub(super) fn issue<'a>(&mut self, id: &Cow<'a, str>) -> Cow<'a, str> {
        let uses = self.uses.entry(id.to_string()).or_insert(0);
        loop {
            *uses += 1;
            let candidate = match *uses {
                1 => tool_use_id(id.clone(), self.form),
                use_number => tool_use_id(Cow::Owned(format!("{id}#{use_number}")), self.form),
            };
            if self.issued.insert(candidate.to_string()) {
                return candidate;
            }
        }
    }
}

/// The form of a client's id that the model takes; most already have it.
fn tool_use_id(id: Cow<'_, str>, form: ToolUseIdForm) -> Cow<'_, str> {
    match form {
        ToolUseIdForm::Declared => declared(id),
        ToolUseIdForm::NineAlphanumerics => nine_alphanumerics(id),
    }
}

fn declared(id: Cow<'_, str>) -> Cow<'_, str> {
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    if (1..=MAX_LENGTH).contains(&id.len()) && id.chars().all(valid) {
        return id;
    }
    let mut replaced: String = id
        .chars()
        .take(KEPT_LENGTH)
        .map(|c| if valid(c) { c } else { '_' })
        .collect();
    replaced.push('_');
    push_hex(&mut replaced, &Sha256::digest(id.as_bytes()), 4);
    Cow::Owned(replaced)
}

/// Hashed rather than cut: the first nine letters of AWS's `tooluse_…` are nearly the same in every id.
fn nine_alphanumerics(id: Cow<'_, str>) -> Cow<'_, str> {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return id;
    }
    let digest = Sha256::digest(id.as_bytes());
    let characters = digest.iter().take(9).map(|byte| {
        let place = usize::from(*byte) % ALPHABET.len();
        ALPHABET.get(place).copied().map_or('0', char::from)
    });
    Cow::Owned(characters.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bedrocks_own_ids_stay_and_others_are_replaced_alike_each_time() {
        let id = |id: &str| declared(Cow::Owned(id.to_owned())).into_owned();
        for own in [
            "tooluse_kZJMlvQmRJ6eAyJE5GIl7Q",
            "functions.get_temperature:0",
            "callnonceabc20",
        ] {
            assert_eq!(id(own), own);
        }
        let long = format!("call_1|fc_{}", "x".repeat(450));
        for other in [long.as_str(), "", "a b", "é"] {
            let replaced = id(other);
            assert!((1..=MAX_LENGTH).contains(&replaced.len()), "{replaced}");
            assert!(replaced.is_ascii());
            assert_eq!(replaced, id(other));
        }
        assert_ne!(id("a b"), id("a_b"));
    }

    #[test]
    fn no_two_calls_share_an_id() {
        for form in [ToolUseIdForm::Declared, ToolUseIdForm::NineAlphanumerics] {
            let mut ids = ToolUseIds::new(form);
            let second = declared("a#2".into()).into_owned();
            let issued: HashSet<String> = ["a", &second, "a", "a", "a b", "a b"]
                .into_iter()
                .map(|id| ids.issue(&Cow::Borrowed(id)).into_owned())
                .collect();
            assert_eq!(issued.len(), 6, "{issued:?}");
        }
    }

    #[test]
    fn mistral_gets_nine_letters_that_differ_for_ids_that_begin_alike() {
        let id = |id: &str| nine_alphanumerics(Cow::Owned(id.to_owned())).into_owned();
        assert_eq!(id("aB3dE6gH9"), "aB3dE6gH9");
        let (first, second) = (
            id("tooluse_aaaaaaaaaaaaaaaaaaaaaa"),
            id("tooluse_aaaaaaaaaaaaaaaaaaaaab"),
        );
        assert_eq!(first.len(), 9);
        assert!(first.bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(first, second);
    }
}
