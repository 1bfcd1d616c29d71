//! Members that are null are as if absent.

use serde::{Deserialize, Deserializer};

/// Reads a value, or the type's default for null.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
