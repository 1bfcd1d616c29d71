//! Budgets, reserved before and booked after.

use std::sync::Arc;

use outcrop::bedrock::Money;
use outcrop::config::StoreLocation;
use outcrop::keys::{Grant, KeyLimits, Meter, Period, Refusal, ReservationId, Spent, Timestamp};
use tokio::task::JoinSet;

use super::super::{MODEL, add, budget, demand, settlement, spent, usd};
use super::{gateway, grant, refusal, usage, with_every_store};

with_every_store! {
    a_budget_is_reserved_before_and_booked_after
    an_answer_is_cut_to_what_is_left_of_a_budget
    a_budget_holds_when_many_ask_at_once
    a_price_that_nobody_knows_is_no_price_of_nothing
    large_amounts_are_exact
    any_order_of_requests_leaves_what_a_meter_counts
}

async fn a_budget_is_reserved_before_and_booked_after(location: StoreLocation) {
    let store = gateway(&location).await;
    let key = add(&*store, "search", budget(0.03, Period::Month)).await;
    let mut held = Vec::new();
    for count in 1..=3 {
        let grant = grant(&*store, &key).await;
        assert_eq!(grant.cost, Some(usd(0.01)));
        held.push(grant);
        let reserved = Money::from_billionths(10_000_000 * count);
        assert_eq!(store.spent(&key).await.unwrap(), (Money::ZERO, reserved));
    }
    let Refusal::Budget {
        amount,
        per,
        renewed,
        ..
    } = refusal(&*store, &key).await
    else {
        panic!("all of it is reserved");
    };
    assert_eq!((amount, per), (usd(0.03), Period::Month));
    assert!(renewed.unwrap() > Timestamp::now());

    store.settle(settlement(&key, held.remove(0), Some(spent(0.004))));
    store.settle(settlement(&key, held.remove(0), None));
    store.flush().await.unwrap();
    assert_eq!(store.spent(&key).await.unwrap(), (usd(0.004), usd(0.01)));
    // More than was reserved may be spent, and counts.
    store.settle(settlement(&key, held.remove(0), Some(spent(0.026))));
    store.flush().await.unwrap();
    assert_eq!(store.spent(&key).await.unwrap(), (usd(0.03), Money::ZERO));
    assert!(matches!(
        refusal(&*store, &key).await,
        Refusal::Budget { .. }
    ));
}

async fn an_answer_is_cut_to_what_is_left_of_a_budget(location: StoreLocation) {
    let store = gateway(&location).await;
    let key = add(&*store, "search", budget(0.0108, Period::Total)).await;
    let whole = grant(&*store, &key).await;
    assert_eq!(whole.output_tokens, 1000);
    store.settle(settlement(&key, whole, Some(spent(0.008))));
    store.flush().await.unwrap();
    // USD 0.0028 are left: 1,000 tokens of the prompt, and 100 of the answer.
    let cut = grant(&*store, &key).await;
    assert_eq!((cut.output_tokens, cut.cost), (100, Some(usd(0.0028))));
    store.settle(settlement(&key, cut, Some(spent(0.0007))));
    store.flush().await.unwrap();
    // Now it would be 12 tokens, which is no answer.
    assert!(matches!(
        refusal(&*store, &key).await,
        Refusal::Budget { renewed: None, .. }
    ));
}

async fn a_budget_holds_when_many_ask_at_once(location: StoreLocation) {
    let store = gateway(&location).await;
    let key = add(&*store, "search", budget(0.5, Period::Total)).await;
    let mut requests = JoinSet::new();
    for _ in 0..200 {
        let (store, key) = (Arc::clone(&store), Arc::clone(&key));
        requests.spawn(async move { store.reserve(&key, &demand()).await.unwrap() });
    }
    let answers = requests.join_all().await;
    let admitted: Vec<Grant> = answers.into_iter().filter_map(Result::ok).collect();
    assert_eq!(admitted.len(), 50);
    assert_eq!(store.spent(&key).await.unwrap(), (Money::ZERO, usd(0.5)));
    for grant in admitted {
        store.settle(settlement(&key, grant, Some(spent(0.01))));
    }
    store.flush().await.unwrap();
    assert_eq!(store.spent(&key).await.unwrap(), (usd(0.5), Money::ZERO));
    assert_eq!(usage(&*store, key.id, MODEL).await.requests, 50);
}

async fn a_price_that_nobody_knows_is_no_price_of_nothing(location: StoreLocation) {
    let store = gateway(&location).await;
    let mut unpriced = demand();
    unpriced.rates = None;
    let strict = add(&*store, "strict", budget(1.0, Period::Total)).await;
    let refused = store.reserve(&strict, &unpriced).await.unwrap();
    assert_eq!(refused, Err(Refusal::Unpriced));
    let limits = KeyLimits {
        allow_unpriced: true,
        ..budget(1.0, Period::Total)
    };
    let lenient = add(&*store, "lenient", limits).await;
    let grant = store.reserve(&lenient, &unpriced).await.unwrap().unwrap();
    assert_eq!(grant.cost, None);
    let used = Spent {
        cost: None,
        ..spent(0.0)
    };
    store.settle(settlement(&lenient, grant, Some(used)));
    let used = usage(&*store, lenient.id, MODEL).await;
    assert_eq!((used.requests, used.unpriced_requests), (1, 1));
    assert_eq!(used.cost, Money::ZERO);
    assert_eq!(
        store.spent(&lenient).await.unwrap(),
        (Money::ZERO, Money::ZERO)
    );
}

async fn large_amounts_are_exact(location: StoreLocation) {
    let store = gateway(&location).await;
    let key = add(&*store, "search", budget(9e6, Period::Total)).await;
    let most = Money::from_billionths(u64::MAX);
    let almost = Money::from_billionths(8_999_999_989_999_999);
    let used = Spent {
        input_tokens: (1 << 53) - 1,
        cost: Some(almost),
        ..spent(0.0)
    };
    let last = grant(&*store, &key).await;
    store.settle(settlement(&key, last, Some(used)));
    store.flush().await.unwrap();
    assert_eq!(store.spent(&key).await.unwrap(), (almost, Money::ZERO));
    // There is one billionth of a dollar more than one request takes.
    let last = grant(&*store, &key).await;
    assert_eq!(last.output_tokens, 1000);
    let used = Spent {
        cost: Some(most),
        ..used
    };
    store.settle(settlement(&key, last, Some(used)));
    store.flush().await.unwrap();
    assert_eq!(store.spent(&key).await.unwrap(), (most, Money::ZERO));
    let used = usage(&*store, key.id, MODEL).await;
    assert_eq!((used.cost, used.requests), (most, 2));
    assert!(matches!(
        refusal(&*store, &key).await,
        Refusal::Budget { .. }
    ));
}

async fn any_order_of_requests_leaves_what_a_meter_counts(location: StoreLocation) {
    let store = gateway(&location).await;
    let limits = KeyLimits {
        concurrency: Some(8),
        ..budget(0.4, Period::Total)
    };
    let key = add(&*store, "search", limits).await;
    let mut meter = Meter::new();
    let mut held: Vec<(Grant, Grant)> = Vec::new();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..300 {
        let now = Timestamp::now();
        if held.is_empty() || random.bool() {
            let mut demand = demand();
            demand.output_tokens = random.u32(0..3000);
            demand.choices = random.u32(0..3);
            let expected = meter.reserve(&key.limits, &demand, ReservationId(0), now);
            match (store.reserve(&key, &demand).await.unwrap(), expected) {
                (Ok(grant), Ok(expected)) => {
                    assert_eq!(grant.output_tokens, expected.output_tokens);
                    assert_eq!((grant.tokens, grant.cost), (expected.tokens, expected.cost));
                    held.push((grant, expected));
                }
                (Err(refusal), Err(expected)) => assert_eq!(refusal, expected),
                differing => panic!("{differing:?}"),
            }
        } else {
            let (grant, expected) = held.swap_remove(random.usize(..held.len()));
            let used = random.bool().then(|| spent(random.f64() / 100.0));
            meter.settle(&key.limits, &expected, used.as_ref(), now);
            store.settle(settlement(&key, grant, used));
            store.flush().await.unwrap();
        }
        let expected = meter.spent(Period::Total, now);
        assert_eq!(store.spent(&key).await.unwrap(), expected);
    }
    let (booked, _) = meter.spent(Period::Total, Timestamp::now());
    assert_eq!(usage(&*store, key.id, MODEL).await.cost, booked);
    assert!(booked > usd(0.3), "{booked}");
}
