//! Reasoning of turns with tool calls, remembered for clients that do not send it back.
//!
//! Claude refuses the results of its calls without the signed reasoning that led to them, and few clients of
//! OpenAI's API keep that. What is remembered is opaque here: `translate` writes and reads it.

mod memory;
mod shared;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

pub use memory::Memory;
pub use shared::SharedMemory;

/// Whose turns are remembered: nobody sees another's.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Everybody, where no key is needed.
    Anonymous,
    /// The SHA-256 digest of a key of `OUTCROP_API_KEY`.
    StaticKey([u8; 32]),
    /// The id of a managed key, which stays the same when the key is rotated.
    ManagedKey(Arc<str>),
}

impl fmt::Debug for Owner {
    /// Leaves the digest out: keys of few characters could be guessed from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::StaticKey(_) => f.write_str("StaticKey(hidden)"),
            Self::ManagedKey(id) => write!(f, "ManagedKey({id})"),
        }
    }
}

/// A turn that is to be remembered.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The ids of its calls as the client got them.
    pub call_ids: Vec<String>,
    /// Its reasoning.
    pub reasoning: Bytes,
}

/// What a look-up will have found.
pub type Found<'r> = Pin<Box<dyn Future<Output = Vec<Bytes>> + Send + 'r>>;

/// Where turns are remembered: in this process, or in a store that several gateways share.
///
/// Ids are compared by their ASCII letters and digits alone: `OpenClaw` strips everything else when it replays
/// them.
pub trait Recall: fmt::Debug + Send + Sync {
    /// Remembers a turn, in place of those that share a call id with it. It never waits, because a streamed
    /// answer calls it between two of its events: a store elsewhere writes in the background.
    fn remember(&self, owner: &Owner, turn: Turn);

    /// The reasoning of every turn that has one of these call ids, each turn once. Without a store that
    /// answers there is none: a lost memory is no failure.
    fn find<'r>(&'r self, owner: &'r Owner, call_ids: &'r [String]) -> Found<'r>;
}

/// What is left of an id in a replay by `OpenClaw`.
fn alphanumerics(id: &str) -> String {
    id.chars().filter(char::is_ascii_alphanumeric).collect()
}
