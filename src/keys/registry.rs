//! All that the gateway wants of keys: whose one is, whether its request may pass, and what it took.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::following;
use super::outage::Outage;
use super::reservation::{Grantor, Reservation};
use super::{
    Demand, Key, KeyStore, KnownKeys, RateLimits, Refusal, Settlement, StoreError, Timestamp,
    Unauthenticated,
};
use crate::config;
use crate::metrics::Metrics;

/// How long what was settled is waited for at the end.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// The managed keys of a gateway. Those that it knows are in memory, and at most half a second old while the store
/// answers. A clone is the same.
#[derive(Clone, Debug)]
pub struct Keys {
    shared: Arc<Shared>,
}

/// How it is with the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreState {
    /// There is none: nobody has made a key.
    None,
    /// It answers.
    Ready,
    /// It is there, but does not answer or cannot be used.
    Away,
}

#[derive(Debug)]
pub(super) struct Shared {
    store: OnceLock<Arc<dyn KeyStore>>,
    known: RwLock<Arc<KnownKeys>>,
    /// Whether there is a store that cannot be opened.
    is_blocked: AtomicBool,
    pub(super) outage: Outage,
}

impl Keys {
    /// Opens the store of the configuration and follows it from then on. A file that does not exist yet is looked for
    /// until somebody makes it.
    ///
    /// # Errors
    /// When there is a store that cannot be used: it does not answer, another gateway has the file, or it was written by
    /// a later version.
    pub async fn begin(config: &config::Keys, metrics: &Metrics) -> Result<Self, StoreError> {
        let keys = Self::new(config, metrics);
        match super::open(&config.store, super::Access::Gateway).await {
            Ok(store) => keys.shared.adopt(store).await?,
            Err(StoreError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        following::begin(&keys.shared, Some(config.store.clone()));
        Ok(keys)
    }

    /// The keys of a store that is open, for those who made one themselves.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn from_store(
        store: Arc<dyn KeyStore>,
        config: &config::Keys,
        metrics: &Metrics,
    ) -> Result<Self, StoreError> {
        let keys = Self::new(config, metrics);
        keys.shared.adopt(store).await?;
        following::begin(&keys.shared, None);
        Ok(keys)
    }

    fn new(config: &config::Keys, metrics: &Metrics) -> Self {
        let shared = Shared {
            store: OnceLock::new(),
            known: RwLock::default(),
            is_blocked: AtomicBool::new(false),
            outage: Outage::new(config.on_store_failure, metrics),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Whether a key is needed, because there is a store; it may hold none that is valid.
    pub fn are_required(&self) -> bool {
        self.store_state() != StoreState::None
    }

    /// How it is with the store.
    pub fn store_state(&self) -> StoreState {
        match self.shared.store.get() {
            Some(_) if self.shared.outage.is_on() => StoreState::Away,
            Some(_) => StoreState::Ready,
            None if self.shared.is_blocked.load(Ordering::Relaxed) => StoreState::Away,
            None => StoreState::None,
        }
    }

    /// Whose the key is that a client presents. It asks nobody.
    ///
    /// # Errors
    /// When it is not known, or not valid any more.
    pub fn authenticate(
        &self,
        presented: &[u8],
        now: Timestamp,
    ) -> Result<Arc<Key>, Unauthenticated> {
        self.shared.known().authenticate(presented, now)
    }

    /// Reserves what a request wants of its key's limits. Nothing stays reserved when the caller stops waiting.
    ///
    /// # Errors
    /// With the limit that is in the way, or when the store does not answer and the key may not pass without it.
    pub async fn reserve(&self, key: &Arc<Key>, demand: &Demand) -> Result<Reservation, Refusal> {
        let mut asked = Box::pin(self.clone().ask(Arc::clone(key), demand.clone()));
        match poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await {
            Poll::Ready(answer) => answer,
            // A store elsewhere may have counted the request by now. Its answer is awaited even when the client leaves:
            // what it granted is dropped then, and given back.
            Poll::Pending => tokio::spawn(asked).await.unwrap_or(Err(Refusal::StoreAway)),
        }
    }

    async fn ask(self, key: Arc<Key>, demand: Demand) -> Result<Reservation, Refusal> {
        let store = self.shared.store.get().ok_or(Refusal::StoreAway)?;
        let outage = &self.shared.outage;
        let answer = if outage.is_avoided() {
            None
        } else {
            let answer = store.reserve(&key, &demand).await;
            answer.map_err(|error| outage.avoid(&error)).ok()
        };
        let (grant, by) = match answer {
            Some(answer) => (answer?, Grantor::Store),
            None => (outage.reserve(&key, &demand)?, Grantor::Gateway),
        };
        let settlement = Settlement {
            key,
            grant,
            model: demand.model,
            spent: None,
        };
        Ok(Reservation::new(self, settlement, by))
    }

    /// Ends a reservation. The store books it also when it has not granted it, and keeps it until it answers again.
    pub(super) fn settle(&self, settlement: Settlement, by: Grantor) {
        if by == Grantor::Gateway {
            self.shared.outage.settle(&settlement);
        }
        if let Some(store) = self.shared.store.get() {
            store.settle(settlement);
        }
    }

    /// How the rate limits of a key stand. It counts nothing.
    pub async fn rate_limits(&self, key: &Arc<Key>) -> RateLimits {
        if key.limits.rpm.is_none() && key.limits.tpm.is_none() {
            return RateLimits::default();
        }
        let outage = &self.shared.outage;
        if let Some(store) = self.shared.store.get().filter(|_| !outage.is_avoided()) {
            match store.rate_limits(key).await {
                Ok(rate_limits) => return rate_limits,
                Err(error) => outage.avoid(&error),
            }
        }
        outage.rate_limits(key)
    }

    /// The key of the store that authenticates what clients keep; `None` without a store that answers.
    pub async fn state_key(&self) -> Option<[u8; 32]> {
        let store = self.shared.store.get()?;
        let answer = store.state_key().await;
        answer.map_err(|error| warn!("{error}")).ok()
    }

    /// The store, for those who manage what is in it; `None` while there is none.
    pub fn store(&self) -> Option<Arc<dyn KeyStore>> {
        self.shared.store.get().map(Arc::clone)
    }

    /// Waits until all that was settled is kept, for at most five seconds.
    pub async fn close(&self) {
        if let Some(store) = self.shared.store.get() {
            match timeout(LAST_FLUSH, store.flush()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!("the last usage may be lost: {error}"),
                Err(_) => warn!("the last usage may be lost: the key store takes too long"),
            }
        }
    }
}

impl Shared {
    pub(super) fn store(&self) -> Option<&Arc<dyn KeyStore>> {
        self.store.get()
    }

    /// Takes a store with all its keys: nobody sees it before they are known.
    pub(super) async fn adopt(&self, store: Arc<dyn KeyStore>) -> Result<(), StoreError> {
        let changes = store.changes(0).await?;
        self.set_known(KnownKeys::default().after(changes));
        self.outage.heard();
        // There is one place that looks for a store, and it does not look twice.
        let _ = self.store.set(store);
        Ok(())
    }

    /// There is a store that cannot be opened: nobody passes until it can be.
    pub(super) fn block(&self) -> bool {
        !self.is_blocked.swap(true, Ordering::Relaxed)
    }

    pub(super) fn known(&self) -> Arc<KnownKeys> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_known(&self, keys: KnownKeys) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }
}

#[cfg(test)]
mod tests;
