//! A new secret for a key, while the one before it still proves it for a time.

use std::time::Duration;

use super::AdministrationError;
use super::members::Members;
use super::mistakes::{Found, KeyMistakes};
use crate::keys::{Key, KeySecret, Timestamp};

/// How long it is, unless somebody says it.
const OVERLAP: Duration = Duration::from_hours(24);
/// The most secrets that prove one key at the same time.
const MOST_SECRETS: usize = 8;

/// How a key is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// How long the secret that it has still proves it.
    pub overlap: Duration,
}

impl Rotation {
    /// Reads a JSON object; an empty text is one without members.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, KeyMistakes> {
        let mut found = Found::default();
        let mut members = Members::of(if json.is_empty() { b"{}" } else { json })?;
        let overlap = members.time("overlap", &mut found);
        members.refuse_rest(&mut found);
        found.none_in(Self {
            overlap: overlap.unwrap_or(OVERLAP),
        })
    }
}

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
    // The last one stays even if it ends now, so that whoever has it is told that it ended.
    let mut is_last = true;
    key.secrets.retain(|secret| {
        std::mem::take(&mut is_last) || secret.expires.is_some_and(|expires| now < expires)
    });
    if key.secrets.len() >= MOST_SECRETS && !overlap.is_zero() {
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
