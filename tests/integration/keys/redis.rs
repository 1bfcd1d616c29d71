//! Several gateways on one Redis: what holds over all of them, and what becomes of it when one of them dies or when
//! the Redis goes away. Without `redis-server` there is nothing to test, except in CI, where it must be there.

mod gateways;
mod locked;
mod model;
mod outages;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use outcrop::bedrock::Money;
use outcrop::config::Secret;
use outcrop::keys::{
    Access, Clock, Key, KeyLimits, KeyStore as _, RedisStore, Spent, StoreError, Timestamp, Usage,
    UsageQuery,
};
use tokio::task::yield_now;

use super::{key, usd};
use crate::support::redis::RedisServer;
use crate::support::soon;

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
    answered(async || try_gateway(server).await).await
}

async fn try_gateway(server: &RedisServer) -> Result<RedisStore, StoreError> {
    RedisStore::connect(&Secret::new(server.url()), Access::Gateway).await
}

/// A gateway of its own that lives by a clock of the test's.
async fn gateway_by(hand: &Hand, server: &RedisServer) -> RedisStore {
    let url = Secret::new(server.url());
    answered(async || RedisStore::connect_by(hand.clock(), &url, Access::Gateway).await).await
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

/// Asks until the store answers: a machine that is busy with other tests may take longer than a gateway waits.
async fn answered<T>(mut ask: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    soon(async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(StoreError::Away(_)) => yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await
}

/// Waits until this is what a key has spent, and nothing is reserved beside it. What requests reserved whose answer was
/// lost is given back with the next beats.
async fn spends(store: &RedisStore, key: &Key, expected: Money) {
    soon(Box::pin(async {
        loop {
            answered(async || {
                store.beat().await?;
                store.flush().await
            })
            .await;
            let (spent, reserved) = answered(async || store.spent(key).await).await;
            assert_eq!(spent, expected);
            if reserved == Money::ZERO {
                return;
            }
        }
    }))
    .await;
}

/// What a key used in all.
async fn used(store: &RedisStore, key: &Key) -> Usage {
    let query = UsageQuery {
        key: Some(key.id),
        ..UsageQuery::default()
    };
    let rows = answered(async || store.usage(&query).await).await;
    let mut all = Usage::default();
    for row in rows {
        all += row.usage;
    }
    all
}
