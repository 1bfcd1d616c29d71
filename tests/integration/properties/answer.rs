//! Any answer of Bedrock's, as a stream and whole.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::wire::event;

/// One block of an answer, its text in the pieces in which it is streamed.
#[derive(Clone, Debug)]
pub(super) enum Block {
    Text(Vec<String>),
    Reasoning(Vec<String>),
    /// Name, and the arguments' JSON.
    Call(String, String),
    Redacted,
    Unknown,
}

pub(super) fn block() -> impl Strategy<Value = Block> {
    let pieces = || vec(".{0,8}", 0..4);
    let argument = ("[a-z]{1,3}", ".{0,6}");
    prop_oneof![
        3 => pieces().prop_map(Block::Text),
        2 => pieces().prop_map(Block::Reasoning),
        3 => ("[a-z]{1,6}", vec(argument, 0..3)).prop_map(|(name, arguments)| {
            let arguments: serde_json::Map<_, _> = arguments
                .into_iter()
                .map(|(name, value)| (name, Value::String(value)))
                .collect();
            Block::Call(name, Value::Object(arguments).to_string())
        }),
        1 => Just(Block::Redacted),
        1 => Just(Block::Unknown),
    ]
}

/// The events of an answer, its usage before or after its stop.
pub(super) fn events(blocks: &[Block]) -> Vec<Vec<u8>> {
    let mut events = vec![json_event("messageStart", &json!({"role": "assistant"}))];
    for (index, block) in blocks.iter().enumerate() {
        let delta = |delta: Value| {
            let payload = json!({"contentBlockIndex": index, "delta": delta, "p": "abc"});
            json_event("contentBlockDelta", &payload)
        };
        match block {
            Block::Text(pieces) => {
                events.extend(pieces.iter().map(|piece| delta(json!({"text": piece}))));
            }
            Block::Reasoning(pieces) => {
                let reasoning = |piece| delta(json!({"reasoningContent": {"text": piece}}));
                events.extend(pieces.iter().map(reasoning));
                events.push(delta(json!({"reasoningContent": {"signature": "c2ln"}})));
            }
            Block::Call(name, arguments) => {
                let start =
                    json!({"toolUse": {"toolUseId": format!("tooluse_{index}"), "name": name}});
                let start = json!({"contentBlockIndex": index, "start": start});
                events.push(json_event("contentBlockStart", &start));
                let characters: Vec<char> = arguments.chars().collect();
                let input = |piece: &[char]| {
                    delta(json!({"toolUse": {"input": piece.iter().collect::<String>()}}))
                };
                events.extend(characters.chunks(3).map(input));
            }
            Block::Redacted => {
                events.push(delta(
                    json!({"reasoningContent": {"redactedContent": "eA=="}}),
                ));
            }
            Block::Unknown => events.push(delta(json!({"hologram": {"x": 1}}))),
        }
        let stop = json!({"contentBlockIndex": index});
        events.push(json_event("contentBlockStop", &stop));
    }
    events.push(json_event(
        "messageStop",
        &json!({"stopReason": "end_turn"}),
    ));
    events.push(json_event("metadata", &json!({"usage": usage()})));
    events
}

pub(super) fn usage() -> Value {
    json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 8, "cacheReadInputTokens": 2})
}

pub(super) fn json_event(name: &str, payload: &Value) -> Vec<u8> {
    event(name, payload.to_string())
}

/// The same answer as Converse gives it.
pub(super) fn whole(blocks: &[Block]) -> Vec<u8> {
    let content = blocks.iter().enumerate().map(|(index, block)| match block {
        Block::Text(pieces) => json!({"text": pieces.concat()}),
        Block::Reasoning(pieces) => {
            let text = json!({"text": pieces.concat(), "signature": "c2ln"});
            json!({"reasoningContent": {"reasoningText": text}})
        }
        Block::Call(name, arguments) => {
            let input: Value = serde_json::from_str(arguments).unwrap();
            json!({"toolUse": {"toolUseId": format!("tooluse_{index}"), "name": name, "input": input}})
        }
        Block::Redacted => json!({"reasoningContent": {"redactedContent": "eA=="}}),
        Block::Unknown => json!({"hologram": {"x": 1}}),
    });
    let message = json!({"role": "assistant", "content": content.collect::<Vec<_>>()});
    json!({"output": {"message": message}, "stopReason": "end_turn", "usage": usage()})
        .to_string()
        .into_bytes()
}
