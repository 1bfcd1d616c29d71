//! What becomes of requests while the store does not answer.

use std::sync::atomic::{AtomicBool, Ordering};

use tracing::{info, warn};

use super::{Demand, Grant, Key, Meters, RateLimits, Refusal, Settlement, StoreError, Timestamp};
use crate::config::OnStoreFailure;
use crate::metrics::Metrics;

/// Whether the store answers, and the limits that this gateway keeps by itself when it does not.
#[derive(Debug)]
pub(super) struct Outage {
    policy: Option<OnStoreFailure>,
    /// What passed without the store. A budget begins anew here: what the store has counted is not known.
    meters: Meters,
    /// Whether the last look for changes failed.
    is_silent: AtomicBool,
    /// Whether a request failed since the last look for changes; the next do not wait for the same then.
    is_avoided: AtomicBool,
    metrics: Metrics,
}

impl Outage {
    pub(super) fn new(policy: Option<OnStoreFailure>, metrics: &Metrics) -> Self {
        Self {
            policy,
            meters: Meters::new(),
            is_silent: AtomicBool::new(false),
            is_avoided: AtomicBool::new(false),
            metrics: metrics.clone(),
        }
    }

    /// Whether the store did not answer when it was asked last.
    pub(super) fn is_on(&self) -> bool {
        self.is_silent.load(Ordering::Relaxed) || self.is_avoided()
    }

    /// Whether requests go without asking the store.
    pub(super) fn is_avoided(&self) -> bool {
        self.is_avoided.load(Ordering::Relaxed)
    }

    /// The store answered a look for changes.
    pub(super) fn heard(&self) {
        let was_on = self.is_on();
        self.is_silent.store(false, Ordering::Relaxed);
        self.is_avoided.store(false, Ordering::Relaxed);
        self.metrics.key_store_answers(true);
        if was_on {
            info!("the key store answers again");
        }
    }

    /// The store did not answer a look for changes.
    pub(super) fn unheard(&self, error: &StoreError) {
        self.begin(&self.is_silent, error);
    }

    /// The store did not answer a request.
    pub(super) fn avoid(&self, error: &StoreError) {
        self.begin(&self.is_avoided, error);
    }

    /// Reserves without the store, if the key may.
    pub(super) fn reserve(&self, key: &Key, demand: &Demand) -> Result<Grant, Refusal> {
        let is_allowed = match self.policy {
            Some(OnStoreFailure::Deny) => false,
            Some(OnStoreFailure::AllowKnown) => true,
            None => key.limits.budget.is_none(),
        };
        self.metrics.request_without_key_store(is_allowed);
        if !is_allowed {
            return Err(Refusal::StoreAway);
        }
        self.meters.reserve(key, demand, Timestamp::now())
    }

    /// Ends a reservation that was made without the store.
    pub(super) fn settle(&self, settlement: &Settlement) {
        self.meters.settle(settlement, Timestamp::now());
    }

    pub(super) fn rate_limits(&self, key: &Key) -> RateLimits {
        self.meters.rate_limits(key, Timestamp::now())
    }

    fn begin(&self, sign: &AtomicBool, error: &StoreError) {
        let was_on = self.is_on();
        sign.store(true, Ordering::Relaxed);
        self.metrics.key_store_answers(false);
        if !was_on {
            warn!("{error}");
        }
    }
}
