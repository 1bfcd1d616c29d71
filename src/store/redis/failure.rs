//! Why a Redis did not do what it was asked for.

use std::time::Duration;

use redis::RedisError;
use thiserror::Error;

use super::address::Address;

/// Why a Redis did not do what it was asked for. It names the place, and no password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {reason}")]
pub struct RedisFailure {
    place: String,
    reason: String,
}

impl RedisFailure {
    /// What a server said, or the network.
    pub(super) fn of(address: &Address, error: &RedisError) -> Self {
        Self::new(address, error.to_string())
    }

    /// What took longer than it may.
    pub(super) fn late(address: &Address, what: &str, limit: Duration) -> Self {
        Self::new(address, format!("{what} within {} s", limit.as_secs()))
    }

    /// What is wrong with a place.
    pub(super) fn new(place: &impl ToString, reason: impl Into<String>) -> Self {
        Self {
            place: place.to_string(),
            reason: reason.into(),
        }
    }
}

/// Whether a connection is of no use after this. A server that may only be read was a primary before, and the name
/// may lead to another by now.
pub(super) fn is_final(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || error.code() == Some("READONLY")
}
