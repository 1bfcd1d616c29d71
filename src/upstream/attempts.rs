//! What one request has cost so far in calls to Bedrock.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Counts the calls to Bedrock of one request, and keeps the two moments between which the request waited for Bedrock and
/// not for the gateway. May be read while a call is pending.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    begun: u32,
    lost: u32,
    first_begun_at: Option<Instant>,
    answered_at: Option<Instant>,
}

impl Attempts {
    /// How many calls were begun.
    pub fn begun(&self) -> u32 {
        self.state().begun
    }

    /// How many calls were sent and never answered, though Bedrock may have done its work.
    pub fn lost(&self) -> u32 {
        self.state().lost
    }

    /// When the first call, signed and ready, was handed to the connection pool.
    pub fn first_begun_at(&self) -> Option<Instant> {
        self.state().first_begun_at
    }

    /// When the last call had its answer: the whole body, or a stream's first message. `None` while there is none.
    pub fn answered_at(&self) -> Option<Instant> {
        self.state().answered_at
    }

    /// Counts a call that begins now.
    pub(super) fn begin(&self) {
        let mut state = self.state();
        state.begun = state.begun.saturating_add(1);
        state.first_begun_at.get_or_insert_with(Instant::now);
        state.answered_at = None;
    }

    /// Counts a call whose answer never came.
    pub(super) fn lose(&self) {
        let mut state = self.state();
        state.lost = state.lost.saturating_add(1);
    }

    /// Says that the answer, good or bad, is there.
    pub(super) fn answered(&self) {
        self.state().answered_at = Some(Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_is_from_the_first_call_to_the_last_answer() {
        let attempts = Attempts::default();
        assert_eq!(
            (
                attempts.begun(),
                attempts.first_begun_at(),
                attempts.answered_at()
            ),
            (0, None, None)
        );
        attempts.begin();
        let first = attempts.first_begun_at();
        attempts.answered();
        assert!(first.is_some() && attempts.answered_at() >= first);
        attempts.begin();
        assert_eq!(
            (
                attempts.begun(),
                attempts.first_begun_at(),
                attempts.answered_at()
            ),
            (2, first, None)
        );
    }
}
