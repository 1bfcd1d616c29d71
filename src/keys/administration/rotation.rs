//! A new secret for a key, while the one before it still proves it for a time.

use std::time::Duration;

use super::AdministrationError;
use crate::keys::{Key, KeySecret, Timestamp};

/// The most secrets that prove one key at the same time.
const MOST_SECRETS: usize = 8;

/// Puts a new secret in front of those that a key has, which end after `overlap` at the latest.
pub(super) fn rotate(
    key: &mut Key,
    digest: [u8; 32],
    overlap: Duration,
    now: Timestamp,
) -> Result<(), AdministrationError> {
    if !key.is_valid(now) {
        return Err(AdministrationError::Expired(key.id));
    }
    let end = now.after(overlap);
    for secret in &mut key.secrets {
        secret.expires = Some(secret.expires.map_or(end, |expires| expires.min(end)));
    }
    key.secrets
        .retain(|secret| secret.expires.is_some_and(|expires| now < expires));
    if key.secrets.len() >= MOST_SECRETS {
        return Err(AdministrationError::TooManySecrets(
            key.secrets.len(),
            key.id,
        ));
    }
    key.secrets.insert(
        0,
        KeySecret {
            digest,
            expires: None,
        },
    );
    Ok(())
}
