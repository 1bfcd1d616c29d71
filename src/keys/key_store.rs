//! What a store of keys can do: one interface for the file of one gateway and for the Redis of many.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use thiserror::Error;

use super::{Demand, Grant, Key, KeyId, RateLimits, Refusal, Settlement, UsageQuery, UsageRow};
use crate::bedrock::Money;

/// What a store will answer.
pub type Pending<'s, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>;

/// Where keys, limits, budgets and usage are kept. Keys are never deleted: what they used is still theirs.
pub trait KeyStore: fmt::Debug + Send + Sync {
    /// The keys that were made or changed after the revision `since`; all keys for 0. Cheap when there are none.
    fn changes(&self, since: u64) -> Pending<'_, Changes>;

    /// Adds a key, and says which revision it made.
    ///
    /// Fails with [`StoreError::NameTaken`] when a key that is not revoked has the name.
    fn create<'s>(&'s self, key: &'s Key) -> Pending<'s, u64>;

    /// Replaces a key, and says which revision it made.
    ///
    /// Fails with [`StoreError::Changed`] when the key's revision is not the one that is replaced: somebody else was
    /// quicker. Fails with [`StoreError::NameTaken`] as `create` does.
    fn replace<'s>(&'s self, key: &'s Key) -> Pending<'s, u64>;

    /// What was used, by key, day and model in this order.
    fn usage<'s>(&'s self, query: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>>;

    /// What is spent of a key's budget in the period that is now, and what is reserved of it beside that: the very
    /// counters that are enforced. Zeros without a budget.
    fn spent<'s>(&'s self, key: &'s Key) -> Pending<'s, (Money, Money)>;

    /// The key that authenticates what clients keep, made when it is first asked for.
    fn state_key(&self) -> Pending<'_, [u8; 32]>;

    /// Reserves what a request wants of its key's limits, in one atomic step, or says why not. Nothing is counted of
    /// a request that is refused.
    fn reserve<'s>(
        &'s self,
        key: &'s Arc<Key>,
        demand: &'s Demand,
    ) -> Pending<'s, Result<Grant, Refusal>>;

    /// How the rate limits of a key stand. It counts nothing.
    fn rate_limits<'s>(&'s self, key: &'s Arc<Key>) -> Pending<'s, RateLimits>;

    /// Ends a reservation. It never waits: the store is told in the background, within 100 milliseconds.
    fn settle(&self, settlement: Settlement);

    /// Waits until all that was settled before is kept.
    fn flush(&self) -> Pending<'_, ()>;
}

/// What changed in a store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// The last change that is in it.
    pub revision: u64,
    /// The keys as they are now.
    pub keys: Vec<Key>,
}

/// Why a store could not do what it was asked for. It shows no password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// There is no store yet: no file of that name.
    #[error("there is no key store {0} yet; outcrop keys create makes it")]
    Missing(String),
    /// Another gateway has the file.
    #[error(
        "another gateway uses {0}; for several gateways set [keys] store to redis://… or rediss://…"
    )]
    InUse(String),
    /// It was written by a later version.
    #[error(
        "{0} was written by a later version of Outcrop (schema {1}); this one reads up to schema {2}"
    )]
    Newer(String, u32, u32),
    /// It cannot be opened, and trying again will not help.
    #[error("the key store {0} cannot be used: {1}")]
    Unusable(String, String),
    /// It does not answer, or not with what it should.
    #[error("the key store does not answer: {0}")]
    Away(String),
    /// A key that is not revoked has the name.
    #[error("there is a key called '{0}' already; choose another name, or revoke that one")]
    NameTaken(String),
    /// Somebody else changed the key at the same time.
    #[error("the key {0} was changed at the same time; look at it and try again")]
    Changed(KeyId),
    /// It has no such key.
    #[error("there is no key '{0}'; outcrop keys list tells which there are")]
    UnknownKey(String),
}
