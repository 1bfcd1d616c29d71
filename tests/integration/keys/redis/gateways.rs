//! What holds over all gateways, and what becomes of the requests of one that died.

use std::sync::Arc;
use std::time::Duration;

use outcrop::keys::{Grant, Key, KeyLimits, KeyStore as _, Period, RedisStore, Refusal, Usage};
use tokio::join;
use tokio::task::JoinSet;

use super::super::{budget, demand, settlement, usd};
use super::{Hand, all_of_it, answered, gateway, gateway_by, limited, spends, used};
use crate::support::redis::RedisServer;

/// Longer than a gateway counts as alive after it was heard.
const SILENCE: Duration = Duration::from_secs(31);

async fn reserve(store: &RedisStore, key: &Arc<Key>) -> Result<Grant, Refusal> {
    answered(async || store.reserve(key, &demand()).await).await
}

async fn beat(store: &RedisStore) {
    answered(async || store.beat().await).await;
}

async fn flush(store: &RedisStore) {
    answered(async || store.flush().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_gateways_never_admit_more_than_one_would() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    for (limits, admitted) in [
        (budget(0.5, Period::Total), 50_usize),
        (
            KeyLimits {
                concurrency: Some(7),
                ..KeyLimits::default()
            },
            7,
        ),
        (
            KeyLimits {
                // One comes back in twelve hours.
                rpm: Some(20),
                ..KeyLimits::default()
            },
            20,
        ),
        (
            KeyLimits {
                tpm: Some(40_000),
                ..KeyLimits::default()
            },
            20,
        ),
    ] {
        let hand = Hand::new();
        let key = limited(limits.clone());
        let mut requests = JoinSet::new();
        let mut gateways = Vec::new();
        for _ in 0..3 {
            let store = Arc::new(gateway_by(&hand, &server).await);
            gateways.push(Arc::clone(&store));
            for _ in 0..70 {
                let (store, key) = (Arc::clone(&store), Arc::clone(&key));
                requests.spawn(async move { store.reserve(&key, &demand()).await });
            }
        }
        let answers = requests.join_all().await;
        // On a machine that is very busy some may not be answered in time.
        let lost = answers.iter().filter(|answer| answer.is_err()).count();
        let granted: Vec<_> = answers.iter().flatten().flatten().collect();
        let expected = admitted.saturating_sub(lost)..=admitted;
        assert!(expected.contains(&granted.len()), "{limits:?}");
        let mut ids: Vec<_> = granted.iter().map(|grant| grant.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), granted.len());
    }
}

#[tokio::test]
async fn everything_is_booked_once_over_all_gateways() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let key = limited(budget(1000.0, Period::Total));
    let stores = [
        gateway(&server).await,
        gateway(&server).await,
        gateway(&server).await,
    ];
    let work = async |store: &RedisStore| {
        for _ in 0..300 {
            let grant = reserve(store, &key).await.unwrap();
            store.settle(settlement(&key, grant, Some(all_of_it())));
        }
        // What was reserved by requests whose answer was lost is given back before it ends.
        beat(store).await;
        flush(store).await;
    };
    let [first, second, third] = &stores;
    join!(work(first), work(second), work(third));
    let store = gateway(&server).await;
    assert_eq!(
        used(&store, &key).await,
        Usage {
            requests: 900,
            calls: 900,
            input_tokens: 900_000,
            output_tokens: 900_000,
            cost: usd(9.0),
            ..Usage::default()
        }
    );
    spends(&store, &key, usd(9.0)).await;
}

#[tokio::test]
async fn what_a_dead_gateway_left_is_booked_as_an_estimate() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let hand = Hand::new();
    let dead = gateway_by(&hand, &server).await;
    let alive = gateway_by(&hand, &server).await;
    let key = limited(KeyLimits {
        concurrency: Some(3000),
        ..budget(100.0, Period::Total)
    });
    // Many more than are looked at in one step.
    for _ in 0..3000 {
        reserve(&dead, &key).await.unwrap();
    }
    drop(dead);
    hand.advance(SILENCE / 2);
    beat(&alive).await;
    assert!(matches!(
        reserve(&alive, &key).await,
        Err(Refusal::Concurrency { .. })
    ));
    hand.advance(SILENCE / 2);
    beat(&alive).await;
    hand.advance(Duration::from_secs(1));
    beat(&alive).await;
    assert_eq!(
        used(&alive, &key).await,
        Usage {
            requests: 3000,
            calls: 3000,
            input_tokens: 3_000_000,
            output_tokens: 3_000_000,
            cost: usd(30.0),
            estimated_requests: 3000,
            ..Usage::default()
        }
    );
    spends(&alive, &key, usd(30.0)).await;
    reserve(&alive, &key).await.unwrap();
}

#[tokio::test]
async fn a_gateway_that_was_taken_for_dead_books_nothing_twice() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let hand = Hand::new();
    let silent = gateway_by(&hand, &server).await;
    let other = gateway_by(&hand, &server).await;
    let key = limited(budget(10.0, Period::Total));
    let early = reserve(&silent, &key).await.unwrap();
    for _ in 0..3 {
        hand.advance(SILENCE / 2);
        beat(&other).await;
    }
    silent.settle(settlement(&key, early, Some(all_of_it())));
    let late = reserve(&silent, &key).await.unwrap();
    silent.settle(settlement(&key, late, Some(all_of_it())));
    flush(&silent).await;
    let used = used(&other, &key).await;
    assert_eq!((used.requests, used.estimated_requests), (2, 1));
    spends(&other, &key, usd(0.02)).await;
}

#[tokio::test]
async fn after_a_silence_of_the_server_nobody_is_taken_for_dead() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let hand = Hand::new();
    let first = gateway_by(&hand, &server).await;
    let second = gateway_by(&hand, &server).await;
    let key = limited(budget(10.0, Period::Total));
    let grant = reserve(&first, &key).await.unwrap();
    hand.advance(10 * SILENCE);
    // The second is back before the first.
    beat(&second).await;
    hand.advance(SILENCE / 2);
    beat(&second).await;
    beat(&first).await;
    hand.advance(SILENCE / 2);
    beat(&second).await;
    assert_eq!(used(&second, &key).await, Usage::default());
    first.settle(settlement(&key, grant, Some(all_of_it())));
    flush(&first).await;
    assert_eq!(used(&second, &key).await.estimated_requests, 0);
    spends(&second, &key, usd(0.01)).await;
}
