//! The names of models as labels: cleaned, cut, and bounded in number.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// How many names become labels; every further one is [`OTHER`]. Each costs several time series.
const MAX_MODELS: usize = 200;

/// The longest label, in characters; Bedrock's own ids are shorter than 100.
const MAX_LENGTH: usize = 128;

/// The label of every name beyond the first [`MAX_MODELS`].
const OTHER: &str = "other";

/// The label of a request that names no model, or none that Bedrock accepted.
const NONE: &str = "";

/// The name of a model as a label.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct ModelLabel(Arc<str>);

impl EncodeLabelValue for ModelLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        EncodeLabelValue::encode(&&*self.0, encoder)
    }
}

/// The names that have become labels.
#[derive(Debug)]
pub(super) struct Models {
    seen: RwLock<HashSet<Arc<str>>>,
    other: ModelLabel,
    none: ModelLabel,
}

impl Default for Models {
    fn default() -> Self {
        Self {
            seen: RwLock::default(),
            other: ModelLabel(OTHER.into()),
            none: ModelLabel(NONE.into()),
        }
    }
}

impl Models {
    /// Returns the label for a name that a client sent.
    pub(super) fn label(&self, model: Option<&str>) -> ModelLabel {
        match model {
            None => self.none.clone(),
            Some(model) if is_clean(model) => self.known(model),
            Some(model) => self.known(&clean(model)),
        }
    }

    fn known(&self, model: &str) -> ModelLabel {
        // A set of names cannot be left half changed, so a poisoned lock is as good as a whole one.
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get(model) {
            return ModelLabel(Arc::clone(known));
        }
        drop(seen);
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = seen.get(model) {
            return ModelLabel(Arc::clone(known));
        }
        if seen.len() >= MAX_MODELS {
            return self.other.clone();
        }
        let label: Arc<str> = model.into();
        seen.insert(Arc::clone(&label));
        ModelLabel(label)
    }
}

fn is_allowed(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | ':' | '/')
}

fn is_clean(model: &str) -> bool {
    model.len() <= MAX_LENGTH && model.chars().all(is_allowed)
}

/// Cuts a name, and replaces what could break a page of metrics or a dashboard.
fn clean(model: &str) -> String {
    let characters = model.chars().take(MAX_LENGTH);
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
