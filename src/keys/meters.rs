//! The meters of all keys, each behind a lock of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::{
    Demand, Grant, Key, KeyId, Meter, Period, RateLimits, Refusal, ReservationIds, Settlement,
    Timestamp,
};
use crate::bedrock::Money;

/// The meters of all keys. Requests with different keys do not wait for each other.
#[derive(Debug, Default)]
pub struct Meters {
    meters: RwLock<HashMap<KeyId, Arc<Mutex<Meter>>>>,
    ids: ReservationIds,
}

impl Meters {
    /// Meters of keys that have not been used.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what a key spent on a day before: what a store has kept.
    pub fn book(&self, key: KeyId, day: Timestamp, amount: Money) {
        lock(&self.meter(key)).book(day, amount);
    }

    /// Reserves what a request wants of its key's limits, or says why not.
    ///
    /// # Errors
    /// With the limit that is in the way.
    pub fn reserve(&self, key: &Key, demand: &Demand, now: Timestamp) -> Result<Grant, Refusal> {
        lock(&self.meter(key.id)).reserve(&key.limits, demand, self.ids.next(), now)
    }

    /// Ends a reservation.
    pub fn settle(&self, settlement: &Settlement, now: Timestamp) {
        let Settlement {
            key, grant, spent, ..
        } = settlement;
        lock(&self.meter(key.id)).settle(&key.limits, grant, spent.as_ref(), now);
    }

    /// How the rate limits of a key stand. It counts nothing.
    pub fn rate_limits(&self, key: &Key, now: Timestamp) -> RateLimits {
        lock(&self.meter(key.id)).rate_limits(&key.limits, now)
    }

    /// What a key spent in the period that holds `now`, and what is reserved beside that.
    pub fn spent(&self, key: KeyId, period: Period, now: Timestamp) -> (Money, Money) {
        lock(&self.meter(key)).spent(period, now)
    }

    /// The meter of a key. All others stay free while it is used.
    fn meter(&self, key: KeyId) -> Arc<Mutex<Meter>> {
        let known = self.meters.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(meter) = known.get(&key) {
            return Arc::clone(meter);
        }
        drop(known);
        let mut known = self.meters.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(key).or_default())
    }
}

fn lock(meter: &Mutex<Meter>) -> MutexGuard<'_, Meter> {
    // Nothing that is done under the lock can panic half-way.
    meter.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
