//! What a request asked for and did not get, for the headers `x-outcrop-ignored` and `x-outcrop-adjusted`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// The most paths that one header names; the rest are counted.
const MAX_NAMED: usize = 32;
/// The most characters of one path.
const MAX_LENGTH: usize = 64;

/// Members that had no effect, and members that had another effect than asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    ignored: Vec<String>,
    adjusted: Vec<String>,
}

impl Notes {
    /// Notes that the member at `path` has no effect.
    pub fn ignore(&mut self, path: impl Into<String>) {
        self.ignored.push(path.into());
    }

    /// Notes that the member at `path` was taken as `value`.
    pub fn adjust(&mut self, path: &str, value: &impl fmt::Display) {
        let note = format!("{path}={value}");
        if !self.adjusted.contains(&note) {
            self.adjusted.push(note);
        }
    }

    /// Takes over what others noted.
    pub(super) fn append(&mut self, mut others: Self) {
        self.ignored.append(&mut others.ignored);
        self.adjusted.append(&mut others.adjusted);
    }

    /// Puts the notes into the order in which the request has its top-level members, and the elements of those.
    pub fn sort(&mut self, members: &[Cow<'_, str>]) {
        let members: HashMap<&str, usize> = members.iter().map(AsRef::as_ref).zip(0..).collect();
        let place = |path: &String| {
            let top = path.split(['.', '[', '=']).next().unwrap_or_default();
            let member = members.get(top).copied().unwrap_or(members.len());
            (member, first_index(path))
        };
        self.ignored.sort_by_cached_key(place);
        self.adjusted.sort_by_cached_key(place);
        self.ignored.dedup();
    }

    /// The first member without effect, if there is any.
    pub fn first_ignored(&self) -> Option<&str> {
        self.ignored.first().map(String::as_str)
    }

    /// The value of `x-outcrop-ignored`, absent when everything had its effect.
    pub fn ignored(&self) -> Option<String> {
        header(&self.ignored)
    }

    /// The value of `x-outcrop-adjusted`, absent when everything was taken as it stood.
    pub fn adjusted(&self) -> Option<String> {
        header(&self.adjusted)
    }
}

/// The 2 of `messages[2].name`.
fn first_index(path: &str) -> Option<usize> {
    let (_, rest) = path.split_once('[')?;
    let (index, _) = rest.split_once(']')?;
    index.parse().ok()
}

/// Paths that fit a header safely, and the number of those that do not.
fn header(paths: &[String]) -> Option<String> {
    let fits = |path: &&String| {
        (1..=MAX_LENGTH).contains(&path.len())
            && path
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'=' | b'[' | b']'))
    };
    let mut named: Vec<Cow<'_, str>> = paths
        .iter()
        .filter(fits)
        .take(MAX_NAMED)
        .map(|path| Cow::Borrowed(path.as_str()))
        .collect();
    let others = paths.len() - named.len();
    if others > 0 {
        named.push(Cow::Owned(format!("+{others}")));
    }
    (!named.is_empty()).then(|| named.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stand_in_request_order_and_what_does_not_fit_is_counted() {
        let mut notes = Notes::default();
        notes.ignore("logit_bias");
        notes.ignore("messages[10].name");
        notes.ignore("messages[2].name");
        notes.ignore("seed");
        notes.ignore("x-y\r\nset-cookie");
        notes.adjust("temperature", &1);
        notes.sort(&[
            "seed".into(),
            "messages".into(),
            "logit_bias".into(),
            "temperature".into(),
        ]);
        assert_eq!(
            notes.ignored().unwrap(),
            "seed, messages[2].name, messages[10].name, logit_bias, +1"
        );
        assert_eq!(notes.adjusted().unwrap(), "temperature=1");
        assert_eq!(Notes::default().ignored(), None);
    }

    #[test]
    fn a_header_names_at_most_thirty_two() {
        let mut notes = Notes::default();
        for index in 0..40 {
            notes.ignore(format!("messages[{index}].name"));
        }
        let header = notes.ignored().unwrap();
        assert_eq!(header.split(", ").count(), 33);
        assert!(header.ends_with("+8"));
    }
}
