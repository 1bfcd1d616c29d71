//! Where the calls of one embeddings request are made: all at the same target, and at the next when that fails.

use std::collections::VecDeque;
use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;
use tracing::warn;

use super::client_request::foundation_model_of;
use super::inference::{MAX_ELAPSED, rest_after, wants_profile};
use crate::metrics::Metrics;
use crate::models::{Models, Target, Targets};
use crate::translate::{Billing, Pricing};
use crate::upstream::{self, Bedrock};

/// The targets of one request.
#[derive(Debug)]
pub(super) struct EmbeddingTargets {
    models: Models,
    metrics: Metrics,
    foundation_model: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    target: Target,
    others: VecDeque<Target>,
    /// How many targets failed before.
    left_behind: u32,
}

impl EmbeddingTargets {
    /// Those of `targets` that call the model which the configuration names first, whichever of them rests now: the
    /// embeddings of another model cannot be compared with its own. None where that model is not known.
    pub(super) async fn new(models: Models, metrics: Metrics, targets: Targets) -> Option<Self> {
        let Targets { first, others, .. } = targets;
        let leading = others.iter().find(|other| is_named_first(other));
        let leading = leading
            .filter(|_| !is_named_first(&first))
            .unwrap_or(&first);
        let foundation_model = foundation_model_of(leading).await?;
        let mut same = VecDeque::new();
        for target in iter::once(first).chain(others) {
            if foundation_model_of(&target).await.as_deref() == Some(&foundation_model) {
                same.push_back(target);
            }
        }
        Some(Self {
            models,
            metrics,
            foundation_model,
            state: Mutex::new(State {
                target: same.pop_front()?,
                others: same,
                left_behind: 0,
            }),
        })
    }

    /// The foundation model that all of them call.
    pub(super) fn foundation_model(&self) -> &str {
        &self.foundation_model
    }

    /// The target that is called now.
    pub(super) fn current(&self) -> Target {
        self.state().target.clone()
    }

    /// The same to be called with as many attempts as are left: while there are other targets, with one.
    pub(super) fn bedrock(&self) -> (Target, Bedrock) {
        let state = self.state();
        let bedrock = &state.target.bedrock;
        let left = bedrock.max_attempts().saturating_sub(state.left_behind);
        let attempts = if state.others.is_empty() {
            left.max(1)
        } else {
            1
        };
        (state.target.clone(), bedrock.with_max_attempts(attempts))
    }

    /// What must be known of a call there to say what it takes, with a prompt of about so many tokens.
    pub(super) fn billing(&self, target: &Target, input_tokens: u64) -> Billing {
        let price = self.models.price(target, Some(&self.foundation_model));
        Billing {
            pricing: Pricing {
                price,
                is_shown: false,
            },
            input_tokens,
            ..Billing::default()
        }
    }

    /// Remembers that Bedrock took a call there.
    pub(super) fn answered(&self, target: &Target) {
        self.models.learn(target);
    }

    /// Whether a call that `begun` then and failed at `failed` is to be made once more: through an inference profile, or
    /// at the next target. What one call found out holds for all.
    pub(super) fn go_on(&self, failed: &Target, error: &upstream::Error, begun: Instant) -> bool {
        if !wants_profile(error) && !error.may_not_be_elsewhere() {
            return false;
        }
        let mut state = self.state();
        if state.target.key() != failed.key() {
            return true;
        }
        if wants_profile(error) {
            let meant = failed.instead_of().is_none().then_some(failed);
            let through =
                meant.and_then(|meant| self.models.through_profile(meant, &self.foundation_model));
            let Some(through) = through else { return false };
            state.target = through;
            return true;
        }
        // Two thousand texts take longer than any one call may fail.
        if begun.elapsed() > MAX_ELAPSED {
            return false;
        }
        let Some(next) = state.others.pop_front() else {
            return false;
        };
        self.models.rest(failed, rest_after(error));
        self.metrics.failover(error.name());
        warn!(%error, %failed, %next, "the next target is called");
        state.target = next;
        state.left_behind += 1;
        true
    }

    /// The inference profiles through which the model can be called.
    pub(super) fn profiles(&self, target: &Target) -> Vec<String> {
        self.models.profiles_of(target, &self.foundation_model)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the configuration names this target before all others.
fn is_named_first(target: &Target) -> bool {
    let named = target.instead_of().unwrap_or(&target.model_id);
    let first = target.settings().and_then(|model| model.targets.first());
    first.is_some_and(|first| first.model == named)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{self, Config, Environment};
    use crate::upstream::Accounts;

    const TITAN: &str = "amazon.titan-embed-text-v2:0";

    async fn of_two_regions() -> EmbeddingTargets {
        let target = |region: &str| config::Target {
            region: Some(region.to_owned()),
            model: TITAN.to_owned(),
            ..config::Target::default()
        };
        let mut config = Config::default();
        config.discovery.enabled = false;
        config.models = vec![config::Model {
            id: "memory".to_owned(),
            targets: vec![target("us-east-1"), target("eu-west-1")],
            ..config::Model::default()
        }];
        let environment = Environment::from_pairs([("AWS_BEARER_TOKEN_BEDROCK", "key")]);
        let metrics = Metrics::new();
        let accounts = Accounts::new(&config.bedrock, &[], &environment, &metrics);
        let models = Models::begin(&config, accounts.await.unwrap(), |_| None, &metrics).unwrap();
        let targets = models.targets("memory", || 0).unwrap();
        let targets = EmbeddingTargets::new(models, metrics, targets).await;
        targets.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_for_other_targets_is_that_of_one_call_and_not_of_all() {
        let targets = of_two_regions().await;
        let error = upstream::Error::Unreachable(String::new());
        let first = targets.current();
        let begun = Instant::now();
        tokio::time::advance(MAX_ELAPSED + Duration::from_secs(1)).await;
        assert!(!targets.go_on(&first, &error, begun));
        assert!(targets.go_on(&first, &error, Instant::now()));
        assert_ne!(targets.current().key(), first.key());
        // There is no third, but what another call began at the first goes on at the second.
        assert!(!targets.go_on(&targets.current(), &error, Instant::now()));
        assert!(targets.go_on(&first, &error, begun));
    }
}
