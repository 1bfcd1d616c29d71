//! Calls that are repeated before the client has seen anything.

use outcrop::config::Config;

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::Connection;
use crate::support::events::Events;
use crate::support::gateway::{MODEL, Running, config, question, whole_question};
use crate::support::messages::{WHOLE_ANSWER, exception, short_answer};

struct Retrying {
    bedrock: ScriptedBedrock,
    client: Connection,
    _gateway: Running,
}

impl Retrying {
    async fn begin() -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let mut settings: Config = config(&bedrock.url());
        settings.bedrock.max_attempts = 3;
        let gateway = Running::with(settings).await;
        Self {
            client: gateway.connect().await,
            bedrock,
            _gateway: gateway,
        }
    }

    /// Lets the first call fail as `fail` does it, and the second succeed.
    async fn succeeds_after<F: Future<Output = ()>>(mut self, fail: impl FnOnce(Call) -> F) {
        self.client.chat(&question(MODEL)).await;
        fail(self.bedrock.call().await).await;
        self.bedrock
            .stream()
            .await
            .stream_all(&short_answer())
            .await;
        let answer = self.client.answer().await;
        assert_eq!(
            (answer.status, answer.header("x-outcrop-attempts")),
            (200, "2"),
            "{}",
            answer.text()
        );
        let events = Events::parse(&answer.body);
        events.assert_whole("stop");
        assert_eq!(events.content(), "Hello");
    }
}

/// Answers once and closes the connection, so that the next call comes on one of its own.
async fn answer(mut call: Call, status: u16, name: &str, text: &str) {
    let headers = format!("connection: close\r\nx-amzn-errortype: {name}\r\n");
    call.answer(status, &headers, &format!(r#"{{"message":"{text}"}}"#))
        .await;
}

#[tokio::test]
async fn an_overloaded_bedrock_is_asked_again() {
    let fail = |call| answer(call, 503, "ServiceUnavailableException", "Busy.");
    Retrying::begin().await.succeeds_after(fail).await;
}

#[tokio::test]
async fn a_throttled_call_is_repeated() {
    let fail = |call| answer(call, 429, "ThrottlingException", "Too many requests");
    Retrying::begin().await.succeeds_after(fail).await;
}

#[tokio::test]
async fn a_model_that_is_not_ready_is_asked_again() {
    let fail = |call| answer(call, 429, "ModelNotReadyException", "Not yet.");
    Retrying::begin().await.succeeds_after(fail).await;
}

#[tokio::test]
async fn a_connection_that_is_reset_is_replaced() {
    Retrying::begin()
        .await
        .succeeds_after(async |call: Call| call.reset())
        .await;
}

#[tokio::test]
async fn a_throttling_message_in_an_open_stream_is_repeated() {
    let fail = async |mut call: Call| {
        call.begin_stream().await;
        call.stream_all(&[exception("throttlingException", "Slow down.")])
            .await;
    };
    Retrying::begin().await.succeeds_after(fail).await;
}

#[tokio::test]
async fn a_whole_answer_is_asked_for_again_too() {
    let mut retrying = Retrying::begin().await;
    retrying.client.chat(&whole_question(MODEL)).await;
    answer(
        retrying.bedrock.call().await,
        500,
        "InternalServerException",
        "Oh.",
    )
    .await;
    retrying
        .bedrock
        .call()
        .await
        .answer(200, "", WHOLE_ANSWER)
        .await;
    let answer = retrying.client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "2")
    );
}

#[tokio::test]
async fn after_the_last_attempt_the_failure_is_told_with_their_number() {
    let mut retrying = Retrying::begin().await;
    retrying.client.chat(&question(MODEL)).await;
    for _ in 0..3 {
        answer(
            retrying.bedrock.call().await,
            503,
            "ServiceUnavailableException",
            "Busy.",
        )
        .await;
    }
    let answer = retrying.client.answer().await;
    assert_eq!(
        (answer.error().0, answer.header("x-outcrop-attempts")),
        (503, "3")
    );
}

#[tokio::test]
async fn a_wrong_request_and_a_used_up_day_are_not_repeated() {
    let mut retrying = Retrying::begin().await;
    for (status, name, text, expected) in [
        (400, "ValidationException", "Malformed input request", 400),
        (403, "AccessDeniedException", "No.", 404),
        (
            429,
            "ThrottlingException",
            "Too many tokens per day, please wait before trying again.",
            429,
        ),
    ] {
        retrying.client.chat(&question(MODEL)).await;
        answer(retrying.bedrock.call().await, status, name, text).await;
        let answer = retrying.client.answer().await;
        assert_eq!(
            (answer.error().0, answer.header("x-outcrop-attempts")),
            (expected, "1"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_attempt_is_signed_and_sends_the_same_body() {
    let mut retrying = Retrying::begin().await;
    retrying.client.chat(&question(MODEL)).await;
    let first = retrying.bedrock.call().await;
    let body = first.body.clone();
    answer(first, 503, "ServiceUnavailableException", "Busy.").await;
    let mut second = retrying.bedrock.call().await;
    assert_eq!(second.body, body);
    assert!(
        second
            .head
            .contains("authorization: aws4-hmac-sha256 credential="),
        "{}",
        second.head
    );
    assert!(second.head.contains("x-amz-date: "), "{}", second.head);
    second.begin_stream().await;
    second.stream_all(&short_answer()).await;
    assert_eq!(retrying.client.answer().await.status, 200);
}

#[tokio::test]
async fn nothing_is_repeated_once_text_was_sent() {
    let mut retrying = Retrying::begin().await;
    retrying.client.chat(&question(MODEL)).await;
    let mut call = retrying.bedrock.stream().await;
    call.send(short_answer()[..2].concat()).await;
    let head = retrying.client.head().await;
    let mut body = retrying.client.chunk().await.unwrap().to_vec();
    call.reset();
    body.extend(retrying.client.body(&head).await);
    Events::parse(&body).assert_failed(Some("upstream_stream_error"));
    assert_eq!(head.header("x-outcrop-attempts"), "1");
}
