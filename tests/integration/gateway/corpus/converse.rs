//! A Converse request said in OpenAI's words: what an application would have to send to the gateway for it.

use serde_json::{Map, Value, json};

/// The OpenAI request that says the same as a Converse request; `None` when it holds what OpenAI has no place for.
pub(super) fn chat_completion_request(converse: &Value) -> Option<Value> {
    let mut messages = Vec::new();
    if has(converse, "/system") {
        messages.push(
            json!({"role": "system", "content": text_parts(converse["system"].as_array()?)?}),
        );
    }
    for message in converse["messages"].as_array()? {
        let blocks = message["content"].as_array()?;
        match message["role"].as_str()? {
            "assistant" => messages.push(assistant(blocks)?),
            _ => messages.extend(user(blocks)?),
        }
    }
    let mut request = json!({"messages": messages});
    let members = request.as_object_mut()?;
    if has(converse, "/toolConfig/tools") {
        members.insert(
            "tools".to_owned(),
            tools(converse["toolConfig"]["tools"].as_array()?)?,
        );
    }
    if let Some(choice) = converse
        .pointer("/toolConfig/toolChoice")
        .and_then(Value::as_object)
    {
        members.insert("tool_choice".to_owned(), tool_choice(choice)?);
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
    Some(request)
}

fn is_cache_point(block: &Value) -> bool {
    block.get("cachePoint").is_some()
}

fn text_parts(blocks: &[Value]) -> Option<Value> {
    let blocks = blocks.iter().filter(|block| !is_cache_point(block));
    blocks
        .map(|block| Some(json!({"type": "text", "text": block.get("text")?})))
        .collect()
}

fn assistant(blocks: &[Value]) -> Option<Value> {
    let (mut text, mut calls) = (Vec::new(), Vec::new());
    for block in blocks.iter().filter(|block| !is_cache_point(block)) {
        if let Some(call) = block.get("toolUse") {
            let function = json!({"name": call["name"], "arguments": call["input"].to_string()});
            calls.push(json!({"id": call["toolUseId"], "type": "function", "function": function}));
        } else {
            text.push(block.clone());
        }
    }
    let mut message = Map::from_iter([("role".to_owned(), json!("assistant"))]);
    if !text.is_empty() {
        message.insert("content".to_owned(), text_parts(&text)?);
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls.into());
    }
    Some(message.into())
}

fn user(blocks: &[Value]) -> Option<Vec<Value>> {
    let (mut messages, mut parts) = (Vec::new(), Vec::new());
    for block in blocks.iter().filter(|block| !is_cache_point(block)) {
        if let Some(result) = block.get("toolResult") {
            messages.push(tool_result(result)?);
        } else {
            parts.push(part(block)?);
        }
    }
    if !parts.is_empty() {
        messages.push(json!({"role": "user", "content": parts}));
    }
    Some(messages)
}

/// A text or a medium as a part of a message.
fn part(block: &Value) -> Option<Value> {
    if let Some(text) = block.get("text") {
        return Some(json!({"type": "text", "text": text}));
    }
    let (kind, medium) = block.as_object()?.iter().next()?;
    let format = medium.get("format")?.as_str()?;
    let bytes = medium.pointer("/source/bytes")?.as_str()?;
    let url = |media_type: &str| format!("data:{media_type}/{format};base64,{bytes}");
    Some(match kind.as_str() {
        "image" => json!({"type": "image_url", "image_url": {"url": url("image")}}),
        "video" => json!({"type": "video_url", "video_url": {"url": url("video")}}),
        "audio" => {
            json!({"type": "input_audio", "input_audio": {"data": bytes, "format": format}})
        }
        "document" => {
            let name = format!("{}.{format}", medium.get("name")?.as_str()?);
            json!({"type": "file", "file": {"filename": name, "file_data": bytes}})
        }
        _ => return None,
    })
}

fn tool_result(result: &Value) -> Option<Value> {
    let blocks = result["content"].as_array()?.iter();
    let parts: Option<Vec<Value>> = blocks
        .map(|block| match block.get("json") {
            Some(json) => Some(json!({"type": "text", "text": json.to_string()})),
            None => part(block),
        })
        .collect();
    Some(json!({"role": "tool", "tool_call_id": result["toolUseId"], "content": parts?}))
}

fn tools(tools: &[Value]) -> Option<Value> {
    let tools = tools.iter().filter(|tool| !is_cache_point(tool));
    tools
        .map(|tool| {
            let specification = tool.get("toolSpec")?;
            let mut function = json!({"name": specification["name"], "parameters": specification.pointer("/inputSchema/json")?});
            if let Some(description) = specification.get("description") {
                function["description"] = description.clone();
            }
            Some(json!({"type": "function", "function": function}))
        })
        .collect()
}

fn tool_choice(choice: &Map<String, Value>) -> Option<Value> {
    match choice.iter().next()? {
        (kind, _) if kind == "auto" => Some(json!("auto")),
        (kind, _) if kind == "any" => Some(json!("required")),
        (kind, tool) if kind == "tool" => {
            Some(json!({"type": "function", "function": {"name": tool["name"]}}))
        }
        _ => None,
    }
}

fn has(request: &Value, pointer: &str) -> bool {
    request
        .pointer(pointer)
        .is_some_and(|value| value.as_array().is_none_or(|array| !array.is_empty()))
}
