//! Which result belongs to which call. Histories come back with results out of order, missing, doubled or
//! left over, and with ids used twice; Bedrock refuses each of these.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::notes::Notes;
use super::tool_input::ToolInputs;
use super::tool_names::push_hex;
use super::tool_use_id::ToolUseIds;
use crate::bedrock::ToolUseIdForm;
use crate::openai::InvalidRequest;
use crate::openai::message::{Message, Role};
use crate::openai::tool_call::Function;

/// The longest id or name that is repeated as it stands, in bytes; the longest of real clients have some 100.
const MOST_REPEATED_BYTES: usize = 256;
/// The characters kept of a longer one; an underscore and 32 hex digits follow.
const KEPT_CHARACTERS: usize = 32;

/// One call of an assistant message, and where its result is.
#[derive(Debug)]
pub(super) struct PairedCall<'a> {
    /// What was called.
    pub(super) function: Function<'a>,
    /// The calls that it is for Bedrock, mostly one: each has an id of its own, unique in the conversation and
    /// in the form that the model takes, and an input. The result is the first one's.
    pub(super) uses: Vec<(Cow<'a, str>, Box<RawValue>)>,
    /// The message that holds the result.
    pub(super) result: Option<usize>,
}

/// What one message has to do with calls.
#[derive(Debug)]
pub(super) enum Part<'a> {
    /// Nothing, or only text.
    Other,
    /// An assistant's calls, at least one.
    Calls(Vec<PairedCall<'a>>),
    /// A result that stands next to its call, wherever it was sent.
    Answer,
    /// A result whose call has one already.
    Duplicate,
    /// A result of no call that came before it, with the id that it names.
    Orphan(Cow<'a, str>),
}

/// Takes the calls out of `messages` and pairs them with the results; one [`Part`] per message.
///
/// A call that repeats an unanswered call of the same id is dropped. An id that is used again for another
/// call gets a new form, because ids must be unique in a conversation (some clients count from 0 in each turn).
///
/// # Errors
/// For a tool message that does not say which call it answers.
pub(super) fn pair<'a>(
    messages: &mut [Message<'a>],
    form: ToolUseIdForm,
    notes: &mut Notes,
) -> Result<Vec<Part<'a>>, InvalidRequest> {
    let mut history = History {
        parts: Vec::with_capacity(messages.len()),
        latest: HashMap::new(),
        unnamed: VecDeque::new(),
        ids: ToolUseIds::new(form),
        inputs: ToolInputs::new(),
    };
    for (index, message) in messages.iter_mut().enumerate() {
        let part = match message.role {
            Role::Assistant => history.calls(message, index, notes),
            Role::Tool | Role::Function => history.result(message, index, notes)?,
            Role::System | Role::Developer | Role::User => Part::Other,
        };
        history.parts.push(part);
    }
    Ok(history.parts)
}

/// What was read so far.
struct History<'a> {
    parts: Vec<Part<'a>>,
    /// The last call under each of the client's ids.
    latest: HashMap<Cow<'a, str>, Place>,
    /// The ids made up for calls without one, in their order: results without one answer them in turn.
    unnamed: VecDeque<Cow<'a, str>>,
    ids: ToolUseIds,
    inputs: ToolInputs,
}

/// Where a call is: its message, and its number among that message's calls.
#[derive(Clone, Copy)]
struct Place {
    message: usize,
    call: usize,
}

/// A call as the client sent it.
struct SentCall<'a> {
    id: Cow<'a, str>,
    /// Whether the client sent none, so that it was made up.
    unnamed: bool,
    function: Function<'a>,
    custom: bool,
    /// Its place in `tool_calls`; none for the deprecated `function_call`.
    place: Option<usize>,
}

impl<'a> History<'a> {
    fn calls(&mut self, message: &mut Message<'a>, index: usize, notes: &mut Notes) -> Part<'a> {
        let mut calls: Vec<PairedCall<'a>> = Vec::new();
        for sent in take_calls(message, index) {
            if self.is_repetition(&sent, index) {
                notes.ignore(match sent.place {
                    Some(place) => format!("messages[{index}].tool_calls[{place}]"),
                    None => format!("messages[{index}].function_call"),
                });
                continue;
            }
            let uses = self.inputs.read(&sent.function, sent.custom);
            let uses = uses
                .into_iter()
                .map(|input| (self.ids.issue(&sent.id), input))
                .collect();
            let place = Place {
                message: index,
                call: calls.len(),
            };
            if sent.unnamed {
                self.unnamed.push_back(sent.id.clone());
            }
            self.latest.insert(sent.id, place);
            calls.push(PairedCall {
                function: sent.function,
                uses,
                result: None,
            });
        }
        if calls.is_empty() {
            Part::Other
        } else {
            Part::Calls(calls)
        }
    }

    /// Whether a call has the id of another in its own message, or is the same as one that still waits for its
    /// result.
    fn is_repetition(&mut self, sent: &SentCall<'a>, message: usize) -> bool {
        let Some(place) = self.latest.get(&sent.id).copied() else {
            return false;
        };
        place.message == message
            || self.call_at(place).is_some_and(|earlier| {
                earlier.result.is_none()
                    && earlier.function.name == sent.function.name
                    && earlier.function.arguments == sent.function.arguments
            })
    }

    fn result(
        &mut self,
        message: &mut Message<'a>,
        index: usize,
        notes: &mut Notes,
    ) -> Result<Part<'a>, InvalidRequest> {
        let mut id = result_id(message, index)?;
        if id.is_empty() {
            id = self.unnamed.pop_front().unwrap_or(id);
        }
        let place = self.latest.get(&id).copied();
        Ok(match place.and_then(|place| self.call_at(place)) {
            None => Part::Orphan(id),
            Some(call) if call.result.is_some() => {
                notes.ignore(format!("messages[{index}]"));
                Part::Duplicate
            }
            Some(call) => {
                call.result = Some(index);
                Part::Answer
            }
        })
    }

    fn call_at(&mut self, place: Place) -> Option<&mut PairedCall<'a>> {
        match self.parts.get_mut(place.message)? {
            Part::Calls(calls) => calls.get_mut(place.call),
            _ => None,
        }
    }
}

/// The calls of an assistant message under their ids, the deprecated `function_call` under its name.
fn take_calls<'a>(message: &mut Message<'a>, index: usize) -> Vec<SentCall<'a>> {
    let calls = std::mem::take(&mut message.tool_calls);
    let mut sent: Vec<_> = calls
        .into_iter()
        .enumerate()
        .map(|(place, call)| SentCall {
            unnamed: call.id.is_empty(),
            id: if call.id.is_empty() {
                Cow::Owned(format!("call_{index}_{place}"))
            } else {
                repeatable(call.id)
            },
            function: call.function,
            custom: call.custom,
            place: Some(place),
        })
        .collect();
    sent.extend(message.function_call.take().map(|function| SentCall {
        id: repeatable(Cow::Owned(format!("function_call_{}", function.name))),
        unnamed: false,
        function,
        custom: false,
        place: None,
    }));
    sent
}

fn result_id<'a>(message: &mut Message<'a>, index: usize) -> Result<Cow<'a, str>, InvalidRequest> {
    let missing = |member| InvalidRequest::missing(format!("messages[{index}].{member}"));
    match (message.tool_call_id.take(), &message.name) {
        (Some(id), _) => Ok(repeatable(id)),
        (None, Some(name)) if message.role == Role::Function => {
            Ok(repeatable(Cow::Owned(format!("function_call_{name}"))))
        }
        (None, _) if message.role == Role::Function => Err(missing("name")),
        (None, _) => Err(missing("tool_call_id")),
    }
}

/// An id or a name in a length that can be repeated. A client says it once, and each of a hundred thousand texts of
/// a result, or a thousand inputs of a call, repeats it: one of a megabyte would become all the memory there is.
pub(super) fn repeatable(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= MOST_REPEATED_BYTES {
        return text;
    }
    let mut short: String = text.chars().take(KEPT_CHARACTERS).collect();
    short.push('_');
    push_hex(&mut short, &Sha256::digest(text.as_bytes()), 16);
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::bedrock::Family;
    use crate::openai::ChatCompletionRequest;
    use crate::translate::{Context, converse_request};

    fn translated(model: &str, messages: &Value) -> String {
        let json = json!({"model": model, "messages": messages}).to_string();
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        let family = Family::of(Some(model));
        let translation = converse_request(request, &Context::new(&family)).unwrap();
        String::from_utf8(translation.body).unwrap()
    }

    fn call(id: &str, name: &str, arguments: &str) -> Value {
        json!({"role": "assistant", "tool_calls": [
            {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}},
        ]})
    }

    #[test]
    fn a_long_id_or_name_is_not_repeated_a_thousand_times() {
        let long = "x".repeat(100_000);
        let texts = json!(vec![json!({"type": "text", "text": "a"}); 1000]);
        let question = json!({"role": "user", "content": "Hi"});
        let orphan = json!({"role": "tool", "tool_call_id": long, "content": texts});
        let function = json!({"role": "function", "name": long, "content": texts});
        let inputs = call(&long, &long, &"{}".repeat(1000));
        let model = "meta.llama3-8b-instruct-v1:0";
        for message in [orphan, function, inputs] {
            let body = translated(model, &json!([question, message]));
            assert!(body.len() < 500_000, "{}", body.len());
        }
    }

    #[test]
    fn long_ids_that_begin_alike_stay_apart() {
        let ids = ["1", "2"].map(|end| "x".repeat(300) + end);
        let result =
            |id: &str, said: &str| json!({"role": "tool", "tool_call_id": id, "content": said});
        let messages = json!([
            {"role": "user", "content": "Hi"},
            call(&ids[0], "one", "{}"), call(&ids[1], "two", "{}"),
            result(&ids[1], "of two"), result(&ids[0], "of one"),
        ]);
        let body = translated("anthropic.claude-sonnet-5", &messages);
        let body: Value = serde_json::from_str(&body).unwrap();
        let (calls, results) = (
            &body["messages"][1]["content"],
            &body["messages"][2]["content"],
        );
        for (index, said) in ["of one", "of two"].into_iter().enumerate() {
            let result = &results[index]["toolResult"];
            assert_eq!(result["toolUseId"], calls[index]["toolUse"]["toolUseId"]);
            assert_eq!(result["content"][0]["text"], said);
        }
    }
}
