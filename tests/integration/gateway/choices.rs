//! Several choices: as many calls at the same time, one answer.

use std::collections::BTreeSet;

use outcrop::config::Config;
use serde_json::{Value, json};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::Connection;
use crate::support::events::Events;
use crate::support::gateway::{
    MODEL, Running, StandInServer, config, question, whole_question, with,
};
use crate::support::messages::{exception, message_start, short_answer, text_delta};

const OUTCROP: &str = "An outcrop is where bedrock comes to the surface.";

/// A client in front of a Bedrock that waits for two calls.
struct TwoCalls {
    bedrock: ScriptedBedrock,
    client: Connection,
    _gateway: Running,
}

impl TwoCalls {
    async fn begin() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let mut settings = config(&bedrock.url());
        change(&mut settings);
        let gateway = Running::with(settings).await;
        Self {
            client: gateway.connect().await,
            bedrock,
            _gateway: gateway,
        }
    }

    async fn asked(&mut self, request: Value) -> [Call; 2] {
        self.client.chat(&with(request, json!({"n": 2}))).await;
        [self.bedrock.call().await, self.bedrock.call().await]
    }

    /// The next chunk of the answer's body.
    async fn events(&mut self) -> Events {
        Events::parse(&self.client.chunk().await.unwrap())
    }
}

fn begun() -> Vec<u8> {
    [message_start(), text_delta("Hel")].concat()
}

fn index(chunk: &Value) -> &Value {
    &chunk["choices"][0]["index"]
}

/// What one choice of a stream said, and why it stopped.
fn choice(events: &Events, number: usize) -> (String, Vec<&str>) {
    let chunks = events.chunks.iter().filter(|chunk| *index(chunk) == number);
    let chunks: Vec<&Value> = chunks.collect();
    let content = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    let reasons = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["finish_reason"].as_str());
    (content.collect(), reasons.collect())
}

#[tokio::test]
async fn choices_of_a_whole_answer_are_calls_of_their_own() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let request = with(whole_question("replay.short-text"), json!({"n": 8}));
    let answer = gateway.chat(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-outcrop-attempts"), "8");
    let body = answer.json();
    let choices = body["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 8);
    for (number, choice) in choices.iter().enumerate() {
        assert_eq!(choice["index"], number);
        assert_eq!(choice["message"]["content"], OUTCROP);
        assert_eq!(choice["finish_reason"], "stop");
    }
    assert_eq!(body["usage"]["prompt_tokens"], 8 * 14);
    assert_eq!(body["usage"]["completion_tokens"], 8 * 15);
    assert_eq!(body.get("bedrock"), None);
    let calls = stand_in.received.requests();
    let bodies: BTreeSet<_> = calls
        .iter()
        .filter(|call| call.path.ends_with("/converse"))
        .map(|call| call.body.as_deref())
        .collect();
    assert_eq!(bodies.len(), 1, "all calls say the same");
}

#[tokio::test]
async fn choices_of_a_stream_end_with_one_usage() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let more = json!({"n": 3, "bedrock": {}, "stream_options": {"include_usage": true}});
    let events = gateway
        .stream(&with(question("replay.short-text"), more))
        .await;
    assert_eq!((events.done, &events.error), (true, &None));
    for number in 0..3 {
        assert_eq!(choice(&events, number), (OUTCROP.to_owned(), vec!["stop"]));
    }
    let ids: BTreeSet<_> = events
        .chunks
        .iter()
        .map(|chunk| chunk["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 1);
    let end = events.chunks.last().unwrap();
    assert_eq!(events.usages(), [&end["usage"]]);
    assert_eq!(end["choices"], json!([]));
    assert_eq!(end["usage"]["completion_tokens"], 3 * 15);
    let passed = end["bedrock"].as_array().unwrap();
    assert_eq!(passed.len(), 3);
    assert!(passed.iter().all(|one| one["usage"]["outputTokens"] == 15));
}

#[tokio::test]
async fn a_model_that_cannot_stream_tools_streams_choices_all_the_same() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let tools = json!([{"type": "function", "function": {"name": "get_weather"}}]);
    let more = json!({"n": 2, "tools": tools});
    let events = gateway
        .stream(&with(question("replay.llama-tool-call"), more))
        .await;
    assert!(events.done, "{events:?}");
    for number in 0..2 {
        assert_eq!(choice(&events, number).1, ["tool_calls"], "{events:?}");
    }
}

#[tokio::test]
async fn chunks_of_choices_go_out_as_they_come() {
    let mut calls = TwoCalls::begin().await;
    let [mut one, mut other] = calls.asked(question(MODEL)).await;
    one.begin_stream().await;
    one.send(message_start()).await;
    other.begin_stream().await;
    other.send(message_start()).await;
    assert_eq!(calls.client.head().await.status, 200);
    other.send(text_delta("a")).await;
    let first = index(&calls.events().await.chunks[0]).clone();
    one.send(text_delta("b")).await;
    let second = index(&calls.events().await.chunks[0]).clone();
    other.send(text_delta("c")).await;
    let third = index(&calls.events().await.chunks[0]).clone();
    assert_eq!(first, third);
    assert_eq!(
        BTreeSet::from([first.as_u64(), second.as_u64()]),
        BTreeSet::from([Some(0), Some(1)])
    );
}

#[tokio::test]
async fn one_refusal_before_the_answer_refuses_the_request() {
    for request in [question(MODEL), whole_question(MODEL)] {
        let mut calls = TwoCalls::begin().await;
        let stream = request["stream"] == true;
        let [mut one, mut other] = calls.asked(request).await;
        if stream {
            one.begin_stream().await;
            one.send(begun()).await;
        }
        let headers = "x-amzn-errortype: ThrottlingException\r\n";
        let text = r#"{"message":"Too many requests, please wait before trying again."}"#;
        other.answer(429, headers, text).await;
        let answer = calls.client.answer().await;
        let (status, _, code) = answer.error();
        assert_eq!(
            (status, code.as_deref()),
            (429, Some("rate_limit_exceeded"))
        );
        one.gone().await;
    }
}

#[tokio::test]
async fn one_failure_inside_the_answer_ends_all_choices() {
    let mut calls = TwoCalls::begin().await;
    let [mut one, mut other] = calls.asked(question(MODEL)).await;
    for call in [&mut one, &mut other] {
        call.begin_stream().await;
        call.send(begun()).await;
    }
    assert_eq!(calls.client.head().await.status, 200);
    let mut body = Vec::new();
    for _ in 0..2 {
        body.extend(calls.client.chunk().await.unwrap());
    }
    let failure = exception("internalServerException", "It broke.");
    other.send(failure).await;
    while let Some(chunk) = calls.client.chunk().await {
        body.extend(chunk);
    }
    Events::parse(&body).assert_failed(None);
    one.gone().await;
}

#[tokio::test]
async fn a_client_that_leaves_ends_all_calls() {
    let mut calls = TwoCalls::begin().await;
    let [mut one, mut other] = calls.asked(question(MODEL)).await;
    for call in [&mut one, &mut other] {
        call.begin_stream().await;
        call.send(begun()).await;
    }
    assert_eq!(calls.client.head().await.status, 200);
    drop(calls.client);
    one.gone().await;
    other.gone().await;
}

#[tokio::test]
async fn choices_that_are_late_are_streamed_once_they_are_there() {
    let soon = std::time::Duration::from_millis(1);
    let mut calls = TwoCalls::with(|settings| settings.commit_after = Some(soon)).await;
    let [mut one, mut other] = calls.asked(question(MODEL)).await;
    // The head goes out before any call is answered.
    assert_eq!(calls.client.head().await.status, 200);
    for call in [&mut one, &mut other] {
        call.begin_stream().await;
        call.stream_all(&short_answer()).await;
    }
    let mut body = Vec::new();
    while let Some(chunk) = calls.client.chunk().await {
        body.extend(chunk);
    }
    let events = Events::parse(&body);
    assert!(events.done, "{events:?}");
    for number in 0..2 {
        let said = ("Hello".to_owned(), vec!["stop"]);
        assert_eq!(choice(&events, number), said);
    }
}

#[tokio::test]
async fn each_call_is_repeated_on_its_own() {
    let mut calls = TwoCalls::with(|settings| settings.bedrock.max_attempts = 2).await;
    let [mut one, mut other] = calls.asked(question(MODEL)).await;
    one.begin_stream().await;
    one.stream_all(&short_answer()).await;
    let headers = "connection: close\r\nx-amzn-errortype: ServiceUnavailableException\r\n";
    other.answer(503, headers, r#"{"message":"Busy."}"#).await;
    // The repeated call may come on the first one's connection, which is free again.
    let mut again = tokio::select! {
        call = calls.bedrock.call() => call,
        call = one.next() => call,
    };
    again.begin_stream().await;
    again.stream_all(&short_answer()).await;
    let answer = calls.client.answer().await;
    assert_eq!(answer.header("x-outcrop-attempts"), "3");
    let events = Events::parse(&answer.body);
    assert!(events.done, "{events:?}");
    assert_eq!(choice(&events, 0).0 + &choice(&events, 1).0, "HelloHello");
}
