//! Keys in a file of one gateway. What limits count is in that gateway's memory; what was used is written behind, so
//! that no request waits for a disk.

mod booking;
mod group;
mod ledger;
mod records;
mod writer;

use std::fmt;
use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::task::spawn_blocking;

use self::ledger::Ledger;
use super::{
    Access, Changes, Demand, Grant, Key, KeyStore, Pending, RateLimits, Refusal, Settlement,
    StoreError, Timestamp, UsageQuery, UsageRow,
};
use crate::bedrock::Money;
use crate::store::sqlite::{Database, Durability, Kind, OpenError};

/// What the file holds.
const KIND: Kind = Kind {
    // `Outc`.
    application_id: 0x4f75_7463,
    migrations: &[include_str!("sqlite_store/schema_1.sql")],
};

/// Keys in a file.
pub struct SqliteStore {
    database: Database,
    /// For everything that no request waits for.
    connection: Arc<Mutex<Connection>>,
    /// What counts; a command has none.
    ledger: Option<Ledger>,
}

impl SqliteStore {
    /// Opens a file. A gateway books what it finds reserved as an estimate: nobody is left who could settle it.
    ///
    /// # Errors
    /// When it does not exist and is not to be made, when it cannot be opened, and for a gateway when another one has it.
    pub fn open(file: &Path, access: Access) -> Result<Self, StoreError> {
        let failed = |error| name_failure(file, error);
        if access == Access::Create {
            Database::create(file).map_err(failed)?;
        }
        let database = Database::find(file, KIND).map_err(failed)?;
        let ledger = match access {
            Access::Gateway => {
                let lock = database.lock().map_err(failed)?;
                let connection = database.connect(Durability::Process).map_err(failed)?;
                let unusable = |error| match error {
                    StoreError::Away(reason) => {
                        StoreError::Unusable(file.display().to_string(), reason)
                    }
                    other => other,
                };
                Some(Ledger::open(connection, lock).map_err(unusable)?)
            }
            Access::Command | Access::Create => None,
        };
        // A key is shown once: it shall not be lost with the power afterwards.
        let connection = database.connect(Durability::Power).map_err(failed)?;
        Ok(Self {
            database,
            connection: Arc::new(Mutex::new(connection)),
            ledger,
        })
    }

    /// Works with the file where it is no matter that the disk takes its time.
    fn with_file<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<'static, T> {
        let connection = Arc::clone(&self.connection);
        Box::pin(async move {
            let work = move || {
                // What was half done is rolled back when it is dropped.
                let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                work(&mut connection)
            };
            spawn_blocking(work)
                .await
                .map_err(|error| StoreError::Away(error.to_string()))?
        })
    }

    fn ledger(&self) -> Result<&Ledger, StoreError> {
        self.ledger.as_ref().ok_or_else(|| {
            StoreError::Away("it was opened by a command, which counts nothing".to_owned())
        })
    }
}

impl KeyStore for SqliteStore {
    fn changes(&self, since: u64) -> Pending<'_, Changes> {
        let kept = self.ledger.as_ref().map_or(Ok(()), Ledger::check);
        let database = self.database.clone();
        self.with_file(move |file| {
            kept?;
            if !database.is_in_place() {
                let told = "its file was moved or replaced; start the gateway anew";
                return Err(StoreError::Away(told.to_owned()));
            }
            records::changes(file, since)
        })
    }

    fn create<'s>(&'s self, key: &'s Key) -> Pending<'s, u64> {
        let key = key.clone();
        self.with_file(move |file| records::create(file, &key))
    }

    fn replace<'s>(&'s self, key: &'s Key) -> Pending<'s, u64> {
        let key = key.clone();
        self.with_file(move |file| records::replace(file, &key))
    }

    fn usage<'s>(&'s self, query: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>> {
        let query = *query;
        Box::pin(async move {
            // What is counted is what is shown.
            self.flush().await?;
            self.with_file(move |file| booking::usage(file, &query))
                .await
        })
    }

    fn spent<'s>(&'s self, key: &'s Key) -> Pending<'s, (Money, Money)> {
        let now = Timestamp::now();
        let Some(budget) = key.limits.budget else {
            return Box::pin(ready(Ok((Money::ZERO, Money::ZERO))));
        };
        if let Some(ledger) = &self.ledger {
            return Box::pin(ready(Ok(ledger.spent(key.id, budget.per, now))));
        }
        let (id, since) = (key.id, budget.per.start(now));
        self.with_file(move |file| booking::spent(file, id, since))
    }

    fn state_key(&self) -> Pending<'_, [u8; 32]> {
        self.with_file(records::state_key)
    }

    fn reserve<'s>(
        &'s self,
        key: &'s Arc<Key>,
        demand: &'s Demand,
    ) -> Pending<'s, Result<Grant, Refusal>> {
        let ledger = self.ledger();
        Box::pin(ready(
            ledger.map(|ledger| ledger.reserve(key, demand, Timestamp::now())),
        ))
    }

    fn rate_limits<'s>(&'s self, key: &'s Arc<Key>) -> Pending<'s, RateLimits> {
        let ledger = self.ledger();
        Box::pin(ready(
            ledger.map(|ledger| ledger.rate_limits(key, Timestamp::now())),
        ))
    }

    fn settle(&self, settlement: Settlement) {
        if let Some(ledger) = &self.ledger {
            ledger.settle(&settlement, Timestamp::now());
        }
    }

    fn flush(&self) -> Pending<'_, ()> {
        match &self.ledger {
            Some(ledger) => Box::pin(ledger.flush()),
            None => Box::pin(ready(Ok(()))),
        }
    }
}

impl fmt::Debug for SqliteStore {
    /// Leaves out the file's path: who shows it knows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("counts", &self.ledger.is_some())
            .finish_non_exhaustive()
    }
}

/// Says which file cannot be opened.
fn name_failure(file: &Path, error: OpenError) -> StoreError {
    let file = file.display().to_string();
    match error {
        OpenError::Missing => StoreError::Missing(file),
        OpenError::InUse => StoreError::InUse(file),
        OpenError::Newer { found, known } => StoreError::Newer(file, found, known),
        other => StoreError::Unusable(file, other.to_string()),
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Away(error.to_string())
    }
}
