//! A rate limit as a bucket: it holds what may be asked for in a minute, and fills up again all the time.

use std::time::Duration;

use super::{RateLimit, Timestamp};

/// The parts that one request or token has. A limit per minute fills up by exactly that many parts in a millisecond,
/// so that nothing is ever rounded.
const PARTS: u64 = 60_000;

/// How long an empty bucket takes to fill up.
const MINUTE: Duration = Duration::from_mins(1);

/// What was taken out of a bucket and has not come back yet. A new one is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bucket {
    /// What it holds when it is full: the limit per minute.
    limit: u32,
    /// How many parts are missing. It may be more than the bucket holds.
    missing: u64,
    /// When that many were missing.
    at: Timestamp,
}

impl Bucket {
    /// The bucket that a store has kept.
    pub(super) const fn of(limit: u32, missing: u64, at: Timestamp) -> Self {
        Self { limit, missing, at }
    }

    /// The bucket as it is at `now` when the limit is `limit`. After a change of the limit the same share of it is
    /// missing as before.
    pub(super) fn at(self, limit: u32, now: Timestamp) -> Self {
        let missing = self.share_of(limit);
        let back = now.since(self.at).as_millis();
        let back = u64::try_from(back).unwrap_or(u64::MAX);
        // Requests may overtake each other by a moment, and nothing comes back twice then; but a clock that was set
        // back does not stop the bucket until it has caught up.
        let is_set_back = self.at.since(now) > MINUTE;
        Self {
            limit,
            missing: missing.saturating_sub(back.saturating_mul(limit.into())),
            at: if is_set_back { now } else { self.at.max(now) },
        }
    }

    /// How long it takes until this much is there; `None` when it is. Nobody waits for more than a whole bucket.
    pub(super) fn wait(&self, amount: u64) -> Option<Duration> {
        if self.limit == 0 {
            return Some(MINUTE);
        }
        let wanted = amount.min(self.limit.into()) * PARTS;
        let lacking = self.missing.saturating_add(wanted);
        match lacking.saturating_sub(self.capacity()) {
            0 => None,
            lacking => Some(self.time_of(lacking)),
        }
    }

    /// Takes this much out, whether it is there or not.
    pub(super) fn take(&mut self, amount: u64) {
        self.missing = self.missing.saturating_add(parts(amount));
    }

    /// Puts this much back; what does not fit in is lost.
    pub(super) fn give_back(&mut self, amount: u64) {
        self.missing = self.missing.saturating_sub(parts(amount));
    }

    /// How the limit stands.
    pub(super) fn rate_limit(&self) -> RateLimit {
        RateLimit {
            limit: self.limit.into(),
            remaining: self.capacity().saturating_sub(self.missing) / PARTS,
            reset: self.time_of(self.missing),
        }
    }

    fn capacity(&self) -> u64 {
        u64::from(self.limit) * PARTS
    }

    /// How long it takes until this many parts have come back.
    fn time_of(&self, parts: u64) -> Duration {
        Duration::from_millis(parts.div_ceil(u64::from(self.limit).max(1)))
    }

    /// What is missing, as the same share of another limit.
    fn share_of(&self, limit: u32) -> u64 {
        if limit == self.limit {
            return self.missing;
        }
        let scaled = u128::from(self.missing) * u128::from(limit);
        let share = scaled.checked_div(self.limit.into()).unwrap_or_default();
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

/// An amount in parts. No request takes more than four billion tokens.
fn parts(amount: u64) -> u64 {
    amount.min(u32::MAX.into()) * PARTS
}
