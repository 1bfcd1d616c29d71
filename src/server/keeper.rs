//! Where turns go whose reasoning the client may not send back.

use std::sync::Arc;

use crate::recall::{Owner, Recall, Turn};
use crate::translate::FinishedTurn;

/// Remembers the turns of one client.
#[derive(Clone, Debug)]
pub(super) struct Keeper {
    recall: Arc<dyn Recall>,
    owner: Owner,
}

impl Keeper {
    /// Remembers the turns of `owner` in `recall`.
    pub(super) fn new(recall: Arc<dyn Recall>, owner: Owner) -> Self {
        Self { recall, owner }
    }

    /// Remembers a turn whose answer is whole.
    pub(super) fn keep(&self, turn: FinishedTurn) {
        let FinishedTurn {
            call_ids,
            reasoning,
        } = turn;
        let turn = Turn {
            call_ids,
            reasoning: reasoning.into(),
        };
        self.recall.remember(&self.owner, turn);
    }
}
