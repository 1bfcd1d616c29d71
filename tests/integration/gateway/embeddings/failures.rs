//! What is no answer: refusals, failures, and clients that leave.

use outcrop::config::{Config, Unsupported};
use serde_json::json;

use super::{COHERE, TITAN, embed, refuse, send, text_of, titan};
use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{
    MODEL, Running, StandInServer, config, question, whole_question, with,
};

#[tokio::test]
async fn one_part_that_fails_fails_the_request_and_ends_the_others() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": TITAN, "input": ["0", "1", "2"]}),
    )
    .await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(bedrock.call().await);
    }
    calls.sort_by_key(text_of);
    calls[0].answer(200, "", &titan(0)).await;
    refuse(&mut calls[1], 400, "ValidationException", "No such text.").await;
    let answer = client.answer().await;
    assert_eq!(
        answer.error(),
        (400, "invalid_request_error".to_owned(), None)
    );
    assert!(
        answer.message().contains("No such text."),
        "{}",
        answer.message()
    );
    assert_eq!(answer.header("x-amzn-requestid"), "aws-2");
    calls[2].gone().await;
}

#[tokio::test]
async fn a_throttled_part_is_repeated() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings: Config = config(&bedrock.url());
    settings.bedrock.max_attempts = 3;
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": TITAN, "input": "0"}),
    )
    .await;
    let mut call = bedrock.call().await;
    refuse(&mut call, 429, "ThrottlingException", "Too many requests").await;
    let mut call = bedrock.call().await;
    call.answer(200, "", &titan(0)).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "2")
    );
}

#[tokio::test]
async fn failures_are_told_as_those_of_chat_completions() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    for (model, expected) in [
        (
            "replay.embedding-throttled",
            (429, "rate_limit_error", Some("rate_limit_exceeded")),
        ),
        (
            "replay.embedding-too-long",
            (
                400,
                "invalid_request_error",
                Some("context_length_exceeded"),
            ),
        ),
        (
            "replay.short-text",
            (400, "invalid_request_error", Some("invalid_value")),
        ),
        (MODEL, (400, "invalid_request_error", Some("invalid_value"))),
        (
            "text-embedding-3-small",
            (404, "invalid_request_error", Some("model_not_found")),
        ),
        (
            "cohere.embed-v7:0",
            (404, "invalid_request_error", Some("model_not_found")),
        ),
        (
            "a\nb",
            (400, "invalid_request_error", Some("model_not_found")),
        ),
    ] {
        let answer = embed(&gateway, &json!({"model": model, "input": "a"})).await;
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            expected,
            "{model}: {}",
            answer.text()
        );
    }
    let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/memory";
    let refused = embed(&gateway, &json!({"model": profile, "input": "a"})).await;
    for words in ["bedrock:GetInferenceProfile", "base_model"] {
        assert!(refused.message().contains(words), "{}", refused.message());
    }
    let refused = embed(
        &gateway,
        &json!({"model": TITAN, "input": "a", "dimensions": 300}),
    )
    .await;
    assert_eq!(refused.json()["error"]["param"], "dimensions");
    assert!(
        refused.message().contains("256, 512, 1024"),
        "{}",
        refused.message()
    );
    let refused = embed(&gateway, &json!({"model": MODEL, "input": "a"})).await;
    assert!(
        refused.message().contains("is no embeddings model"),
        "{}",
        refused.message()
    );
    assert_eq!(refused.header("x-outcrop-attempts"), "0");
}

#[tokio::test]
async fn an_embeddings_model_cannot_chat() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    for model in [TITAN, "us.cohere.embed-v4:0", "replay.embedding-titan"] {
        for request in [question(model), whole_question(model)] {
            let answer = gateway.chat(&request).await;
            assert_eq!(answer.error().0, 400);
            assert_eq!(answer.json()["error"]["param"], "model");
            assert!(
                answer.message().contains("/v1/embeddings"),
                "{}",
                answer.message()
            );
        }
    }
    let called = stand_in.received.requests();
    assert!(
        called
            .iter()
            .all(|request| request.path.starts_with("/inference-profiles/"))
    );
}

#[tokio::test]
async fn answers_that_are_not_to_be_trusted_are_a_failure() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    let mut last = None;
    for body in [
        r#"{"embeddings":[[1]]}"#,
        r#"{"embeddings":[[1],[2],[3]]}"#,
        r#"{"embeddings":[[1],["2"]]}"#,
        r#"{"embeddings":[[1],[]]}"#,
        "[",
    ] {
        send(
            &mut client,
            "/v1/embeddings",
            &json!({"model": COHERE, "input": ["a", "b"]}),
        )
        .await;
        let mut call = match last.take() {
            None => bedrock.call().await,
            Some(call) => bedrock.call_or(call).await,
        };
        call.answer(200, "", body).await;
        last = Some(call);
        let failure = (
            502,
            "server_error".to_owned(),
            Some("upstream_stream_error".to_owned()),
        );
        assert_eq!(client.answer().await.error(), failure, "{body}");
    }
}

#[tokio::test]
async fn what_has_no_effect_can_be_refused() {
    let settings = Config {
        unsupported: Unsupported::Reject,
        ..config(&StandInServer::start().await.url)
    };
    let gateway = Running::with(settings).await;
    let request = json!({"model": TITAN, "input": "a"});
    assert_eq!(embed(&gateway, &request).await.status, 200);
    let answer = embed(&gateway, &with(request, json!({"input_type": "query"}))).await;
    assert_eq!(answer.json()["error"]["param"], "input_type");
}

#[tokio::test]
async fn a_client_that_leaves_ends_all_calls() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": TITAN, "input": ["0", "1"]}),
    )
    .await;
    let (mut one, mut other) = (bedrock.call().await, bedrock.call().await);
    drop(client);
    one.gone().await;
    other.gone().await;
}
