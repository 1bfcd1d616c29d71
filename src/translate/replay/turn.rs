//! The reasoning of one turn with calls, and its form outside this process.

use serde::{Deserialize, Serialize};

use super::seal::StateKey;
use crate::bedrock::request::ReasoningContentBlock;

/// What the answer to a request needs to know so that its reasoning can come back.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The foundation model that signs.
    pub(in crate::translate) signer: String,
    /// Whether the client wants the model to think, so that it matters that a turn had no reasoning.
    pub(in crate::translate) thinking: bool,
    /// Authenticates what the client keeps; without it the client is given nothing to keep.
    pub(in crate::translate) state_key: Option<StateKey>,
}

/// A turn with calls whose answer is whole, to be remembered for a client that does not send its reasoning back.
#[derive(Clone, Debug)]
pub struct FinishedTurn {
    /// The ids of its calls as the client got them, at least one.
    pub call_ids: Vec<String>,
    /// Its reasoning, which [`Recalled`](super::Recalled) reads.
    pub reasoning: Vec<u8>,
}

/// The reasoning of one turn with calls.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub(super) struct ReasonedTurn {
    /// The foundation model that signed, without a geography.
    pub(super) signer: String,
    /// The ids of its calls, see [`call_ids`].
    pub(super) call_ids: Vec<String>,
    /// All its blocks in order; none when the model chose not to think.
    pub(super) blocks: Vec<ReasoningContentBlock<'static>>,
}

impl ReasonedTurn {
    pub(super) fn encode(&self) -> Vec<u8> {
        // Strings and lists always have JSON text.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads what [`encode`](Self::encode) wrote; anything else is none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// The ids of a turn's calls in the form in which they are compared: letters and digits alone, which is what
/// `OpenClaw` leaves of an id when it replays it, and in an order of their own. None when an id has neither.
pub(super) fn call_ids<'i>(ids: impl IntoIterator<Item = &'i str>) -> Option<Vec<String>> {
    let alphanumerics = |id: &str| {
        let kept: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
        (!kept.is_empty()).then_some(kept)
    };
    let mut ids: Vec<String> = ids.into_iter().map(alphanumerics).collect::<Option<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then_some(ids)
}
