//! Messages: OpenAI's list becomes turns that alternate, begin and end as the model wants them.

use std::borrow::Cow;
use std::collections::HashSet;

use super::contents::{Contents, Placed};
use super::context::Elsewhere;
use super::history::{PairedCall, Part, pair};
use super::media::Media;
use super::notes::Notes;
use super::prompt_cache::{Anchor, Mark, Marks};
use super::replay::{Restored, Restorer};
use super::tool_names::ToolNames;
use super::turn::{ClosedTurn, OpenTurn, user_text};
use crate::bedrock::request::{
    ContentBlock, ConversationRole, Message as Turn, SystemContentBlock, ToolResultBlock,
    ToolResultContentBlock, ToolUseBlock,
};
use crate::bedrock::{Family, ToolTurns};
use crate::openai::InvalidRequest;
use crate::openai::message::{Message, Role};

/// Stands before a conversation that begins with the assistant, for models that must hear a user first.
const LEADING_TURN: &str = "(The conversation begins with your message.)";
/// Stands after a conversation that ends with the assistant, for models that do not continue their own turn.
const TRAILING_TURN: &str = "Please continue.";
/// Marks a system message in the middle of a conversation. It stays where it is, because moving it to the
/// front would change the prefix that the prompt cache knows.
pub(super) const OPERATOR_NOTE: &str = "[Operator note] ";
/// The result of a call that has none, which Bedrock would refuse.
const NO_RESULT: &str = "No result provided";

/// A translated conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<SystemContentBlock<'a>>,
    pub(super) messages: Vec<Turn<'a>>,
    /// The client's cache points in both.
    pub(super) marks: Vec<(Anchor<'a>, Mark<'a>)>,
    /// How many of the messages stand in the client's next request as well.
    pub(super) repeated: usize,
    /// The names of the called tools, as Bedrock sees them, in the order of their first call.
    pub(super) called: Vec<Cow<'a, str>>,
    /// Why the calls whose results come last have no reasoning before them, if they have none.
    pub(super) missing_reasoning: Option<Missing>,
}

/// Why a turn with calls has no reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Missing {
    /// The model called without thinking.
    NeverThere,
    /// Nobody knows any more what it thought.
    Lost,
}

impl<'a> Conversation<'a> {
    fn extend(&mut self, turns: impl IntoIterator<Item = ClosedTurn<'a>>) {
        for ClosedTurn { turn, marks } in turns {
            let index = self.messages.len();
            let anchor = |later| Anchor::Block { turn: index, later };
            let marks = marks.into_iter().map(|(later, mark)| (anchor(later), mark));
            self.marks.extend(marks);
            self.messages.push(turn);
        }
    }

    /// Leaves out all reasoning, for a model that is not to think.
    pub(super) fn drop_reasoning(&mut self) {
        for turn in &mut self.messages {
            turn.content
                .retain(|block| !matches!(block, ContentBlock::ReasoningContent(_)));
        }
    }
}

/// Translates the messages of a request. `restorer` finds the reasoning that comes back.
///
/// # Errors
/// For content that Bedrock or the model cannot take, and when nothing is left to send.
pub(super) fn conversation<'a>(
    mut messages: Vec<Message<'a>>,
    family: &Family,
    mut restorer: Restorer<'_>,
    elsewhere: Elsewhere<'a>,
    names: &mut ToolNames,
    notes: &mut Notes,
) -> Result<Conversation<'a>, InvalidRequest> {
    let reasoning = restore(&mut messages, &mut restorer, notes);
    let parts = pair(&mut messages, family.tool_use_id, notes)?;
    let mut builder = Builder {
        contents: Contents::new(messages, family, Media::new(family, elsewhere)),
        family,
        names,
        notes,
        conversation: Conversation::default(),
        turn: OpenTurn::new(ConversationRole::User),
        results: Vec::new(),
        result_marks: Vec::new(),
        reasoning,
        after_results: Vec::new(),
        spoken: Vec::new(),
        missing: None,
        leading: true,
        called: HashSet::new(),
    };
    for (index, part) in parts.into_iter().enumerate() {
        builder.add(index, part)?;
    }
    builder.finish()
}

struct Builder<'b, 'a> {
    contents: Contents<'b, 'a>,
    family: &'b Family,
    names: &'b mut ToolNames,
    notes: &'b mut Notes,
    conversation: Conversation<'a>,
    /// The turn at the end; those before it are in the conversation.
    turn: OpenTurn<'a>,
    /// Results of the assistant turn that is being built; they open the user turn after it.
    results: Vec<ContentBlock<'a>>,
    /// The client's cache points after one of those results. They stand after all, because results stand in the
    /// order of their calls, and no request has only some of them.
    result_marks: Vec<Mark<'a>>,
    /// What is known of each message's reasoning; taken once.
    reasoning: Vec<Restored<'a>>,
    /// Why calls in the assistant turn at the end have no reasoning.
    missing: Option<Missing>,
    /// Media that follow those results.
    after_results: Vec<Placed<'a>>,
    /// The messages with text in the assistant turn at the end.
    spoken: Vec<usize>,
    /// Whether only system messages were seen so far.
    leading: bool,
    called: HashSet<String>,
}

impl<'a> Builder<'_, 'a> {
    fn add(&mut self, index: usize, part: Part<'a>) -> Result<(), InvalidRequest> {
        let Some(role) = self.note(index) else {
            return Ok(());
        };
        let system = matches!(role, Role::System | Role::Developer);
        self.leading &= system;
        if role != Role::Assistant {
            self.close_assistant_turn()?;
        }
        match part {
            _ if system => self.add_system(index),
            Part::Calls(calls) => {
                let marks = self.contents.marks_of_message(index);
                self.add_assistant(index, true)?;
                if !self.family.tools {
                    let path = format!("messages[{index}].tool_calls");
                    self.notes.adjust(&path, &"text");
                    calls
                        .into_iter()
                        .try_for_each(|call| self.tell_call(call))?;
                    self.turn.mark_first(marks);
                    return Ok(());
                }
                calls.into_iter().try_for_each(|call| self.add_call(call))?;
                self.turn.mark_second(marks);
                Ok(())
            }
            Part::Other if role == Role::Assistant => self.add_assistant(index, false),
            Part::Other => self.add_user(index),
            Part::Orphan(id) => self.add_orphan(index, &id),
            Part::Answer | Part::Duplicate => Ok(()),
        }
    }

    /// Notes the members of a message that have no effect, and tells whose message it is.
    fn note(&mut self, index: usize) -> Option<Role> {
        let message = self.contents.messages.get_mut(index)?;
        if message.name.is_some() && message.role != Role::Function {
            self.notes.ignore(format!("messages[{index}].name"));
        }
        for extra in std::mem::take(&mut message.extras) {
            self.notes.ignore(format!("messages[{index}].{extra}"));
        }
        Some(message.role)
    }

    fn finish(mut self) -> Result<Conversation<'a>, InvalidRequest> {
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

    fn add_system(&mut self, index: usize) -> Result<(), InvalidRequest> {
        let texts = self.contents.texts(index)?;
        let mut marks = self.take_marks();
        for (text, count) in texts.into_iter().zip(1..) {
            let marks = marks.take_after(count);
            if !self.leading {
                let text = Cow::Owned(format!("{OPERATOR_NOTE}{text}"));
                self.push_text(text, marks);
            } else if self.family.system {
                let system = &mut self.conversation.system;
                let index = system.len();
                system.push(SystemContentBlock::Text(text));
                let marks = marks.into_iter().map(|mark| (Anchor::System(index), mark));
                self.conversation.marks.extend(marks);
            } else {
                self.push_text(text, marks);
            }
        }
        Ok(())
    }

    fn add_user(&mut self, index: usize) -> Result<(), InvalidRequest> {
        let blocks = self.contents.blocks(index)?;
        let mut marks = self.take_marks();
        for (block, count) in blocks.into_iter().zip(1..) {
            let marks = marks.take_after(count);
            self.push(block, marks)?;
        }
        Ok(())
    }

    fn add_assistant(&mut self, index: usize, calls: bool) -> Result<(), InvalidRequest> {
        let texts = self.contents.texts(index)?;
        let mut marks = self.take_marks();
        if calls || !texts.is_empty() {
            self.add_reasoning(index, calls);
        } else if let Some(Restored::Blocks(_)) = self.reasoning.get(index) {
            // Bedrock refuses a turn of reasoning alone.
            self.notes.ignore(format!("messages[{index}]"));
        }
        if !texts.is_empty() {
            self.turn(ConversationRole::Assistant);
            self.spoken.push(index);
        }
        for (text, count) in texts.into_iter().zip(1..) {
            let turn = self.turn(ConversationRole::Assistant);
            turn.push_first(ContentBlock::Text(text));
            turn.mark_first(marks.take_after(count));
        }
        Ok(())
    }

    /// Adds what an assistant thought before it spoke or called.
    fn add_reasoning(&mut self, index: usize, calls: bool) {
        let place = self.reasoning.get_mut(index);
        let restored = place.map_or(Restored::Lost, |place| {
            std::mem::replace(place, Restored::Lost)
        });
        match restored {
            Restored::Blocks(blocks) => {
                let turn = self.turn(ConversationRole::Assistant);
                for block in blocks {
                    turn.push_reasoning(block);
                }
            }
            Restored::WithoutReasoning => {
                self.missing = self.missing.max(Some(Missing::NeverThere));
            }
            Restored::Lost if calls => self.missing = Some(Missing::Lost),
            Restored::Lost => {}
        }
    }

    /// Adds a call and what it returned.
    fn add_call(&mut self, call: PairedCall<'a>) -> Result<(), InvalidRequest> {
        let name = self.names.register(call.function.name);
        if self.called.insert(name.to_string()) {
            self.conversation.called.push(name.clone());
        }
        let mut result = call.result;
        for (id, input) in call.uses {
            let content = match result.take() {
                Some(index) => self.take_result(index)?,
                None => vec![ToolResultContentBlock::Text(Cow::Borrowed(NO_RESULT))],
            };
            self.results.push(ContentBlock::ToolResult(ToolResultBlock {
                tool_use_id: id.clone(),
                content,
            }));
            let block = ToolUseBlock {
                tool_use_id: id,
                name: name.clone(),
                input: Cow::Owned(input),
            };
            self.turn(ConversationRole::Assistant)
                .push_second(ContentBlock::ToolUse(block));
        }
        Ok(())
    }

    /// Tells a call and what it returned as text, to a model that knows no tools.
    fn tell_call(&mut self, call: PairedCall<'a>) -> Result<(), InvalidRequest> {
        let name = call.function.name;
        let mut result = call.result;
        for (id, input) in call.uses {
            let text = format!("[Tool call {id}] {name}({input})");
            self.turn(ConversationRole::Assistant)
                .push_first(ContentBlock::Text(Cow::Owned(text)));
            if let Some(index) = result.take() {
                let told = self.contents.told_result(index, &id)?;
                let marks = self.contents.marks.take_after(usize::MAX);
                self.results
                    .extend(told.into_iter().map(|placed| placed.block));
                self.result_marks.extend(marks);
            }
        }
        Ok(())
    }

    fn take_result(
        &mut self,
        index: usize,
    ) -> Result<Vec<ToolResultContentBlock<'a>>, InvalidRequest> {
        let result = self.contents.result(index)?;
        self.after_results.extend(result.after);
        self.result_marks.extend(result.marks);
        Ok(result.content)
    }

    /// A result without a call is told as text: what it says may matter.
    fn add_orphan(&mut self, index: usize, id: &str) -> Result<(), InvalidRequest> {
        let told = self.contents.told_result(index, id)?;
        let marks = self.contents.marks.take_after(usize::MAX);
        for placed in told {
            self.push(placed, Vec::new())?;
        }
        self.turn.mark_second(marks);
        Ok(())
    }

    /// Opens the user turn after an assistant turn with the results of its calls.
    fn close_assistant_turn(&mut self) -> Result<(), InvalidRequest> {
        if self.results.is_empty() {
            return Ok(());
        }
        let results = std::mem::take(&mut self.results);
        let after = std::mem::take(&mut self.after_results);
        let marks = std::mem::take(&mut self.result_marks);
        let turn = self.turn(ConversationRole::User);
        for block in results {
            turn.push_first(block);
        }
        turn.mark_first(marks);
        after
            .into_iter()
            .try_for_each(|block| self.push(block, Vec::new()))
    }

    /// Adds what a part became to the user's turn, and the client's cache points after it.
    fn push(&mut self, placed: Placed<'a>, marks: Vec<Mark<'a>>) -> Result<(), InvalidRequest> {
        let Placed { block, place } = placed;
        let family = self.family;
        let turn = self.turn(ConversationRole::User);
        turn.media.add(&block, place, family)?;
        turn.push_second(block);
        turn.mark_second(marks);
        Ok(())
    }

    fn push_text(&mut self, text: Cow<'a, str>, marks: Vec<Mark<'a>>) {
        let turn = self.turn(ConversationRole::User);
        turn.push_second(ContentBlock::Text(text));
        turn.mark_second(marks);
    }

    /// The client's cache points in the message that was just read; one before all of its blocks has no effect.
    fn take_marks(&mut self) -> Marks<'a> {
        let mut marks = std::mem::take(&mut self.contents.marks);
        for mark in marks.take_after(0) {
            self.notes.ignore(mark.into_path());
        }
        marks
    }

    /// The turn at the end if it is of `role`, else a new one after it.
    fn turn(&mut self, role: ConversationRole) -> &mut OpenTurn<'a> {
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
}
/// What is known of each message's reasoning; assistants keep none.
fn restore<'a>(
    messages: &mut [Message<'a>],
    restorer: &mut Restorer<'_>,
    notes: &mut Notes,
) -> Vec<Restored<'a>> {
    let messages = messages.iter_mut().enumerate();
    messages
        .map(|(index, message)| match message.role {
            Role::Assistant => restorer.restore(message, index, notes),
            _ => Restored::Lost,
        })
        .collect()
}
