//! How a stream ends when it does not end well, as the table "How a stream ends" has it: one error event, no finish
//! reason, no `[DONE]`, and the proper end of the chunked body all the same.

mod bytes;

use std::time::Duration;

use serde_json::json;

use outcrop::config::{self, Config};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::Connection;
use crate::support::events::Events;
use crate::support::gateway::{MODEL, Running, StandInServer, config, question, with};
use crate::support::messages::{
    block_stop, event, exception, message, message_start, message_stop, metadata, short_answer,
    text_delta,
};

/// A client that waits for a stream, and Bedrock's end of it.
struct Stream {
    gateway: Running,
    client: Connection,
    bedrock: ScriptedBedrock,
    call: Call,
}

impl Stream {
    async fn begin() -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let config = config(&bedrock.url());
        Self::with(bedrock, config).await
    }

    async fn with(bedrock: ScriptedBedrock, config: Config) -> Self {
        let gateway = Running::with(config).await;
        let mut client = gateway.connect().await;
        client.chat(&question(MODEL)).await;
        let call = bedrock.stream().await;
        Self {
            gateway,
            client,
            bedrock,
            call,
        }
    }

    /// The client's events. The body must have had its proper end: reading it stops the test otherwise.
    async fn events(&mut self) -> Events {
        let answer = self.client.answer().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        Events::parse(&answer.body)
    }

    /// Shows that client and gateway go on as if nothing had been: the next request on the same connection works.
    async fn goes_on(mut self) {
        self.client.chat(&question(MODEL)).await;
        self.bedrock
            .stream()
            .await
            .stream_all(&short_answer())
            .await;
        self.events().await.assert_whole("stop");
        drop(self.gateway);
    }
}

/// A message with one bit changed at `position`.
fn with_flipped_bit(mut message: Vec<u8>, position: usize) -> Vec<u8> {
    message[position] ^= 1;
    message
}

/// Sends a first piece of text and then `bytes`: they must end the stream with `code`, and the upstream connection with it.
async fn fails_after_text(bytes: &[u8], code: Option<&str>) -> Events {
    let mut stream = Stream::begin().await;
    stream
        .call
        .send([message_start(), text_delta("Hel")].concat())
        .await;
    stream.call.send(bytes).await;
    let events = stream.events().await;
    events.assert_failed(code);
    assert_eq!(events.content(), "Hel");
    stream.call.gone().await;
    stream.goes_on().await;
    events
}

#[tokio::test]
async fn an_exception_in_the_first_message_is_a_real_status() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    for (name, status, code) in [
        ("throttlingException", 429, Some("rate_limit_exceeded")),
        ("validationException", 400, None),
        ("serviceUnavailableException", 503, Some("overloaded")),
        ("modelStreamErrorException", 502, Some("model_error")),
        ("internalServerException", 500, None),
        ("modelTimeoutException", 504, Some("model_timeout")),
    ] {
        let mut client = gateway.connect().await;
        client.chat(&question(MODEL)).await;
        bedrock
            .stream()
            .await
            .stream_all(&[exception(name, "No.")])
            .await;
        let answer = client.answer().await;
        let (got, _, got_code) = answer.error();
        assert_eq!((got, got_code.as_deref()), (status, code), "{name}");
        assert_eq!(answer.header("x-amzn-requestid"), "aws-request-1");
    }
}

#[tokio::test]
async fn an_exception_after_text_is_an_error_event() {
    let events = fails_after_text(
        &exception("throttlingException", "Slow down."),
        Some("rate_limit_exceeded"),
    )
    .await;
    let message = events.error.unwrap()["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(message.contains("Rate limit"), "{message}");
}

#[tokio::test]
async fn an_exception_that_is_not_modeled_is_an_error_event() {
    let headers = [
        (":error-code", "InternalFailure"),
        (":error-message", "Something is wrong"),
        (":message-type", "error"),
    ];
    fails_after_text(&message(&headers, ""), None).await;
}

#[tokio::test]
async fn an_exceptions_name_in_place_of_an_events_is_an_error_event() {
    let disguised = event("serviceUnavailableException", &json!({"message": "Busy."}));
    fails_after_text(&disguised, Some("overloaded")).await;
}

#[tokio::test]
async fn an_unknown_event_does_not() {
    let mut stream = Stream::begin().await;
    let mut messages = short_answer();
    messages.insert(2, event("novelty", &json!({"p": "abc"})));
    stream.call.stream_all(&messages).await;
    let events = stream.events().await;
    events.assert_whole("stop");
    assert_eq!(events.content(), "Hello");
}

#[tokio::test]
async fn an_end_before_message_stop_is_a_failure() {
    let mut stream = Stream::begin().await;
    stream
        .call
        .stream_all(&[message_start(), text_delta("Hel"), block_stop()])
        .await;
    let events = stream.events().await;
    events.assert_failed(Some("upstream_stream_error"));
    assert_eq!(events.content(), "Hel");
}

#[tokio::test]
async fn a_reset_connection_is_a_failure() {
    let Stream {
        mut client,
        mut call,
        ..
    } = Stream::begin().await;
    call.send([message_start(), text_delta("Hel")].concat())
        .await;
    let head = client.head().await;
    let mut body = client.chunk().await.unwrap().to_vec();
    call.reset();
    body.extend(client.body(&head).await);
    let events = Events::parse(&body);
    events.assert_failed(Some("upstream_stream_error"));
    assert_eq!(events.content(), "Hel");
}

#[tokio::test]
async fn a_reset_after_metadata_changes_nothing() {
    let Stream {
        mut client,
        mut call,
        ..
    } = Stream::begin().await;
    call.send(short_answer().concat()).await;
    let head = client.head().await;
    let mut body = client.chunk().await.unwrap().to_vec();
    call.reset();
    body.extend(client.body(&head).await);
    Events::parse(&body).assert_whole("stop");
}

#[tokio::test]
async fn a_failure_between_message_stop_and_metadata_costs_the_usage_alone() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let request = with(
        question(MODEL),
        json!({"stream_options": {"include_usage": true}}),
    );
    let stop = [message_start(), text_delta("Hel"), message_stop()].concat();
    for broken in [
        exception("internalServerException", "Oh."),
        with_flipped_bit(metadata(), 9),
    ] {
        let mut client = gateway.connect().await;
        client.chat(&request).await;
        bedrock
            .stream()
            .await
            .stream_all(&[stop.clone(), broken])
            .await;
        let events = Events::parse(&client.answer().await.body);
        events.assert_whole("stop");
        assert!(events.usages().is_empty());
    }
}

#[tokio::test]
async fn a_silence_beyond_the_idle_limit_is_a_failure_and_ends_the_call() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.bedrock = config::Bedrock {
        idle_timeout: Duration::from_millis(50),
        ..settings.bedrock
    };
    let mut stream = Stream::with(bedrock, settings).await;
    stream
        .call
        .send([message_start(), text_delta("Hel")].concat())
        .await;
    let events = stream.events().await;
    events.assert_failed(Some("upstream_timeout"));
    assert!(
        events.error.unwrap()["message"]
            .as_str()
            .unwrap()
            .contains("Timeout")
    );
    stream.call.gone().await;
}

#[tokio::test]
async fn a_stream_that_never_comes_to_an_end_is_cut_when_its_time_is_over() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.bedrock.total_timeout = Duration::from_millis(50);
    let mut stream = Stream::with(bedrock, settings).await;
    stream
        .call
        .send([message_start(), text_delta("Hel")].concat())
        .await;
    stream
        .events()
        .await
        .assert_failed(Some("upstream_timeout"));
    stream.call.gone().await;
}

#[tokio::test]
async fn a_stream_without_any_message_is_a_502() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    for bytes in [Vec::new(), text_delta("x")[..20].to_vec(), vec![0; 16]] {
        let mut client = gateway.connect().await;
        client.chat(&question(MODEL)).await;
        let mut call = bedrock.stream().await;
        if !bytes.is_empty() {
            call.send(&bytes).await;
        }
        call.end().await;
        let (status, _, code) = client.answer().await.error();
        assert_eq!(
            (status, code.as_deref()),
            (502, Some("upstream_stream_error")),
            "{bytes:?}"
        );
    }
}

#[tokio::test]
async fn the_broken_recordings_fail_as_they_must() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    for (fixture, code) in [
        ("exception-in-mid-stream", Some("model_error")),
        ("exception-unavailable-in-mid-stream", Some("overloaded")),
        ("exception-in-tool-call", None),
        ("connection-reset", Some("upstream_stream_error")),
        ("connection-truncated", Some("upstream_stream_error")),
        ("ended-before-message-stop", Some("upstream_stream_error")),
    ] {
        let model = format!("replay.{fixture}");
        gateway.stream(&question(&model)).await.assert_failed(code);
    }
}
