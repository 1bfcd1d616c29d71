//! Targets that failed a moment ago, and rest: a throttled region is not asked first by every request.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Target;

/// The most targets that rest at once; clients choose ids, but only configured ones have alternatives.
const MAX_RESTING: usize = 1000;

/// The targets that rest, and until when.
#[derive(Debug, Default)]
pub(super) struct Resting {
    until: Mutex<HashMap<String, Instant>>,
}

impl Resting {
    /// Lets `target` rest for `time` from now on.
    pub(super) fn begin(&self, target: &Target, time: Duration) {
        let now = Instant::now();
        let mut until = self.locked();
        if until.len() >= MAX_RESTING {
            until.retain(|_, until| *until > now);
        }
        if until.len() < MAX_RESTING {
            until.insert(target.key(), now + time);
        }
    }

    /// The same targets, those that rest behind all others. Nobody is left out: all may rest.
    pub(super) fn last(&self, targets: Vec<Target>) -> VecDeque<Target> {
        if targets.len() <= 1 {
            return targets.into();
        }
        let now = Instant::now();
        let until = self.locked();
        let rests = |target: &Target| until.get(&target.key()).is_some_and(|until| *until > now);
        let targets = targets.into_iter().map(|target| {
            let rests = rests(&target);
            target.resting(rests)
        });
        let mut targets: Vec<_> = targets.collect();
        targets.sort_by_key(Target::rests);
        targets.into()
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
