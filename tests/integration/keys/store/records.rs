//! Keys as they are kept, and who may change them.

use std::sync::Arc;

use outcrop::config::StoreLocation;
use outcrop::keys::{Access, Changes, Key, KeyLimits, Period, StoreError, Timestamp, open};
use tokio::task::JoinSet;

use super::super::{add, budget, key};
use super::{gateway, with_every_store};

with_every_store! {
    a_key_is_read_back_as_it_was_made
    changes_are_told_once
    a_name_belongs_to_one_key_that_is_not_revoked
    a_key_that_somebody_else_changed_is_not_replaced
    of_two_changes_at_the_same_time_one_counts
    the_state_key_stays_the_same
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
    "search".clone_into(&mut other.name);
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
