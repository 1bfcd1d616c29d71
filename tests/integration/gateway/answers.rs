//! What a client gets for each kind of answer, whole and streamed, from the recordings.

use serde_json::{Value, json};

use crate::support::bedrock::ScriptedBedrock;
use crate::support::events::Events;
use crate::support::gateway::{Running, StandInServer, question, whole_question, with};
use crate::support::messages::short_answer;

async fn gateway() -> Running {
    Running::before(&StandInServer::start().await.url).await
}

/// Text of a whole answer and of a streamed one, which must agree, with the finish reason of both.
async fn text_both_ways(fixture: &str, finish_reason: &str) -> String {
    let gateway = gateway().await;
    let model = format!("replay.{fixture}");
    let answer = gateway.chat(&whole_question(&model)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], finish_reason, "{body}");
    let text = choice["message"]["content"].as_str().unwrap().to_owned();

    let events = gateway.stream(&question(&model)).await;
    events.assert_whole(finish_reason);
    assert_eq!(events.content(), text);
    text
}

#[tokio::test]
async fn a_whole_answer_has_every_member_that_clients_read() {
    let answer = gateway()
        .await
        .chat(&whole_question("replay.short-text"))
        .await;
    let mut body = answer.json();
    let id = body["id"].take();
    assert_eq!(
        id,
        format!("chatcmpl-{}", answer.header("x-amzn-requestid"))
    );
    assert!(
        body["created"]
            .take()
            .as_u64()
            .is_some_and(|created| created > 1_700_000_000)
    );
    let message = json!({
        "role": "assistant",
        "content": "An outcrop is where bedrock comes to the surface.",
        "refusal": null,
    });
    assert_eq!(
        body["choices"],
        json!([{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}])
    );
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["model"], "replay.short-text");
    assert_eq!(body["usage"]["prompt_tokens"], 14);
    assert_eq!(body["usage"]["completion_tokens"], 15);
    assert_eq!(body["usage"]["total_tokens"], 29);
}

#[tokio::test]
async fn a_streamed_answer_is_the_same_text_delta_by_delta() {
    let gateway = gateway().await;
    let answer = gateway.chat(&question("replay.short-text")).await;
    assert_eq!(answer.header("cache-control"), "no-cache");
    assert_eq!(answer.header("x-accel-buffering"), "no");
    let events = gateway.stream(&question("replay.short-text")).await;
    events.assert_whole("stop");
    assert_eq!(
        events.content(),
        "An outcrop is where bedrock comes to the surface."
    );
    // Ten deltas and the finish; usage was not asked for.
    assert_eq!(events.chunks.len(), 11);
    assert!(events.usages().is_empty());
}

#[tokio::test]
async fn usage_comes_in_a_chunk_of_its_own_when_it_is_asked_for() {
    let request = with(
        question("replay.short-text"),
        json!({"stream_options": {"include_usage": true}}),
    );
    let events = gateway().await.stream(&request).await;
    events.assert_whole("stop");
    let (last, others) = events.chunks.split_last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["total_tokens"], 29);
    assert!(
        others
            .iter()
            .all(|chunk| chunk.get("usage") == Some(&Value::Null))
    );
}

#[tokio::test]
async fn cached_tokens_are_part_of_the_prompt() {
    let model = "replay.cached-usage";
    let gateway = gateway().await;
    let whole = gateway.chat(&whole_question(model)).await.json();
    let usage = &whole["usage"];
    let request = with(
        question(model),
        json!({"stream_options": {"include_usage": true}}),
    );
    let events = gateway.stream(&request).await;
    assert_eq!(events.usages(), [usage]);
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64).unwrap();
    let cached = count("/prompt_tokens_details/cached_tokens");
    let written = count("/prompt_tokens_details/cache_write_tokens");
    assert!(cached > 0 && written > 0, "{usage}");
    assert!(count("/prompt_tokens") > cached + written);
    assert_eq!(
        count("/prompt_tokens") + count("/completion_tokens"),
        count("/total_tokens")
    );
}

#[tokio::test]
async fn text_beyond_ascii_arrives_as_it_was_sent() {
    let text = text_both_ways("unicode-text", "stop").await;
    for piece in ["\u{200d}", "\n", "\t", "\"", "\\"] {
        assert!(text.contains(piece), "{piece:?} is not in {text:?}");
    }
}

#[tokio::test]
async fn a_thousand_deltas_are_a_thousand_chunks() {
    let events = gateway().await.stream(&question("replay.long-text")).await;
    events.assert_whole("stop");
    assert!(events.chunks.len() > 1_000, "{}", events.chunks.len());
}

#[tokio::test]
async fn an_answer_cut_by_its_limit_ends_with_length() {
    text_both_ways("max-tokens", "length").await;
}

#[tokio::test]
async fn a_guardrails_text_is_passed_on_with_content_filter() {
    assert!(
        text_both_ways("guardrail-intervened", "content_filter")
            .await
            .starts_with("Sorry")
    );
}

#[tokio::test]
async fn an_answer_at_a_stop_sequence_ends_with_stop() {
    text_both_ways("stop-sequence", "stop").await;
}

#[tokio::test]
async fn models_of_other_families_answer_too() {
    for fixture in ["nova-text", "mistral-text"] {
        assert!(!text_both_ways(fixture, "stop").await.is_empty());
    }
}

#[tokio::test]
async fn redacted_reasoning_leaves_the_text() {
    assert!(
        !text_both_ways("reasoning-redacted", "stop")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_model_is_also_found_by_its_own_id() {
    let model = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
    let events = gateway().await.stream(&question(model)).await;
    assert_eq!(events.chunks[0]["model"], model);
    assert_eq!(
        events.content(),
        "An outcrop is where bedrock comes to the surface."
    );
}

#[tokio::test]
async fn a_model_whose_family_cannot_be_looked_up_answers_all_the_same() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let model = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
    let mut client = gateway.connect().await;
    client.chat(&question(model)).await;
    let mut look_up = bedrock.call().await;
    assert!(
        look_up.head.starts_with("get /inference-profiles/"),
        "{}",
        look_up.head
    );
    let headers = "connection: close\r\nx-amzn-errortype: AccessDeniedException\r\n";
    look_up.answer(403, headers, r#"{"message":"No."}"#).await;
    // The second request remembers the failure and does not ask again.
    for _ in 0..2 {
        let mut call = bedrock.call().await;
        assert!(
            call.head.starts_with("post /model/arn%3aaws%3abedrock"),
            "{}",
            call.head
        );
        call.begin_stream().await;
        call.stream_all(&short_answer()).await;
        drop(call);
        let events = Events::parse(&client.answer().await.body);
        events.assert_whole("stop");
        assert_eq!(events.chunks[0]["model"], model);
        client.chat(&question(model)).await;
    }
}
