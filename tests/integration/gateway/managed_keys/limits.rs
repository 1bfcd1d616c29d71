//! Where the limits of a key are, and what a client is told of them.

use serde_json::json;

use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{
    MODEL, Running, StandInServer, config, question, whole_question, with,
};
use crate::support::keys::KeyFile;
use crate::support::messages::short_answer;

#[tokio::test]
async fn a_reached_rate_limit_says_when_to_come_again() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search", "rpm": 2})).await;
    let bedrock = StandInServer::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url))).await;
    let first = gateway
        .chat_as(&key, &whole_question("replay.short-text"))
        .await;
    assert_eq!(first.status, 200, "{}", first.text());
    assert_eq!(first.header("x-ratelimit-limit-requests"), "2");
    assert_eq!(first.header("x-ratelimit-remaining-requests"), "1");
    assert_eq!(first.header("x-ratelimit-reset-requests"), "30s");
    assert_eq!(first.header("x-ratelimit-limit-tokens"), "");
    // Every route counts.
    assert_eq!(gateway.get_as(&key, "/v1/models").await.status, 200);
    for answer in [
        gateway.chat_as(&key, &question("replay.short-text")).await,
        gateway.get_as(&key, "/v1/models").await,
    ] {
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (429, "rate_limit_error", Some("rate_limit_exceeded"))
        );
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), "0");
        let wait: u32 = answer.header("retry-after").parse().unwrap();
        assert!((1..=30).contains(&wait), "{wait}");
        assert!(
            answer
                .message()
                .starts_with("Rate limit reached for this key: 2 requests per minute."),
            "{}",
            answer.message()
        );
    }
    let calls = bedrock.received.requests().into_iter();
    assert_eq!(
        calls
            .filter(|call| call.path.ends_with("/converse"))
            .count(),
        1
    );
}

#[tokio::test]
async fn who_may_ask_once_at_a_time_can_ask_again_when_the_answer_is_whole() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "concurrency": 1}))
        .await;
    let bedrock = StandInServer::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url))).await;
    let mut connection = gateway.connect().await;
    let bearer = crate::support::keys::bearer(&key);
    for round in 0..50 {
        let body = match round % 3 {
            0 => question("replay.short-text"),
            1 => whole_question("replay.short-text"),
            _ => with(question("replay.short-text"), json!({"n": 3})),
        };
        let headers = [("authorization", bearer.as_str())];
        connection
            .send("POST", "/v1/chat/completions", &headers, body.to_string())
            .await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, 200, "{round}: {}", answer.text());
    }
}

#[tokio::test]
async fn requests_at_the_same_time_are_bounded() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "concurrency": 1}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let mut first = gateway.begin_chat_as(&key, &question(MODEL)).await;
    let mut call = bedrock.stream().await;
    let refused = gateway.chat_as(&key, &question(MODEL)).await;
    let (status, _, code) = refused.error();
    assert_eq!(
        (status, code.as_deref()),
        (429, Some("rate_limit_exceeded"))
    );
    assert_eq!(refused.header("retry-after"), "1");
    call.stream_all(&short_answer()).await;
    assert_eq!(first.answer().await.status, 200);
}

#[tokio::test]
async fn every_answer_to_a_limited_key_says_how_its_limits_stand() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "rpm": 100, "tpm": 100_000, "models": ["replay.*"]}))
        .await;
    let bedrock = StandInServer::start().await;
    let mut config = keys.config(config(&bedrock.url));
    config.max_body_bytes = 10_000;
    let gateway = Running::with(config).await;
    let model = "replay.short-text";
    let large = with(question(model), json!({"user": "x".repeat(20_000)}));
    for (body, status) in [
        (question(model), 200),
        (whole_question(model), 200),
        (with(question(model), json!({"n": 2})), 200),
        (json!({"model": model}), 400),
        (question("gpt-4o"), 404),
        (question("replay.throttled"), 429),
        (large, 413),
    ] {
        let answer = gateway.chat_as(&key, &body).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        for header in ["limit", "remaining", "reset"] {
            for of in ["requests", "tokens"] {
                let header = format!("x-ratelimit-{header}-{of}");
                assert_ne!(answer.header(&header), "", "{header} with {status}");
            }
        }
    }
    for path in ["/v1/models", "/v1/models/gpt-4o"] {
        let answer = gateway.get_as(&key, path).await;
        assert_eq!(answer.header("x-ratelimit-limit-requests"), "100", "{path}");
    }
}
