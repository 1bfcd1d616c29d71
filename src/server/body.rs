//! The answer's body: whole, or a stream. It never fails: hyper would throw away what it has not sent yet.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::choices_stream::ChoicesStream;
use super::exchange::Exchange;
use super::leaving::Leaving;
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
    /// `None` once it was taken to be read on.
    answer: Option<OpenAnswer>,
    leaving: Leaving,
}

/// An answer and its account.
struct OpenAnswer {
    payload: Payload,
    exchange: Exchange,
}

impl ResponseBody {
    pub(super) fn new(payload: Payload, mut exchange: Exchange, leaving: Leaving) -> Self {
        // A whole answer is hyper's from here on; what answers a HEAD request is never asked for.
        exchange.complete = matches!(payload, Payload::Whole(_));
        Self {
            answer: Some(OpenAnswer { payload, exchange }),
            leaving,
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.answer {
            Some(answer) => answer.payload.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        let payload = self.answer.as_ref().map(|answer| &answer.payload);
        payload.is_none_or(|payload| match payload {
            Payload::Whole(bytes) => bytes.is_empty(),
            Payload::Stream(stream) => stream.is_end_stream(),
            Payload::Choices(stream) => stream.is_end_stream(),
        })
    }

    fn size_hint(&self) -> SizeHint {
        match self.answer.as_ref().map(|answer| &answer.payload) {
            Some(Payload::Whole(bytes)) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Some(Payload::Stream(_) | Payload::Choices(_)) | None => SizeHint::default(),
        }
    }
}

impl Payload {
    fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self {
            Self::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Stream(stream) => stream.as_mut().poll_frame(cx),
            Self::Choices(stream) => Pin::new(stream).poll_frame(cx),
        }
    }

    /// Whether Bedrock is still at work on it.
    fn is_unfinished(&self) -> bool {
        match self {
            Self::Whole(_) => false,
            Self::Stream(stream) => !stream.is_done(),
            Self::Choices(stream) => !stream.is_done(),
        }
    }
}

impl OpenAnswer {
    /// Reads the answer on without its client, for what Bedrock counts at its end.
    async fn read_on(mut self) {
        self.exchange.client_left = true;
        while let Some(Ok(_)) = poll_fn(|cx| self.payload.poll_frame(cx)).await {}
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        let unfinished = self
            .answer
            .take_if(|answer| self.leaving.reads_on() && answer.payload.is_unfinished());
        if let Some(answer) = unfinished {
            self.leaving.finish(answer.read_on());
        }
    }
}

impl Drop for OpenAnswer {
    fn drop(&mut self) {
        match &self.payload {
            Payload::Whole(_) => {}
            Payload::Stream(stream) => stream.report(&mut self.exchange),
            Payload::Choices(stream) => stream.report(&mut self.exchange),
        }
    }
}
