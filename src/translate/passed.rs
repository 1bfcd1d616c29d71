//! The `bedrock` object of an answer: what Bedrock said and OpenAI has no place for, under Converse's names.

use std::collections::BTreeMap;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};

use super::answer_error::AnswerError;
use crate::bedrock::event::ContentBlockStop;
use crate::bedrock::response::ToolUse;
use crate::openai::json::Object;

/// The most bytes of events that are kept until a stream's end. What comes beyond them is left out, and the object
/// says that it is incomplete.
const MAX_LENGTH: usize = 16 * 1024 * 1024;
/// The member that pads events; it means nothing.
const PADDING: &str = "p";

/// What is passed on of one answer.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// Members of the answer, or of the events that end a stream, as they were sent.
    members: BTreeMap<String, Box<RawValue>>,
    /// Blocks, in the order of the answer.
    content: Vec<Box<RawValue>>,
    incomplete: bool,
}

impl Passed {
    /// What is passed on of a Converse answer.
    pub(super) fn of_answer(json: &[u8]) -> Result<Self, AnswerError> {
        #[derive(Deserialize)]
        struct Output<'a> {
            #[serde(borrow)]
            message: Option<Message<'a>>,
        }
        #[derive(Deserialize)]
        struct Message<'a> {
            #[serde(borrow)]
            content: Option<Vec<&'a RawValue>>,
        }
        let mut passed = Self::default();
        let Object(members) = serde_json::from_slice(json)?;
        for (name, value) in members {
            if name != "output" {
                passed.push(name.into_owned(), value);
                continue;
            }
            let output: Output<'_> = serde_json::from_str(value.get())?;
            let content = output.message.and_then(|message| message.content);
            for block in content.unwrap_or_default() {
                if has_no_place(block) {
                    passed.content.push(one_line(block));
                }
            }
        }
        Ok(passed)
    }

    /// The object's JSON text, on one line.
    pub(super) fn into_object(self) -> Box<RawValue> {
        to_raw_value(&self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    fn push(&mut self, name: String, value: &RawValue) {
        if value.get() != "null" {
            self.members.insert(name, one_line(value));
        }
    }
}

impl Serialize for Passed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in &self.members {
            object.serialize_entry(name, value)?;
        }
        if !self.content.is_empty() {
            object.serialize_entry("content", &self.content)?;
        }
        if self.incomplete {
            object.serialize_entry("incomplete", &true)?;
        }
        object.end()
    }
}

/// The same, put together from the events of a stream.
#[derive(Debug, Default)]
pub(super) struct PassedEvents {
    passed: Passed,
    blocks: BTreeMap<u64, Block>,
    length: usize,
}

/// A block that grows.
#[derive(Debug, Default)]
struct Block {
    text: String,
    citations: Vec<Value>,
    /// What is neither text nor reasoning nor a call of the client's, by its kind.
    kinds: Map<String, Value>,
    length: usize,
}

impl From<Passed> for PassedEvents {
    fn from(passed: Passed) -> Self {
        Self {
            passed,
            ..Self::default()
        }
    }
}

impl PassedEvents {
    /// Takes an event by its `:event-type`.
    pub(super) fn event(&mut self, event_type: &str, payload: &[u8]) {
        let length = self.length.saturating_add(payload.len());
        match event_type {
            "contentBlockStop" => return self.stop(payload),
            "contentBlockStart" | "contentBlockDelta" | "messageStop" | "metadata"
                if length > MAX_LENGTH =>
            {
                self.passed.incomplete = true;
                return;
            }
            "contentBlockStart" | "contentBlockDelta" => self.grow(payload),
            "messageStop" | "metadata" => self.end(payload),
            _ => return,
        }
        self.length = length;
    }

    /// All of them put together.
    pub(super) fn finish(mut self) -> Passed {
        let blocks = self.blocks.into_values().filter_map(Block::finish);
        self.passed
            .content
            .extend(blocks.filter_map(|block| to_raw_value(&block).ok()));
        self.passed
    }

    fn end(&mut self, payload: &[u8]) {
        let Ok(Object(members)) = serde_json::from_slice(payload) else {
            return;
        };
        for (name, value) in members {
            if name != PADDING {
                self.passed.push(name.into_owned(), value);
            }
        }
    }

    fn grow(&mut self, payload: &[u8]) {
        let Ok(Value::Object(mut event)) = serde_json::from_slice(payload) else {
            // It is nested more deeply than a tree may be.
            self.passed.incomplete = true;
            return;
        };
        let index = event.get("contentBlockIndex").and_then(Value::as_u64);
        let block = self.blocks.entry(index.unwrap_or_default()).or_default();
        block.length = block.length.saturating_add(payload.len());
        if let Some(Value::Object(start)) = event.remove("start") {
            block.start(start);
        }
        if let Some(Value::Object(delta)) = event.remove("delta") {
            delta
                .into_iter()
                .for_each(|(kind, value)| block.add(&kind, value));
        }
    }

    /// Forgets a block that holds nothing to be passed on.
    fn stop(&mut self, payload: &[u8]) {
        let Ok(event) = serde_json::from_slice::<ContentBlockStop>(payload) else {
            return;
        };
        let index = u64::from(event.content_block_index);
        if self.blocks.get(&index).is_some_and(Block::has_its_place)
            && let Some(block) = self.blocks.remove(&index)
        {
            self.length = self.length.saturating_sub(block.length);
        }
    }
}

impl Block {
    /// Whether OpenAI has a place for all of it.
    fn has_its_place(&self) -> bool {
        self.citations.is_empty() && self.kinds.is_empty()
    }

    fn start(&mut self, start: Map<String, Value>) {
        let others = start
            .into_iter()
            .filter(|(kind, value)| match kind.as_str() {
                "text" | "reasoningContent" => false,
                "toolUse" => value["type"] == "server_tool_use",
                _ => !value.is_null(),
            });
        self.kinds.extend(others);
    }

    fn add(&mut self, kind: &str, value: Value) {
        match (kind, value) {
            (_, Value::Null) | ("reasoningContent", _) => {}
            ("text", Value::String(text)) => self.text.push_str(&text),
            ("citation", citation) => self.citations.push(citation),
            // A call of the client's has begun without being noted here.
            ("toolUse", _) if !self.kinds.contains_key(kind) => {}
            ("toolResult", content @ Value::Array(_)) => {
                extend(self.kind(kind), json!({ "content": content }));
            }
            (_, value) => extend(self.kind(kind), value),
        }
    }

    fn kind(&mut self, kind: &str) -> &mut Value {
        self.kinds.entry(kind).or_insert(Value::Null)
    }

    /// The block as Converse has it in a whole answer.
    fn finish(mut self) -> Option<Value> {
        if !self.citations.is_empty() {
            let content = json!([{"text": self.text}]);
            let cited = json!({"content": content, "citations": self.citations});
            self.kinds.insert("citationsContent".to_owned(), cited);
        }
        if let Some(Value::Object(call)) = self.kinds.get_mut("toolUse") {
            let input = call
                .get("input")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let input = match input.trim() {
                "" => json!({}),
                // What a limit cut off stays text.
                text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
            };
            call.insert("input".to_owned(), input);
        }
        (!self.kinds.is_empty()).then_some(Value::Object(self.kinds))
    }
}

/// Adds a delta to what is there: texts and lists grow, objects grow member by member.
fn extend(place: &mut Value, delta: Value) {
    match (place, delta) {
        (Value::String(text), Value::String(more)) => text.push_str(&more),
        (Value::Array(list), Value::Array(more)) => list.extend(more),
        (Value::Object(members), Value::Object(more)) => {
            for (name, value) in more {
                extend(members.entry(name).or_insert(Value::Null), value);
            }
        }
        (place, value) => *place = value,
    }
}

/// Whether a block of an answer is more than text, reasoning and calls of the client's.
fn has_no_place(block: &RawValue) -> bool {
    let Ok(Object(members)) = serde_json::from_str(block.get()) else {
        return false;
    };
    members.iter().any(|(kind, value)| match kind.as_ref() {
        _ if value.get() == "null" => false,
        "text" | "reasoningContent" => false,
        "toolUse" => {
            serde_json::from_str::<ToolUse<'_>>(value.get()).is_ok_and(|call| call.is_server_tool())
        }
        _ => true,
    })
}

/// The same JSON without line breaks, which would end a server-sent event's line. In JSON they are but white space.
fn one_line(value: &RawValue) -> Box<RawValue> {
    let text = value.get();
    if !text.contains(['\n', '\r']) {
        return value.to_owned();
    }
    let text = text.replace(['\n', '\r'], " ");
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests;
