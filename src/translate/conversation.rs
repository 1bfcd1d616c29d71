//! Messages: OpenAI's list becomes turns that alternate, begin and end as the model wants them.

mod assistant;
mod told;
mod translated;
mod turns;

use std::borrow::Cow;
use std::collections::HashSet;

pub(super) use self::translated::{Conversation, Missing};
use super::contents::{Contents, Placed};
use super::context::Elsewhere;
use super::history::{Part, pair};
use super::media::{Media, TurnMedia};
use super::notes::Notes;
use super::prompt_cache::{Anchor, Mark, Marks};
use super::replay::{Restored, Restorer};
use super::tool_names::ToolNames;
use super::turn::OpenTurn;
use crate::bedrock::Family;
use crate::bedrock::request::{ContentBlock, ConversationRole, SystemContentBlock};
use crate::openai::InvalidRequest;
use crate::openai::message::{Message, Role};

/// Marks a system message in the middle of a conversation. It stays where it is, because moving it to the
/// front would change the prefix that the prompt cache knows.
pub(super) const OPERATOR_NOTE: &str = "[Operator note] ";

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
        told: TurnMedia::default(),
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
    /// The media among those results, where they are told as text.
    told: TurnMedia,
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

    /// The client's cache points in the message that was just read; one before all of its blocks has no effect.
    fn take_marks(&mut self) -> Marks<'a> {
        let mut marks = std::mem::take(&mut self.contents.marks);
        for mark in marks.take_after(0) {
            self.notes.ignore(mark.into_path());
        }
        marks
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
