//! Where turns begin and end: roles alternate, and each turn and the whole have the form that the model takes.

use std::borrow::Cow;

use super::{Builder, Conversation};
use crate::bedrock::ToolTurns;
use crate::bedrock::request::{ContentBlock, ConversationRole, Message as Turn};
use crate::openai::InvalidRequest;
use crate::translate::contents::Placed;
use crate::translate::prompt_cache::Mark;
use crate::translate::turn::{OpenTurn, user_text};

/// Stands before a conversation that begins with the assistant, for models that must hear a user first.
const LEADING_TURN: &str = "(The conversation begins with your message.)";
/// Stands after a conversation that ends with the assistant, for models that do not continue their own turn.
const TRAILING_TURN: &str = "Please continue.";

impl<'a> Builder<'_, 'a> {
    /// Adds what a part became to the user's turn, and the client's cache points after it.
    pub(super) fn push(
        &mut self,
        placed: Placed<'a>,
        marks: Vec<Mark<'a>>,
    ) -> Result<(), InvalidRequest> {
        let Placed { block, place } = placed;
        let family = self.family;
        let turn = self.turn(ConversationRole::User);
        turn.media.add(&block, place, family)?;
        turn.push_second(block);
        turn.mark_second(marks);
        Ok(())
    }

    pub(super) fn push_text(&mut self, text: Cow<'a, str>, marks: Vec<Mark<'a>>) {
        let turn = self.turn(ConversationRole::User);
        turn.push_second(ContentBlock::Text(text));
        turn.mark_second(marks);
    }

    /// The turn at the end if it is of `role`, else a new one after it.
    pub(super) fn turn(&mut self, role: ConversationRole) -> &mut OpenTurn<'a> {
        if self.turn.role != role {
            self.close_turn(role);
        }
        &mut self.turn
    }

    /// Ends the turn at the end, in the form that the model takes, and begins one of `role`.
    fn close_turn(&mut self, role: ConversationRole) {
        let mut turn = std::mem::replace(&mut self.turn, OpenTurn::new(role));
        if turn.role == ConversationRole::Assistant {
            let missing = self.missing.take();
            self.conversation.missing_reasoning =
                missing.filter(|_| turn.has_calls() && !turn.has_reasoning());
        }
        let conversation = &mut self.conversation;
        let tool_turns = self.family.tool_turns;
        let results_alone = tool_turns == ToolTurns::ResultsAlone
            || (turn.holds_files() && !self.family.media.documents_beside_results);
        match turn.role {
            ConversationRole::User if turn.is_mixed() && results_alone => {
                conversation.extend(turn.split());
            }
            ConversationRole::Assistant
                if turn.is_mixed() && tool_turns == ToolTurns::CallsAlone =>
            {
                turn.drop_text();
                for index in self.spoken.drain(..) {
                    self.notes.ignore(format!("messages[{index}].content"));
                }
                conversation.extend(turn.close());
            }
            _ => conversation.extend(turn.close()),
        }
        self.spoken.clear();
    }

    pub(super) fn finish(mut self) -> Result<Conversation<'a>, InvalidRequest> {
        self.close_assistant_turn()?;
        self.close_turn(ConversationRole::User);
        let mut turns = self.conversation.messages;
        let is_assistant =
            |turn: Option<&Turn<'_>>| turn.is_some_and(|t| t.role == ConversationRole::Assistant);
        if turns.is_empty() {
            return Err(InvalidRequest::value(
                "messages",
                "There is nothing to answer: at least one message with content other than a system prompt is needed.",
            ));
        }
        if !self.family.leading_assistant && is_assistant(turns.first()) {
            turns.insert(0, user_text(LEADING_TURN));
            for (anchor, _) in &mut self.conversation.marks {
                anchor.move_by_a_turn();
            }
        }
        self.conversation.repeated = turns.len();
        if !self.family.prefill && is_assistant(turns.last()) {
            turns.push(user_text(TRAILING_TURN));
        }
        self.conversation.messages = turns;
        Ok(self.conversation)
    }
}
