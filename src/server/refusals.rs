//! What models were seen to refuse: remembered for an hour, so that only the first request pays for finding out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use crate::bedrock::{Family, Refusal};

/// How long a refusal is believed. AWS enables features without a word.
const BELIEVED: Duration = Duration::from_hours(1);
/// The most models that are remembered.
const MAX_MODELS: usize = 1000;

/// What models refused, by the id that was called in this account and region.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    models: Mutex<HashMap<String, HashMap<Refusal, Instant>>>,
}

impl Refusals {
    /// `family` without what `model` is known to refuse.
    pub(super) fn apply(&self, model: &str, family: Family) -> Family {
        let now = Instant::now();
        let models = self.locked();
        let refused = models.get(model).into_iter().flatten();
        let believed = refused.filter(|(_, until)| **until > now);
        believed.fold(family, |family, (refusal, _)| family.without(*refusal))
    }

    /// Remembers that `model` refused a feature.
    pub(super) fn learn(&self, model: &str, refusal: Refusal) {
        if !refusal.is_of_the_model() {
            return;
        }
        info!(
            model,
            ?refusal,
            "the model refuses a feature, which is left out for an hour"
        );
        let now = Instant::now();
        let mut models = self.locked();
        if models.len() >= MAX_MODELS && !models.contains_key(model) {
            models.retain(|_, refused| refused.values().any(|until| *until > now));
            if models.len() >= MAX_MODELS {
                return;
            }
        }
        models
            .entry(model.to_owned())
            .or_default()
            .insert(refusal, now + BELIEVED);
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, HashMap<Refusal, Instant>>> {
        self.models.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_believed_for_an_hour_and_of_one_model() {
        let refusals = Refusals::default();
        let family = Family::of(Some("amazon.nova-pro-v1:0"));
        refusals.learn("us.amazon.nova-pro-v1:0", Refusal::StreamingTools);
        let learned = refusals.apply("us.amazon.nova-pro-v1:0", family);
        assert!(family.streaming_tools && !learned.streaming_tools);
        assert_eq!(refusals.apply("eu.amazon.nova-pro-v1:0", family), family);
        advance(BELIEVED).await;
        assert_eq!(refusals.apply("us.amazon.nova-pro-v1:0", family), family);
    }

    #[tokio::test]
    async fn what_one_conversation_did_wrong_is_not_the_models_fault() {
        let refusals = Refusals::default();
        refusals.learn("m", Refusal::ReasoningReplay);
        assert!(refusals.locked().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_models_are_remembered_than_fit() {
        let refusals = Refusals::default();
        for model in 0..MAX_MODELS + 10 {
            refusals.learn(&model.to_string(), Refusal::TopP);
        }
        assert_eq!(refusals.locked().len(), MAX_MODELS);
        advance(BELIEVED).await;
        refusals.learn("new", Refusal::TopP);
        assert_eq!(refusals.locked().len(), 1);
    }
}
