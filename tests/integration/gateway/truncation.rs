//! A stream cut at every position, in every split: it ends in exactly one way.

use serde_json::json;

use crate::support::bedrock::{ScriptedBedrock, chunk};
use crate::support::events::Events;
use crate::support::gateway::{MODEL, Running, question, with};
use crate::support::messages::short_answer;

/// A pair of gateway and Bedrock through which many streams go, one after the other.
struct Path {
    gateway: Running,
    bedrock: ScriptedBedrock,
}

impl Path {
    async fn open() -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let gateway = Running::before(&bedrock.url()).await;
        Self { gateway, bedrock }
    }

    /// What a client gets when Bedrock sends `body`, framed already, and closes the connection.
    async fn client_gets(&self, body: &[u8]) -> (u16, Vec<u8>) {
        let mut client = self.gateway.connect().await;
        client
            .chat(&with(
                question(MODEL),
                json!({"stream_options": {"include_usage": true}}),
            ))
            .await;
        let mut call = self.bedrock.call().await;
        // It says so, because the next request must not be sent over a connection that is about to end.
        call.write(
            "HTTP/1.1 200 OK\r\nx-amzn-requestid: aws-request-1\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\n",
        )
        .await;
        call.write(body).await;
        drop(call);
        let answer = client.answer().await;
        (answer.status, answer.body)
    }
}

#[tokio::test]
async fn cut_before_the_end_of_message_stop_it_fails_and_after_it_it_is_done() {
    let messages = short_answer();
    let bytes = messages.concat();
    let first = messages[0].len();
    let stopped = bytes.len() - messages.last().unwrap().len();
    let path = Path::open().await;
    for length in 0..=bytes.len() {
        // Without the end of the chunked body: the connection is lost there.
        let body = if length == 0 {
            Vec::new()
        } else {
            chunk(&bytes[..length])
        };
        let (status, body) = path.client_gets(&body).await;
        if length < first {
            assert_eq!(status, 502, "cut at {length}");
            continue;
        }
        assert_eq!(status, 200, "cut at {length}");
        let events = Events::parse(&body);
        if length < stopped {
            events.assert_failed(Some("upstream_stream_error"));
        } else {
            events.assert_whole("stop");
            assert_eq!(
                events.usages().len(),
                usize::from(length == bytes.len()),
                "cut at {length}"
            );
        }
    }
}

#[tokio::test]
async fn ended_properly_at_every_position_it_fails_just_the_same() {
    let messages = short_answer();
    let bytes = messages.concat();
    let first = messages[0].len();
    let stopped = bytes.len() - messages.last().unwrap().len();
    let path = Path::open().await;
    for length in first..=bytes.len() {
        let mut body = chunk(&bytes[..length]);
        body.extend_from_slice(b"0\r\n\r\n");
        let (status, body) = path.client_gets(&body).await;
        assert_eq!(status, 200, "cut at {length}");
        let events = Events::parse(&body);
        if length < stopped {
            events.assert_failed(Some("upstream_stream_error"));
        } else {
            events.assert_whole("stop");
        }
    }
}

#[tokio::test]
async fn chunks_of_every_size_give_the_same_events() {
    let bytes = short_answer().concat();
    let path = Path::open().await;
    let mut first: Option<Events> = None;
    for size in (1..=bytes.len()).filter(|size| *size < 20 || size % 7 == 0) {
        let mut body: Vec<u8> = bytes.chunks(size).flat_map(chunk).collect();
        body.extend_from_slice(b"0\r\n\r\n");
        let (_, body) = path.client_gets(&body).await;
        let mut events = Events::parse(&body);
        events.assert_whole("stop");
        for event in &mut events.chunks {
            event["created"].take();
        }
        match &first {
            None => first = Some(events),
            Some(first) => assert_eq!(events.chunks, first.chunks, "in pieces of {size}"),
        }
    }
}

#[tokio::test]
async fn every_flipped_bit_is_noticed() {
    let messages = short_answer();
    let bytes = messages.concat();
    let first = messages[0].len();
    let stopped = bytes.len() - messages.last().unwrap().len();
    let path = Path::open().await;
    for position in (0..bytes.len()).step_by(3) {
        let mut flipped = bytes.clone();
        flipped[position] ^= 0x10;
        let mut body = chunk(&flipped);
        body.extend_from_slice(b"0\r\n\r\n");
        let (status, body) = path.client_gets(&body).await;
        if position < first {
            assert_eq!(status, 502, "flipped at {position}");
        } else if position < stopped {
            Events::parse(&body).assert_failed(Some("upstream_stream_error"));
        } else {
            Events::parse(&body).assert_whole("stop");
        }
    }
}
