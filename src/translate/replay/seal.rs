//! What clients keep for the gateway, authenticated: nobody can make Bedrock read reasoning that it did not write,
//! or that of another turn.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What is authenticated, so that the key may serve other purposes as well.
const PURPOSE: &[u8] = b"outcrop reasoning 1\0";
/// The bytes of an HMAC-SHA256.
const TAG_LENGTH: usize = 32;

/// Authenticates what clients keep. Nothing shows it.
#[derive(Clone)]
pub struct StateKey([u8; 32]);

impl StateKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The text that a client keeps: base64 of the tag and of what it stands for.
    pub(super) fn seal(&self, content: &[u8]) -> String {
        let tag = self.mac(content).finalize().into_bytes();
        STANDARD.encode([tag.as_slice(), content].concat())
    }

    /// What a client kept, if it is still what was sealed with this key.
    pub(super) fn open(&self, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = STANDARD.decode(sealed).ok()?;
        let (tag, content) = bytes.split_at_checked(TAG_LENGTH)?;
        self.mac(content).verify_slice(tag).ok()?;
        Some(bytes.split_off(TAG_LENGTH))
    }

    fn mac(&self, content: &[u8]) -> Hmac<Sha256> {
        let mut key = [0; 64];
        // The block length of SHA-256, to which HMAC fills every shorter key with zeros.
        for (place, byte) in key.iter_mut().zip(self.0) {
            *place = byte;
        }
        Hmac::new(&key.into())
            .chain_update(PURPOSE)
            .chain_update(content)
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey(hidden)")
    }
}
