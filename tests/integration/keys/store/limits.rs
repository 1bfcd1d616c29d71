//! Rates, and requests at the same time.

use std::sync::Arc;

use outcrop::bedrock::Money;
use outcrop::config::StoreLocation;
use outcrop::keys::{KeyLimits, Period, Refusal, Spent, Usage, UsageQuery};

use super::super::{MODEL, add, budget, demand, listing, settlement, spent};
use super::{gateway, grant, refusal, usage, with_every_store};

with_every_store! {
    rates_are_counted_and_told
    requests_at_the_same_time_are_counted_until_they_are_settled
    what_is_settled_counts_for_the_next_request
    a_refused_request_counts_nothing
    a_request_that_calls_no_model_takes_a_request_alone
    tokens_are_reserved_and_given_back
    a_changed_limit_counts_from_the_next_request_on
}

async fn rates_are_counted_and_told(location: StoreLocation) {
    let store = gateway(&location).await;
    let limits = KeyLimits {
        rpm: Some(2),
        ..KeyLimits::default()
    };
    let key = add(&*store, "search", limits).await;
    let before = store.rate_limits(&key).await.unwrap();
    assert_eq!(before.requests.unwrap().remaining, 2);
    assert_eq!(before.tokens, None);

    let first = grant(&*store, &key).await;
    assert_eq!(first.rate_limits.requests.unwrap().remaining, 1);
    let second = grant(&*store, &key).await;
    assert_eq!(second.rate_limits.requests.unwrap().remaining, 0);
    let Refusal::Requests {
        retry_after,
        rate_limits,
    } = refusal(&*store, &key).await
    else {
        panic!("two requests are all there are in a minute");
    };
    assert!(
        !retry_after.is_zero() && retry_after.as_secs() <= 30,
        "{retry_after:?}"
    );
    assert_eq!(rate_limits.requests.unwrap().limit, 2);
    // Settling gives no request back.
    store.settle(settlement(&key, first, None));
    store.settle(settlement(&key, second, Some(spent(0.01))));
    assert!(matches!(
        refusal(&*store, &key).await,
        Refusal::Requests { .. }
    ));
    let after = store.rate_limits(&key).await.unwrap();
    assert_eq!(after.requests.unwrap().remaining, 0);
}

async fn requests_at_the_same_time_are_counted_until_they_are_settled(location: StoreLocation) {
    let store = gateway(&location).await;
    let limits = KeyLimits {
        concurrency: Some(2),
        ..KeyLimits::default()
    };
    let key = add(&*store, "search", limits).await;
    let first = grant(&*store, &key).await;
    let second = grant(&*store, &key).await;
    assert_ne!(first.id, second.id);
    let refused = refusal(&*store, &key).await;
    assert!(
        matches!(refused, Refusal::Concurrency { limit: 2, .. }),
        "{refused:?}"
    );
    store.settle(settlement(&key, first, None));
    store.flush().await.unwrap();
    let third = grant(&*store, &key).await;
    assert!(matches!(
        refusal(&*store, &key).await,
        Refusal::Concurrency { .. }
    ));
    store.settle(settlement(&key, second, Some(spent(0.01))));
    store.settle(settlement(&key, third, None));
    store.flush().await.unwrap();
    grant(&*store, &key).await;
    grant(&*store, &key).await;
}

async fn what_is_settled_counts_for_the_next_request(location: StoreLocation) {
    let store = gateway(&location).await;
    let limits = KeyLimits {
        tpm: Some(2000),
        concurrency: Some(1),
        ..budget(0.011, Period::Total)
    };
    let key = add(&*store, "search", limits).await;
    // Whoever has the end of an answer asks again before anything was flushed.
    for _ in 0..20 {
        let held = grant(&*store, &key).await;
        assert_eq!(held.output_tokens, demand().output_tokens);
        store.settle(settlement(&key, held, None));
    }
}

async fn a_refused_request_counts_nothing(location: StoreLocation) {
    let store = gateway(&location).await;
    let limits = KeyLimits {
        rpm: Some(5),
        tpm: Some(5000),
        concurrency: Some(1),
        ..budget(1.0, Period::Total)
    };
    let key = add(&*store, "search", limits).await;
    let held = grant(&*store, &key).await;
    let before = store.rate_limits(&key).await.unwrap();
    for _ in 0..20 {
        assert!(matches!(
            refusal(&*store, &key).await,
            Refusal::Concurrency { .. }
        ));
    }
    let after = store.rate_limits(&key).await.unwrap();
    assert!(after.requests.unwrap().remaining >= before.requests.unwrap().remaining);
    assert!(after.tokens.unwrap().remaining >= before.tokens.unwrap().remaining);
    assert_eq!(
        store.spent(&key).await.unwrap(),
        (Money::ZERO, held.cost.unwrap())
    );
    assert_eq!(usage(&*store, key.id, MODEL).await, Usage::default());
}

async fn a_request_that_calls_no_model_takes_a_request_alone(location: StoreLocation) {
    let store = gateway(&location).await;
    let limits = KeyLimits {
        rpm: Some(3),
        tpm: Some(1000),
        ..budget(0.02, Period::Total)
    };
    let key = add(&*store, "search", limits).await;
    for remaining in [2, 1, 0] {
        let grant = store.reserve(&key, &listing()).await.unwrap().unwrap();
        assert_eq!(grant.rate_limits.requests.unwrap().remaining, remaining);
        assert_eq!(grant.rate_limits.tokens.unwrap().remaining, 1000);
        store.settle(settlement(&key, grant, None));
    }
    assert!(matches!(
        refusal(&*store, &key).await,
        Refusal::Requests { .. }
    ));
    assert_eq!(store.spent(&key).await.unwrap(), (Money::ZERO, Money::ZERO));
    assert_eq!(store.usage(&UsageQuery::default()).await.unwrap(), []);
}

async fn tokens_are_reserved_and_given_back(location: StoreLocation) {
    let store = gateway(&location).await;
    let limits = KeyLimits {
        tpm: Some(3000),
        ..KeyLimits::default()
    };
    let key = add(&*store, "search", limits).await;
    let first = grant(&*store, &key).await;
    assert_eq!(first.tokens, 2000);
    // Less than a minute's worth is there again.
    let Refusal::Tokens { retry_after, .. } = refusal(&*store, &key).await else {
        panic!("only 1,000 tokens are left");
    };
    assert!(
        !retry_after.is_zero() && retry_after.as_secs() <= 20,
        "{retry_after:?}"
    );
    store.settle(settlement(&key, first, None));
    store.flush().await.unwrap();
    let all = store.rate_limits(&key).await.unwrap().tokens.unwrap();
    assert_eq!((all.remaining, all.reset.is_zero()), (3000, true));
    // What is larger than the limit is cut to it, and what was used beyond it is owed.
    let mut huge = demand();
    huge.input_tokens = 1_000_000;
    let cut = store.reserve(&key, &huge).await.unwrap().unwrap();
    assert_eq!(cut.tokens, 3000);
    let used = Spent {
        input_tokens: 6000,
        ..spent(0.01)
    };
    store.settle(settlement(&key, cut, Some(used)));
    store.flush().await.unwrap();
    let Refusal::Tokens { retry_after, .. } = refusal(&*store, &key).await else {
        panic!("3,100 tokens are owed");
    };
    assert!(retry_after.as_secs() > 60, "{retry_after:?}");
}

async fn a_changed_limit_counts_from_the_next_request_on(location: StoreLocation) {
    let store = gateway(&location).await;
    let key = add(&*store, "search", budget(0.01, Period::Total)).await;
    grant(&*store, &key).await;
    refusal(&*store, &key).await;
    let mut raised = (*key).clone();
    raised.limits = budget(0.02, Period::Total);
    raised.revision = store.replace(&raised).await.unwrap();
    let raised = Arc::new(raised);
    grant(&*store, &raised).await;
    assert!(matches!(
        refusal(&*store, &raised).await,
        Refusal::Budget { .. }
    ));
}
