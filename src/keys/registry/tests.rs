use std::collections::BTreeMap;
use std::convert::Infallible;

use tokio::time::Instant;

use self::store::TestStore;
use super::*;
use crate::bedrock::{Money, Rate};
use crate::config::{OnStoreFailure, Secret};
use crate::keys::{ApiKey, Budget, Changes, KeyId, KeyKind, KeyLimits, KeySecret, Period, Spent};

mod file;
mod outages;
mod store;

/// A key's text and record, each seed another.
fn key(seed: u64, limits: KeyLimits) -> (Secret, Key) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut fill = |bytes: &mut [u8]| {
        random.fill(bytes);
        Ok::<(), Infallible>(())
    };
    let Ok(id) = KeyId::generate(&mut fill);
    let Ok(api_key) = ApiKey::generate(id, fill);
    let record = Key {
        id,
        name: format!("key {seed}"),
        kind: KeyKind::Inference,
        secrets: vec![KeySecret {
            digest: ApiKey::digest_of(api_key.text.expose().as_bytes()),
            expires: None,
        }],
        created: Timestamp::from_millis(0),
        expires: None,
        revoked: None,
        limits,
        tags: BTreeMap::new(),
        revision: 0,
    };
    (api_key.text, record)
}

fn demand() -> Demand {
    Demand {
        model: "amazon.nova-lite-v1:0".to_owned(),
        input_tokens: 100,
        output_tokens: 100,
        choices: 1,
        rates: Some((Rate::per_million(1.0), Rate::per_million(1.0))),
    }
}

fn spent() -> Spent {
    Spent {
        calls: 1,
        input_tokens: 100,
        output_tokens: 10,
        cost: Some(Money::from_billionths(110_000)),
        ..Spent::default()
    }
}

async fn begin(store: &Arc<TestStore>, policy: Option<OnStoreFailure>) -> Keys {
    let config = config::Keys {
        on_store_failure: policy,
        ..config::Keys::default()
    };
    let store: Arc<dyn KeyStore> = store.clone();
    Keys::from_store(store, &config, &Metrics::new())
        .await
        .unwrap()
}

fn authenticate(keys: &Keys, text: &Secret) -> Result<Arc<Key>, Unauthenticated> {
    keys.authenticate(text.expose().as_bytes(), Timestamp::now())
}

/// Waits until it is so. The clock of these tests jumps to the next moment at which something happens.
async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn changes_count_within_two_seconds() {
    let (first, record) = key(1, KeyLimits::default());
    let store = TestStore::with([record.clone()]);
    let keys = begin(&store, None).await;
    assert!(keys.are_required());
    let (second, another) = key(2, KeyLimits::default());
    assert_eq!(authenticate(&keys, &first).unwrap().id, record.id);
    assert_eq!(authenticate(&keys, &second), Err(Unauthenticated::Unknown));

    let changed = Instant::now();
    store.change(another);
    store.change(Key {
        revoked: Some(Timestamp::now()),
        ..record
    });
    until(|| authenticate(&keys, &second).is_ok()).await;
    assert_eq!(authenticate(&keys, &first), Err(Unauthenticated::Revoked));
    assert!(changed.elapsed() < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn an_older_store_takes_the_place_of_what_was_known() {
    let (first, one) = key(1, KeyLimits::default());
    let (second, two) = key(2, KeyLimits::default());
    let store = TestStore::with([one.clone(), two]);
    let keys = begin(&store, None).await;
    assert!(authenticate(&keys, &second).is_ok());
    store.replace_all([one]);
    until(|| authenticate(&keys, &second).is_err()).await;
    assert!(authenticate(&keys, &first).is_ok());
    store.replace_all([]);
    until(|| authenticate(&keys, &first).is_err()).await;
    assert!(keys.are_required());
}

#[tokio::test(start_paused = true)]
async fn a_reservation_is_settled_once_with_what_was_spent_or_with_nothing() {
    let (text, record) = key(
        1,
        KeyLimits {
            concurrency: Some(1),
            ..KeyLimits::default()
        },
    );
    let store = TestStore::with([record]);
    let keys = begin(&store, None).await;
    let key = authenticate(&keys, &text).unwrap();

    let reservation = keys.reserve(&key, &demand()).await.unwrap();
    assert_eq!(reservation.key().id, key.id);
    assert_eq!(reservation.grant().tokens, 200);
    assert!(matches!(
        keys.reserve(&key, &demand()).await,
        Err(Refusal::Concurrency { limit: 1, .. })
    ));
    reservation.settle("another.model".to_owned(), Some(spent()));
    drop(keys.reserve(&key, &demand()).await.unwrap());
    assert_eq!(
        store.settled(),
        [
            ("another.model".to_owned(), Some(spent())),
            (demand().model, None)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_stays_reserved_for_a_client_that_left_while_the_store_was_asked() {
    let (text, record) = key(1, KeyLimits::default());
    let store = TestStore::with([record]);
    let keys = begin(&store, None).await;
    let key = authenticate(&keys, &text).unwrap();
    store.hold();
    let wanted = demand();
    let mut asking = Box::pin(keys.reserve(&key, &wanted));
    let polled = poll_fn(|context| Poll::Ready(asking.as_mut().poll(context))).await;
    assert!(polled.is_pending());
    drop(asking);
    store.let_go();
    until(|| store.settled() == [(demand().model, None)]).await;
}

#[tokio::test(start_paused = true)]
async fn rate_limits_are_asked_of_the_store_where_there_are_any() {
    let limits = KeyLimits {
        rpm: Some(60),
        ..KeyLimits::default()
    };
    let (limited, one) = key(1, limits);
    let (unlimited, two) = key(2, KeyLimits::default());
    let store = TestStore::with([one, two]);
    let keys = begin(&store, None).await;
    let key = authenticate(&keys, &limited).unwrap();
    drop(keys.reserve(&key, &demand()).await.unwrap());
    let remaining = keys.rate_limits(&key).await.requests.unwrap().remaining;
    assert_eq!(remaining, 59);
    let key = authenticate(&keys, &unlimited).unwrap();
    assert_eq!(keys.rate_limits(&key).await, RateLimits::default());
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_the_store_but_not_for_ever() {
    let store = TestStore::with([]);
    let keys = begin(&store, None).await;
    keys.close().await;
    assert_eq!(store.flushes(), 1);
    store.hold();
    let begun = Instant::now();
    keys.close().await;
    assert_eq!(begun.elapsed(), LAST_FLUSH);
}

#[tokio::test(start_paused = true)]
async fn a_store_is_not_followed_when_nobody_uses_the_keys_any_more() {
    let store = TestStore::with([]);
    let keys = begin(&store, None).await;
    let clone = keys.clone();
    drop(keys);
    let looks = store.looks();
    until(|| store.looks() > looks + 2).await;
    drop(clone);
    until(|| Arc::strong_count(&store) == 1).await;
}
