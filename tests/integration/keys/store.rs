//! What every store of keys does, one set of tests for all of them.

use std::sync::Arc;

use outcrop::config::StoreLocation;
use outcrop::keys::{
    Access, Grant, Key, KeyId, KeyStore, Period, Refusal, Usage, UsageQuery, open,
};
use tempfile::TempDir;

use super::demand;
use crate::support::redis::RedisServer;

mod budgets;
mod limits;
mod records;
mod usage;

/// Where a test keeps keys: there is nothing at first.
trait Place: Sized {
    /// `None` where this machine has no such place.
    async fn find() -> Option<Self>;

    fn location(&self) -> StoreLocation;
}

/// A folder for a file.
struct Folder(TempDir);

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
        StoreLocation::parse(&self.url()).unwrap()
    }
}

/// Runs every test with every kind of store.
macro_rules! with_every_store {
    ($($test:ident)*) => {
        mod sqlite {
            use super::super::{Folder, in_place};

            $(
                #[tokio::test]
                async fn $test() {
                    in_place::<Folder>(super::$test).await;
                }
            )*
        }

        mod redis {
            use super::super::in_place;
            use crate::support::redis::RedisServer;

            $(
                #[tokio::test]
                async fn $test() {
                    in_place::<RedisServer>(super::$test).await;
                }
            )*
        }
    };
}
use with_every_store;

async fn in_place<P: Place>(test: impl AsyncFnOnce(StoreLocation)) {
    if let Some(place) = P::find().await {
        open(&place.location(), Access::Create).await.unwrap();
        test(place.location()).await;
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
