//! `POST /v1/chat/completions`.

use std::iter::repeat_n;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, timeout};

use super::beginning::{Beginning, all_answered};
use super::bill::{Bill, Order};
use super::body::Payload;
use super::choices_stream::ChoicesStream;
use super::client_request::Sources;
use super::exchange::Exchange;
use super::gateway::{Gateway, Reply};
use super::inference::{Answered, Asked, Inference, Opened};
use super::keeper::Keeper;
use super::request_body::Share;
use super::request_id::completion_id;
use super::stream::{ChatCompletionStream, Silences, Source};
use super::translation::Call;
use crate::bedrock::Money;
use crate::error::Error;
use crate::translate::{
    Answer, ChunkHead, Failure, Notes, StreamTranslator, chat_completion_of, consumption_of,
};
use crate::upstream;

const X_OUTCROP_ADJUSTED: HeaderName = HeaderName::from_static("x-outcrop-adjusted");
const X_OUTCROP_COST: HeaderName = HeaderName::from_static("x-outcrop-cost");
const X_OUTCROP_IGNORED: HeaderName = HeaderName::from_static("x-outcrop-ignored");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What every part of an answer says of it.
struct Head {
    /// What the client asked for.
    model: String,
    /// Unix seconds.
    created: u64,
}

impl Gateway {
    /// Answers a chat completion request, whole or as a stream.
    ///
    /// # Errors
    /// For everything that goes wrong before the answer's status is sent.
    pub(super) async fn chat_completions(
        &self,
        body: (Bytes, Share),
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let caller = exchange.caller.clone();
        let sources = Sources {
            caller: caller.clone(),
            images: self.images().cloned(),
        };
        let (mut request, mut call) = self.translator().read(body, sources, exchange).await?;
        let bill = self.admit_chat(&mut request, &mut call, exchange).await?;
        exchange.called(&request.target.key(), call.cached_prefix);
        let keeper = self.translator().keeper(&caller);
        let stream = request.stream;
        let head = Head {
            model: request.model.clone(),
            created: request.created,
        };
        let inference = Inference {
            models: self.models().clone(),
            translator: Arc::clone(self.translator()),
            recorder: self.recorder().cloned(),
            metrics: self.metrics().clone(),
            attempts: Arc::clone(&exchange.attempts),
            begun: Instant::now(),
            charge: bill.charge(Order::of(&request.target.model_id, &call)),
            request,
            call,
        };
        if stream {
            self.stream(head, inference, keeper, exchange).await
        } else {
            let mut reply = whole(&head, inference, &keeper, exchange).await?;
            self.expose_cost(&bill, &mut reply.headers);
            Ok(reply)
        }
    }

    /// Writes what a whole answer cost in US dollars, where that is known and clients are told.
    pub(super) fn expose_cost(&self, bill: &Bill, headers: &mut HeaderMap) {
        let spent = bill.spent().filter(|_| self.settings().expose_cost);
        let cost = spent
            .and_then(|spent| spent.cost)
            .as_ref()
            .map(Money::to_string);
        if let Some(cost) = cost.and_then(|cost| HeaderValue::from_str(&cost).ok()) {
            headers.insert(X_OUTCROP_COST, cost);
        }
    }

    /// The status waits for Bedrock's first messages, so that an error there is still a real status; but not
    /// for ever, because clients and proxies give up on connections without a head.
    async fn stream(
        &self,
        head: Head,
        inference: Inference,
        keeper: Keeper,
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let early = inference.call.clone();
        let mut calls: Vec<_> = choices_of(inference)
            .map(|inference| Beginning::of(inference.open()))
            .collect();
        let answered = all_answered(&mut calls);
        let waited = match self.settings().commit_after {
            None => answered.await,
            Some(limit) => timeout(limit, answered).await.unwrap_or(Ok(())),
        };
        waited.map_err(|refused| refused.told_to(exchange))?;
        let first = calls.iter().find_map(Beginning::answer);
        if let Some(first) = first {
            exchange.answered(&first.target, first.call.cached_prefix);
        }
        let request_id = first.and_then(|opened| opened.answer.request_id());
        exchange.upstream_request_id = request_id.map(str::to_owned);
        let mut headers = notes_headers(first.map_or(&early.notes, |opened| &opened.call.notes));
        let streams = Streams {
            id: completion_id(request_id, fastrand::u128(..)),
            head,
            early,
            silences: self.settings().silences,
            keeper,
        };
        let streams = (0..)
            .zip(calls)
            .map(|(choice, call)| streams.begin(choice, call));
        let mut streams = streams.collect::<Result<Vec<_>, Error>>()?;
        let payload = match streams.pop() {
            Some(only) if streams.is_empty() => Payload::Stream(Box::pin(only)),
            last => {
                streams.extend(last);
                Payload::Choices(ChoicesStream::new(streams))
            }
        };
        exchange.stream_opened();
        exchange.measure_overhead();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // nginx would hold the events back.
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        Ok(Reply { headers, payload })
    }
}

/// What the streams of all choices have in common.
struct Streams {
    id: String,
    head: Head,
    /// The call as it was first translated.
    early: Call,
    silences: Silences,
    /// What remembers the turns.
    keeper: Keeper,
}

impl Streams {
    /// The stream of one choice, from the beginning of its answer on.
    fn begin(
        &self,
        choice: u32,
        beginning: Beginning<Opened>,
    ) -> Result<ChatCompletionStream, Error> {
        let mut out = BytesMut::new();
        let stream = |source, translator, out, context_window| {
            ChatCompletionStream::new(source, translator, out, self.silences, context_window)
                .kept_by(self.keeper.clone())
        };
        let opened = match beginning {
            Beginning::Pending(opening) => {
                let translator = self.translator(choice, self.early.answer.clone());
                let context_window = self.early.context_window;
                return Ok(stream(
                    Source::Opening(opening),
                    translator,
                    out,
                    context_window,
                ));
            }
            Beginning::Answered(opened) => opened,
        };
        let Opened {
            call,
            mut charge,
            tap,
            answer,
            ..
        } = opened;
        let context_window = call.context_window;
        let mut translator = self.translator(choice, call.answer);
        match answer {
            Answered::Events { body, .. } => {
                let stream = stream(Source::Reading(body), translator, out, context_window);
                Ok(stream.recorded(tap).paid_by(charge))
            }
            Answered::Whole(answer) => {
                if let Some(tap) = tap {
                    tap.answer(&answer.body);
                }
                let told = translator.push_whole(&answer.body, &mut out);
                // What cannot be told to the client is paid for all the same.
                charge.follow(&translator);
                told.map_err(|error| Failure::from_answer_error(&error, context_window))?;
                if let Some(turn) = translator.take_turn() {
                    self.keeper.keep(turn);
                }
                Ok(stream(Source::Ended, translator, out, context_window).paid_by(charge))
            }
        }
    }

    fn translator(&self, choice: u32, answer: Answer) -> StreamTranslator {
        let head = ChunkHead {
            id: &self.id,
            created: self.head.created,
            model: &self.head.model,
        };
        StreamTranslator::new(head, answer).for_choice(choice)
    }
}

async fn whole(
    head: &Head,
    inference: Inference,
    keeper: &Keeper,
    exchange: &mut Exchange,
) -> Result<Reply, Error> {
    let mut calls: Vec<_> = choices_of(inference)
        .map(|inference| Beginning::of(inference.whole()))
        .collect();
    let waited = all_answered(&mut calls).await;
    let mut answered: Vec<_> = calls
        .into_iter()
        .filter_map(Beginning::into_answer)
        .collect();
    if let Err(refused) = waited {
        account(&mut answered);
        return Err(refused.told_to(exchange));
    }
    if let Some(first) = answered.first() {
        exchange.answered(&first.target, first.call.cached_prefix);
    }
    for Asked { tap, answer, .. } in &mut answered {
        if let Some(tap) = tap.take() {
            tap.answer(&answer.body);
        }
    }
    let first = answered.first();
    let context_window = first.and_then(|asked| asked.call.context_window);
    let request_id = first.and_then(|asked| asked.answer.request_id.as_deref());
    exchange.upstream_request_id = request_id.map(str::to_owned);
    let id = completion_id(request_id, fastrand::u128(..));
    let answers: Vec<_> = answered
        .iter()
        .map(|asked| (&*asked.answer.body, &asked.call.answer))
        .collect();
    let completion = match chat_completion_of(&answers, &id, head.created, &head.model) {
        Ok(completion) => completion,
        Err(error) => {
            account(&mut answered);
            return Err(Failure::from_answer_error(&error, context_window).into());
        }
    };
    if let Some(first) = first {
        first.charge.settle(completion.consumption);
    }
    for turn in completion.turns {
        keeper.keep(turn);
    }
    exchange.usage = completion.usage;
    exchange.stop_reason = completion.stop_reason;
    exchange.measure_overhead();
    let mut headers = first
        .map(|asked| notes_headers(&asked.call.notes))
        .unwrap_or_default();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Reply {
        headers,
        payload: Payload::Whole(completion.body.into()),
    })
}

/// Notes what answers took of which the client gets none.
fn account(answered: &mut [Asked<upstream::Answer>]) {
    for Asked {
        call,
        charge,
        answer,
        ..
    } in answered
    {
        charge.answered(consumption_of(&answer.body, &call.answer));
    }
}

/// The calls of a request: one for each choice, all the same.
fn choices_of(inference: Inference) -> impl Iterator<Item = Inference> {
    let choices = usize::try_from(inference.call.answer.choices).unwrap_or_default();
    repeat_n(inference, choices.max(1))
}

/// The headers that say what became of the request.
pub(super) fn notes_headers(notes: &Notes) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (X_OUTCROP_IGNORED, notes.ignored()),
        (X_OUTCROP_ADJUSTED, notes.adjusted()),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}
