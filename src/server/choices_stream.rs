//! The streaming body of several choices: each is an answer of its own, and their chunks go out as they come.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};

use super::exchange::Exchange;
use super::stream::ChatCompletionStream;
use crate::translate::StreamTranslator;
use crate::upstream::{self, EventStreamBody};

/// Several answers to one request, streamed together. They are polled in turn, so that none keeps another waiting.
/// The first that fails ends them all.
pub(super) struct ChoicesStream<B = EventStreamBody> {
    choices: Vec<Pin<Box<ChatCompletionStream<B>>>>,
    /// Whose turn it is.
    next: usize,
    /// Whether the last event is written.
    done: bool,
}

impl<B> ChoicesStream<B> {
    /// A stream of these answers; each knows its own number.
    pub(super) fn new(choices: impl IntoIterator<Item = ChatCompletionStream<B>>) -> Self {
        Self {
            choices: choices.into_iter().map(Box::pin).collect(),
            next: 0,
            done: false,
        }
    }

    /// Tells the account of the request how the stream ended, or that the client left.
    pub(super) fn report(&self, exchange: &mut Exchange) {
        let mut usage = None;
        let mut first_token = None;
        // What cannot be added up is told of the first.
        for choice in self.choices.iter().rev() {
            choice.report(exchange);
            usage = match (usage, exchange.usage.take()) {
                (Some(sum), Some(more)) => Some(sum + more),
                (sum, more) => sum.or(more),
            };
            first_token = [first_token, exchange.first_token]
                .into_iter()
                .flatten()
                .min();
        }
        exchange.usage = usage;
        exchange.first_token = first_token;
        exchange.complete = self.done;
    }

    /// Whether the answer's last event is written.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    /// Drops the choices that are not done: Bedrock stops then. What the others took is still accounted for.
    fn fail(&mut self, index: usize) {
        self.choices.swap(0, index);
        self.choices.retain(|choice| choice.is_done());
        self.done = true;
    }

    /// Whether the error event is written, which is the last.
    fn has_failed(&self) -> bool {
        self.done
            && self
                .choices
                .first()
                .is_some_and(|choice| choice.has_failed())
    }

    fn end(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        let choices = self.choices.iter_mut();
        StreamTranslator::end_choices(choices.map(|choice| choice.as_mut().translator()), &mut out);
        self.done = true;
        out.freeze()
    }
}

impl<B> Body for ChoicesStream<B>
where
    B: Body<Data = Bytes, Error = upstream::Error> + Unpin,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if this.has_failed() {
            return Poll::Ready(None);
        }
        let count = this.choices.len();
        let mut pending = false;
        for turn in this.next..this.next + count {
            let index = turn % count;
            let Some(choice) = this.choices.get_mut(index) else {
                continue;
            };
            match choice.as_mut().poll_frame(cx) {
                Poll::Ready(Some(frame)) => {
                    this.next = index + 1;
                    if choice.has_failed() {
                        this.fail(index);
                    }
                    return Poll::Ready(Some(frame));
                }
                Poll::Ready(None) => {}
                Poll::Pending => pending = true,
            }
        }
        if !this.done && this.choices.iter().all(|choice| choice.is_done()) {
            return Poll::Ready(Some(Ok(Frame::data(this.end()))));
        }
        // The upstreams are read to their ends, so that their connections can be used again.
        if pending {
            Poll::Pending
        } else {
            Poll::Ready(None)
        }
    }

    fn is_end_stream(&self) -> bool {
        self.has_failed() || (self.done && self.choices.iter().all(Body::is_end_stream))
    }
}

#[cfg(test)]
mod tests;
