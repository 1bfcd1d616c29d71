//! A file that is not there yet, and one that cannot be used.

use std::fs;
use std::path::Path;

use super::*;
use crate::config::StoreLocation;
use crate::keys::{Access, SqliteStore};

async fn begin_at(file: &Path) -> Result<Keys, StoreError> {
    let config = config::Keys {
        store: StoreLocation::Sqlite(file.to_owned()),
        ..config::Keys::default()
    };
    Keys::begin(&config, &Metrics::new()).await
}

/// Makes the file with one key, as a command does.
async fn make(file: &Path) -> Secret {
    let (text, record) = key(1, KeyLimits::default());
    let store = SqliteStore::open(file, Access::Create).unwrap();
    store.create(&record).await.unwrap();
    text
}

#[tokio::test(start_paused = true)]
async fn a_key_is_needed_once_somebody_has_made_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.db");
    let keys = begin_at(&file).await.unwrap();
    assert!(!keys.are_required());
    assert_eq!(keys.store_state(), StoreState::None);
    assert_eq!(keys.state_key().await, None);
    assert!(!file.exists(), "a gateway makes no file");

    let text = make(&file).await;
    until(|| keys.are_required()).await;
    until(|| authenticate(&keys, &text).is_ok()).await;
    assert_eq!(keys.store_state(), StoreState::Ready);
    assert!(keys.state_key().await.is_some());
    let key = authenticate(&keys, &text).unwrap();
    let reservation = keys.reserve(&key, &demand()).await.unwrap();
    reservation.settle("a.model".to_owned(), Some(spent()));
    keys.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_used_lets_nobody_pass_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.db");
    let keys = begin_at(&file).await.unwrap();
    fs::write(&file, "This is no database, whatever its name says.").unwrap();
    until(|| keys.are_required()).await;
    assert_eq!(keys.store_state(), StoreState::Away);
    let (text, _) = key(1, KeyLimits::default());
    assert_eq!(authenticate(&keys, &text), Err(Unauthenticated::Unknown));

    fs::remove_file(&file).unwrap();
    let text = make(&file).await;
    until(|| authenticate(&keys, &text).is_ok()).await;
    assert_eq!(keys.store_state(), StoreState::Ready);
}

#[tokio::test(start_paused = true)]
async fn a_second_gateway_does_not_start_on_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.db");
    make(&file).await;
    let _first = begin_at(&file).await.unwrap();
    let second = begin_at(&file).await;
    assert!(matches!(second, Err(StoreError::InUse(_))), "{second:?}");
}
