//! Messages: OpenAI's list becomes turns that alternate, begin and end as the model wants them.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::history::{PairedCall, Part, pair};
use super::image::image;
use super::notes::Notes;
use super::schema::raw;
use super::tool_names::ToolNames;
use super::tool_use_id::tool_use_id;
use crate::bedrock::Family;
use crate::bedrock::request::{
    ContentBlock, ConversationRole, ImageBlock, Message as Turn, SystemContentBlock,
    ToolResultBlock, ToolResultContentBlock, ToolUseBlock,
};
use crate::openai::content::{Content, ContentPart};
use crate::openai::message::{Message, Role};
use crate::openai::{InvalidRequest, replace_lone_surrogates};

/// Stands before a conversation that begins with the assistant, for models that must hear a user first.
const LEADING_TURN: &str = "(The conversation begins with your message.)";
/// Stands after a conversation that ends with the assistant, for models that do not continue their own turn.
const TRAILING_TURN: &str = "Please continue.";
/// Marks a system message in the middle of a conversation. It stays where it is, because moving it to the
/// front would change the prefix that the prompt cache knows.
const OPERATOR_NOTE: &str = "[Operator note] ";
/// Bedrock refuses a tool result without content.
const NO_OUTPUT: &str = "(no output)";
/// The result of a call that has none, which Bedrock would refuse.
const NO_RESULT: &str = "No result provided";

/// A translated conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    pub(super) system: Vec<SystemContentBlock<'a>>,
    pub(super) messages: Vec<Turn<'a>>,
    /// The names of the called tools, as Bedrock sees them, in the order of their first call.
    pub(super) called: Vec<Cow<'a, str>>,
}

/// Translates the messages of a request.
///
/// # Errors
/// For content that Bedrock or the model cannot take, and when nothing is left to send.
pub(super) fn conversation<'a>(
    mut messages: Vec<Message<'a>>,
    family: &Family,
    names: &mut ToolNames,
    notes: &mut Notes,
) -> Result<Conversation<'a>, InvalidRequest> {
    let parts = pair(&mut messages, family.tool_use_id, notes)?;
    let mut builder = Builder::new(messages, family, names, notes);
    for (index, part) in parts.into_iter().enumerate() {
        builder.add(index, part)?;
    }
    builder.finish()
}

/// A turn that still grows. Blocks are kept apart by kind, because Bedrock wants them in a fixed order: results
/// before the rest in a user turn, text before calls in an assistant turn.
struct OpenTurn<'a> {
    role: ConversationRole,
    first: Vec<ContentBlock<'a>>,
    second: Vec<ContentBlock<'a>>,
}

struct Builder<'b, 'a> {
    messages: Vec<Message<'a>>,
    family: &'b Family,
    names: &'b mut ToolNames,
    notes: &'b mut Notes,
    conversation: Conversation<'a>,
    /// The turn at the end; those before it are in the conversation.
    turn: OpenTurn<'a>,
    /// Results of the assistant turn that is being built; they open the user turn after it.
    results: Vec<ContentBlock<'a>>,
    /// Images from those results, for models that take none inside a result.
    hoisted: Vec<ContentBlock<'a>>,
    /// Whether only system messages were seen so far.
    leading: bool,
    called: HashSet<String>,
}

impl<'b, 'a> Builder<'b, 'a> {
    fn new(
        messages: Vec<Message<'a>>,
        family: &'b Family,
        names: &'b mut ToolNames,
        notes: &'b mut Notes,
    ) -> Self {
        Self {
            messages,
            family,
            names,
            notes,
            conversation: Conversation::default(),
            turn: OpenTurn::new(ConversationRole::User),
            results: Vec::new(),
            hoisted: Vec::new(),
            leading: true,
            called: HashSet::new(),
        }
    }

    fn add(&mut self, index: usize, part: Part<'a>) -> Result<(), InvalidRequest> {
        let Some(message) = self.messages.get_mut(index) else {
            return Ok(());
        };
        let role = message.role;
        for extra in std::mem::take(&mut message.extras) {
            self.notes.ignore(format!("messages[{index}].{extra}"));
        }
        if message.name.is_some() && role != Role::Function {
            self.notes.ignore(format!("messages[{index}].name"));
        }
        let system = matches!(role, Role::System | Role::Developer);
        self.leading &= system;
        if role != Role::Assistant {
            self.close_assistant_turn();
        }
        match part {
            _ if system => self.add_system(index),
            Part::Calls(calls) => {
                self.add_assistant(index)?;
                calls.into_iter().try_for_each(|call| self.add_call(call))
            }
            Part::Other if role == Role::Assistant => self.add_assistant(index),
            Part::Other => self.add_user(index),
            Part::Orphan(id) => self.add_orphan(index, &id),
            Part::Answer | Part::Duplicate => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Conversation<'a>, InvalidRequest> {
        self.close_assistant_turn();
        let mut turns = self.conversation.messages;
        turns.extend(self.turn.close());
        if turns.is_empty() {
            return Err(InvalidRequest::value(
                "messages",
                "There is nothing to answer: at least one message with content other than a system prompt is needed.",
            ));
        }
        if !self.family.leading_assistant
            && turns
                .first()
                .is_some_and(|turn| turn.role == ConversationRole::Assistant)
        {
            turns.insert(0, user_text(LEADING_TURN));
        }
        if let Some(last) = turns
            .last_mut()
            .filter(|turn| turn.role == ConversationRole::Assistant)
        {
            if self.family.prefill {
                trim_end(last);
            } else {
                turns.push(user_text(TRAILING_TURN));
            }
        }
        self.conversation.messages = turns;
        Ok(self.conversation)
    }

    fn add_system(&mut self, index: usize) -> Result<(), InvalidRequest> {
        for text in self.texts(index)? {
            if !self.leading {
                self.turn(ConversationRole::User)
                    .second
                    .push(ContentBlock::Text(Cow::Owned(format!(
                        "{OPERATOR_NOTE}{text}"
                    ))));
            } else if self.family.system {
                self.conversation
                    .system
                    .push(SystemContentBlock::Text(text));
            } else {
                self.turn(ConversationRole::User)
                    .second
                    .push(ContentBlock::Text(text));
            }
        }
        Ok(())
    }

    fn add_user(&mut self, index: usize) -> Result<(), InvalidRequest> {
        for (part, content) in self.content(index).into_iter().enumerate() {
            let block = match content {
                ContentPart::Text(text) | ContentPart::Refusal(text) => text_block(text),
                ContentPart::ImageUrl(url) => {
                    Some(ContentBlock::Image(self.image(url, index, part)?))
                }
                ContentPart::Thinking => None,
                ContentPart::Other(kind) => return Err(untranslatable(index, part, &kind)),
            };
            if let Some(block) = block {
                self.turn(ConversationRole::User).second.push(block);
            }
        }
        Ok(())
    }

    fn add_assistant(&mut self, index: usize) -> Result<(), InvalidRequest> {
        let texts = self.texts(index)?;
        let refusal = self
            .messages
            .get_mut(index)
            .and_then(|message| message.refusal.take());
        for text in texts
            .into_iter()
            .chain(refusal.filter(|text| !text.trim().is_empty()))
        {
            self.turn(ConversationRole::Assistant)
                .first
                .push(ContentBlock::Text(text));
        }
        Ok(())
    }

    /// Adds a call and what it returned. Arguments that hold several objects are several calls; the first
    /// of them has the result.
    fn add_call(&mut self, call: PairedCall<'a>) -> Result<(), InvalidRequest> {
        let name = self.names.register(call.function.name);
        if self.called.insert(name.to_string()) {
            self.conversation.called.push(name.clone());
        }
        for (place, input) in inputs(&call.function.arguments, call.custom)
            .into_iter()
            .enumerate()
        {
            let id = match place {
                0 => call.id.clone(),
                _ => tool_use_id(
                    Cow::Owned(format!("{}#{place}", call.id)),
                    self.family.tool_use_id,
                ),
            };
            let result = call.result.filter(|_| place == 0);
            let content = match result {
                Some(index) => self.result(index)?,
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
                .second
                .push(ContentBlock::ToolUse(block));
        }
        Ok(())
    }

    /// The content of a tool message, never empty.
    fn result(&mut self, index: usize) -> Result<Vec<ToolResultContentBlock<'a>>, InvalidRequest> {
        let mut blocks = Vec::new();
        for (part, content) in self.content(index).into_iter().enumerate() {
            match content {
                ContentPart::Text(text) | ContentPart::Refusal(text) if text.trim().is_empty() => {}
                ContentPart::Text(text) | ContentPart::Refusal(text) => {
                    blocks.push(ToolResultContentBlock::Text(text))
                }
                ContentPart::ImageUrl(url) => {
                    let image = self.image(url, index, part)?;
                    if self.family.image_in_tool_result {
                        blocks.push(ToolResultContentBlock::Image(image));
                    } else {
                        self.hoisted.push(ContentBlock::Image(image));
                    }
                }
                ContentPart::Thinking => {}
                ContentPart::Other(kind) => return Err(untranslatable(index, part, &kind)),
            }
        }
        if blocks.is_empty() {
            blocks.push(ToolResultContentBlock::Text(Cow::Borrowed(NO_OUTPUT)));
        }
        Ok(blocks)
    }

    /// A result without a call is told as text: what it says may matter.
    fn add_orphan(&mut self, index: usize, id: &str) -> Result<(), InvalidRequest> {
        for block in self.result(index)? {
            let block = match block {
                ToolResultContentBlock::Text(text) => {
                    ContentBlock::Text(Cow::Owned(format!("[Result of the tool call {id}] {text}")))
                }
                ToolResultContentBlock::Image(image) => ContentBlock::Image(image),
            };
            self.turn(ConversationRole::User).second.push(block);
        }
        let hoisted = std::mem::take(&mut self.hoisted);
        if !hoisted.is_empty() {
            self.turn(ConversationRole::User).second.extend(hoisted);
        }
        Ok(())
    }

    /// The texts of a message that takes no other content, none of them blank.
    fn texts(&mut self, index: usize) -> Result<Vec<Cow<'a, str>>, InvalidRequest> {
        let mut texts = Vec::new();
        for (part, content) in self.content(index).into_iter().enumerate() {
            match content {
                ContentPart::Text(text) | ContentPart::Refusal(text) if text.trim().is_empty() => {}
                ContentPart::Text(text) | ContentPart::Refusal(text) => texts.push(text),
                ContentPart::Thinking => {}
                ContentPart::ImageUrl(_) => {
                    return Err(InvalidRequest::unsupported(
                        format!("messages[{index}].content[{part}]"),
                        "Images can only be sent in user and tool messages.",
                    ));
                }
                ContentPart::Other(kind) => return Err(untranslatable(index, part, &kind)),
            }
        }
        Ok(texts)
    }

    fn content(&mut self, index: usize) -> Vec<ContentPart<'a>> {
        let Some(message) = self.messages.get_mut(index) else {
            return Vec::new();
        };
        match std::mem::replace(&mut message.content, Content::Absent) {
            Content::Absent => Vec::new(),
            Content::Text(text) => vec![ContentPart::Text(text)],
            Content::Parts(parts) => parts,
        }
    }

    fn image(
        &self,
        url: Cow<'a, str>,
        index: usize,
        part: usize,
    ) -> Result<ImageBlock<'a>, InvalidRequest> {
        if !self.family.image {
            return Err(InvalidRequest::unsupported(
                format!("messages[{index}].content[{part}]"),
                "This model does not take images.",
            ));
        }
        image(
            url,
            &format!("messages[{index}].content[{part}].image_url.url"),
        )
    }

    /// Opens the user turn after an assistant turn with the results of its calls.
    fn close_assistant_turn(&mut self) {
        if self.results.is_empty() {
            return;
        }
        let (results, hoisted) = (
            std::mem::take(&mut self.results),
            std::mem::take(&mut self.hoisted),
        );
        let turn = self.turn(ConversationRole::User);
        turn.first.extend(results);
        turn.second.extend(hoisted);
    }

    /// The turn at the end if it is of `role`, else a new one after it.
    fn turn(&mut self, role: ConversationRole) -> &mut OpenTurn<'a> {
        if self.turn.role != role {
            let turn = std::mem::replace(&mut self.turn, OpenTurn::new(role));
            self.conversation.messages.extend(turn.close());
        }
        &mut self.turn
    }
}

impl<'a> OpenTurn<'a> {
    fn new(role: ConversationRole) -> Self {
        Self {
            role,
            first: Vec::new(),
            second: Vec::new(),
        }
    }

    /// The turn as Bedrock takes it; one without blocks is none.
    fn close(mut self) -> Option<Turn<'a>> {
        self.first.extend(self.second);
        (!self.first.is_empty()).then_some(Turn {
            role: self.role,
            content: self.first,
        })
    }
}

fn user_text<'a>(text: &'static str) -> Turn<'a> {
    Turn {
        role: ConversationRole::User,
        content: vec![ContentBlock::Text(Cow::Borrowed(text))],
    }
}

fn text_block(text: Cow<'_, str>) -> Option<ContentBlock<'_>> {
    (!text.trim().is_empty()).then_some(ContentBlock::Text(text))
}

/// Claude refuses a prefill that ends with white space.
fn trim_end(turn: &mut Turn<'_>) {
    if let Some(ContentBlock::Text(text)) = turn.content.last_mut() {
        let length = text.trim_end().len();
        if length < text.len() {
            text.to_mut().truncate(length);
        }
    }
}

fn untranslatable(message: usize, part: usize, kind: &str) -> InvalidRequest {
    InvalidRequest::unsupported(
        format!("messages[{message}].content[{part}]"),
        format!(
            "Content of type '{}' cannot be sent to Bedrock by this gateway.",
            kind.escape_debug()
        ),
    )
}

/// The inputs that a call's arguments hold: JSON objects in the client's own bytes. What is no object (empty
/// text, invalid JSON, null, a list) is an empty one, because Bedrock takes nothing else.
fn inputs(arguments: &str, custom: bool) -> Vec<Box<RawValue>> {
    if custom {
        return vec![raw(&serde_json::json!({"input": arguments}))];
    }
    let mended = replace_lone_surrogates(arguments.as_bytes());
    let objects: Result<Vec<Box<RawValue>>, _> = serde_json::Deserializer::from_slice(&mended)
        .into_iter()
        .collect();
    match objects {
        Ok(objects)
            if !objects.is_empty()
                && objects.iter().all(|object| object.get().starts_with('{')) =>
        {
            objects.into_iter().map(without_refused_members).collect()
        }
        _ => vec![raw(&Value::Object(Map::new()))],
    }
}

/// Bedrock refuses documents with a member `__type` or one without a name.
fn without_refused_members(object: Box<RawValue>) -> Box<RawValue> {
    fn strip(value: &mut Value) -> bool {
        match value {
            Value::Array(items) => items
                .iter_mut()
                .fold(false, |stripped, item| strip(item) | stripped),
            Value::Object(members) => {
                let before = members.len();
                members.retain(|name, _| !name.is_empty() && name != "__type");
                let stripped = members.len() < before;
                members
                    .values_mut()
                    .fold(stripped, |stripped, member| strip(member) | stripped)
            }
            _ => false,
        }
    }
    let text = object.get();
    if !text.contains(r#""__type""#) && !text.contains(r#""""#) {
        return object;
    }
    let Ok(mut value) = serde_json::from_str(text) else {
        return object;
    };
    if strip(&mut value) {
        raw(&value)
    } else {
        object
    }
}
