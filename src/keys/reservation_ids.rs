//! Where the ids of reservations come from.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use super::ReservationId;

/// Ids that no other gateway gives: one half tells the gateway, the other counts.
#[derive(Debug)]
pub struct ReservationIds {
    gateway: u64,
    next: AtomicU64,
}

impl ReservationIds {
    /// The ids of one gateway, which nobody else has by all odds.
    pub fn new() -> Self {
        Self {
            // Its keys come from the operating system's random numbers.
            gateway: RandomState::new().hash_one(std::process::id()),
            next: AtomicU64::new(0),
        }
    }

    /// The next id.
    pub fn next(&self) -> ReservationId {
        let count = self.next.fetch_add(1, Ordering::Relaxed);
        ReservationId(u128::from(self.gateway) << 64 | u128::from(count))
    }
}

impl Default for ReservationIds {
    fn default() -> Self {
        Self::new()
    }
}
