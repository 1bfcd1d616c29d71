//! What every store of keys does, one set of tests for all of them.

use std::sync::Arc;

use outcrop::bedrock::Money;
use outcrop::config::{Secret, StoreLocation};
use outcrop::keys::{
    Access, Changes, Grant, Key, KeyId, KeyLimits, KeyStore, Meter, Period, Refusal, ReservationId,
    Spent, StoreError, Timestamp, Usage, UsageQuery, open,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{MODEL, add, budget, demand, key, listing, settlement, spent, usd, use_once};
use crate::support::redis::RedisServer;

/// Where a test keeps keys: there is nothing at first.
pub(super) trait Place: Sized {
    /// `None` where this machine has no such place.
    async fn find() -> Option<Self>;

    fn location(&self) -> StoreLocation;
}

/// A folder for a file.
pub(super) struct Folder(TempDir);

impl Place for Folder {
    async fn find() -> Option<Self> {
        Some(Self(tempfile::tempdir().unwrap()))
    }

    fn location(&self) -> StoreLocation {
        StoreLocation::Sqlite(self.0.path().join("keys.db"))
    }
}

impl Place for RedisServer {
    async fn find() -> Option<Self> {
        Self::start().await
    }

    fn location(&self) -> StoreLocation {
        StoreLocation::Redis(Secret::new(self.url()))
    }
}

/// Runs every test with every kind of store.
macro_rules! with_every_store {
    ($($test:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::in_place::<super::Folder>(async |place| super::$test(place).await).await;
                }
            )*
        }

        mod redis {
            $(
                #[tokio::test]
                async fn $test() {
                    super::in_place::<super::RedisServer>(async |place| super::$test(place).await)
                        .await;
                }
            )*
        }
    };
}

with_every_store! {
    a_key_is_read_back_as_it_was_made
    changes_are_told_once
    a_name_belongs_to_one_key_that_is_not_revoked
    a_key_that_somebody_else_changed_is_not_replaced
    of_two_changes_at_the_same_time_one_counts
    rates_are_counted_and_told
    requests_at_the_same_time_are_counted_until_they_are_settled
    a_refused_request_counts_nothing
    a_request_that_calls_no_model_takes_a_request_alone
    tokens_are_reserved_and_given_back
    a_budget_is_reserved_before_and_booked_after
    an_answer_is_cut_to_what_is_left_of_a_budget
    a_budget_holds_when_many_ask_at_once
    a_price_that_nobody_knows_is_no_price_of_nothing
    a_changed_limit_counts_from_the_next_request_on
    usage_is_added_up_by_key_and_model
    what_is_shown_is_what_is_enforced
    a_command_sees_what_a_gateway_counts
    the_state_key_stays_the_same
    large_amounts_are_exact
    any_order_of_requests_leaves_what_a_meter_counts
}

async fn in_place<P: Place>(test: impl AsyncFnOnce(StoreLocation)) {
    if let Some(place) = P::find().await {
        let location = place.location();
        open(&location, Access::Create).await.unwrap();
        test(location).await;
    }
}

async fn gateway(location: &StoreLocation) -> Arc<dyn KeyStore> {
    open(location, Access::Gateway).await.unwrap()
}

/// What one key has used of a model, on all days.
async fn usage(store: &dyn KeyStore, key: KeyId, model: &str) -> Usage {
    let query = UsageQuery {
        key: Some(key),
        ..UsageQuery::default()
    };
    let mut sum = Usage::default();
    for row in store.usage(&query).await.unwrap() {
        assert_eq!(row.key, key);
        assert_eq!(row.day, Period::Day.start(row.day));
        if row.model == model {
            sum += row.usage;
        }
    }
    sum
}

/// Reserves what must be free.
async fn grant(store: &dyn KeyStore, key: &Arc<Key>) -> Grant {
    store.reserve(key, &demand()).await.unwrap().unwrap()
}

/// Why a request must wait.
async fn refusal(store: &dyn KeyStore, key: &Arc<Key>) -> Refusal {
    store.reserve(key, &demand()).await.unwrap().unwrap_err()
}

async fn a_key_is_read_back_as_it_was_made(location: StoreLocation) {
    let store = gateway(&location).await;
    assert_eq!(store.changes(0).await.unwrap(), Changes::default());
    let mut limits = budget(12.5, Period::Week);
    limits.rpm = Some(60);
    limits.no_bedrock = true;
    let mut made = Key {
        limits,
        expires: Some(Timestamp::now()),
        ..key("búsqueda 'x'; DROP TABLE keys")
    };
    made.revision = store.create(&made).await.unwrap();
    let changes = store.changes(0).await.unwrap();
    assert_eq!(changes.revision, made.revision);
    assert_eq!(changes.keys, [made]);
}

async fn changes_are_told_once(location: StoreLocation) {
    let store = gateway(&location).await;
    let first = add(&*store, "first", KeyLimits::default()).await;
    let second = add(&*store, "second", KeyLimits::default()).await;
    assert!(second.revision > first.revision);
    let known = store.changes(first.revision).await.unwrap();
    assert_eq!(known.keys, [(*second).clone()]);
    assert_eq!(known.revision, second.revision);

    // A command makes changes that the gateway sees, each key once and as it is now.
    let command = open(&location, Access::Command).await.unwrap();
    let mut changed = (*first).clone();
    for rpm in [10, 20] {
        changed.limits.rpm = Some(rpm);
        changed.revision = command.replace(&changed).await.unwrap();
    }
    let news = store.changes(known.revision).await.unwrap();
    assert_eq!(
        (news.revision, &news.keys),
        (changed.revision, &vec![changed])
    );
    let nothing = store.changes(news.revision).await.unwrap();
    assert_eq!((nothing.revision, nothing.keys.len()), (news.revision, 0));
}

async fn a_name_belongs_to_one_key_that_is_not_revoked(location: StoreLocation) {
    let store = open(&location, Access::Command).await.unwrap();
    let search = add(&*store, "search", KeyLimits::default()).await;
    let taken = Err(StoreError::NameTaken("search".to_owned()));
    assert_eq!(store.create(&key("search")).await, taken);

    let mut other = (*add(&*store, "other", KeyLimits::default()).await).clone();
    other.name = "search".to_owned();
    assert_eq!(store.replace(&other).await, taken);

    let mut revoked = (*search).clone();
    revoked.revoked = Some(Timestamp::now());
    revoked.revision = store.replace(&revoked).await.unwrap();
    other.revision = store.replace(&other).await.unwrap();
    assert_eq!(store.create(&key("search")).await, taken);
    // The name that was given up is free again, and the revoked key can still be changed.
    add(&*store, "other", KeyLimits::default()).await;
    store.replace(&revoked).await.unwrap();
    assert_eq!(store.changes(0).await.unwrap().keys.len(), 3);
}

async fn a_key_that_somebody_else_changed_is_not_replaced(location: StoreLocation) {
    let store = open(&location, Access::Command).await.unwrap();
    let made = add(&*store, "search", KeyLimits::default()).await;
    let revision = store.replace(&made).await.unwrap();
    let stale = Err(StoreError::Changed(made.id));
    assert_eq!(store.replace(&made).await, stale);
    let unknown = key("unknown");
    let missing = Err(StoreError::UnknownKey(unknown.id.to_string()));
    assert_eq!(store.replace(&unknown).await, missing);
    assert_eq!(store.changes(0).await.unwrap().revision, revision);
}

async fn of_two_changes_at_the_same_time_one_counts(location: StoreLocation) {
    let store = open(&location, Access::Command).await.unwrap();
    let made = add(&*store, "search", KeyLimits::default()).await;
    let mut attempts = JoinSet::new();
    for _ in 0..8 {
        let (location, made) = (location.clone(), Arc::clone(&made));
        attempts.spawn(async move {
            let store = open(&location, Access::Command).await.unwrap();
            (store.replace(&made).await, store.create(&key("new")).await)
        });
    }
    let (mut changed, mut created) = (0, 0);
    while let Some(attempt) = attempts.join_next().await {
        match attempt.unwrap() {
            (Ok(_), _) => changed += 1,
            (Err(error), _) => assert_eq!(error, StoreError::Changed(made.id)),
        }
    }
    for key in store.changes(0).await.unwrap().keys {
        created += usize::from(key.name == "new");
    }
    assert_eq!((changed, created), (1, 1));
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
    other.model = "amazon.nova-lite-v1:0".to_owned();
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

async fn the_state_key_stays_the_same(location: StoreLocation) {
    let mut readers = JoinSet::new();
    for _ in 0..8 {
        let location = location.clone();
        readers.spawn(async move {
            let store = open(&location, Access::Command).await.unwrap();
            store.state_key().await.unwrap()
        });
    }
    let mut keys = readers.join_all().await;
    keys.push(gateway(&location).await.state_key().await.unwrap());
    keys.dedup();
    assert_eq!(keys.len(), 1);
    assert_ne!(keys[0], [0; 32]);
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
