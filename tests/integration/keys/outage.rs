//! Two gateways whose Redis goes away while they serve.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use outcrop::bedrock::Money;
use outcrop::config::{self, StoreLocation};
use outcrop::keys::{Access, Key, KeyLimits, Keys, Period, Refusal, StoreState, UsageQuery, open};
use outcrop::metrics::Metrics;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{MODEL, add, budget, demand, spent, usd};
use crate::support::redis::RedisServer;
use crate::support::soon;

/// Requests of each round on each gateway.
const ROUND: u64 = 100;

async fn until(is_so: impl Fn() -> bool) {
    soon(async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Serves a round on every gateway, ten requests at a time, and counts those that passed. None is refused but for want
/// of the store.
async fn serve(gateways: &[Keys], key: &Arc<Key>, served: &Arc<AtomicU64>) {
    let mut clients = JoinSet::new();
    for client in 0..10 {
        for keys in gateways {
            let (keys, key, served) = (keys.clone(), Arc::clone(key), Arc::clone(served));
            clients.spawn(async move {
                for _ in (client..ROUND).step_by(10) {
                    match keys.reserve(&key, &demand()).await {
                        Ok(reservation) => {
                            served.fetch_add(1, Ordering::Relaxed);
                            reservation.settle(MODEL.to_owned(), Some(spent(0.001)));
                        }
                        Err(refusal) => assert_eq!(refusal, Refusal::StoreAway),
                    }
                }
            });
        }
    }
    soon(clients.join_all()).await;
}

#[tokio::test]
async fn what_is_served_while_a_redis_comes_and_goes_is_booked_once() {
    let Some(mut server) = RedisServer::start().await else {
        return;
    };
    let location = StoreLocation::parse(&server.url()).unwrap();
    let command = open(&location, Access::Create).await.unwrap();
    let free = add(&*command, "free", KeyLimits::default()).await;
    let budgeted = add(&*command, "budgeted", budget(100.0, Period::Total)).await;
    let config = config::Keys {
        store: location,
        ..config::Keys::default()
    };
    let mut gateways = Vec::new();
    for _ in 0..2 {
        gateways.push(Keys::begin(&config, &Metrics::new()).await.unwrap());
    }
    let all_are = |state| gateways.iter().all(|keys| keys.store_state() == state);
    assert!(all_are(StoreState::Ready));

    let (passed, charged) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    serve(&gateways, &budgeted, &charged).await;
    assert_eq!(charged.load(Ordering::Relaxed), 2 * ROUND);
    let under_way = serve(&gateways, &free, &passed);
    let stop = async {
        until(|| passed.load(Ordering::Relaxed) >= ROUND / 2).await;
        server.stop();
    };
    tokio::join!(under_way, stop);
    until(|| all_are(StoreState::Away)).await;
    serve(&gateways, &free, &passed).await;
    serve(&gateways, &budgeted, &charged).await;

    soon(server.restart()).await;
    until(|| all_are(StoreState::Ready)).await;
    serve(&gateways, &free, &passed).await;
    serve(&gateways, &budgeted, &charged).await;
    for keys in &gateways {
        keys.close().await;
    }

    // Without a budget all passed, with one only what the store counted.
    assert_eq!(passed.load(Ordering::Relaxed), 6 * ROUND);
    assert_eq!(charged.load(Ordering::Relaxed), 4 * ROUND);
    let command = open(&config.store, Access::Command).await.unwrap();
    let rows = command.usage(&UsageQuery::default()).await.unwrap();
    for (key, requests) in [(&free, 6 * ROUND), (&budgeted, 4 * ROUND)] {
        let rows = rows.iter().filter(|row| row.key == key.id);
        let booked: u64 = rows.map(|row| row.usage.requests).sum();
        assert_eq!(booked, requests, "{}", key.name);
    }
    let spent = command.spent(&budgeted).await.unwrap();
    assert_eq!(spent, (usd(0.4), Money::ZERO));
}
