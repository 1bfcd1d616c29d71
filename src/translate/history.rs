//! Which result belongs to which call. Histories come back with results out of order, missing, doubled or
//! left over, and with ids used twice; Bedrock refuses each of these.

use std::borrow::Cow;
use std::collections::HashMap;

use super::notes::Notes;
use super::tool_use_id::tool_use_id;
use crate::bedrock::ToolUseIdForm;
use crate::openai::InvalidRequest;
use crate::openai::message::{Message, Role};
use crate::openai::tool_call::Function;

/// One call of an assistant message, and where its result is.
#[derive(Debug)]
pub(super) struct PairedCall<'a> {
    /// Unique in the conversation, in the form that the model takes.
    pub(super) id: Cow<'a, str>,
    /// What was called.
    pub(super) function: Function<'a>,
    /// Whether the arguments are plain text and not JSON.
    pub(super) custom: bool,
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

/// The last call under one id.
struct Latest {
    message: usize,
    call: usize,
    /// How many calls had the id, this one included.
    ordinal: usize,
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
    let mut parts: Vec<Part<'a>> = Vec::with_capacity(messages.len());
    let mut latest: HashMap<Cow<'a, str>, Latest> = HashMap::new();
    for (index, message) in messages.iter_mut().enumerate() {
        let part = match message.role {
            Role::Assistant => {
                parts.push(Part::Calls(Vec::new()));
                for (place, (id, call)) in take_calls(message, index).into_iter().enumerate() {
                    if !add_call(&mut parts, &mut latest, index, (id, call), form) {
                        notes.ignore(format!("messages[{index}].tool_calls[{place}]"));
                    }
                }
                match parts.pop() {
                    Some(Part::Calls(calls)) if calls.is_empty() => Part::Other,
                    Some(part) => part,
                    None => Part::Other,
                }
            }
            Role::Tool | Role::Function => {
                let id = result_id(message, index)?;
                let part = answer(&mut parts, &latest, index, id);
                if matches!(part, Part::Duplicate) {
                    notes.ignore(format!("messages[{index}]"));
                }
                part
            }
            Role::System | Role::Developer | Role::User => Part::Other,
        };
        parts.push(part);
    }
    Ok(parts)
}

/// The calls of an assistant message under their ids, the deprecated `function_call` under its name.
fn take_calls<'a>(message: &mut Message<'a>, index: usize) -> Vec<(Cow<'a, str>, PairedCall<'a>)> {
    let paired = |function, custom| PairedCall {
        id: Cow::Borrowed(""),
        function,
        custom,
        result: None,
    };
    let mut calls = Vec::with_capacity(message.tool_calls.len());
    for (place, call) in std::mem::take(&mut message.tool_calls)
        .into_iter()
        .enumerate()
    {
        let id = if call.id.is_empty() {
            Cow::Owned(format!("call_{index}_{place}"))
        } else {
            call.id
        };
        calls.push((id, paired(call.function, call.custom)));
    }
    if let Some(function) = message.function_call.take() {
        calls.push((
            Cow::Owned(format!("function_call_{}", function.name)),
            paired(function, false),
        ));
    }
    calls
}

/// Adds a call to the last part, unless it repeats one that still waits for its result.
fn add_call<'a>(
    parts: &mut [Part<'a>],
    latest: &mut HashMap<Cow<'a, str>, Latest>,
    message: usize,
    (id, mut call): (Cow<'a, str>, PairedCall<'a>),
    form: ToolUseIdForm,
) -> bool {
    let mut ordinal = 1;
    if let Some(before) = latest.get(&id) {
        let repeats = |earlier: &PairedCall<'_>| {
            earlier.result.is_none()
                && (before.message == message
                    || (earlier.function.name == call.function.name
                        && earlier.function.arguments == call.function.arguments))
        };
        if call_at(parts, before).is_some_and(|earlier| repeats(earlier)) {
            return false;
        }
        ordinal = before.ordinal + 1;
    }
    call.id = match ordinal {
        1 => tool_use_id(id.clone(), form),
        _ => tool_use_id(Cow::Owned(format!("{id}#{ordinal}")), form),
    };
    if let Some(Part::Calls(calls)) = parts.last_mut() {
        latest.insert(
            id,
            Latest {
                message,
                call: calls.len(),
                ordinal,
            },
        );
        calls.push(call);
    }
    true
}

fn result_id<'a>(message: &mut Message<'a>, index: usize) -> Result<Cow<'a, str>, InvalidRequest> {
    match (message.tool_call_id.take(), &message.name) {
        (Some(id), _) => Ok(id),
        (None, Some(name)) if message.role == Role::Function => {
            Ok(Cow::Owned(format!("function_call_{name}")))
        }
        (None, _) if message.role == Role::Function => {
            Err(InvalidRequest::missing(format!("messages[{index}].name")))
        }
        (None, _) => Err(InvalidRequest::missing(format!(
            "messages[{index}].tool_call_id"
        ))),
    }
}

fn answer<'a>(
    parts: &mut [Part<'a>],
    latest: &HashMap<Cow<'a, str>, Latest>,
    index: usize,
    id: Cow<'a, str>,
) -> Part<'a> {
    match latest.get(&id).and_then(|place| call_at(parts, place)) {
        None => Part::Orphan(id),
        Some(call) if call.result.is_some() => Part::Duplicate,
        Some(call) => {
            call.result = Some(index);
            Part::Answer
        }
    }
}

fn call_at<'p, 'a>(parts: &'p mut [Part<'a>], place: &Latest) -> Option<&'p mut PairedCall<'a>> {
    match parts.get_mut(place.message)? {
        Part::Calls(calls) => calls.get_mut(place.call),
        _ => None,
    }
}
