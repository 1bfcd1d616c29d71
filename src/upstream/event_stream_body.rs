//! The body of a ConverseStream answer: it exists only once its first message is whole and good, so that a failure
//! before that can still be repeated or become a real HTTP status.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};

use super::error::{Error, Timeout, chain};
use crate::bedrock::Exception;
use crate::bedrock::event_stream::{Kind, Message};

/// The bytes of an event stream, from its first message on. Dropping it drops the connection, and Bedrock stops.
pub struct EventStreamBody {
    first: Option<Bytes>,
    rest: Incoming,
    total: Pin<Box<Sleep>>,
    total_timeout: Duration,
}

impl EventStreamBody {
    /// Puts `first`, which has been read from `rest` already, back in front of it.
    pub(super) fn new(
        first: Bytes,
        rest: Incoming,
        deadline: Instant,
        total_timeout: Duration,
    ) -> Self {
        Self {
            first: Some(first),
            rest,
            total: Box::pin(sleep_until(deadline)),
            total_timeout,
        }
    }
}

impl Body for EventStreamBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.rest).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(|error| interrupted(&error))));
        }
        let limit = self.total_timeout;
        let passed = self.total.as_mut().poll(cx);
        passed.map(|()| Some(Err(Error::Timeout(Timeout::Total(limit)))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl fmt::Debug for EventStreamBody {
    /// Leaves out the bytes: they are somebody's conversation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStreamBody").finish_non_exhaustive()
    }
}

/// Reads until one whole message is there and returns all that was read. An exception, and bytes that are no message, are
/// errors like an HTTP status; an end before that is a lost connection. The length is bounded by that of a message.
pub(super) async fn first_message<B>(body: &mut B) -> Result<Bytes, Error>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: StdError + 'static,
{
    let mut read = BytesMut::new();
    loop {
        if let Some((message, _)) = Message::decode(&read)? {
            refuse_exception(&message)?;
            return Ok(read.freeze());
        }
        match body.frame().await {
            Some(Ok(frame)) => read.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Some(Err(error)) => return Err(interrupted(&error)),
            None => {
                return Err(Error::Interrupted(
                    "it ended before its first message".to_owned(),
                ));
            }
        }
    }
}

fn refuse_exception(message: &Message<'_>) -> Result<(), Error> {
    let (name, text) = match message.kind()? {
        Kind::Event(name) if !Exception::is_exception_name(name) => return Ok(()),
        Kind::Event(name) | Kind::Exception(name) => (name, ""),
        Kind::Error { code, message } => (code, message),
    };
    Err(Error::Exception {
        exception: Exception::from_message(name, text, message),
        request_id: None,
        retry_after: None,
    })
}

pub(super) fn interrupted(error: &(dyn StdError + 'static)) -> Error {
    Error::Interrupted(chain(error))
}
