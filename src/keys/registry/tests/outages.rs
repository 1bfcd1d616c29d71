//! A store that does not answer for a while.

use super::*;

fn budgeted() -> KeyLimits {
    KeyLimits {
        budget: Some(Budget {
            amount: Money::from_usd(1.0).unwrap(),
            per: Period::Month,
        }),
        ..KeyLimits::default()
    }
}

#[tokio::test(start_paused = true)]
async fn what_passes_without_the_store_is_what_the_policy_says() {
    for (policy, limits, passes) in [
        (None, KeyLimits::default(), true),
        (None, budgeted(), false),
        (Some(OnStoreFailure::Deny), KeyLimits::default(), false),
        (Some(OnStoreFailure::AllowKnown), budgeted(), true),
    ] {
        let (text, record) = key(1, limits);
        let store = TestStore::with([record]);
        let keys = begin(&store, policy).await;
        let key = authenticate(&keys, &text).unwrap();
        store.set_away(true);
        let answer = keys.reserve(&key, &demand()).await;
        assert_eq!(keys.store_state(), StoreState::Away);
        match answer {
            Ok(_) => assert!(passes, "{policy:?}"),
            Err(refusal) => {
                assert_eq!(refusal, Refusal::StoreAway);
                assert!(!passes, "{policy:?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn limits_hold_without_the_store_and_what_was_used_is_told_to_it() {
    let (text, record) = key(
        1,
        KeyLimits {
            rpm: Some(2),
            ..KeyLimits::default()
        },
    );
    let store = TestStore::with([record]);
    let keys = begin(&store, None).await;
    let key = authenticate(&keys, &text).unwrap();
    store.set_away(true);
    let first = keys.reserve(&key, &demand()).await.unwrap();
    drop(keys.reserve(&key, &demand()).await.unwrap());
    let refused = keys.reserve(&key, &demand()).await;
    assert!(matches!(refused, Err(Refusal::Requests { .. })));
    let requests = keys.rate_limits(&key).await.requests.unwrap();
    assert_eq!((requests.limit, requests.remaining), (2, 0));
    first.settle("a.model".to_owned(), Some(spent()));
    let booked = ("a.model".to_owned(), Some(spent()));
    assert_eq!(store.settled(), [(demand().model, None), booked]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_store_that_is_away_and_it_counts_again_once_it_is_back() {
    let (text, record) = key(1, KeyLimits::default());
    let store = TestStore::with([record]);
    let metrics = Metrics::new();
    let shared: Arc<dyn KeyStore> = store.clone();
    let keys = Keys::from_store(shared, &config::Keys::default(), &metrics)
        .await
        .unwrap();
    let key = authenticate(&keys, &text).unwrap();
    assert_eq!(keys.store_state(), StoreState::Ready);
    assert!(metrics.encode().contains("outcrop_key_store_up 1"));

    store.set_away(true);
    let asked = store.asked();
    for _ in 0..3 {
        drop(keys.reserve(&key, &demand()).await.unwrap());
    }
    assert_eq!(store.asked(), asked + 1, "only the first");
    let page = metrics.encode();
    assert!(page.contains("outcrop_key_store_up 0"), "{page}");
    let allowed = r#"outcrop_requests_without_key_store_total{outcome="allowed"} 3"#;
    assert!(page.contains(allowed), "{page}");

    store.set_away(false);
    until(|| keys.store_state() == StoreState::Ready).await;
    drop(keys.reserve(&key, &demand()).await.unwrap());
    assert_eq!(store.asked(), asked + 2);
    assert!(metrics.encode().contains("outcrop_key_store_up 1"));
}

#[tokio::test(start_paused = true)]
async fn a_store_is_asked_as_long_as_only_its_changes_cannot_be_had() {
    let (text, record) = key(1, budgeted());
    let store = TestStore::with([record]);
    let keys = begin(&store, None).await;
    let key = authenticate(&keys, &text).unwrap();
    store.set_away(true);
    until(|| keys.store_state() == StoreState::Away).await;
    assert!(keys.are_required() && authenticate(&keys, &text).is_ok());
    store.set_away(false);
    assert!(keys.reserve(&key, &demand()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_store_that_does_not_answer_at_the_start_stops_it() {
    let store = TestStore::with([]);
    store.set_away(true);
    let shared: Arc<dyn KeyStore> = store;
    let keys = Keys::from_store(shared, &config::Keys::default(), &Metrics::new()).await;
    assert!(matches!(keys, Err(StoreError::Away(_))));
}
