//! The streaming body: it polls Bedrock when hyper polls it, so that a slow client slows Bedrock down and a
//! client that leaves ends the call, without any code for either.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::debug;

use super::beginning::Pending;
use super::bill::Charge;
use super::exchange::Exchange;
use super::inference::{Answered, Opened, Refused};
use super::keeper::Keeper;
use super::recording::Tap;
use super::upstream_failure::from_upstream;
use crate::error::Error;
use crate::translate::{AnswerError, CachedPrefix, Failure, StreamTranslator};
use crate::upstream::{self, EventStreamBody, Timeout};

/// How long the upstream is read on after the answer's end, so that its connection can be used again.
const DRAIN_TIME: Duration = Duration::from_secs(5);
/// How long the timer sleeps at most when nothing is due; it only has to exist.
const FAR_AWAY: Duration = Duration::from_hours(24);

/// A call that has not been answered yet.
pub(super) type Opening<B = EventStreamBody> = Pending<Opened<B>>;

/// Where the answer comes from.
pub(super) enum Source<B = EventStreamBody> {
    /// The call is still pending; the client's head went out before its answer.
    Opening(Opening<B>),
    /// An event stream.
    Reading(B),
    /// There is nothing more to read.
    Ended,
}

/// How long silences may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silences {
    /// Bedrock's, before the stream fails.
    pub(super) idle: Duration,
    /// The client's, before it gets a chunk that says nothing; zero for never.
    pub(super) keep_alive: Duration,
}

pin_project! {
    /// One streamed answer.
    #[project = Projection]
    pub(super) struct ChatCompletionStream<B = EventStreamBody> {
        source: Source<B>,
        translator: StreamTranslator,
        tap: Option<Tap>,
        // What the answer costs, until it is over.
        charge: Option<Charge>,
        // Remembers the turn once the answer is whole.
        keeper: Option<Keeper>,
        out: BytesMut,
        #[pin]
        timer: Sleep,
        silences: Silences,
        context_window: Option<u32>,
        // When Bedrock was last heard, and the client last sent to. The timer is not moved for every event:
        // it looks at these when it fires.
        heard: Instant,
        sent: Instant,
        // When the answer itself was whole.
        stopped: Option<Instant>,
        // Where the call was answered after the client's head had gone out, and what is cached of it there.
        answered: Option<(String, Option<CachedPrefix>)>,
        // Where it was refused after that.
        refused: Option<String>,
        // Whether all that is to be sent is a sign of life or a failure: neither is a first token.
        says_nothing: bool,
        request_id: Option<String>,
        first_sent: Option<Instant>,
        failure: Option<&'static str>,
    }

    impl<B> PinnedDrop for ChatCompletionStream<B> {
        // A client may leave as soon as it has the end, which is before Bedrock's connection has ended.
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if let Some(tap) = this.tap.take().filter(|_| this.translator.is_done()) {
                tap.finish();
            }
        }
    }
}

/// What one poll of the source brought.
enum Heard<B> {
    Opened(Box<Opened<B>>),
    Refused(Refused),
    Bytes(Bytes),
    End,
    Failure(upstream::Error),
}

impl<B> ChatCompletionStream<B>
where
    B: Body<Data = Bytes, Error = upstream::Error> + Unpin,
{
    /// A stream that reads `source`; `out` is what the translator has already written.
    pub(super) fn new(
        source: Source<B>,
        translator: StreamTranslator,
        out: BytesMut,
        silences: Silences,
        context_window: Option<u32>,
    ) -> Self {
        let now = Instant::now();
        Self {
            source,
            translator,
            tap: None,
            charge: None,
            keeper: None,
            out,
            // It fires at once and then finds out when it has to fire again.
            timer: sleep_until(now),
            silences,
            context_window,
            heard: now,
            sent: now,
            stopped: None,
            answered: None,
            refused: None,
            says_nothing: false,
            request_id: None,
            first_sent: None,
            failure: None,
        }
    }
}

impl<B> ChatCompletionStream<B> {
    /// The same stream, recorded by `tap`.
    pub(super) fn recorded(mut self, tap: Option<Tap>) -> Self {
        self.tap = tap;
        self
    }

    /// The same stream, which `charge` pays for.
    pub(super) fn paid_by(mut self, mut charge: Charge) -> Self {
        charge.follow(&self.translator);
        self.charge = Some(charge);
        self
    }

    /// The same stream, whose turn `keeper` remembers.
    pub(super) fn kept_by(mut self, keeper: Keeper) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// Whether the answer's last event is written.
    pub(super) fn is_done(&self) -> bool {
        self.translator.is_done()
    }

    /// Whether the answer ended with an error event.
    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// What writes the answer.
    pub(super) fn translator(self: Pin<&mut Self>) -> &mut StreamTranslator {
        self.project().translator
    }

    /// Tells the account of the request how the stream ended, or that the client left.
    pub(super) fn report(&self, exchange: &mut Exchange) {
        exchange.complete = self.translator.is_done();
        if let Some((target, prefix)) = &self.answered {
            exchange.answered(target, *prefix);
        }
        if let Some(target) = &self.refused {
            exchange.refused(target);
        }
        exchange.error = self.failure.or(exchange.error);
        exchange.usage = self.translator.usage().copied();
        self.translator
            .stop_reason()
            .clone_into(&mut exchange.stop_reason);
        if self.request_id.is_some() {
            exchange.upstream_request_id.clone_from(&self.request_id);
        }
        exchange.first_token = self.first_sent.map(|at| exchange.until(at));
    }
}

impl<B> Body for ChatCompletionStream<B>
where
    B: Body<Data = Bytes, Error = upstream::Error> + Unpin,
{
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let mut this = self.project();
        loop {
            if !this.out.is_empty() {
                *this.sent = Instant::now();
                if !std::mem::take(this.says_nothing) {
                    this.first_sent.get_or_insert(*this.sent);
                }
                return Poll::Ready(Some(Ok(Frame::data(this.out.split().freeze()))));
            }
            if matches!(this.source, Source::Ended) {
                return Poll::Ready(None);
            }
            match this.source.poll(cx) {
                Poll::Ready(heard) => this.hear(heard),
                Poll::Pending => {
                    ready!(this.timer.as_mut().poll(cx));
                    this.wait();
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Ended) && self.out.is_empty()
    }
}

impl<B> Source<B>
where
    B: Body<Data = Bytes, Error = upstream::Error> + Unpin,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Heard<B>> {
        match self {
            Self::Opening(call) => call.as_mut().poll(cx).map(|opened| match opened {
                Ok(opened) => Heard::Opened(Box::new(opened)),
                Err(refused) => Heard::Refused(refused),
            }),
            Self::Reading(body) => Pin::new(body).poll_frame(cx).map(|frame| match frame {
                Some(Ok(frame)) => Heard::Bytes(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => Heard::Failure(error),
                None => Heard::End,
            }),
            Self::Ended => Poll::Ready(Heard::End),
        }
    }
}

impl<B> Projection<'_, B> {
    fn hear(&mut self, heard: Heard<B>) {
        *self.heard = Instant::now();
        match heard {
            Heard::Opened(opened) => self.open(*opened),
            Heard::Refused(refused) => {
                *self.request_id = refused.request_id;
                *self.refused = Some(refused.target);
                self.end(Err(refused.error));
            }
            Heard::Bytes(bytes) => {
                if let Some(tap) = self.tap {
                    tap.event_bytes(&bytes);
                }
                if let Err(error) = self.translator.push(&bytes, self.out) {
                    // An exception is an end as well, and worth recording.
                    if let Some(tap) = self.tap.take() {
                        tap.finish();
                    }
                    self.end(Err(self.answer_error(&error)));
                }
            }
            Heard::End => {
                if let Some(tap) = self.tap.take() {
                    tap.finish();
                }
                let finished = self.translator.finish(self.out);
                self.end(finished.map_err(|error| self.answer_error(&error)));
            }
            Heard::Failure(error) => {
                if let Some(tap) = self.tap.take() {
                    tap.failure(&error);
                }
                self.end(Err(from_upstream(&error, *self.context_window)));
            }
        }
        self.account();
        if self.translator.is_stopped() && self.stopped.is_none() {
            *self.stopped = Some(*self.heard);
            // Before the client has the end: its next request may follow at once.
            if let (Some(keeper), Some(turn)) = (&self.keeper, self.translator.take_turn()) {
                keeper.keep(turn);
            }
            self.timer.as_mut().reset(*self.heard + DRAIN_TIME);
        }
    }

    /// Goes on with an answer that began after the client's head had gone out.
    fn open(&mut self, opened: Opened<B>) {
        let Opened {
            call,
            target,
            charge,
            tap,
            answer,
        } = opened;
        *self.answered = Some((target, call.cached_prefix));
        *self.charge = Some(charge);
        *self.request_id = answer.request_id().map(str::to_owned);
        *self.context_window = call.context_window;
        self.translator.expect(call.answer);
        match answer {
            Answered::Events { body, .. } => {
                *self.tap = tap;
                *self.source = Source::Reading(body);
                // The limit of silence begins to count.
                self.timer.as_mut().reset(*self.heard);
            }
            Answered::Whole(answer) => {
                if let Some(tap) = tap {
                    tap.answer(&answer.body);
                }
                let translated = self.translator.push_whole(&answer.body, self.out);
                self.end(translated.map_err(|error| self.answer_error(&error)));
            }
        }
    }

    fn answer_error(&self, error: &AnswerError) -> Error {
        Failure::from_answer_error(error, *self.context_window).into()
    }

    /// Ends the stream and drops the upstream: Bedrock stops then, if it has not ended by itself.
    fn end(&mut self, outcome: Result<(), Error>) {
        if let Err(error) = outcome {
            *self.says_nothing = self.out.is_empty();
            if self.translator.is_stopped() {
                debug!(
                    error = error.label(),
                    "the usage of a complete answer is lost"
                );
            } else {
                *self.failure = Some(error.label());
            }
            self.translator.fail(&error.object(), self.out);
        }
        *self.source = Source::Ended;
        self.account();
    }

    /// Tells what the answer costs so far.
    fn account(&mut self) {
        if let Some(charge) = self.charge {
            charge.follow(self.translator);
        }
    }

    /// Does what is due after a silence, and sets the timer for what is due next.
    fn wait(&mut self) {
        let now = Instant::now();
        let keep_alive =
            Some(self.silences.keep_alive).filter(|time| !time.is_zero() && self.stopped.is_none());
        let idle = self.silences.idle;
        let silent_until = match (&self.source, *self.stopped) {
            // A pending call has limits of its own.
            (Source::Opening(_), _) => None,
            (_, Some(stopped)) => Some(stopped + DRAIN_TIME),
            (_, None) => Some(*self.heard + idle),
        };
        if silent_until.is_some_and(|limit| limit <= now) {
            if let Some(tap) = self.tap.take() {
                tap.finish();
            }
            let error = upstream::Error::Timeout(Timeout::Idle(idle));
            return self.end(Err(from_upstream(&error, *self.context_window)));
        }
        if keep_alive.is_some_and(|time| *self.sent + time <= now) {
            self.translator.keep_alive(self.out);
            *self.says_nothing = true;
            *self.sent = now;
        }
        let next = [silent_until, keep_alive.map(|time| *self.sent + time)]
            .into_iter()
            .flatten()
            .min();
        self.timer.as_mut().reset(next.unwrap_or(now + FAR_AWAY));
    }
}

#[cfg(test)]
mod tests;
