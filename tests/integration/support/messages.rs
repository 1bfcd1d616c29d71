//! Event-stream messages, encoded by AWS's own crate.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use serde_json::{Value, json};

/// A message with string headers.
pub(crate) fn message(headers: &[(&'static str, &str)], payload: &str) -> Vec<u8> {
    let mut message = Message::new(payload.to_owned().into_bytes());
    for (name, value) in headers {
        let value = HeaderValue::String((*value).to_owned().into());
        message = message.add_header(Header::new(*name, value));
    }
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

pub(crate) fn event(name: &str, payload: &Value) -> Vec<u8> {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    message(&headers, &payload.to_string())
}

pub(crate) fn exception(name: &str, text: &str) -> Vec<u8> {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    message(&headers, &json!({"message": text}).to_string())
}

pub(crate) fn message_start() -> Vec<u8> {
    event("messageStart", &json!({"role": "assistant"}))
}

pub(crate) fn text_delta(text: &str) -> Vec<u8> {
    event(
        "contentBlockDelta",
        &json!({"contentBlockIndex": 0, "delta": {"text": text}}),
    )
}

pub(crate) fn block_stop() -> Vec<u8> {
    event("contentBlockStop", &json!({"contentBlockIndex": 0}))
}

pub(crate) fn message_stop() -> Vec<u8> {
    event("messageStop", &json!({"stopReason": "end_turn"}))
}

pub(crate) fn metadata() -> Vec<u8> {
    let usage = json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 8});
    event(
        "metadata",
        &json!({"usage": usage, "metrics": {"latencyMs": 1}}),
    )
}

/// A short answer, message by message.
pub(crate) fn short_answer() -> Vec<Vec<u8>> {
    vec![
        message_start(),
        text_delta("Hel"),
        text_delta("lo"),
        block_stop(),
        message_stop(),
        metadata(),
    ]
}

/// A short answer of Converse.
pub(crate) const WHOLE_ANSWER: &str = concat!(
    r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hello"}]}},"stopReason":"end_turn","#,
    r#""usage":{"inputTokens":3,"outputTokens":5,"totalTokens":8}}"#
);
