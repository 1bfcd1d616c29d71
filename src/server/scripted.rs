//! An upstream that follows a script.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

use crate::upstream;

/// What a scripted upstream does at a poll.
pub(super) enum Step {
    Bytes(Vec<u8>),
    Failure(upstream::Error),
    /// It is silent for so long.
    Silence(Duration),
}

/// An upstream that follows a script and then ends.
pub(super) struct Scripted {
    steps: VecDeque<Step>,
    silence: Option<Pin<Box<Sleep>>>,
    dropped: Arc<AtomicBool>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.dropped.store(true, Ordering::Relaxed);
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = upstream::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, upstream::Error>>> {
        loop {
            if let Some(silence) = &mut self.silence {
                ready!(silence.as_mut().poll(cx));
                self.silence = None;
            }
            return Poll::Ready(match self.steps.pop_front() {
                Some(Step::Silence(time)) => {
                    self.silence = Some(Box::pin(sleep(time)));
                    continue;
                }
                Some(Step::Bytes(bytes)) => Some(Ok(Frame::data(bytes.into()))),
                Some(Step::Failure(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}

pub(super) fn scripted(steps: impl IntoIterator<Item = Step>) -> (Scripted, Arc<AtomicBool>) {
    let dropped = Arc::<AtomicBool>::default();
    let body = Scripted {
        steps: steps.into_iter().collect(),
        silence: None,
        dropped: Arc::clone(&dropped),
    };
    (body, dropped)
}

fn event(name: &'static str, payload: &'static str) -> Vec<u8> {
    let header = |name: &'static str, value: &'static str| {
        Header::new(name, HeaderValue::String(value.into()))
    };
    let message = Message::new(payload)
        .add_header(header(":event-type", name))
        .add_header(header(":message-type", "event"));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

pub(super) fn start() -> Vec<u8> {
    event("messageStart", r#"{"role":"assistant"}"#)
}

pub(super) fn text() -> Vec<u8> {
    event(
        "contentBlockDelta",
        r#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#,
    )
}

pub(super) fn stop() -> Vec<u8> {
    event("messageStop", r#"{"stopReason":"end_turn"}"#)
}

pub(super) fn metadata() -> Vec<u8> {
    event(
        "metadata",
        r#"{"usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#,
    )
}

pub(super) fn whole() -> Vec<u8> {
    [start(), text(), stop(), metadata()].concat()
}
