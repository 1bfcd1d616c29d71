//! How a store of keys is opened: by whom, and where it is.

use std::path::Path;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::{KeyStore, RedisStore, SqliteStore, StoreError};
use crate::config::StoreLocation;

/// Who opens a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A gateway, which counts what keys use. A file has one at a time.
    Gateway,
    /// A command that manages keys, at any time.
    Command,
    /// The same, and a file that does not exist is made.
    Create,
}

/// Opens the store at `location`.
///
/// # Errors
/// When it does not exist, or cannot be opened.
pub async fn open(
    location: &StoreLocation,
    access: Access,
) -> Result<Arc<dyn KeyStore>, StoreError> {
    match location {
        StoreLocation::Sqlite(file) => Ok(Arc::new(open_file(file, access).await?)),
        StoreLocation::Redis(url) => Ok(Arc::new(RedisStore::connect(url, access).await?)),
    }
}

/// Opens a file where it is no matter that the disk takes its time.
async fn open_file(file: &Path, access: Access) -> Result<SqliteStore, StoreError> {
    let file = file.to_owned();
    spawn_blocking(move || SqliteStore::open(&file, access))
        .await
        .map_err(|error| StoreError::Away(error.to_string()))?
}
