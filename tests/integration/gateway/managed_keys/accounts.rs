//! What is booked of a request, however it ends.

use std::time::Duration;

use outcrop::bedrock::Money;
use outcrop::config::{Config, OnDisconnect};
use outcrop::keys::{IssuedKey, Usage};
use serde_json::json;
use tokio::task::yield_now;

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::{Connection, Head};
use crate::support::gateway::{
    MODEL, Running, StandInServer, config, question, whole_question, with,
};
use crate::support::keys::KeyFile;
use crate::support::messages::{
    WHOLE_ANSWER, block_stop, event, message_start, message_stop, metadata, short_answer,
    text_delta,
};
use crate::support::soon;

/// A model that calls no tools in streams.
const NOT_STREAMING: &str = "us.meta.llama3-3-70b-instruct-v1:0";

/// All that the file holds, once it holds so many requests.
pub(super) async fn booked(keys: &KeyFile, requests: u64) -> Usage {
    let booked = async {
        loop {
            let mut sum = Usage::default();
            for row in keys.usage().await {
                sum += row.usage;
            }
            if sum.requests >= requests {
                return sum;
            }
            yield_now().await;
        }
    };
    soon(booked).await
}

/// An answer of so many tokens.
pub(super) fn used_up(output_tokens: u64) -> Vec<Vec<u8>> {
    let usage =
        json!({"inputTokens": 3, "outputTokens": output_tokens, "totalTokens": 3 + output_tokens});
    let metadata = event(
        "metadata",
        &json!({"usage": usage, "metrics": {"latencyMs": 1}}),
    );
    vec![
        message_start(),
        text_delta("Hi"),
        block_stop(),
        message_stop(),
        metadata,
    ]
}

struct Set {
    keys: KeyFile,
    bedrock: ScriptedBedrock,
    gateway: Running,
    key: IssuedKey,
}

impl Set {
    async fn up(change: impl FnOnce(&mut Config)) -> Self {
        let keys = KeyFile::new().await;
        let key = keys.issue(json!({"name": "search"})).await;
        let bedrock = ScriptedBedrock::start().await;
        let mut config = keys.config(config(&bedrock.url()));
        change(&mut config);
        Self {
            gateway: Running::with(config).await,
            keys,
            bedrock,
            key,
        }
    }

    /// A client that has read the beginning of a stream, and the call behind it.
    async fn half_a_stream(&self) -> (Connection, Head, Call) {
        let mut client = self
            .gateway
            .begin_chat_as(&self.key, &question(MODEL))
            .await;
        let mut call = self.bedrock.stream().await;
        call.send([message_start(), text_delta(&"word ".repeat(60))].concat())
            .await;
        let head = client.head().await;
        assert_eq!(head.status, 200);
        (client, head, call)
    }
}

#[tokio::test]
async fn what_bedrock_counted_is_booked_and_told() {
    let set = Set::up(|config| config.keys.expose_cost = true).await;
    let mut waiting = set
        .gateway
        .begin_chat_as(&set.key, &whole_question(MODEL))
        .await;
    let mut call = set.bedrock.call().await;
    call.answer(200, "", WHOLE_ANSWER).await;
    let answer = waiting.answer().await;
    // Three tokens at USD 3.30 a million, and five at 16.50.
    assert_eq!(answer.header("x-outcrop-cost"), "0.0000924");
    assert_eq!(answer.json()["usage"]["cost"], 0.000_092_4);

    let streamed = with(
        question(MODEL),
        json!({"stream_options": {"include_usage": true}}),
    );
    let mut waiting = set.gateway.begin_chat_as(&set.key, &streamed).await;
    let mut call = set.bedrock.call_or(call).await;
    call.begin_stream().await;
    call.stream_all(&short_answer()).await;
    let answer = waiting.answer().await;
    assert_eq!(answer.header("x-outcrop-cost"), "");
    assert!(
        answer.text().contains(r#""cost":0.0000924"#),
        "{}",
        answer.text()
    );

    let usage = booked(&set.keys, 2).await;
    let expected = Usage {
        requests: 2,
        calls: 2,
        input_tokens: 6,
        output_tokens: 10,
        cost: Money::from_billionths(184_800),
        ..Usage::default()
    };
    assert_eq!(usage, expected);
    let page = set.gateway.get("/metrics").await;
    let id = set.key.view.id;
    for line in [
        format!(r#"outcrop_key_requests_total{{key="search",key_id="{id}",status="200"}} 2"#),
        format!(r#"outcrop_key_tokens_total{{key="search",key_id="{id}",kind="output"}} 10"#),
    ] {
        assert!(
            page.text().contains(&line),
            "{line} is missing in {}",
            page.text()
        );
    }
    assert!(!page.text().contains(set.key.key.expose()));
}

#[tokio::test]
async fn the_choices_of_a_request_are_one_request_of_several_calls() {
    let set = Set::up(|_| {}).await;
    let request = with(whole_question(MODEL), json!({"n": 2}));
    let mut waiting = set.gateway.begin_chat_as(&set.key, &request).await;
    for _ in 0..2 {
        let mut call = set.bedrock.call().await;
        call.answer(200, "", WHOLE_ANSWER).await;
    }
    assert_eq!(waiting.answer().await.status, 200);
    let usage = booked(&set.keys, 1).await;
    assert_eq!(
        (usage.requests, usage.calls, usage.output_tokens),
        (1, 2, 10)
    );
}

#[tokio::test]
async fn a_repeated_call_is_counted_and_a_refused_one_costs_nothing() {
    let set = Set::up(|config| config.bedrock.max_attempts = 2).await;
    let mut waiting = set
        .gateway
        .begin_chat_as(&set.key, &whole_question(MODEL))
        .await;
    let mut call = set.bedrock.call().await;
    let error = "x-amzn-errortype: ValidationException\r\n";
    call.answer(400, error, r#"{"message":"no"}"#).await;
    assert_eq!(waiting.answer().await.status, 400);

    let mut waiting = set
        .gateway
        .begin_chat_as(&set.key, &whole_question(MODEL))
        .await;
    let mut call = set.bedrock.call_or(call).await;
    let error = "x-amzn-errortype: ServiceUnavailableException\r\n";
    call.answer(503, error, "{}").await;
    let mut call = set.bedrock.call_or(call).await;
    call.answer(200, "", WHOLE_ANSWER).await;
    assert_eq!(waiting.answer().await.status, 200);
    let usage = booked(&set.keys, 1).await;
    assert_eq!((usage.calls, usage.input_tokens), (2, 3));
    assert_eq!(usage.estimated_requests, 0);
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_has_cost_its_prompt() {
    let set = Set::up(|_| {}).await;
    let mut waiting = set
        .gateway
        .begin_chat_as(&set.key, &whole_question(MODEL))
        .await;
    set.bedrock.call().await.reset();
    assert_eq!(waiting.answer().await.status, 502);
    let usage = booked(&set.keys, 1).await;
    assert_eq!((usage.calls, usage.estimated_requests), (1, 1));
    assert!(usage.input_tokens > 0 && usage.cost.billionths() > 0);
}

#[tokio::test]
async fn an_answer_that_was_waited_for_in_vain_has_cost_what_may_have_been_written() {
    let set = Set::up(|config| config.bedrock.head_timeout = Duration::from_secs(1)).await;
    let mut waiting = set
        .gateway
        .begin_chat_as(&set.key, &whole_question(MODEL))
        .await;
    let call = set.bedrock.call().await;
    assert_eq!(waiting.answer().await.status, 504);
    drop(call);
    let usage = booked(&set.keys, 1).await;
    assert_eq!(usage.estimated_requests, 1);
    assert!(usage.output_tokens >= 100, "{usage:?}");
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_booked_as_it_was_seen() {
    let set = Set::up(|_| {}).await;
    let (mut client, head, call) = set.half_a_stream().await;
    call.reset();
    assert!(client.body(&head).await.ends_with(b"\n\n"));
    let usage = booked(&set.keys, 1).await;
    assert_eq!((usage.requests, usage.estimated_requests), (1, 1));
    assert!((50..=150).contains(&usage.output_tokens), "{usage:?}");
}

#[tokio::test]
async fn a_client_that_leaves_is_booked_as_it_was_seen() {
    let set = Set::up(|_| {}).await;
    let (client, _, mut call) = set.half_a_stream().await;
    drop(client);
    call.gone().await;
    let usage = booked(&set.keys, 1).await;
    assert_eq!((usage.requests, usage.estimated_requests), (1, 1));
    assert!((50..=150).contains(&usage.output_tokens), "{usage:?}");
}

#[tokio::test]
async fn an_answer_can_be_read_on_without_its_client_for_the_exact_usage() {
    let drain = |config: &mut Config| {
        config.bedrock.on_disconnect = OnDisconnect::Drain;
    };
    let set = Set::up(drain).await;
    let (client, _, mut call) = set.half_a_stream().await;
    drop(client);
    call.stream_all(&[block_stop(), message_stop(), metadata()])
        .await;
    let usage = booked(&set.keys, 1).await;
    assert_eq!((usage.output_tokens, usage.estimated_requests), (5, 0));

    // Nothing of a whole answer was sent when its client leaves.
    let waiting = set
        .gateway
        .begin_chat_as(&set.key, &whole_question(MODEL))
        .await;
    let mut call = set.bedrock.call_or(call).await;
    drop(waiting);
    call.answer(200, "", WHOLE_ANSWER).await;
    let usage = booked(&set.keys, 2).await;
    assert_eq!((usage.output_tokens, usage.estimated_requests), (10, 0));
}

#[tokio::test]
async fn embeddings_are_booked_too() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "memory", "tpm": 1000, "budget": {"usd": 1.0, "per": "month"}}))
        .await;
    let bedrock = StandInServer::start().await;
    let mut config = keys.config(config(&bedrock.url));
    config.keys.expose_cost = true;
    let gateway = Running::with(config).await;
    let request = json!({"model": "amazon.titan-embed-text-v2:0", "input": ["one", "two"]});
    let mut waiting = gateway
        .begin_post_as(&key, "/v1/embeddings", &request)
        .await;
    let answer = waiting.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-ratelimit-limit-tokens"), "1000");
    let tokens = answer.json()["usage"]["prompt_tokens"].as_u64().unwrap();
    let usage = booked(&keys, 1).await;
    assert_eq!(
        (usage.requests, usage.calls, usage.input_tokens),
        (1, 2, tokens)
    );
    assert_eq!(answer.header("x-outcrop-cost"), usage.cost.to_string());
    assert_eq!(answer.json()["usage"]["cost"], usage.cost.usd());
}

#[tokio::test]
async fn an_answer_that_nobody_can_read_costs_what_bedrock_counted() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search"})).await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let usage = json!({"inputTokens": 7, "outputTokens": 5000, "totalTokens": 5007});
    let message = json!({"role": "assistant", "content": [{"text": "Hi"}]});
    let malformed = json!({"output": {"message": message}, "stopReason": "malformed_model_output", "usage": usage});
    let mut waiting = gateway.begin_chat_as(&key, &whole_question(MODEL)).await;
    let mut call = bedrock.call().await;
    call.answer(200, "", &malformed.to_string()).await;
    assert_ne!(waiting.answer().await.status, 200);
    let usage = booked(&keys, 1).await;
    assert_eq!((usage.output_tokens, usage.estimated_requests), (5000, 0));

    // Converse answers where the model cannot stream.
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let request = with(question(NOT_STREAMING), json!({"tools": tools}));
    let mut waiting = gateway.begin_chat_as(&key, &request).await;
    let mut call = bedrock.call_or(call).await;
    assert!(!call.head.contains("converse-stream"), "{}", call.head);
    call.answer(200, "", &malformed.to_string()).await;
    assert_ne!(waiting.answer().await.status, 200);
    let usage = booked(&keys, 2).await;
    assert_eq!((usage.output_tokens, usage.estimated_requests), (10_000, 0));
}
