//! What is booked of a request that was not answered by one call alone.

use std::time::Duration;

use outcrop::bedrock::Money;
use serde_json::{Value, json};

use super::accounts::booked;
use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::gateway::{MODEL, Running, alias, config, question, whole_question, with};
use crate::support::keys::KeyFile;
use crate::support::messages::{
    WHOLE_ANSWER, block_stop, exception, message_start, message_stop, metadata, text_delta,
};

const NOVA: &str = "us.amazon.nova-lite-v1:0";
const TITAN: &str = "amazon.titan-embed-text-v2:0";
/// After which the head goes out though Bedrock is silent.
const MOMENT: Duration = Duration::from_millis(20);
const UNAVAILABLE: &str = "x-amzn-errortype: ServiceUnavailableException\r\n";
const INVALID: &str = "x-amzn-errortype: ValidationException\r\n";

/// The text that a call of Titan's embeds.
fn text_of(call: &Call) -> String {
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    body["inputText"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn usage_is_told_by_the_model_that_answered() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search"})).await;
    let bedrock = ScriptedBedrock::start().await;
    let mut config = keys.config(config(&bedrock.url()));
    config.models = vec![alias("best", &[MODEL, NOVA])];
    config.bedrock.max_attempts = 2;
    let gateway = Running::with(config).await;
    let mut waiting = gateway.begin_chat_as(&key, &whole_question("best")).await;
    let mut call = bedrock.call().await;
    call.answer(503, UNAVAILABLE, "{}").await;
    let mut call = bedrock.call_or(call).await;
    assert!(call.head.contains("nova-lite"), "{}", call.head);
    call.answer(200, "", WHOLE_ANSWER).await;
    assert_eq!(waiting.answer().await.status, 200);
    booked(&keys, 1).await;
    assert_eq!(keys.usage().await[0].model, NOVA);
}

#[tokio::test]
async fn a_choice_that_fails_leaves_what_the_others_took() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search"})).await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let request = with(whole_question(MODEL), json!({"n": 2}));
    let mut waiting = gateway.begin_chat_as(&key, &request).await;
    let mut answered = bedrock.call().await;
    let mut refused = bedrock.call().await;
    answered.answer(200, "", WHOLE_ANSWER).await;
    // The connection comes back once the answer was read.
    let mut again = gateway.begin_chat_as(&key, &whole_question(MODEL)).await;
    let mut answered = answered.next().await;
    answered.answer(200, "", WHOLE_ANSWER).await;
    assert_eq!(again.answer().await.status, 200);
    refused.answer(400, INVALID, "{}").await;
    assert_eq!(waiting.answer().await.status, 400);
    let usage = booked(&keys, 2).await;
    assert_eq!(
        (usage.calls, usage.input_tokens, usage.output_tokens),
        (3, 6, 10)
    );
    assert_eq!(usage.cost, Money::from_billionths(184_800));
    assert_eq!(usage.estimated_requests, 0);
}

#[tokio::test]
async fn an_answer_that_cannot_be_told_was_paid_for_all_the_same() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search"})).await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let mut waiting = gateway.begin_chat_as(&key, &whole_question(MODEL)).await;
    let mut call = bedrock.call().await;
    let malformed = WHOLE_ANSWER.replace("end_turn", "malformed_tool_use");
    assert_ne!(malformed, WHOLE_ANSWER);
    call.answer(200, "", &malformed).await;
    assert!(waiting.answer().await.status >= 500);
    let usage = booked(&keys, 1).await;
    assert_eq!((usage.input_tokens, usage.output_tokens), (3, 5));
    assert_eq!(usage.estimated_requests, 0);
}

#[tokio::test]
async fn a_text_that_cannot_be_embedded_leaves_what_the_others_took() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "memory"})).await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let request = json!({"model": TITAN, "input": ["0", "1", "2"]});
    let mut waiting = gateway
        .begin_post_as(&key, "/v1/embeddings", &request)
        .await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(bedrock.call().await);
    }
    calls.sort_by_key(text_of);
    let embedding = json!({"embedding": [1], "inputTextTokenCount": 500}).to_string();
    calls[1]
        .answer(200, "connection: close\r\n", &embedding)
        .await;
    // It is closed once the answer was read.
    calls[1].gone().await;
    calls[0].answer(400, INVALID, "{}").await;
    assert_eq!(waiting.answer().await.status, 400);
    let usage = booked(&keys, 1).await;
    assert_eq!((usage.requests, usage.calls), (1, 3));
    // The second as it was counted, and the third, which was being made, as estimated.
    assert!((501..550).contains(&usage.input_tokens), "{usage:?}");
    assert_eq!(usage.estimated_requests, 1);
}

#[tokio::test]
async fn another_target_answers_no_longer_than_was_reserved() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "budget": {"usd": 50.0, "per": "month"}}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let mut config = keys.config(config(&bedrock.url()));
    // Nova Lite writes no more than 10,000 tokens, and Claude 64,000.
    config.models = vec![alias("best", &[NOVA, MODEL])];
    config.bedrock.max_attempts = 2;
    let gateway = Running::with(config).await;
    let request = with(whole_question("best"), json!({"max_tokens": 20_000}));
    let mut waiting = gateway.begin_chat_as(&key, &request).await;
    let most = |call: &Call| {
        let sent: Value = serde_json::from_slice(&call.body).unwrap();
        sent["inferenceConfig"]["maxTokens"].as_u64()
    };
    let mut call = bedrock.call().await;
    let reserved = most(&call);
    call.answer(503, UNAVAILABLE, "{}").await;
    let mut call = bedrock.call_or(call).await;
    assert!(call.head.contains("claude"), "{}", call.head);
    assert_eq!((reserved, most(&call)), (Some(10_000), Some(10_000)));
    call.answer(200, "", WHOLE_ANSWER).await;
    let answer = waiting.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-outcrop-adjusted"), "max_tokens=10000");
}

#[tokio::test]
async fn a_client_that_leaves_before_bedrock_answers_is_booked_as_estimated() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search"})).await;
    let bedrock = ScriptedBedrock::start().await;
    let mut config = keys.config(config(&bedrock.url()));
    config.commit_after = Some(MOMENT);
    let gateway = Running::with(config).await;
    let waiting = gateway.begin_chat_as(&key, &whole_question(MODEL)).await;
    let mut call = bedrock.call().await;
    drop(waiting);
    call.gone().await;
    let mut early = gateway.begin_chat_as(&key, &question(MODEL)).await;
    let mut call = bedrock.call().await;
    assert_eq!(early.head().await.status, 200);
    drop(early);
    call.gone().await;
    let usage = booked(&keys, 2).await;
    assert_eq!((usage.calls, usage.estimated_requests), (2, 2));
    assert!(usage.input_tokens > 0 && usage.cost.billionths() > 0);
}

#[tokio::test]
async fn a_failure_after_the_head_is_over_when_the_client_is_told() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "concurrency": 1}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let mut config = keys.config(config(&bedrock.url()));
    config.commit_after = Some(MOMENT);
    let gateway = Running::with(config).await;
    let mut client = gateway.begin_chat_as(&key, &question(MODEL)).await;
    let mut call = bedrock.call().await;
    let head = client.head().await;
    call.answer(400, INVALID, "{}").await;
    let mut told = Vec::new();
    while !told.ends_with(b"}\n\n") {
        told.extend_from_slice(&client.chunk().await.unwrap());
    }
    assert_eq!(
        (head.status, gateway.get_as(&key, "/v1/models").await.status),
        (200, 200)
    );
}

#[tokio::test]
async fn a_choice_that_breaks_off_ends_all_when_the_client_is_told() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "concurrency": 1}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let request = with(question(MODEL), json!({"n": 3}));
    let mut client = gateway.begin_chat_as(&key, &request).await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        let mut call = bedrock.stream().await;
        call.send([message_start(), text_delta("Hello")].concat())
            .await;
        calls.push(call);
    }
    let head = client.head().await;
    assert_eq!(head.status, 200);
    calls[0]
        .stream_all(&[block_stop(), message_stop(), metadata()])
        .await;
    calls[1]
        .send(exception("modelStreamErrorException", "no"))
        .await;
    let mut told = String::new();
    while !told.contains("\"error\"") {
        told += std::str::from_utf8(&client.chunk().await.unwrap()).unwrap();
    }
    assert_eq!(gateway.get_as(&key, "/v1/models").await.status, 200);
    calls[2].gone().await;
    let usage = booked(&keys, 1).await;
    assert_eq!((usage.calls, usage.estimated_requests), (3, 1));
    assert!((6..20).contains(&usage.output_tokens), "{usage:?}");
}
