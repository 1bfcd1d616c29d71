//! Models that can be called through an inference profile alone, as far as that was found out.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use super::Target;

/// How long a profile is called instead of the model before the model is tried again.
const BELIEVED: Duration = Duration::from_hours(1);
/// The most models that are remembered.
const MAX_MODELS: usize = 1000;

/// The profiles that are called instead of models.
#[derive(Debug, Default)]
pub(super) struct LearnedProfiles {
    profiles: Mutex<HashMap<String, (String, Instant)>>,
}

impl LearnedProfiles {
    /// `target`, or the same through the profile that has to be called instead.
    pub(super) fn instead_of(&self, target: Target) -> Target {
        let profiles = self.locked();
        match profiles.get(&target.key()) {
            Some((profile, until)) if *until > Instant::now() => target.through(profile.clone()),
            _ => target,
        }
    }

    /// Remembers that `target`, which goes through a profile, was answered.
    pub(super) fn learn(&self, target: &Target) {
        let Some(model) = target.instead_of() else {
            return;
        };
        let (key, now) = (target.key_of(model), Instant::now());
        let mut profiles = self.locked();
        if profiles.get(&key).is_some_and(|(_, until)| *until > now) {
            return;
        }
        if profiles.len() >= MAX_MODELS {
            profiles.retain(|_, (_, until)| *until > now);
        }
        if profiles.len() < MAX_MODELS {
            let profile = target.model_id.clone();
            info!(
                model,
                profile, "the model is called through an inference profile for an hour"
            );
            profiles.insert(key, (profile, now + BELIEVED));
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.profiles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
