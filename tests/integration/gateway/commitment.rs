//! When the head goes out though Bedrock is silent, and what comes then.

use std::time::Duration;

use outcrop::config::Config;

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::Connection;
use crate::support::events::Events;
use crate::support::gateway::{MODEL, Running, config, question};
use crate::support::messages::{exception, message_start, short_answer, text_delta};

const MOMENT: Duration = Duration::from_millis(20);

/// A client that has its head while Bedrock has not said anything.
struct Committed {
    client: Connection,
    call: Call,
    _gateway: Running,
}

impl Committed {
    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let mut settings = Config {
            commit_after: Some(MOMENT),
            keep_alive: Duration::ZERO,
            ..config(&bedrock.url())
        };
        change(&mut settings);
        let gateway = Running::with(settings).await;
        let mut client = gateway.connect().await;
        client.chat(&question(MODEL)).await;
        let call = bedrock.call().await;
        let head = client.head().await;
        assert_eq!(
            (head.status, head.header("content-type")),
            (200, "text/event-stream")
        );
        assert_eq!(head.header("x-outcrop-attempts"), "1");
        Self {
            client,
            call,
            _gateway: gateway,
        }
    }

    async fn events(&mut self) -> Events {
        rest(&mut self.client).await
    }
}

/// The events up to the proper end of the body.
async fn rest(client: &mut Connection) -> Events {
    let mut body = Vec::new();
    while let Some(chunk) = client.chunk().await {
        body.extend_from_slice(&chunk);
    }
    Events::parse(&body)
}

#[tokio::test]
async fn an_answer_after_the_head_streams_as_ever() {
    let mut committed = Committed::with(|_| {}).await;
    committed.call.begin_stream().await;
    committed.call.stream_all(&short_answer()).await;
    let events = committed.events().await;
    events.assert_whole("stop");
    assert_eq!(events.content(), "Hello");
}

#[tokio::test]
async fn an_error_after_the_head_is_an_error_event() {
    let mut committed = Committed::with(|_| {}).await;
    let headers = "x-amzn-errortype: ThrottlingException\r\n";
    committed
        .call
        .answer(429, headers, r#"{"message":"Too many requests"}"#)
        .await;
    committed
        .events()
        .await
        .assert_failed(Some("rate_limit_exceeded"));
}

#[tokio::test]
async fn an_exception_in_the_first_message_after_the_head_is_an_error_event() {
    let mut committed = Committed::with(|_| {}).await;
    committed.call.begin_stream().await;
    committed
        .call
        .stream_all(&[exception("validationException", "No.")])
        .await;
    committed.events().await.assert_failed(None);
}

#[tokio::test]
async fn a_connection_lost_after_the_head_is_an_error_event() {
    let Committed {
        mut client,
        call,
        _gateway,
    } = Committed::with(|_| {}).await;
    call.reset();
    rest(&mut client)
        .await
        .assert_failed(Some("upstream_stream_error"));
}

#[tokio::test]
async fn while_bedrock_is_silent_chunks_that_say_nothing_come() {
    let mut committed = Committed::with(|settings| settings.keep_alive = MOMENT).await;
    let mut body = Vec::new();
    for _ in 0..3 {
        let chunk = committed.client.chunk().await.unwrap();
        let events = Events::parse(&chunk);
        assert_eq!((events.chunks.len(), events.content().as_str()), (1, ""));
        assert_eq!(events.chunks[0]["object"], "chat.completion.chunk");
        body.extend_from_slice(&chunk);
    }
    committed.call.begin_stream().await;
    committed.call.stream_all(&short_answer()).await;
    while let Some(chunk) = committed.client.chunk().await {
        body.extend_from_slice(&chunk);
    }
    // With the silent ones in front it is still one well-formed answer.
    let events = Events::parse(&body);
    events.assert_whole("stop");
    assert_eq!(events.content(), "Hello");
}

#[tokio::test]
async fn they_come_between_two_tokens_as_well() {
    let mut committed = Committed::with(|settings| settings.keep_alive = MOMENT).await;
    committed.call.begin_stream().await;
    committed
        .call
        .send([message_start(), text_delta("Hel")].concat())
        .await;
    let mut text = String::new();
    while text.is_empty() {
        text = Events::parse(&committed.client.chunk().await.unwrap()).content();
    }
    assert_eq!(text, "Hel");
    let silent = Events::parse(&committed.client.chunk().await.unwrap());
    assert_eq!((silent.chunks.len(), silent.content().as_str()), (1, ""));
    committed.call.send(text_delta("lo")).await;
    while text == "Hel" {
        text += &Events::parse(&committed.client.chunk().await.unwrap()).content();
    }
    assert_eq!(text, "Hello");
}

#[tokio::test]
async fn a_client_that_leaves_after_the_head_ends_the_pending_call() {
    let Committed {
        client,
        mut call,
        _gateway,
    } = Committed::with(|_| {}).await;
    drop(client);
    call.gone().await;
}
