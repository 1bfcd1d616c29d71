//! Names as labels: cleaned, cut, and bounded in number.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// The longest label, in characters; Bedrock's own ids are shorter than 100.
const MAX_LENGTH: usize = 128;

/// The label of every name beyond the first.
const OTHER: &str = "other";

/// The label of a request without a name, or with one that Bedrock does not know.
const NONE: &str = "";

/// A name as a label.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct NameLabel(Arc<str>);

impl EncodeLabelValue for NameLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&&*self.0, encoder)
    }
}

/// The names that have become labels.
#[derive(Debug)]
pub(super) struct Names {
    most: usize,
    seen: RwLock<HashSet<Arc<str>>>,
    other: NameLabel,
    none: NameLabel,
}

impl Names {
    /// The first `most` names become labels. Each costs several time series.
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            seen: RwLock::default(),
            other: NameLabel(OTHER.into()),
            none: NameLabel(NONE.into()),
        }
    }

    /// Returns the label for a name that somebody else chose.
    pub(super) fn label(&self, name: Option<&str>) -> NameLabel {
        match name {
            None => self.none.clone(),
            Some(name) if is_clean(name) => self.known(name),
            Some(name) => self.known(&clean(name)),
        }
    }

    fn known(&self, name: &str) -> NameLabel {
        // A set of names cannot be left half changed, so a poisoned lock is as good as a whole one.
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get(name) {
            return NameLabel(Arc::clone(known));
        }
        drop(seen);
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get(name) {
            return NameLabel(Arc::clone(known));
        }
        if seen.len() >= self.most {
            return self.other.clone();
        }
        let label: Arc<str> = name.into();
        seen.insert(Arc::clone(&label));
        NameLabel(label)
    }
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | ':' | '/')
}

fn is_clean(name: &str) -> bool {
    name.len() <= MAX_LENGTH && name.chars().all(is_allowed)
}

/// Cuts a name, and replaces what could break a page of metrics or a dashboard.
fn clean(name: &str) -> String {
    let characters = name.chars().take(MAX_LENGTH);
    characters
        .map(|character| {
            if is_allowed(character) {
                character
            } else {
                '_'
            }
        })
        .collect()
}
