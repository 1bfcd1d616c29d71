//! Keys in a file: who may open it, and what is in it after a gateway has ended.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use outcrop::bedrock::Money;
use outcrop::config::StoreLocation;
use outcrop::keys::{
    Access, Key, KeyId, KeyLimits, KeyStore, Period, SqliteStore, StoreError, Timestamp,
    UsageQuery, open,
};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use super::{MODEL, add, budget, demand, settlement, spent, usd, use_once};

/// A folder with the file of a store without keys.
fn new_file() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let file = folder.path().join("keys.db");
    SqliteStore::open(&file, Access::Create).unwrap();
    (folder, file)
}

fn gateway(file: &Path) -> SqliteStore {
    SqliteStore::open(file, Access::Gateway).unwrap()
}

/// What a gateway leaves behind that is killed now: the file and the log beside it as they are.
fn as_killed(file: &Path) -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let left = folder.path().join("keys.db");
    let log = |file: &Path| file.with_extension("db-wal");
    fs::copy(file, &left).unwrap();
    fs::copy(log(file), log(&left)).unwrap();
    (folder, left)
}

fn everything() -> UsageQuery {
    UsageQuery::default()
}

#[tokio::test]
async fn without_a_file_there_is_no_store_and_none_is_made() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("keys.db");
    let location = StoreLocation::Sqlite(file.clone());
    for access in [Access::Gateway, Access::Command] {
        let refused = open(&location, access).await.unwrap_err();
        assert_eq!(refused, StoreError::Missing(file.display().to_string()));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let nowhere = StoreLocation::Sqlite(folder.path().join("no/keys.db"));
    let refused = open(&nowhere, Access::Create).await.unwrap_err();
    assert!(matches!(refused, StoreError::Unusable(..)), "{refused}");
}

#[cfg(unix)]
#[test]
fn only_its_owner_can_read_a_new_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let (_folder, file) = new_file();
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn one_gateway_has_a_file_and_commands_use_it_at_any_time() {
    let (_folder, file) = new_file();
    let first = gateway(&file);
    let refused = SqliteStore::open(&file, Access::Gateway).unwrap_err();
    let said = refused.to_string();
    assert_eq!(refused, StoreError::InUse(file.display().to_string()));
    assert!(said.contains("redis://"), "{said}");

    let command = SqliteStore::open(&file, Access::Create).unwrap();
    let made = add(&command, "search", KeyLimits::default()).await;
    assert_eq!(first.changes(0).await.unwrap().keys, [(*made).clone()]);
    // A command counts nothing, because only one can.
    assert!(command.reserve(&made, &demand()).await.is_err());
    assert!(command.rate_limits(&made).await.is_err());
    drop(first);
    gateway(&file);
}

#[test]
fn a_file_of_a_later_version_is_refused() {
    let (_folder, file) = new_file();
    let later = Connection::open(&file).unwrap();
    later.pragma_update(None, "user_version", 2).unwrap();
    for access in [Access::Gateway, Access::Command, Access::Create] {
        let refused = SqliteStore::open(&file, access).unwrap_err();
        let expected = StoreError::Newer(file.display().to_string(), 2, 1);
        assert_eq!(refused, expected);
    }
}

#[test]
fn a_file_that_is_no_store_of_keys_is_refused_and_left_alone() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("songs.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE songs (name)").unwrap();
    drop(other);
    let before = fs::read(&file).unwrap();
    let refused = SqliteStore::open(&file, Access::Create).unwrap_err();
    assert!(refused.to_string().contains("another program"), "{refused}");
    assert_eq!(fs::read(&file).unwrap(), before);

    let text = folder.path().join("text.db");
    fs::write(&text, "this is no database, however long one makes it").unwrap();
    for wrong in [&*text, folder.path()] {
        let refused = SqliteStore::open(wrong, Access::Gateway).unwrap_err();
        assert!(matches!(refused, StoreError::Unusable(..)), "{refused}");
    }
}

#[test]
fn a_file_that_is_damaged_is_named() {
    let (_folder, file) = new_file();
    let mut bytes = fs::read(&file).unwrap();
    // All but the page that says what there is.
    bytes[4096..].fill(0xff);
    fs::write(&file, bytes).unwrap();
    let refused = SqliteStore::open(&file, Access::Gateway).unwrap_err();
    assert!(
        matches!(&refused, StoreError::Unusable(name, _) if *name == file.display().to_string())
    );
}

#[tokio::test]
async fn what_was_settled_is_written_when_a_store_is_closed() {
    let (_folder, file) = new_file();
    let store = gateway(&file);
    let key = add(&store, "search", budget(1.0, Period::Total)).await;
    for _ in 0..10 {
        use_once(&store, &key, spent(0.02)).await;
    }
    drop(store);
    let store = gateway(&file);
    assert_eq!(store.spent(&key).await.unwrap(), (usd(0.2), Money::ZERO));
    let rows = store.usage(&everything()).await.unwrap();
    let requests: u64 = rows.iter().map(|row| row.usage.requests).sum();
    assert_eq!(requests, 10);
}

#[tokio::test]
async fn what_a_killed_gateway_had_reserved_is_booked_once_as_an_estimate() {
    let (_folder, file) = new_file();
    let store = gateway(&file);
    let key = add(&store, "search", budget(0.05, Period::Month)).await;
    use_once(&store, &key, spent(0.004)).await;
    let mut twice = demand();
    twice.choices = 2;
    let lost = store.reserve(&key, &twice).await.unwrap().unwrap();
    let mut unpriced = demand();
    (unpriced.rates, unpriced.model) = (None, "unheard.of".to_owned());
    let free = add(&store, "free", KeyLimits::default()).await;
    store.reserve(&free, &unpriced).await.unwrap().unwrap();
    store.flush().await.unwrap();

    let (_left_folder, left) = as_killed(&file);
    for _ in 0..2 {
        let store = gateway(&left);
        assert_eq!(store.spent(&key).await.unwrap(), (usd(0.022), Money::ZERO));
        let rows = store.usage(&everything()).await.unwrap();
        let row = |id: KeyId| rows.iter().find(|row| row.key == id).unwrap();
        let estimated = row(key.id);
        assert_eq!(estimated.day, Period::Day.start(lost.at));
        assert_eq!(estimated.model, MODEL);
        let usage = estimated.usage;
        assert_eq!(
            (usage.requests, usage.calls, usage.estimated_requests),
            (2, 3, 1)
        );
        assert_eq!((usage.input_tokens, usage.output_tokens), (1900, 2050));
        assert_eq!(usage.cost, usd(0.022));
        let unpriced = row(free.id);
        assert_eq!(unpriced.model, "unheard.of");
        assert_eq!(unpriced.usage.unpriced_requests, 1);
        assert_eq!(unpriced.usage.cost, Money::ZERO);
    }
    // It is what the budget counts from now on: two more requests are all that it is left for.
    let store = gateway(&left);
    for admitted in [true, true, false] {
        let outcome = store.reserve(&key, &demand()).await.unwrap();
        let whole = outcome.is_ok_and(|grant| grant.output_tokens == 1000);
        assert_eq!(whole, admitted);
    }
}

#[tokio::test]
async fn no_request_waits_while_somebody_else_writes() {
    let (_folder, file) = new_file();
    let store = gateway(&file);
    let key = add(&store, "search", budget(1.0, Period::Total)).await;
    let other = Connection::open(&file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..100 {
        let wanted = demand();
        let reserving = pin!(store.reserve(&key, &wanted));
        let outcome = reserving.poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Ok(Ok(grant))) = outcome else {
            panic!("it waits, or is refused: {outcome:?}");
        };
        store.settle(settlement(&key, grant, Some(spent(0.001))));
    }
    assert_eq!(store.spent(&key).await.unwrap(), (usd(0.1), Money::ZERO));
    other.execute_batch("ROLLBACK").unwrap();
    store.flush().await.unwrap();
    let command = SqliteStore::open(&file, Access::Command).unwrap();
    assert_eq!(command.spent(&key).await.unwrap(), (usd(0.1), Money::ZERO));
}

#[tokio::test]
async fn what_cannot_be_written_is_kept_until_it_can() {
    let (_folder, file) = new_file();
    let store = gateway(&file);
    let key = add(&store, "search", budget(1.0, Period::Total)).await;
    let early = store.reserve(&key, &demand()).await.unwrap().unwrap();
    store.flush().await.unwrap();

    let other = Connection::open(&file).unwrap();
    let refuse = "CREATE TRIGGER full BEFORE INSERT ON usage \
                  BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    other.execute_batch(refuse).unwrap();
    store.settle(settlement(&key, early, Some(spent(0.01))));
    let held = store.reserve(&key, &demand()).await.unwrap().unwrap();
    let told = StoreError::Away("the disk is full".to_owned());
    assert_eq!(store.flush().await, Err(told.clone()));
    assert_eq!(store.usage(&everything()).await, Err(told.clone()));
    assert_eq!(store.changes(0).await, Err(told));
    // It goes on, and counts on.
    use_once(&store, &key, spent(0.02)).await;
    store.settle(settlement(&key, held, None));
    assert!(store.flush().await.is_err());
    assert_eq!(store.spent(&key).await.unwrap(), (usd(0.03), Money::ZERO));

    other.execute_batch("DROP TRIGGER full").unwrap();
    store.flush().await.unwrap();
    assert_eq!(store.changes(0).await.unwrap().keys.len(), 1);
    let command = SqliteStore::open(&file, Access::Command).unwrap();
    assert_eq!(command.spent(&key).await.unwrap(), (usd(0.03), Money::ZERO));
    let rows = command.usage(&everything()).await.unwrap();
    let requests: u64 = rows.iter().map(|row| row.usage.requests).sum();
    assert_eq!(requests, 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_was_replaced_is_told_of() {
    let (folder, file) = new_file();
    let store = gateway(&file);
    add(&store, "search", KeyLimits::default()).await;
    fs::rename(&file, folder.path().join("old.db")).unwrap();
    for _ in 0..2 {
        let error = store.changes(0).await.unwrap_err();
        assert!(error.to_string().contains("moved or replaced"), "{error}");
        SqliteStore::open(&file, Access::Create).unwrap();
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_named_and_not_shown() {
    let (_folder, file) = new_file();
    let store = gateway(&file);
    let made = add(&store, "search", KeyLimits::default()).await;
    let other = Connection::open(&file).unwrap();
    other
        .execute_batch(r#"UPDATE keys SET record = '{"digest": "abcdef"'"#)
        .unwrap();
    let error = store.changes(0).await.unwrap_err();
    for said in [error.to_string(), format!("{error:?} {store:?}")] {
        assert!(!said.contains("abcdef"), "{said}");
    }
    assert!(error.to_string().contains(made.id.as_str()), "{error}");
}

/// What the first version wrote: two keys, one of them revoked, what they used on two days, and a request that was
/// under way when it was killed.
#[tokio::test]
async fn a_file_of_schema_1_opens_with_all_that_is_in_it() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("keys.db");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stores/schema-1.db");
    fs::copy(kept, &file).unwrap();
    let store = gateway(&file);

    let changes = store.changes(0).await.unwrap();
    assert_eq!(changes.revision, 3);
    let [search, retired]: [Key; 2] = changes.keys.try_into().unwrap();
    assert_eq!((search.id.as_str(), search.revision), ("k3yK3yk3yK3y", 1));
    assert_eq!((search.name.as_str(), search.secrets.len()), ("search", 2));
    assert_eq!(search.secrets[0].digest, [0xab; 32]);
    assert_eq!(search.tags["team"], "search");
    let limits = &search.limits;
    assert_eq!((limits.rpm, limits.tpm), (Some(60), Some(100_000)));
    assert_eq!(
        (limits.concurrency, limits.max_tokens),
        (Some(4), Some(8192))
    );
    assert_eq!(limits.budget, budget(50.0, Period::Total).budget);
    assert_eq!(limits.guardrail.as_deref(), Some("gr12345:1"));
    assert!(limits.no_bedrock && limits.allow_unpriced);
    assert!(limits.allow_model("gpt-4o", MODEL) && !limits.allow_model("nova", "nova"));
    assert_eq!(retired.name, "retired");
    assert!(!retired.is_valid(Timestamp::now()));

    let rows = store.usage(&everything()).await.unwrap();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (row.key.as_str(), row.day.to_string(), row.usage.cost))
        .collect();
    let day = |day: &str| format!("{day}T00:00:00Z");
    assert_eq!(
        shown,
        [
            ("k3yK3yk3yK3y", day("2026-10-31"), usd(1.25)),
            ("k3yK3yk3yK3y", day("2026-11-01"), usd(0.51)),
            ("r3t1r3dr3t1r", day("2026-11-01"), Money::ZERO),
        ]
    );
    assert_eq!(rows[1].usage.estimated_requests, 1);
    assert_eq!(rows[2].usage.unpriced_requests, 1);
    let search = Arc::new(search);
    assert_eq!(
        store.spent(&search).await.unwrap(),
        (usd(1.76), Money::ZERO)
    );
    assert_eq!(store.state_key().await.unwrap(), [0x5e; 32]);
}
