//! Conversations with tools: what a client sends back is what Bedrock wants to have next.

use serde_json::{Value, json};

use crate::support::events::Events;
use crate::support::gateway::{Running, StandInServer, with};

fn tool(name: &str, argument: &str) -> Value {
    let parameters = json!({"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]});
    json!({"type": "function", "function": {"name": name, "description": "A tool.", "parameters": parameters}})
}

fn conversation(model: &str, tools: &[Value], messages: &[Value]) -> Value {
    json!({"model": model, "tools": tools, "messages": messages})
}

fn user(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn result(call: &Value) -> Value {
    json!({"role": "tool", "tool_call_id": call["id"], "content": "It is so."})
}

/// Sends a conversation both ways and returns the assistant's message, which must be the same whole and streamed.
async fn turn(gateway: &Running, request: &Value) -> Value {
    let answer = gateway.chat(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let message = body["choices"][0]["message"].clone();
    let finish_reason = if calls(&message).is_empty() {
        "stop"
    } else {
        "tool_calls"
    };
    assert_eq!(body["choices"][0]["finish_reason"], finish_reason, "{body}");

    let events = gateway
        .stream(&with(request.clone(), json!({"stream": true})))
        .await;
    events.assert_whole(finish_reason);
    assert_eq!(
        events.content(),
        message["content"].as_str().unwrap_or_default()
    );
    assert_eq!(
        events.reasoning(),
        message["reasoning_content"].as_str().unwrap_or_default()
    );
    assert_eq!(names_and_arguments(&events), message_calls(&message));
    message
}

fn names_and_arguments(events: &Events) -> Vec<(String, Value)> {
    let calls = events.tool_calls().into_iter();
    calls
        .map(|(_, name, arguments)| (name, serde_json::from_str(&arguments).unwrap()))
        .collect()
}

fn calls(message: &Value) -> &[Value] {
    message["tool_calls"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn message_calls(message: &Value) -> Vec<(String, Value)> {
    let calls = calls(message).iter().map(|call| &call["function"]);
    calls
        .map(|function| {
            let arguments = serde_json::from_str(function["arguments"].as_str().unwrap()).unwrap();
            (function["name"].as_str().unwrap().to_owned(), arguments)
        })
        .collect()
}

/// Goes on, with a result for every call, until the model has no more of them. Returns all of its messages.
async fn to_the_end(model: &str, tools: &[Value]) -> Vec<Value> {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let mut messages = vec![user("Begin.")];
    let mut turns = Vec::new();
    loop {
        let message = turn(&gateway, &conversation(model, tools, &messages)).await;
        messages.push(message.clone());
        messages.extend(calls(&message).iter().map(result));
        let ended = calls(&message).is_empty();
        turns.push(message);
        if ended {
            return turns;
        }
    }
}

fn names(turns: &[Value]) -> Vec<Vec<String>> {
    let calls = turns.iter().map(message_calls);
    calls
        .map(|calls| calls.into_iter().map(|(name, _)| name).collect())
        .collect()
}

#[tokio::test]
async fn a_tools_result_leads_to_the_answer() {
    let turns = to_the_end("replay.tool-call", &[tool("get_weather", "city")]).await;
    assert_eq!(turns.len(), 2);
    assert_eq!(calls(&turns[0]).len(), 1);
    assert!(turns[1]["content"].is_string());
}

#[tokio::test]
async fn two_calls_in_one_turn_take_two_results() {
    let tools = [tool("get_weather", "city"), tool("get_time", "city")];
    let turns = to_the_end("replay.tool-calls-parallel", &tools).await;
    assert_eq!(turns.len(), 2);
    assert_eq!(calls(&turns[0]).len(), 2);
    assert!(
        turns[0]["content"]
            .as_str()
            .is_some_and(|text| text.starts_with("I'll look"))
    );
}

#[tokio::test]
async fn a_loop_of_three_exchanges_goes_forward() {
    let turns = to_the_end(
        "replay.tool-loop",
        &[tool("search", "thing"), tool("open_box", "key")],
    )
    .await;
    assert_eq!(names(&turns), [vec!["search"], vec!["open_box"], vec![]]);
}

#[tokio::test]
async fn a_call_without_arguments_has_an_empty_object() {
    let none = json!({"type": "function", "function": {"name": "list_rooms"}});
    let turns = to_the_end("replay.tool-call-without-arguments", &[none]).await;
    assert_eq!(message_calls(&turns[0])[0].1, json!({}));
}

#[tokio::test]
async fn reasoning_is_told_before_the_call() {
    let turns = to_the_end(
        "replay.reasoning-then-tool-call",
        &[tool("get_weather", "city")],
    )
    .await;
    let reasoning = turns[0]["reasoning_content"].as_str().unwrap();
    assert!(
        reasoning.starts_with("The user asks about rain in Bergen."),
        "{reasoning}"
    );
    assert_eq!(names(&turns), [vec!["get_weather"], vec![]]);
}

#[tokio::test]
async fn a_model_without_tools_in_streams_is_asked_for_a_whole_answer() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let tools = [tool("get_weather", "city")];
    let request = conversation("replay.llama-tool-call", &tools, &[user("Weather?")]);
    let events = gateway
        .stream(&with(request, json!({"stream": true})))
        .await;
    events.assert_whole("tool_calls");
    assert_eq!(events.tool_calls().len(), 1);
    let paths: Vec<String> = stand_in
        .received
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    assert_eq!(
        paths.last().map(String::as_str),
        Some("/model/replay.llama-tool-call/converse")
    );
}

#[tokio::test]
async fn an_image_reaches_bedrock_as_its_bytes() {
    const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=";
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let content = json!([
        {"type": "text", "text": "What colour?"},
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{PIXEL}")}},
    ]);
    let request = json!({"model": "replay.image-question", "stream": true, "messages": [{"role": "user", "content": content}]});
    gateway.stream(&request).await.assert_whole("stop");
    let sent = stand_in.received.requests().pop().unwrap();
    let sent: Value = serde_json::from_slice(&sent.body.unwrap()).unwrap();
    let image = sent.pointer("/messages/0/content/1/image").unwrap();
    assert_eq!(image, &json!({"format": "png", "source": {"bytes": PIXEL}}));
}

#[tokio::test]
async fn deprecated_functions_are_answered_in_their_own_way() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let function = tool("get_weather", "city")["function"].clone();
    let mut request = json!({"model": "replay.tool-call", "functions": [function], "messages": [user("Weather?")]});
    let body = gateway.chat(&request).await.json();
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "function_call", "{body}");
    assert_eq!(choice["message"]["function_call"]["name"], "get_weather");
    assert!(choice["message"].get("tool_calls").is_none(), "{body}");

    let events = gateway
        .stream(&with(request.clone(), json!({"stream": true})))
        .await;
    events.assert_whole("function_call");
    let calls = events
        .chunks
        .iter()
        .filter_map(|chunk| chunk.pointer("/choices/0/delta/function_call"));
    let arguments: String = calls
        .filter_map(|call| call["arguments"].as_str())
        .collect();
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let whole = choice["message"]["function_call"]["arguments"].as_str();
    assert_eq!(json(&arguments), json(whole.unwrap()));

    let messages = request["messages"].as_array_mut().unwrap();
    messages.push(choice["message"].clone());
    messages.push(json!({"role": "function", "name": "get_weather", "content": "Rain."}));
    let body = gateway.chat(&request).await.json();
    assert_eq!(body["choices"][0]["finish_reason"], "stop", "{body}");
}
