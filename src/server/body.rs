//! The answer's body: whole, or a stream. It never fails: hyper would throw away what it has not sent yet.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::choices_stream::ChoicesStream;
use super::exchange::Exchange;
use super::stream::ChatCompletionStream;

/// What is sent.
pub(super) enum Payload {
    /// Everything at once.
    Whole(Bytes),
    /// As Bedrock produces it.
    Stream(Pin<Box<ChatCompletionStream>>),
    /// The same for several choices.
    Choices(ChoicesStream),
}

/// The body of an answer and the account of its request, which closes when the body does.
pub(super) struct ResponseBody {
    payload: Payload,
    exchange: Exchange,
}

impl ResponseBody {
    pub(super) fn new(payload: Payload, mut exchange: Exchange) -> Self {
        // A whole answer is hyper's from here on; what answers a HEAD request is never asked for.
        exchange.complete = matches!(payload, Payload::Whole(_));
        Self { payload, exchange }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        match &mut this.payload {
            Payload::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Payload::Stream(stream) => stream.as_mut().poll_frame(cx),
            Payload::Choices(stream) => Pin::new(stream).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.payload {
            Payload::Whole(bytes) => bytes.is_empty(),
            Payload::Stream(stream) => stream.is_end_stream(),
            Payload::Choices(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.payload {
            Payload::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Payload::Stream(_) | Payload::Choices(_) => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        match &self.payload {
            Payload::Whole(_) => {}
            Payload::Stream(stream) => stream.report(&mut self.exchange),
            Payload::Choices(stream) => stream.report(&mut self.exchange),
        }
    }
}
