//! What was used, and who sees it.

use outcrop::bedrock::Money;
use outcrop::config::StoreLocation;
use outcrop::keys::{Access, KeyLimits, Period, Timestamp, Usage, UsageQuery, open};

use super::super::{MODEL, add, budget, settlement, spent, usd, use_once};
use super::{gateway, grant, usage, with_every_store};

with_every_store! {
    usage_is_added_up_by_key_and_model
    what_is_shown_is_what_is_enforced
    a_command_sees_what_a_gateway_counts
}

async fn usage_is_added_up_by_key_and_model(location: StoreLocation) {
    let store = gateway(&location).await;
    let one = add(&*store, "one", KeyLimits::default()).await;
    let two = add(&*store, "two", KeyLimits::default()).await;
    for _ in 0..3 {
        use_once(&*store, &one, spent(0.25)).await;
    }
    use_once(&*store, &two, spent(1.0)).await;
    let grant = grant(&*store, &one).await;
    let mut other = settlement(&one, grant, Some(spent(0.5)));
    "amazon.nova-lite-v1:0".clone_into(&mut other.model);
    if let Some(spent) = &mut other.spent {
        (spent.calls, spent.estimated) = (4, true);
    }
    store.settle(other);

    let thrice = usage(&*store, one.id, MODEL).await;
    let expected = Usage {
        requests: 3,
        calls: 3,
        input_tokens: 2700,
        output_tokens: 150,
        cache_read_tokens: 90,
        cache_write_tokens: 60,
        cost: usd(0.75),
        unpriced_requests: 0,
        estimated_requests: 0,
    };
    assert_eq!(thrice, expected);
    let estimated = usage(&*store, one.id, "amazon.nova-lite-v1:0").await;
    assert_eq!((estimated.calls, estimated.estimated_requests), (4, 1));

    let all = store.usage(&UsageQuery::default()).await.unwrap();
    let order = |row: &outcrop::keys::UsageRow| (row.key, row.day, row.model.clone());
    assert!(all.is_sorted_by_key(order), "{all:?}");
    assert!(all.iter().any(|row| row.key == two.id));
    // Whoever asks since a moment gets all of that moment's day.
    let since = |since| UsageQuery { key: None, since };
    let first_day = all.iter().map(|row| row.day).min().unwrap();
    let same_day = first_day.after(std::time::Duration::from_hours(23));
    assert_eq!(store.usage(&since(same_day)).await.unwrap(), all);
    let later = Timestamp::now().after(std::time::Duration::from_hours(48));
    assert_eq!(store.usage(&since(later)).await.unwrap(), []);
}

async fn what_is_shown_is_what_is_enforced(location: StoreLocation) {
    let store = gateway(&location).await;
    let key = add(&*store, "search", budget(1.0, Period::Total)).await;
    for amount in [0.001, 0.000_000_001, 0.123_456_789] {
        use_once(&*store, &key, spent(amount)).await;
    }
    let used = usage(&*store, key.id, MODEL).await;
    let (booked, reserved) = store.spent(&key).await.unwrap();
    assert_eq!((used.cost, Money::ZERO), (booked, reserved));
    assert_eq!(booked.billionths(), 124_456_790);
    // A key without a budget has nothing to show there, and its usage is kept all the same.
    let free = add(&*store, "free", KeyLimits::default()).await;
    use_once(&*store, &free, spent(0.5)).await;
    assert_eq!(
        store.spent(&free).await.unwrap(),
        (Money::ZERO, Money::ZERO)
    );
    assert_eq!(usage(&*store, free.id, MODEL).await.cost, usd(0.5));
}

async fn a_command_sees_what_a_gateway_counts(location: StoreLocation) {
    let store = gateway(&location).await;
    let key = add(&*store, "search", budget(1.0, Period::Month)).await;
    use_once(&*store, &key, spent(0.25)).await;
    let held = grant(&*store, &key).await;
    store.flush().await.unwrap();
    let command = open(&location, Access::Command).await.unwrap();
    assert_eq!(command.spent(&key).await.unwrap(), (usd(0.25), usd(0.01)));
    assert_eq!(command.spent(&key).await, store.spent(&key).await);
    let everything = UsageQuery::default();
    assert_eq!(
        command.usage(&everything).await,
        store.usage(&everything).await
    );
    store.settle(settlement(&key, held, Some(spent(0.05))));
    store.flush().await.unwrap();
    assert_eq!(command.spent(&key).await.unwrap(), (usd(0.3), Money::ZERO));
}
