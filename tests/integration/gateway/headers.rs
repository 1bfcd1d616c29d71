//! Paths, and the headers that every answer carries.

use serde_json::{Value, json};

use outcrop::config::{Config, Unsupported};

use crate::support::client::Answer;
use crate::support::gateway::{Running, StandInServer, config, question, whole_question, with};

async fn gateway() -> Running {
    Running::before(&StandInServer::start().await.url).await
}

async fn chat_with_headers(gateway: &Running, headers: &[(&str, &str)]) -> Answer {
    let mut connection = gateway.connect().await;
    let body = whole_question("replay.short-text").to_string();
    connection
        .send("POST", "/v1/chat/completions", headers, body)
        .await;
    connection.answer().await
}

#[tokio::test]
async fn the_route_answers_below_v1_and_api_v1_and_without_either() {
    let gateway = gateway().await;
    let mut connection = gateway.connect().await;
    for path in [
        "/v1/chat/completions",
        "/chat/completions",
        "/api/v1/chat/completions",
        "/v1/chat/completions?x=1",
    ] {
        connection
            .send(
                "POST",
                path,
                &[],
                whole_question("replay.short-text").to_string(),
            )
            .await;
        assert_eq!(connection.answer().await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_sane_request_id_is_kept_and_another_replaced() {
    let gateway = gateway().await;
    let answer = chat_with_headers(&gateway, &[("x-request-id", "trace-7_a.b")]).await;
    assert_eq!(answer.header("x-request-id"), "trace-7_a.b");
    let long = "x".repeat(129);
    for insane in ["a b", "a;b", "<script>", &long] {
        let answer = chat_with_headers(&gateway, &[("x-request-id", insane)]).await;
        let id = answer.header("x-request-id");
        assert!(
            id.starts_with("req_") && id.len() == 36,
            "{insane:?} became {id:?}"
        );
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let gateway = gateway().await;
    let mut ids = Vec::new();
    for body in [
        "{",
        "{}",
        &question("replay.short-text").to_string(),
        &question("replay.throttled").to_string(),
    ] {
        let mut connection = gateway.connect().await;
        connection
            .send("POST", "/v1/chat/completions", &[], body)
            .await;
        ids.push(connection.answer().await.header("x-request-id").to_owned());
    }
    for path in ["/health", "/nowhere"] {
        ids.push(gateway.get(path).await.header("x-request-id").to_owned());
    }
    assert!(ids.iter().all(|id| id.len() == 36), "{ids:?}");
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[tokio::test]
async fn bedrocks_request_id_goes_out_with_answers_and_with_errors() {
    let gateway = gateway().await;
    for model in [
        "replay.short-text",
        "replay.error-validation",
        "replay.throttled-in-first-message",
    ] {
        for request in [question(model), whole_question(model)] {
            let answer = gateway.chat(&request).await;
            assert_eq!(
                answer.header("x-amzn-requestid").len(),
                36,
                "{model} {}",
                answer.status
            );
        }
    }
}

#[tokio::test]
async fn one_call_counts_as_one_attempt() {
    let gateway = gateway().await;
    for model in ["replay.short-text", "replay.error-validation"] {
        for request in [question(model), whole_question(model)] {
            assert_eq!(
                gateway.chat(&request).await.header("x-outcrop-attempts"),
                "1",
                "{model}"
            );
        }
    }
    let mut connection = gateway.connect().await;
    connection
        .send("POST", "/v1/chat/completions", &[], "{}")
        .await;
    assert_eq!(connection.answer().await.header("x-outcrop-attempts"), "0");
}

fn tuned() -> Value {
    with(
        whole_question("replay.short-text"),
        json!({"seed": 7, "user": null, "n": 1, "logit_bias": {"50256": -100}, "frequency_penalty": 0.5, "store": false}),
    )
}

#[tokio::test]
async fn what_has_no_effect_is_named() {
    let gateway = gateway().await;
    let answer = gateway.chat(&tuned()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("x-outcrop-ignored"),
        "seed, logit_bias, frequency_penalty"
    );
    let answer = gateway.chat(&with(tuned(), json!({"stream": true}))).await;
    assert_eq!(
        answer.header("x-outcrop-ignored"),
        "seed, logit_bias, frequency_penalty"
    );
    let answer = gateway.chat(&whole_question("replay.short-text")).await;
    assert!(!answer.headers.contains_key("x-outcrop-ignored"));
    assert!(!answer.headers.contains_key("x-outcrop-adjusted"));
}

#[tokio::test]
async fn what_was_changed_is_named() {
    let request = with(
        whole_question("replay.short-text"),
        json!({"temperature": 1.7}),
    );
    let answer = gateway().await.chat(&request).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-adjusted")),
        (200, "temperature=1")
    );
}

#[tokio::test]
async fn a_strict_gateway_refuses_what_has_no_effect() {
    let stand_in = StandInServer::start().await;
    let settings = Config {
        unsupported: Unsupported::Reject,
        ..config(&stand_in.url)
    };
    let gateway = Running::with(settings).await;
    let answer = gateway.chat(&tuned()).await;
    assert_eq!(answer.error().0, 400);
    assert_eq!(answer.json()["error"]["param"], "seed");
    let endless = json!({ "ö".repeat(100_000): 1 });
    let answer = gateway
        .chat(&with(whole_question("replay.short-text"), endless))
        .await;
    assert_eq!(answer.error().0, 400);
    assert!(answer.body.len() < 2000, "{} bytes", answer.body.len());
    assert_eq!(
        gateway
            .chat(&whole_question("replay.short-text"))
            .await
            .status,
        200
    );
    let calls = stand_in
        .received
        .requests()
        .into_iter()
        .filter(|request| request.path.starts_with("/model/"));
    assert_eq!(calls.count(), 1);
}
