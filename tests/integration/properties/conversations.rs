//! Conversations: whatever a client's history looks like, Bedrock's rules hold afterwards.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::HashSet;

use outcrop::openai::InvalidRequest;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::requests::translate;

const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==";
/// Families that differ in what a conversation must look like.
const MODELS: [&str; 6] = [
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-opus-4-7",
    "amazon.nova-pro-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "moonshotai.kimi-k2.5",
    "mistral.mistral-7b-instruct-v0:2",
];

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(" \n".to_owned()),
        ".{1,6}",
        "[a-z ]{1,6}"
    ]
}

pub(super) fn content(images: bool) -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        3 => text().prop_map(|text| json!({"type": "text", "text": text})),
        1 => Just(json!({"type": "refusal", "refusal": "No."})),
        1 => Just(if images {
            json!({"type": "image_url", "image_url": {"url": PNG}})
        } else {
            json!({"type": "thinking", "thinking": "Hm."})
        }),
    ];
    prop_oneof![
        1 => Just(Value::Null),
        3 => text().prop_map(Value::from),
        2 => vec(part, 0..4).prop_map(Value::from),
    ]
}

/// Few ids, so that they meet; some that Bedrock refuses, and two of which one is the other's replacement.
fn id() -> impl Strategy<Value = String> {
    select(vec![
        "call_1",
        "call_2",
        "call_3",
        "a b",
        "a_b_c8687a08",
        "call_1_2_b2a9a2c4",
        "",
        "é|fc_0123456789012345678901234567890123456789012345678901234567890123456789",
    ])
    .prop_map(str::to_owned)
}

pub(super) fn call() -> impl Strategy<Value = Value> {
    let name = select(vec!["get", "fs.read", "fs_read_4074bc", "größe", " "]);
    let arguments = select(vec![
        "",
        "{}",
        "null",
        "[1]",
        "{\"a\":1}{\"b\":2}",
        "{\"a\":",
        "{\"__type\":\"x\"}",
        "{ \"z\": 1.0 }",
    ]);
    (id(), name, arguments).prop_map(|(id, name, arguments)| {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    })
}

fn message() -> impl Strategy<Value = Value> {
    prop_oneof![
        1 => ("(system|developer)", content(false))
            .prop_map(|(role, content)| json!({"role": role, "content": content})),
        3 => content(true).prop_map(|content| json!({"role": "user", "content": content})),
        3 => (content(false), vec(call(), 0..4)).prop_map(|(content, calls)| {
            json!({"role": "assistant", "content": content, "tool_calls": calls})
        }),
        1 => content(false).prop_map(|content| json!({"role": "assistant", "content": content,
            "function_call": {"name": "old", "arguments": "{}"}, "refusal": " "})),
        4 => (id(), content(true))
            .prop_map(|(id, content)| json!({"role": "tool", "tool_call_id": id, "content": content})),
        1 => Just(json!({"role": "function", "name": "old", "content": "done"})),
    ]
}

/// Whether Bedrock takes the name of a tool.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'))
}

fn is_id(id: &str, model: &str) -> bool {
    if model.starts_with("mistral.") {
        return id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    }
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-');
    (1..=64).contains(&id.len()) && id.bytes().all(valid)
}

fn assert_not_blank(text: &Value) {
    assert!(!text.as_str().unwrap().trim().is_empty(), "blank text");
}

/// The rules that Bedrock and the models behind it have for conversations.
fn assert_rules(body: &Value, model: &str) {
    let messages = body["messages"].as_array().unwrap();
    let mut ids = HashSet::new();
    let mut open: Vec<&str> = Vec::new();
    for block in body["system"].as_array().into_iter().flatten() {
        assert_not_blank(&block["text"]);
    }
    for pair in messages.windows(2) {
        assert_ne!(pair[0]["role"], pair[1]["role"], "roles alternate");
    }
    for message in messages {
        let content = message["content"].as_array().unwrap();
        assert!(!content.is_empty());
        let (mut calls, mut results, mut rest) = (Vec::new(), Vec::new(), 0);
        for block in content {
            assert_eq!(block.as_object().unwrap().len(), 1);
            if let Some(call) = block.get("toolUse") {
                let id = call["toolUseId"].as_str().unwrap();
                assert!(is_id(id, model), "{id}");
                assert!(is_name(call["name"].as_str().unwrap()), "{call}");
                assert!(call["input"].is_object());
                assert!(ids.insert(id), "{id} is used twice");
                calls.push(id);
            } else if let Some(result) = block.get("toolResult") {
                assert_eq!(rest, 0, "results come first");
                results.push(result["toolUseId"].as_str().unwrap());
                let content = result["content"].as_array().unwrap();
                assert!(!content.is_empty());
                for block in content.iter().filter(|block| block.get("text").is_some()) {
                    assert_not_blank(&block["text"]);
                }
            } else {
                rest += 1;
                assert_eq!(calls.len(), 0, "text stands before calls");
                if let Some(text) = block.get("text") {
                    assert_not_blank(text);
                }
            }
        }
        assert_eq!(results, open, "every call has its result in the next turn");
        assert!(calls.is_empty() || message["role"] == "assistant");
        open = calls;
    }
    assert!(open.is_empty(), "the last calls have results");
    if !ids.is_empty() {
        let tools = body["toolConfig"]["tools"].as_array().unwrap();
        assert!(!tools.is_empty());
        assert!(
            tools
                .iter()
                .all(|tool| is_name(tool["toolSpec"]["name"].as_str().unwrap()))
        );
    }
    let ends = |place: Option<&Value>| place.unwrap()["role"] == "assistant";
    let claude = model.starts_with("anthropic.");
    assert!(!ends(messages.first()) || claude || model.starts_with("moonshot"));
    assert!(!ends(messages.last()) || model.contains("sonnet-4-5") || model.starts_with("amazon."));
}

/// Whether tools may be defined; calls in the history are no reason to refuse it.
fn takes_tools(model: &str) -> bool {
    !model.contains("mistral-7b")
}

/// The only reasons why one of these conversations may be refused.
pub(super) fn assert_refusal(refusal: &InvalidRequest, model: &str) {
    let blind = model.starts_with("mistral.") && refusal.message.contains("images");
    assert!(
        blind || refusal.param.as_deref() == Some("messages"),
        "{refusal:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_history_becomes_one_that_bedrock_takes(
        messages in vec(message(), 1..10),
        model in select(MODELS.to_vec()),
        tools in any::<bool>(),
    ) {
        let mut request = json!({"model": model, "messages": messages});
        if tools && takes_tools(model) {
            request["tools"] = json!([{"type": "function", "function": {"name": "get"}}]);
        }
        match translate(request.to_string().as_bytes()) {
            Ok(translation) => {
                assert_rules(&serde_json::from_slice(&translation.body).unwrap(), model);
            }
            Err(refusal) => assert_refusal(&refusal, model),
        }
    }

    /// What the prompt cache holds of a conversation is worth nothing if the next request begins otherwise.
    #[test]
    fn a_longer_conversation_begins_with_the_bytes_of_the_shorter(
        turns in vec((content(true), vec((call(), content(true)), 0..3), text()), 2..6),
        model in select(MODELS.to_vec()),
    ) {
        let mut messages = vec![json!({"role": "system", "content": "Be brief."})];
        let mut ends = Vec::new();
        for (turn, (question, calls, answer)) in turns.into_iter().enumerate() {
            messages.push(json!({"role": "user", "content": question}));
            messages.push(json!({"role": "user", "content": format!("Question {turn}")}));
            ends.push(messages.len());
            if !calls.is_empty() {
                let sent: Vec<_> = calls.iter().map(|(call, _)| call).collect();
                messages.push(json!({"role": "assistant", "content": null, "tool_calls": sent}));
                for (call, result) in &calls {
                    messages.push(json!({"role": "tool", "tool_call_id": call["id"], "content": result}));
                }
                ends.push(messages.len());
            }
            messages.push(json!({"role": "assistant", "content": format!("Answer {turn}{answer}")}));
        }
        let body = |length: usize| {
            let mut request = json!({"model": model, "messages": &messages[..length]});
            if takes_tools(model) {
                request["tools"] = json!([{"type": "function", "function": {"name": "get"}}]);
            }
            translate(request.to_string().as_bytes()).map(|translation| translation.body)
        };
        let bodies: Result<Vec<_>, _> = ends.into_iter().map(body).collect();
        let bodies = bodies.unwrap_or_else(|refusal| {
            assert_refusal(&refusal, model);
            Vec::new()
        });
        for pair in bodies.windows(2) {
            let shorter = pair[0].strip_suffix(b"]}").unwrap();
            prop_assert!(
                pair[1].starts_with(shorter),
                "{}\n{}",
                String::from_utf8_lossy(&pair[0]),
                String::from_utf8_lossy(&pair[1])
            );
        }
    }
}
