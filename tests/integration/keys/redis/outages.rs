//! A Redis that goes away and comes back, while requests come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use outcrop::bedrock::Money;
use outcrop::config::Secret;
use outcrop::keys::{
    Access, Budget, Key, KeyLimits, KeyStore as _, Period, RedisStore, StoreError,
};
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use super::super::{demand, settlement, usd};
use super::{all_of_it, answered, gateway, limited, spends, try_gateway, used};
use crate::support::redis::RedisServer;
use crate::support::soon;

fn counted() -> Arc<Key> {
    limited(KeyLimits {
        concurrency: Some(64),
        budget: Some(Budget {
            amount: usd(1000.0),
            per: Period::Total,
        }),
        ..KeyLimits::default()
    })
}

/// Asks again and again, and counts what was granted and settled, until it is told to stop.
async fn ask(
    store: Arc<RedisStore>,
    key: Arc<Key>,
    granted: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) {
        if let Ok(Ok(grant)) = store.reserve(&key, &demand()).await {
            store.settle(settlement(&key, grant, Some(all_of_it())));
            granted.fetch_add(1, Ordering::Relaxed);
        }
        yield_now().await;
    }
}

/// Waits until more have been granted than `before`.
async fn more(granted: &AtomicU64, before: u64) {
    soon(async {
        while granted.load(Ordering::Relaxed) <= before {
            yield_now().await;
        }
    })
    .await;
}

/// Waits until the store does not answer, or does.
async fn until(store: &RedisStore, key: &Arc<Key>, answers: bool) {
    soon(async {
        while store.rate_limits(key).await.is_ok() != answers {
            yield_now().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_stopped_and_started_under_load_loses_and_doubles_nothing() {
    let Some(mut server) = RedisServer::start().await else {
        return;
    };
    let key = counted();
    let granted = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let stores = [
        Arc::new(gateway(&server).await),
        Arc::new(gateway(&server).await),
    ];
    let mut load = JoinSet::new();
    for store in &stores {
        for _ in 0..4 {
            let (granted, stop) = (Arc::clone(&granted), Arc::clone(&stop));
            load.spawn(ask(Arc::clone(store), Arc::clone(&key), granted, stop));
        }
    }
    for _ in 0..3 {
        more(&granted, granted.load(Ordering::Relaxed) + 200).await;
        server.stop();
        until(&stores[0], &key, false).await;
        server.restart().await;
        until(&stores[0], &key, true).await;
    }
    more(&granted, granted.load(Ordering::Relaxed) + 200).await;
    stop.store(true, Ordering::Relaxed);
    load.join_all().await;
    for store in &stores {
        answered(async || store.flush().await).await;
    }
    let granted = granted.load(Ordering::Relaxed);
    assert_eq!(used(&stores[0], &key).await.requests, granted);
    let spent = Money::from_billionths(granted * usd(0.01).billionths());
    // What was reserved by requests whose answer was lost is given back as well.
    for store in &stores {
        answered(async || store.beat().await).await;
    }
    spends(&stores[0], &key, spent).await;
}

#[tokio::test]
async fn a_redis_that_hangs_is_not_waited_for_twice_and_what_it_did_late_is_undone() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let store = gateway(&server).await;
    let key = counted();
    server.pause();
    let away = soon(store.reserve(&key, &demand())).await.unwrap_err();
    assert!(matches!(&away, StoreError::Away(_)), "{away:?}");
    until(&store, &key, false).await;
    server.resume();
    until(&store, &key, true).await;
    // The server has read by now what it was sent while it hung, in whatever order.
    soon(async {
        store.beat().await.unwrap();
        store.flush().await.unwrap();
    })
    .await;
    assert_eq!(store.spent(&key).await.unwrap(), (Money::ZERO, Money::ZERO));
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_any_more_gives_back_what_it_reserved() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let store = gateway(&server).await;
    let key = counted();
    for _ in 0..50 {
        let demand = demand();
        let asked = store.reserve(&key, &demand);
        // It is sent, and its answer is not waited for.
        if let Ok(Ok(grant)) = timeout(Duration::ZERO, asked).await {
            // It was quicker than that.
            store.settle(settlement(&key, grant.unwrap(), None));
        }
    }
    spends(&store, &key, Money::ZERO).await;
    let granted = answered(async || store.reserve(&key, &demand()).await).await;
    granted.unwrap();
}

#[tokio::test]
async fn a_redis_that_is_not_there_is_told_from_one_that_may_not_be_used() {
    let Some(mut server) = RedisServer::start().await else {
        return;
    };
    server.stop();
    let away = try_gateway(&server).await.unwrap_err();
    assert!(matches!(&away, StoreError::Away(_)), "{away:?}");
    for (url, expected) in [
        (
            "rediss://:hunter2@127.0.0.1/0#insecure",
            "may not have a fragment",
        ),
        (
            "redis://:hunter2@127.0.0.1/first",
            "Invalid database number",
        ),
    ] {
        let refused = RedisStore::connect(&Secret::new(url), Access::Command).await;
        let refused = refused.unwrap_err();
        assert!(
            matches!(&refused, StoreError::Unusable(_, reason) if reason.contains(expected)),
            "{refused:?}"
        );
        assert!(!format!("{refused:?} {refused}").contains("hunter2"));
    }
}
