//! A Converse request said in OpenAI's words: what an application would have to send to the gateway for it. Where there are
//! no such words, it is told what they are missing for.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// What the `bedrock` object of a request takes as it is.
const PASSED: [&str; 6] = [
    "additionalModelResponseFieldPaths",
    "guardrailConfig",
    "performanceConfig",
    "promptVariables",
    "requestMetadata",
    "serviceTier",
];

/// What clients send at the top level although Converse has it among the additional fields.
const TOP: [&str; 3] = ["thinking", "output_config", "reasoning_effort"];

/// What a Converse request holds that OpenAI has no place for.
type Missing = String;

/// The OpenAI request that says the same as a Converse request.
pub(super) fn chat_completion_request(converse: &Value) -> Result<Value, Missing> {
    let conversation = converse["messages"].as_array();
    let conversation = conversation.ok_or("a conversation: the prompt is stored in AWS")?;
    let mut messages = Vec::new();
    if has(converse, "/system") {
        messages.push(
            json!({"role": "system", "content": text_parts(list(&converse["system"]), "system")?}),
        );
    }
    for message in conversation {
        let blocks = list(&message["content"]);
        if message["role"] == "assistant" {
            messages.push(assistant(blocks)?);
        } else {
            messages.extend(user(blocks)?);
        }
    }
    let mut members = Map::from_iter([("messages".to_owned(), messages.into())]);
    let mut passed: Map<String, Value> = PASSED
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), converse.get(*name)?.clone())))
        .collect();
    let additional = converse["additionalModelRequestFields"].as_object();
    let (top, additional): (Map<_, _>, Map<_, _>) = additional
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.clone()))
        .partition(|(name, _)| TOP.contains(&name.as_str()));
    members.extend(top);
    if !additional.is_empty() {
        passed.insert("additionalModelRequestFields".to_owned(), additional.into());
    }
    if !passed.is_empty() {
        members.insert("bedrock".to_owned(), passed.into());
    }
    if let Some(format) = converse.pointer("/outputConfig/textFormat") {
        members.insert("response_format".to_owned(), response_format(format));
    }
    if has(converse, "/toolConfig/tools") {
        members.insert(
            "tools".to_owned(),
            tools(list(&converse["toolConfig"]["tools"]))?,
        );
    }
    if let Some(choice) = converse
        .pointer("/toolConfig/toolChoice")
        .and_then(Value::as_object)
    {
        members.insert("tool_choice".to_owned(), tool_choice(choice));
    }
    for (theirs, ours) in [
        ("maxTokens", "max_tokens"),
        ("temperature", "temperature"),
        ("topP", "top_p"),
        ("stopSequences", "stop"),
    ] {
        if let Some(value) = converse.pointer(&format!("/inferenceConfig/{theirs}")) {
            members.insert(ours.to_owned(), value.clone());
        }
    }
    Ok(members.into())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The kind of a block that has no equivalent where it stands.
fn missing(block: &Value, place: &str) -> Missing {
    let kind = block.as_object().and_then(|block| block.keys().next());
    format!("{} in {place}", kind.map_or("nothing", String::as_str))
}

fn is_cache_point(block: &Value) -> bool {
    block.get("cachePoint").is_some()
}

fn text_parts(blocks: &[Value], place: &str) -> Result<Value, Missing> {
    let blocks = blocks.iter().filter(|block| !is_cache_point(block));
    blocks
        .map(|block| {
            let text = block.get("text").ok_or_else(|| missing(block, place))?;
            Ok(json!({"type": "text", "text": text}))
        })
        .collect()
}

fn assistant(blocks: &[Value]) -> Result<Value, Missing> {
    let (mut text, mut calls, mut thoughts) = (Vec::new(), Vec::new(), Vec::new());
    for block in blocks.iter().filter(|block| !is_cache_point(block)) {
        if let Some(call) = block.get("toolUse") {
            let function = json!({"name": call["name"], "arguments": call["input"].to_string()});
            calls.push(json!({"id": call["toolUseId"], "type": "function", "function": function}));
        } else if let Some(reasoning) = block.get("reasoningContent") {
            thoughts.push(thinking_block(reasoning));
        } else {
            text.push(block.clone());
        }
    }
    let mut message = Map::from_iter([("role".to_owned(), json!("assistant"))]);
    if !text.is_empty() {
        message.insert(
            "content".to_owned(),
            text_parts(&text, "an assistant's turn")?,
        );
    }
    for (name, items) in [("tool_calls", calls), ("thinking_blocks", thoughts)] {
        if !items.is_empty() {
            message.insert(name.to_owned(), items.into());
        }
    }
    Ok(message.into())
}

/// Reasoning as Anthropic's clients send it back.
fn thinking_block(reasoning: &Value) -> Value {
    if let Some(data) = reasoning.get("redactedContent") {
        return json!({"type": "redacted_thinking", "data": data});
    }
    let text = &reasoning["reasoningText"];
    json!({"type": "thinking", "thinking": text["text"], "signature": text["signature"]})
}

fn user(blocks: &[Value]) -> Result<Vec<Value>, Missing> {
    let (mut messages, mut parts) = (Vec::new(), Vec::new());
    for block in blocks.iter().filter(|block| !is_cache_point(block)) {
        if let Some(result) = block.get("toolResult") {
            messages.push(tool_result(result)?);
        } else {
            parts.push(part(block).ok_or_else(|| missing(block, "a user's turn"))?);
        }
    }
    if !parts.is_empty() {
        messages.push(json!({"role": "user", "content": parts}));
    }
    Ok(messages)
}

/// A text or a medium as a part of a message.
fn part(block: &Value) -> Option<Value> {
    if let Some(text) = block.get("text") {
        return Some(json!({"type": "text", "text": text}));
    }
    let (kind, medium) = block.as_object()?.iter().next()?;
    let format = medium.get("format")?.as_str()?;
    let text = medium.pointer("/source/text").and_then(Value::as_str);
    let text = text.map(|text| STANDARD.encode(text));
    let bytes = medium.pointer("/source/bytes").and_then(Value::as_str);
    let bytes = text.as_deref().or(bytes)?;
    let url = |media_type: &str| format!("data:{media_type}/{format};base64,{bytes}");
    Some(match kind.as_str() {
        "image" => json!({"type": "image_url", "image_url": {"url": url("image")}}),
        "video" => json!({"type": "video_url", "video_url": {"url": url("video")}}),
        "audio" => {
            json!({"type": "input_audio", "input_audio": {"data": bytes, "format": format}})
        }
        "document" => {
            let name = format!("{}.{format}", medium.get("name")?.as_str()?);
            let mut part = json!({"type": "file", "file": {"filename": name, "file_data": bytes}});
            if let Some(citations) = medium.get("citations") {
                part["citations"] = citations.clone();
            }
            part
        }
        _ => return None,
    })
}

fn tool_result(result: &Value) -> Result<Value, Missing> {
    let parts = list(&result["content"]).iter().map(|block| {
        let json = block.get("json");
        let json = json.map(|json| json!({"type": "text", "text": json.to_string()}));
        json.or_else(|| part(block))
            .ok_or_else(|| missing(block, "a tool's result"))
    });
    let parts = parts.collect::<Result<Vec<Value>, _>>()?;
    Ok(json!({"role": "tool", "tool_call_id": result["toolUseId"], "content": parts}))
}

fn tools(tools: &[Value]) -> Result<Value, Missing> {
    let tools = tools.iter().filter(|tool| !is_cache_point(tool));
    tools
        .map(|tool| {
            let specification = tool
                .get("toolSpec")
                .ok_or_else(|| missing(tool, "toolConfig"))?;
            let parameters = &specification["inputSchema"]["json"];
            let mut function = json!({"name": specification["name"], "parameters": parameters});
            for member in ["description", "strict"] {
                if let Some(value) = specification.get(member) {
                    function[member] = value.clone();
                }
            }
            Ok(json!({"type": "function", "function": function}))
        })
        .collect()
}

fn response_format(format: &Value) -> Value {
    let mut described = format["structure"]["jsonSchema"].clone();
    let schema = described["schema"].as_str().unwrap_or_default();
    described["schema"] = serde_json::from_str(schema).unwrap();
    if described["name"].is_null() {
        described["name"] = json!("answer");
    }
    json!({"type": "json_schema", "json_schema": described})
}

fn tool_choice(choice: &Map<String, Value>) -> Value {
    if let Some(tool) = choice.get("tool") {
        return json!({"type": "function", "function": {"name": tool["name"]}});
    }
    json!(if choice.contains_key("any") {
        "required"
    } else {
        "auto"
    })
}

fn has(request: &Value, pointer: &str) -> bool {
    request
        .pointer(pointer)
        .is_some_and(|value| value.as_array().is_none_or(|array| !array.is_empty()))
}
