//! Several gateways on one Redis: what holds over all of them, and what becomes of it when one of them dies or when
//! the Redis goes away. Without `redis-server` there is nothing to test, except in CI, where it must be there.

mod gateways;
mod model;
mod outages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use outcrop::config::Secret;
use outcrop::keys::{Access, Clock, Key, KeyLimits, RedisStore, Spent, StoreError, Timestamp};

use super::{key, usd};
use crate::support::redis::RedisServer;

/// 20 November 2026, on a Friday afternoon.
const NOW: u64 = 1_795_200_000_000;

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Hand(Arc<AtomicU64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicU64::new(NOW)))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, now: Timestamp) {
        self.0.store(now.millis(), Ordering::Relaxed);
    }

    fn advance(&self, time: Duration) {
        self.set(self.now().after(time));
    }

    fn clock(&self) -> Clock {
        let hand = self.clone();
        Arc::new(move || hand.now())
    }
}

/// A gateway of its own.
async fn gateway(server: &RedisServer) -> RedisStore {
    try_gateway(server).await.unwrap()
}

async fn try_gateway(server: &RedisServer) -> Result<RedisStore, StoreError> {
    RedisStore::connect(&Secret::new(server.url()), Access::Gateway).await
}

/// A gateway of its own that lives by a clock of the test's.
async fn gateway_by(hand: &Hand, server: &RedisServer) -> RedisStore {
    RedisStore::connect_by(hand.clock(), &Secret::new(server.url()), Access::Gateway)
        .await
        .unwrap()
}

/// A key that nobody has used.
fn limited(limits: KeyLimits) -> Arc<Key> {
    Arc::new(Key {
        limits,
        ..key("search")
    })
}

/// What a request takes that leaves nothing of what it wanted.
fn all_of_it() -> Spent {
    Spent {
        calls: 1,
        input_tokens: 1000,
        output_tokens: 1000,
        cost: Some(usd(0.01)),
        ..Spent::default()
    }
}
