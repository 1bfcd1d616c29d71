//! A key that is to be made.

use std::collections::BTreeMap;

use serde::Serialize;

use super::change::KeyChange;
use super::members::Members;
use super::mistakes::{Found, KeyMistakes};
use super::{AdministrationError, random};
use crate::keys::{Key, KeyId, KeyKind, KeyLimits, KeySecret, Timestamp};

/// What a key is to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct KeyDraft {
    /// What it is for.
    pub kind: KeyKind,
    /// Its name, which it needs, and its limits.
    #[serde(flatten)]
    pub settings: KeyChange,
}

impl KeyDraft {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, KeyMistakes> {
        let mut found = Found::default();
        let mut members = Members::of(json)?;
        let draft = Self {
            kind: members.kind("kind", &mut found),
            settings: KeyChange::read_members(&mut members, &mut found),
        };
        members.refuse_rest(&mut found);
        draft.settings.note_mistakes(&mut found);
        draft.need_name(&mut found);
        found.none_in(draft)
    }

    /// Looks for what is wrong with it, before a store is made for it.
    ///
    /// # Errors
    /// All of it.
    pub fn check(&self, now: Timestamp) -> Result<(), AdministrationError> {
        let id = KeyId::generate(random)?;
        self.key(id, [0; 32], now)?;
        Ok(())
    }

    /// The key, of this id and with this digest of its text.
    pub(super) fn key(
        &self,
        id: KeyId,
        digest: [u8; 32],
        now: Timestamp,
    ) -> Result<Key, KeyMistakes> {
        let mut found = Found::default();
        let mut key = Key {
            id,
            name: String::new(),
            kind: self.kind,
            secrets: vec![KeySecret {
                digest,
                expires: None,
            }],
            created: now,
            expires: None,
            revoked: None,
            limits: KeyLimits::default(),
            tags: BTreeMap::new(),
            revision: 0,
        };
        self.settings.note_mistakes(&mut found);
        self.need_name(&mut found);
        self.settings.put(&mut key, now, &mut found);
        found.none_in(key)
    }

    fn need_name(&self, found: &mut Found) {
        if self.settings.name.is_none() && !found.concern("name") {
            found.note("name", "is missing");
        }
    }
}
