//! The key that authenticates what clients keep for the gateway.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Authenticates the state that the gateway gives to clients and takes back; no log or debug output shows it.
#[derive(Clone)]
pub struct StateKey([u8; 32]);

impl StateKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 32 bytes of standard base64.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The key itself, for the one place that computes with it.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey(hidden)")
    }
}
