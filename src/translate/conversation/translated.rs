//! What a conversation becomes.

use std::borrow::Cow;

use crate::bedrock::request::{ContentBlock, Message as Turn, SystemContentBlock};
use crate::translate::prompt_cache::{Anchor, Mark};
use crate::translate::turn::ClosedTurn;

/// A translated conversation.
#[derive(Debug, Default)]
pub(in crate::translate) struct Conversation<'a> {
    pub(in crate::translate) system: Vec<SystemContentBlock<'a>>,
    pub(in crate::translate) messages: Vec<Turn<'a>>,
    /// The client's cache points in both.
    pub(in crate::translate) marks: Vec<(Anchor<'a>, Mark<'a>)>,
    /// How many of the messages stand in the client's next request as well.
    pub(in crate::translate) repeated: usize,
    /// The names of the called tools, as Bedrock sees them, in the order of their first call.
    pub(in crate::translate) called: Vec<Cow<'a, str>>,
    /// Why the calls whose results come last have no reasoning before them, if they have none.
    pub(in crate::translate) missing_reasoning: Option<Missing>,
}

/// Why a turn with calls has no reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::translate) enum Missing {
    /// The model called without thinking.
    NeverThere,
    /// Nobody knows any more what it thought.
    Lost,
}

impl<'a> Conversation<'a> {
    /// Adds turns, and the client's cache points in them.
    pub(super) fn extend(&mut self, turns: impl IntoIterator<Item = ClosedTurn<'a>>) {
        for ClosedTurn { turn, marks } in turns {
            let index = self.messages.len();
            let anchor = |later| Anchor::Block { turn: index, later };
            let marks = marks.into_iter().map(|(later, mark)| (anchor(later), mark));
            self.marks.extend(marks);
            self.messages.push(turn);
        }
    }

    /// Leaves out all reasoning, for a model that is not to think.
    pub(in crate::translate) fn drop_reasoning(&mut self) {
        for turn in &mut self.messages {
            turn.content
                .retain(|block| !matches!(block, ContentBlock::ReasoningContent(_)));
        }
    }
}
