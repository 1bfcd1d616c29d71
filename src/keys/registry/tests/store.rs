//! A store in memory that can fail, and take its time.

use std::future::ready;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::watch;

use super::*;
use crate::keys::{Grant, Meters, Pending, UsageQuery, UsageRow};

#[derive(Debug)]
pub(super) struct TestStore {
    meters: Meters,
    state: Mutex<State>,
    is_held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    keys: BTreeMap<KeyId, Key>,
    revision: u64,
    is_away: bool,
    asked: usize,
    looks: usize,
    flushes: usize,
    settled: Vec<(String, Option<Spent>)>,
}

impl TestStore {
    pub(super) fn with(keys: impl IntoIterator<Item = Key>) -> Arc<Self> {
        let store = Self {
            meters: Meters::new(),
            state: Mutex::default(),
            is_held: watch::Sender::new(false),
        };
        store.replace_all(keys);
        Arc::new(store)
    }

    /// Makes or changes a key.
    pub(super) fn change(&self, mut key: Key) {
        let mut state = self.state();
        state.revision += 1;
        key.revision = state.revision;
        state.keys.insert(key.id, key);
    }

    /// Becomes another store with these keys.
    pub(super) fn replace_all(&self, keys: impl IntoIterator<Item = Key>) {
        let mut state = self.state();
        state.keys.clear();
        state.revision = 0;
        drop(state);
        for key in keys {
            self.change(key);
        }
    }

    pub(super) fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// Answers nothing from now on until it is let go.
    pub(super) fn hold(&self) {
        self.is_held.send_replace(true);
    }

    pub(super) fn let_go(&self) {
        self.is_held.send_replace(false);
    }

    /// How many reservations it was asked for.
    pub(super) fn asked(&self) -> usize {
        self.state().asked
    }

    /// How often changes were looked for.
    pub(super) fn looks(&self) -> usize {
        self.state().looks
    }

    pub(super) fn flushes(&self) -> usize {
        self.state().flushes
    }

    pub(super) fn settled(&self) -> Vec<(String, Option<Spent>)> {
        self.state().settled.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn answer<'s, T: Send + 's>(
        &'s self,
        answer: impl FnOnce() -> T + Send + 's,
    ) -> Pending<'s, T> {
        Box::pin(async move {
            let mut is_held = self.is_held.subscribe();
            is_held.wait_for(|is_held| !is_held).await.unwrap();
            if self.state().is_away {
                Err(StoreError::Away("a test took it away".to_owned()))
            } else {
                Ok(answer())
            }
        })
    }
}

impl KeyStore for TestStore {
    fn changes(&self, since: u64) -> Pending<'_, Changes> {
        self.state().looks += 1;
        self.answer(move || {
            let state = self.state();
            let changed = state.keys.values().filter(|key| key.revision > since);
            Changes {
                revision: state.revision,
                keys: changed.cloned().collect(),
            }
        })
    }

    fn create<'s>(&'s self, _: &'s Key) -> Pending<'s, u64> {
        unreachable!("a gateway makes no keys")
    }

    fn replace<'s>(&'s self, _: &'s Key) -> Pending<'s, u64> {
        unreachable!("a gateway changes no keys")
    }

    fn usage<'s>(&'s self, _: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>> {
        Box::pin(ready(Ok(Vec::new())))
    }

    fn spent<'s>(&'s self, key: &'s Key) -> Pending<'s, (Money, Money)> {
        self.answer(|| self.meters.spent(key.id, Period::Total, Timestamp::now()))
    }

    fn state_key(&self) -> Pending<'_, [u8; 32]> {
        self.answer(|| [7; 32])
    }

    fn reserve<'s>(
        &'s self,
        key: &'s Arc<Key>,
        demand: &'s Demand,
    ) -> Pending<'s, Result<Grant, Refusal>> {
        self.state().asked += 1;
        self.answer(|| self.meters.reserve(key, demand, Timestamp::now()))
    }

    fn rate_limits<'s>(&'s self, key: &'s Arc<Key>) -> Pending<'s, RateLimits> {
        self.answer(|| self.meters.rate_limits(key, Timestamp::now()))
    }

    fn settle(&self, settlement: Settlement) {
        self.meters.settle(&settlement, Timestamp::now());
        let settled = (settlement.model, settlement.spent);
        self.state().settled.push(settled);
    }

    fn flush(&self) -> Pending<'_, ()> {
        self.state().flushes += 1;
        self.answer(|| ())
    }
}
