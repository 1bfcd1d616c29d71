//! What an operator does with keys: make them, look at them, change, rotate and revoke them, and ask what they used.

use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use thiserror::Error;

use super::{ApiKey, Key, KeyId, KeyStore, StoreError, Timestamp, UsageQuery};
use crate::config::Secret;

pub use change::{BudgetChange, Change, KeyChange};
pub use draft::KeyDraft;
pub use mistakes::{KeyMistake, KeyMistakes};
pub use moment::{Moment, parse_time};
pub use rotation::Rotation;
pub use usage_report::{UsageGroup, UsageLine, UsageQuestion, UsageReport};
pub use view::{IssuedKey, KeyList, KeyStatus, KeyView, Spending};

mod change;
mod draft;
mod members;
mod mistakes;
mod moment;
mod rotation;
mod rules;
mod usage_report;
mod view;

/// How often a change is tried when others change the same key. Each time one of them is done, so that a revocation comes
/// through whatever a script does to the key at the same time.
const ATTEMPTS: u32 = 32;

/// The keys of a store, as an operator manages them; a clone is the same.
#[derive(Clone, Debug)]
pub struct Administration {
    store: Arc<dyn KeyStore>,
}

/// Why an operator's wish was not fulfilled. It shows no key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AdministrationError {
    /// The store refused it, or did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for is wrong.
    #[error("{0}")]
    Mistakes(#[from] KeyMistakes),
    /// The key was revoked, which is for ever.
    #[error("the key {0} is revoked for good; create another one")]
    Revoked(KeyId),
    /// The key expired, so that a new secret of it would be worth nothing.
    #[error("the key {0} has expired; give it a later end first")]
    Expired(KeyId),
    /// Too many secrets of earlier rotations are still valid.
    #[error(
        "{0} secrets of the key {1} are still valid; wait until one has ended, or end all but the new one with the overlap 0"
    )]
    TooManySecrets(usize, KeyId),
    /// The system gave no random bytes.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

impl Administration {
    /// The administration of the keys in `store`.
    pub fn new(store: Arc<dyn KeyStore>) -> Self {
        Self { store }
    }

    /// Makes a key. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// When the draft is wrong, another key has the name, or the store does not answer.
    pub async fn create(
        &self,
        draft: &KeyDraft,
        now: Timestamp,
    ) -> Result<IssuedKey, AdministrationError> {
        let secret = ApiKey::generate(KeyId::generate(random)?, random)?;
        let digest = ApiKey::digest_of(secret.text.expose().as_bytes());
        let key = draft.key(secret.id, digest, now)?;
        self.store.create(&key).await?;
        Ok(self.issued(key, secret.text, now).await)
    }

    /// All keys, the oldest first; revoked ones only when they are asked for.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn keys(
        &self,
        with_revoked: bool,
        now: Timestamp,
    ) -> Result<Vec<KeyView>, AdministrationError> {
        let mut keys = self.store.changes(0).await?.keys;
        keys.retain(|key| with_revoked || key.revoked.is_none());
        keys.sort_by_key(|key| (key.created, key.id));
        let mut views = Vec::with_capacity(keys.len());
        for key in keys {
            views.push(self.view(key, now).await?);
        }
        Ok(views)
    }

    /// The key of this id or name.
    ///
    /// # Errors
    /// When there is none, or the store does not answer.
    pub async fn key(&self, name: &str, now: Timestamp) -> Result<KeyView, AdministrationError> {
        let key = self.find(name).await?;
        self.view(key, now).await
    }

    /// Changes a key.
    ///
    /// # Errors
    /// When there is no such key, it was revoked, the change is wrong, or the store does not answer.
    pub async fn update(
        &self,
        name: &str,
        change: &KeyChange,
        now: Timestamp,
    ) -> Result<KeyView, AdministrationError> {
        let key = self.changed(name, |key| change.apply(key, now)).await?;
        self.view(key, now).await
    }

    /// Gives a key a new secret. The one that it has proves it for `overlap` longer.
    ///
    /// # Errors
    /// When there is no such key, it is not valid, too many of its secrets are, or the store does not answer.
    pub async fn rotate(
        &self,
        name: &str,
        overlap: Duration,
        now: Timestamp,
    ) -> Result<IssuedKey, AdministrationError> {
        // The id is part of the secret, so the key is found first.
        let id = self.find(name).await?.id;
        let secret = ApiKey::generate(id, random)?;
        let digest = ApiKey::digest_of(secret.text.expose().as_bytes());
        let key = self
            .changed(id.as_str(), |key| {
                rotation::rotate(key, digest, overlap, now)
            })
            .await?;
        Ok(self.issued(key, secret.text, now).await)
    }

    /// Revokes a key for good. One that is revoked stays as it is.
    ///
    /// # Errors
    /// When there is no such key, or the store does not answer.
    pub async fn revoke(&self, name: &str, now: Timestamp) -> Result<KeyView, AdministrationError> {
        let key = self.find(name).await?;
        if key.revoked.is_some() {
            return self.view(key, now).await;
        }
        let revoke = |key: &mut Key| {
            key.revoked = Some(now);
            Ok(())
        };
        match self.changed(key.id.as_str(), revoke).await {
            Ok(key) => self.view(key, now).await,
            // Somebody was quicker with the same.
            Err(AdministrationError::Revoked(id)) => self.key(id.as_str(), now).await,
            Err(error) => Err(error),
        }
    }

    /// What was used.
    ///
    /// # Errors
    /// When it asks for a key that there is not, or the store does not answer.
    pub async fn usage(
        &self,
        question: &UsageQuestion,
        now: Timestamp,
    ) -> Result<UsageReport, AdministrationError> {
        let keys = self.store.changes(0).await?.keys;
        let key = match &question.key {
            Some(name) => Some(found(&keys, name)?.id),
            None => None,
        };
        let since = question.since(now);
        let rows = self.store.usage(&UsageQuery { key, since }).await?;
        Ok(UsageReport::of(&rows, &keys, &question.by, since))
    }

    async fn find(&self, name: &str) -> Result<Key, AdministrationError> {
        let keys = self.store.changes(0).await?.keys;
        Ok(found(&keys, name)?.clone())
    }

    /// Changes a key that is not revoked, from the beginning again when somebody else changed it meanwhile.
    async fn changed(
        &self,
        name: &str,
        change: impl Fn(&mut Key) -> Result<(), AdministrationError>,
    ) -> Result<Key, AdministrationError> {
        let mut attempt = 1;
        loop {
            let keys = self.store.changes(0).await?.keys;
            let mut key = found(&keys, name)?.clone();
            if key.revoked.is_some() {
                return Err(AdministrationError::Revoked(key.id));
            }
            change(&mut key)?;
            match self.store.replace(&key).await {
                Ok(revision) => return Ok(Key { revision, ..key }),
                Err(StoreError::Changed(_)) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn view(&self, key: Key, now: Timestamp) -> Result<KeyView, AdministrationError> {
        let spending = self.spending(&key, now).await?;
        Ok(KeyView::new(key, spending, now))
    }

    /// The key with its text, which nobody can ask for again: it is told also when the store is away by now, and then
    /// without what is spent.
    async fn issued(&self, key: Key, text: Secret, now: Timestamp) -> IssuedKey {
        let spending = self.spending(&key, now).await.unwrap_or_default();
        let view = KeyView::new(key, spending, now);
        IssuedKey { view, key: text }
    }

    async fn spending(&self, key: &Key, now: Timestamp) -> Result<Option<Spending>, StoreError> {
        let Some(budget) = key.limits.budget else {
            return Ok(None);
        };
        let (spent, reserved) = self.store.spent(key).await?;
        Ok(Some(Spending::new(budget, spent, reserved, now)))
    }
}

/// The key of an id, of a whole key, or of a name: the one that is valid, else the last that had it.
fn found<'k>(keys: &'k [Key], name: &str) -> Result<&'k Key, StoreError> {
    let id = ApiKey::id_of(name.as_bytes())
        .ok()
        .or_else(|| KeyId::parse(name));
    let of_id = keys.iter().find(|key| Some(key.id) == id);
    let named = || {
        let named = keys.iter().filter(|key| key.name == name);
        named.max_by_key(|key| (key.revoked.is_none(), key.created))
    };
    of_id
        .or_else(named)
        .ok_or_else(|| StoreError::UnknownKey(shown(name)))
}

/// What may be shown of a name that was asked for: somebody may have taken a key for one.
fn shown(name: &str) -> String {
    match ApiKey::id_of(name.as_bytes()) {
        Ok(id) => id.to_string(),
        Err(_) if rules::looks_like_a_key(name) => "sk-outcrop-…".to_owned(),
        Err(_) => {
            let shown = name.chars().take(rules::LONGEST_NAME);
            shown.flat_map(char::escape_debug).collect()
        }
    }
}

/// Fills bytes with what nobody can guess.
fn random(bytes: &mut [u8]) -> Result<(), AdministrationError> {
    let source = aws_lc_rs::default_provider().secure_random;
    source
        .fill(bytes)
        .map_err(|_| AdministrationError::NoRandomness)
}

#[cfg(test)]
mod tests;
