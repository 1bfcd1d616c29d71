//! The keys that a gateway knows, and how one that a client presents is told from all others.

use std::collections::HashMap;
use std::sync::Arc;

use subtle::{Choice, ConstantTimeEq as _};

use super::{ApiKey, Changes, Key, KeyId, KeySecret, Timestamp};

/// How many secrets are compared at least, as many as a key has while a rotation overlaps: the time tells neither
/// whether there is a key of an id nor whether it is being rotated.
const COMPARISONS: usize = 2;

/// What is compared where there is no secret. Being the same as this proves nothing.
const DUMMY: [u8; 32] = [0x5a; 32];

/// Keys as they were at one moment.
#[derive(Clone, Debug, Default)]
pub struct KnownKeys {
    revision: u64,
    keys: HashMap<KeyId, Arc<Key>>,
}

/// Why a key does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unauthenticated {
    /// Nobody has it. More is not said to somebody who does not have it either.
    Unknown,
    /// It was valid until then; or it was replaced, and the old one was valid until then.
    Expired(Timestamp),
    /// It was revoked.
    Revoked,
}

impl KnownKeys {
    /// The last change that is in it.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// What is known after some changes.
    #[must_use]
    pub fn after(&self, changes: Changes) -> Self {
        let mut keys = self.keys.clone();
        let fresh = changes.keys.into_iter();
        keys.extend(fresh.map(|key| (key.id, Arc::new(key))));
        Self {
            revision: changes.revision,
            keys,
        }
    }

    /// Whose the key is that a client presents.
    ///
    /// Its digest is always computed, and compared as often for an id that nobody has as for one that somebody has.
    ///
    /// # Errors
    /// When nobody has it. Whoever has a key that is not valid any more is told so.
    pub fn authenticate(
        &self,
        presented: &[u8],
        now: Timestamp,
    ) -> Result<Arc<Key>, Unauthenticated> {
        self.authenticate_by(presented, now, |one, other| one.ct_eq(other))
    }

    fn authenticate_by(
        &self,
        presented: &[u8],
        now: Timestamp,
        mut is_same: impl FnMut(&[u8; 32], &[u8; 32]) -> Choice,
    ) -> Result<Arc<Key>, Unauthenticated> {
        let digest = ApiKey::digest_of(presented);
        let key = ApiKey::id_of(presented)
            .ok()
            .and_then(|id| self.keys.get(&id));
        let secrets = key.map_or(&[][..], |key| &key.secrets);
        let mut proof = None;
        for place in 0..secrets.len().max(COMPARISONS) {
            let secret = secrets.get(place);
            let known = secret.map_or(&DUMMY, |secret| &secret.digest);
            if is_same(known, &digest).into() {
                proof = secret;
            }
        }
        let (key, secret) = key.zip(proof).ok_or(Unauthenticated::Unknown)?;
        check(key, secret, now)?;
        Ok(Arc::clone(key))
    }
}

/// Whether a key that was proved by one of its secrets is valid.
fn check(key: &Key, secret: &KeySecret, now: Timestamp) -> Result<(), Unauthenticated> {
    if key.revoked.is_some() {
        return Err(Unauthenticated::Revoked);
    }
    let ends = [key.expires, secret.expires].into_iter().flatten().min();
    match ends {
        Some(end) if end <= now => Err(Unauthenticated::Expired(end)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
