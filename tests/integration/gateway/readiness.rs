//! What `/health` and `/ready` say, and what a gateway without credentials answers.

use outcrop::config::Environment;

use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{MODEL, Running, config, question, whole_question};

/// A gateway that finds no credentials anywhere.
async fn without_credentials(url: &str) -> Running {
    let environment = Environment::from_pairs([("AWS_EC2_METADATA_DISABLED", "true")]);
    Running::in_environment(config(url), None, &environment).await
}

#[tokio::test]
async fn with_credentials_it_is_ready_without_a_call() {
    // Nobody answers there, so a call would fail.
    let gateway = Running::before("http://127.0.0.1:9").await;
    let answer = gateway.get("/ready").await;
    assert_eq!(
        (answer.status, answer.text()),
        (200, r#"{"status":"ready"}"#)
    );
}

#[tokio::test]
async fn without_credentials_it_is_up_but_not_ready() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = without_credentials(&bedrock.url()).await;
    assert_eq!(gateway.get("/health").await.status, 200);
    let (status, _, code) = gateway.get("/ready").await.error();
    assert_eq!((status, code.as_deref()), (503, Some("upstream_auth")));
}

#[tokio::test]
async fn without_credentials_a_request_fails_before_any_call() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = without_credentials(&bedrock.url()).await;
    for request in [question(MODEL), whole_question(MODEL)] {
        let answer = gateway.chat(&request).await;
        let (status, _, code) = answer.error();
        assert_eq!((status, code.as_deref()), (502, Some("upstream_auth")));
        assert_eq!(answer.header("x-outcrop-attempts"), "0");
        assert_eq!(answer.header("x-should-retry"), "false");
    }
}
