//! Bedrock's failures in OpenAI's words: the table of statuses, types and codes, from the recordings.

use std::time::Duration;

use serde_json::Value;

use crate::support::bedrock::ScriptedBedrock;
use crate::support::client::Answer;
use crate::support::gateway::{MODEL, Running, StandInServer, config, question, whole_question};

/// What a client must see: status, type, code, `retry-after`, and whether it is told not to repeat.
struct Expected(u16, &'static str, Option<&'static str>, bool, bool);

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

const TABLE: [(&str, Expected); 19] = [
    (
        "error-context-length",
        Expected(400, INVALID, Some("context_length_exceeded"), false, false),
    ),
    (
        "error-input-too-long",
        Expected(400, INVALID, Some("context_length_exceeded"), false, false),
    ),
    (
        "error-unknown-model",
        Expected(404, INVALID, Some("model_not_found"), false, false),
    ),
    (
        "error-on-demand",
        Expected(404, INVALID, Some("model_not_found"), false, false),
    ),
    (
        "error-validation",
        Expected(400, INVALID, None, false, false),
    ),
    (
        "error-access-denied",
        Expected(404, INVALID, Some("model_not_found"), false, false),
    ),
    (
        "error-expired-token",
        Expected(502, SERVER, Some("upstream_auth"), false, true),
    ),
    (
        "error-invalid-signature",
        Expected(502, SERVER, Some("upstream_auth"), false, true),
    ),
    (
        "error-resource-not-found",
        Expected(404, INVALID, Some("model_not_found"), false, false),
    ),
    (
        "throttled",
        Expected(
            429,
            "rate_limit_error",
            Some("rate_limit_exceeded"),
            true,
            false,
        ),
    ),
    (
        "throttled-in-first-message",
        Expected(
            429,
            "rate_limit_error",
            Some("rate_limit_exceeded"),
            true,
            false,
        ),
    ),
    (
        "error-throttled-untyped",
        Expected(
            429,
            "rate_limit_error",
            Some("rate_limit_exceeded"),
            true,
            false,
        ),
    ),
    (
        "error-throttled-daily",
        Expected(
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            false,
            true,
        ),
    ),
    (
        "error-service-quota",
        Expected(
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
            false,
            true,
        ),
    ),
    (
        "error-model-not-ready",
        Expected(503, SERVER, Some("model_not_ready"), true, false),
    ),
    (
        "error-model-timeout",
        Expected(504, "timeout", Some("model_timeout"), false, false),
    ),
    (
        "error-model-error",
        Expected(502, SERVER, Some("model_error"), false, false),
    ),
    (
        "error-internal-server",
        Expected(500, SERVER, None, false, false),
    ),
    (
        "error-service-unavailable",
        Expected(503, SERVER, Some("overloaded"), true, false),
    ),
];

/// What OpenClaw and pi-ai take for a prompt that does not fit.
fn reads_as_overflow(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "too many tokens",
        "token limit exceeded",
        "maximum context length is",
        "reduce the length of the messages",
        "prompt too long",
    ]
    .iter()
    .any(|pattern| message.contains(pattern))
}

fn check(answer: &Answer, expected: &Expected, case: &str) {
    let Expected(status, kind, code, retry_after, permanent) = *expected;
    let (got_status, got_kind, got_code) = answer.error();
    assert_eq!(
        (got_status, got_kind.as_str(), got_code.as_deref()),
        (status, kind, code),
        "{case}: {}",
        answer.text()
    );
    assert_eq!(answer.json()["error"]["param"], Value::Null, "{case}");
    let seconds = answer.header("retry-after");
    assert_eq!(
        seconds
            .parse::<u32>()
            .is_ok_and(|seconds| (1..=60).contains(&seconds)),
        retry_after,
        "{case}: {seconds:?}"
    );
    assert_eq!(
        answer.header("x-should-retry") == "false",
        permanent,
        "{case}"
    );
    let overflow = code == Some("context_length_exceeded");
    assert_eq!(
        reads_as_overflow(&answer.message()),
        overflow,
        "{case}: {}",
        answer.message()
    );
}

#[tokio::test]
async fn each_exception_has_its_status_type_and_code_whole_and_streamed() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    // All on one connection: no failure keeps the next request from working.
    let mut client = gateway.connect().await;
    for (fixture, expected) in &TABLE {
        let model = format!("replay.{fixture}");
        for request in [whole_question(&model), question(&model)] {
            client.chat(&request).await;
            check(&client.answer().await, expected, fixture);
        }
    }
    client.chat(&whole_question("replay.short-text")).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn the_text_for_a_prompt_that_does_not_fit_is_one_that_all_clients_know() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let message = gateway
        .chat(&question("replay.error-input-too-long"))
        .await
        .message();
    for part in [
        "This model's maximum context length is 200000 tokens",
        "prompt is too long",
        "Input is too long for requested model.",
        "(context_length_exceeded)",
    ] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[tokio::test]
async fn refused_credentials_are_never_the_clients_fault() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    for fixture in ["error-expired-token", "error-invalid-signature"] {
        let answer = gateway.chat(&question(&format!("replay.{fixture}"))).await;
        assert!(![401, 403].contains(&answer.status));
        assert!(
            answer.message().contains("gateway's AWS credentials"),
            "{}",
            answer.message()
        );
    }
}

#[tokio::test]
async fn how_long_to_wait_is_passed_on_within_a_minute() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    for (asked, told) in [
        ("7", "7"),
        ("60", "60"),
        ("0", "1"),
        ("61", "60"),
        ("soon", "5"),
    ] {
        let mut client = gateway.connect().await;
        client.chat(&question(MODEL)).await;
        let headers = format!(
            "connection: close\r\nx-amzn-errortype: ServiceUnavailableException\r\nretry-after: {asked}\r\n"
        );
        bedrock.call().await.answer(503, &headers, "{}").await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.error().0, answer.header("retry-after")),
            (503, told),
            "{asked}"
        );
    }
}

#[tokio::test]
async fn a_bedrock_that_never_answers_is_a_504() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.bedrock.head_timeout = Duration::from_millis(50);
    let gateway = Running::with(settings).await;
    for request in [question(MODEL), whole_question(MODEL)] {
        let mut client = gateway.connect().await;
        client.chat(&request).await;
        let mut call = bedrock.call().await;
        let (status, kind, code) = client.answer().await.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (504, "timeout", Some("upstream_timeout"))
        );
        call.gone().await;
    }
}

#[tokio::test]
async fn nobody_at_the_endpoint_is_a_502_that_says_so() {
    let bedrock = ScriptedBedrock::start().await;
    let url = bedrock.url();
    drop(bedrock);
    let gateway = Running::before(&url).await;
    for request in [question(MODEL), whole_question(MODEL)] {
        let answer = gateway.chat(&request).await;
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (502, SERVER, Some("upstream_unreachable"))
        );
        assert!(
            answer.message().contains("Service unavailable"),
            "{}",
            answer.message()
        );
    }
}

#[tokio::test]
async fn an_answer_that_is_not_converses_is_a_502() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let coral = r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    for body in [coral, "{}", "[]", r#"{"output":{}}"#, "not json"] {
        let mut client = gateway.connect().await;
        client.chat(&whole_question(MODEL)).await;
        bedrock.call().await.answer(200, "", body).await;
        assert_eq!(client.answer().await.error().0, 502, "{body}");
    }
}

#[tokio::test]
async fn a_whole_answer_cut_in_its_middle_is_a_502() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&whole_question(MODEL)).await;
    let mut call = bedrock.call().await;
    call.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{\"output\":").await;
    drop(call);
    let (status, _, code) = client.answer().await.error();
    assert_eq!(
        (status, code.as_deref()),
        (502, Some("upstream_stream_error"))
    );
}

#[tokio::test]
async fn an_error_page_of_a_proxy_becomes_an_error_object() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.call().await;
    call.write("HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>").await;
    let (status, kind, _) = client.answer().await.error();
    assert_eq!((status, kind.as_str()), (500, SERVER));
}
