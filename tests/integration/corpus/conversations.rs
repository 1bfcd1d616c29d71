//! Conversations that the service answered, told in OpenAI's words and translated back.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{CLAUDE, cases, is_recorded, name, read_json};
use crate::requests::translate;

/// Texts that Bedrock wants and a client did not write.
const ADDED: [&str; 3] = [
    "(no output)",
    "(see the attached file)",
    "(I have seen the results.)",
];

/// The recorded conversations that a client of OpenAI's could have had: the case, Bedrock's request and OpenAI's.
fn told() -> Vec<(String, Value, Value)> {
    let recorded = [cases("converse"), cases("converse-stream")].concat();
    let mut told = Vec::new();
    for case in recorded.iter().filter(|case| is_recorded(case)) {
        let meta = read_json(&case.join("meta.json"));
        if meta.pointer("/event_types/validationException").is_some() {
            // What Bedrock itself refused.
            continue;
        }
        let converse = read_json(&case.join("request.json"));
        if let Some(request) = in_openai_words(&converse) {
            told.push((name(case).to_owned(), converse, request));
        }
    }
    told
}

/// Recorded conversations in OpenAI's words, under the name of their case.
pub(crate) fn conversations() -> Vec<(String, Value)> {
    told()
        .into_iter()
        .map(|(case, _, request)| (case, request))
        .collect()
}

#[test]
fn recorded_conversations_come_back_as_they_were() {
    let told = told();
    for (case, converse, request) in &told {
        let translation = translate(request.to_string().as_bytes())
            .unwrap_or_else(|refusal| panic!("{case}: {refusal:?}"));
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        for member in ["messages", "system"] {
            assert_eq!(texts(&body[member]), texts(&converse[member]), "{case}");
        }
    }
    println!(
        "{} recorded conversations come back as they were",
        told.len()
    );
}

/// A Converse request as a client of OpenAI's would have sent it; `None` for blocks that clients cannot send.
fn in_openai_words(converse: &Value) -> Option<Value> {
    let mut messages = Vec::new();
    for block in converse["system"].as_array().into_iter().flatten() {
        if let Some(point) = block.get("cachePoint") {
            mark(messages.last_mut()?, point);
        } else {
            messages.push(json!({"role": "system", "content": block.get("text")?}));
        }
    }
    for message in converse["messages"].as_array()? {
        let (mut content, mut calls, mut results) = (Vec::new(), Vec::new(), Vec::new());
        for block in message["content"].as_array()? {
            if let Some(part) = part(block) {
                content.push(part);
            } else if let Some(point) = block.get("cachePoint") {
                mark(content.last_mut().or_else(|| results.last_mut())?, point);
            } else if let Some(call) = block.get("toolUse") {
                let arguments = call["input"].to_string();
                let function = json!({"name": call["name"], "arguments": arguments});
                calls.push(
                    json!({"id": call["toolUseId"], "type": "function", "function": function}),
                );
            } else {
                let result = block.get("toolResult")?;
                let blocks = result["content"].as_array()?.iter();
                let parts: Option<Vec<_>> = blocks.map(part).collect();
                results.push(
                    json!({"role": "tool", "tool_call_id": result["toolUseId"], "content": parts?}),
                );
            }
        }
        messages.extend(results);
        if !content.is_empty() || !calls.is_empty() {
            messages
                .push(json!({"role": message["role"], "content": content, "tool_calls": calls}));
        }
    }
    let options = json!({"mode": "explicit"});
    Some(json!({"model": CLAUDE, "messages": messages, "prompt_cache_options": options}))
}

/// Sets the cache point after a message or a part of one.
fn mark(place: &mut Value, point: &Value) {
    place["cache_control"] = json!({"type": "ephemeral", "ttl": point["ttl"]});
}

/// A text, an image or a document as a part of a message.
fn part(block: &Value) -> Option<Value> {
    if let Some(text) = block.get("text") {
        return Some(json!({"type": "text", "text": text}));
    }
    let bytes = |medium: &Value| Some(medium.pointer("/source/bytes")?.as_str()?.to_owned());
    if let Some(image) = block.get("image") {
        let url = format!("data:image/png;base64,{}", bytes(image)?);
        return Some(json!({"type": "image_url", "image_url": {"url": url}}));
    }
    let document = block.get("document")?;
    let (name, format) = (document["name"].as_str()?, document["format"].as_str()?);
    let (name, data) = (format!("{name}.{format}"), bytes(document)?);
    Some(json!({"type": "file", "file": {"filename": name, "file_data": data}}))
}

/// All texts, tool names, inputs and cache points of messages, blank texts left out.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .iter()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "status" | "role"))
            // Five minutes are what is meant without a word.
            .filter(|(name, value)| *name != "ttl" || **value != "5m")
            .flat_map(|(name, value)| {
                if name == "input" {
                    vec![value.to_string()]
                } else if name == "document" || name == "image" {
                    // Names may have to change, and some say more of images than there is to say.
                    texts(&value["source"])
                } else {
                    texts(value)
                }
            })
            .collect(),
        // What is added where Bedrock wants a text.
        Value::String(text) if ADDED.contains(&text.as_str()) || text.trim().is_empty() => {
            Vec::new()
        }
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}
