//! Answers in JSON: by a grammar, by a tool that the client never sees, and in words.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::events::Events;
use crate::support::gateway::{Running, StandInServer, config, with};
use crate::support::messages::{event, exception, message_start, metadata};

const EVENT: &str = r#"{"name":"Field trip","date":"2026-05-02","participants":["Ada","Grace"]}"#;
/// A model of which the table knows nothing, so that everything is tried.
const MODEL: &str = "stability.chat-1";
const NO_GRAMMAR: &str = "This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.";
const NO_SCHEMA: &str =
    "The model returned the following errors: output_config.format.schema: Schema is too complex.";

fn format() -> Value {
    let text = json!({"type": "string"});
    let schema = json!({
        "type": "object",
        "properties": {"name": text, "date": text, "participants": {"type": "array", "items": text}},
        "required": ["name", "date", "participants"],
        "additionalProperties": false,
    });
    json!({"type": "json_schema", "json_schema": {"name": "CalendarEvent", "strict": true, "schema": schema}})
}

fn question(model: &str) -> Value {
    json!({
        "model": model,
        "messages": [{"role": "user", "content": "Ada and Grace go on a field trip on the 2nd of May 2026."}],
        "response_format": format(),
    })
}

/// Asks for a recorded answer, whole and streamed; both must be the event and nothing else.
async fn assert_event(gateway: &Running, request: &Value, reasoning: &str, adjusted: &str) {
    let answer = gateway.chat(request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-outcrop-adjusted"), adjusted);
    let body = answer.json();
    let choice = &body["choices"][0];
    let message = &choice["message"];
    assert_eq!(message["content"], EVENT);
    assert_eq!(message["refusal"], Value::Null);
    assert_eq!(message.get("tool_calls"), None);
    assert_eq!(
        message["reasoning_content"].as_str().unwrap_or_default(),
        reasoning
    );
    assert_eq!(choice["finish_reason"], "stop");
    let events = gateway
        .stream(&with(request.clone(), json!({"stream": true})))
        .await;
    events.assert_whole("stop");
    assert_eq!(events.content(), EVENT);
    assert_eq!(events.reasoning(), reasoning);
    assert_eq!(events.tool_calls(), []);
}

#[tokio::test]
async fn every_way_gives_the_same_content() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    for (name, reasoning, adjusted) in [
        ("structured-native", "", ""),
        ("structured-tool", "", "response_format=tool"),
        (
            "structured-tool-copied",
            "<thinking> The event has a name and a date. </thinking>\n",
            "response_format=tool",
        ),
        (
            "structured-fenced",
            "Here is the event:\n\n",
            "response_format=instruction",
        ),
    ] {
        let request = question(&format!("replay.{name}"));
        assert_event(&gateway, &request, reasoning, adjusted).await;
    }
    let object = with(
        question("replay.structured-fenced"),
        json!({"response_format": {"type": "json_object"}}),
    );
    assert_event(
        &gateway,
        &object,
        "Here is the event:\n\n",
        "response_format=instruction",
    )
    .await;
}

#[tokio::test]
async fn the_input_of_the_tool_streams_piece_by_piece() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let request = with(question("replay.structured-tool"), json!({"stream": true}));
    let events = gateway.stream(&request).await;
    let pieces = events.chunks.iter().filter_map(|chunk| {
        chunk
            .pointer("/choices/0/delta/content")?
            .as_str()
            .filter(|piece| !piece.is_empty())
    });
    let pieces: Vec<_> = pieces.collect();
    // What could still be a copy of the schema is held back, and nothing else.
    assert_eq!(pieces[..3], [r#"{"name""#, r#":"Field"#, r#" trip","#]);
}

#[tokio::test]
async fn the_clients_own_tools_are_called_and_the_answer_follows() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let tool = json!({"type": "function", "function": {"name": "find_people", "parameters": {"type": "object"}}});
    let request = with(
        question("replay.structured-tool-loop"),
        json!({"tools": [tool]}),
    );
    let body = gateway.chat(&request).await.json();
    let message = &body["choices"][0]["message"];
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    // Text that is no JSON would break clients that parse the content.
    assert_eq!(message["content"], Value::Null);
    assert_eq!(message["reasoning_content"], "I look up who goes.");
    assert_eq!(message["tool_calls"].as_array().unwrap().len(), 1);
    assert_eq!(message["tool_calls"][0]["function"]["name"], "find_people");
    let events = gateway
        .stream(&with(request.clone(), json!({"stream": true})))
        .await;
    events.assert_whole("tool_calls");
    assert_eq!(
        (events.content(), events.reasoning().as_str()),
        (String::new(), "I look up who goes.")
    );

    let mut messages = request["messages"].as_array().unwrap().clone();
    messages.push(message.clone());
    let id = &message["tool_calls"][0]["id"];
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": "Ada, Grace"}));
    let request = with(request, json!({"messages": messages}));
    assert_event(&gateway, &request, "", "response_format=tool").await;
}

async fn refuse(call: &mut Call, text: &str) {
    let headers = "connection: close\r\nx-amzn-errortype: ValidationException\r\n";
    call.answer(400, headers, &json!({ "message": text }).to_string())
        .await;
}

/// A stream whose only block is a call of the answer's tool.
async fn answer_by_tool(call: &mut Call) {
    let start = json!({"toolUse": {"toolUseId": "tooluse_A", "name": "structured_answer"}});
    let delta = json!({"toolUse": {"input": EVENT}});
    call.begin_stream().await;
    call.stream_all(&[
        message_start(),
        event(
            "contentBlockStart",
            &json!({"contentBlockIndex": 0, "start": start}),
        ),
        event(
            "contentBlockDelta",
            &json!({"contentBlockIndex": 0, "delta": delta}),
        ),
        event("contentBlockStop", &json!({"contentBlockIndex": 0})),
        event("messageStop", &json!({"stopReason": "tool_use"})),
        metadata(),
    ])
    .await;
}

fn body(call: &Call) -> Value {
    serde_json::from_slice(&call.body).unwrap()
}

#[tokio::test]
async fn a_grammar_that_is_refused_becomes_a_tool() {
    // What is said of the model is remembered, what is said of one schema is not.
    for (refusal, attempts) in [(NO_GRAMMAR, "1"), (NO_SCHEMA, "2")] {
        let bedrock = ScriptedBedrock::start().await;
        let gateway = Running::before(&bedrock.url()).await;
        let request = with(question(MODEL), json!({"stream": true}));
        for attempts in ["2", attempts] {
            let mut client = gateway.connect().await;
            client.chat(&request).await;
            let mut call = bedrock.call().await;
            if attempts == "2" {
                assert!(body(&call).get("outputConfig").is_some());
                refuse(&mut call, refusal).await;
                call = bedrock.call().await;
            }
            let sent = body(&call);
            assert_eq!(sent.get("outputConfig"), None);
            assert_eq!(
                sent["toolConfig"]["toolChoice"],
                json!({"tool": {"name": "structured_answer"}})
            );
            answer_by_tool(&mut call).await;
            let answer = client.answer().await;
            assert_eq!(answer.header("x-outcrop-attempts"), attempts);
            assert_eq!(answer.header("x-outcrop-adjusted"), "response_format=tool");
            let events = Events::parse(&answer.body);
            events.assert_whole("stop");
            assert_eq!(
                (events.content().as_str(), events.tool_calls()),
                (EVENT, vec![])
            );
            drop(call);
        }
    }
}

#[tokio::test]
async fn a_grammar_that_is_refused_after_the_head_becomes_a_tool() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.commit_after = Some(Duration::from_millis(1));
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client
        .chat(&with(question(MODEL), json!({"stream": true})))
        .await;
    let mut first = bedrock.call().await;
    let head = client.head().await;
    first.begin_stream().await;
    first
        .send(exception("validationException", NO_GRAMMAR))
        .await;
    first.end().await;
    let mut second = bedrock.call_or(first).await;
    answer_by_tool(&mut second).await;
    let events = Events::parse(&client.body(&head).await);
    events.assert_whole("stop");
    assert_eq!(
        (events.content().as_str(), events.tool_calls()),
        (EVENT, vec![])
    );
}
