//! `POST /v1/chat/completions`.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;

use super::body::Payload;
use super::exchange::Exchange;
use super::gateway::{Gateway, Reply};
use super::inference::{Answered, Asked, Inference, Opened};
use super::keeper::Keeper;
use super::request_body::Share;
use super::request_id::completion_id;
use super::stream::{ChatCompletionStream, Opening, Source};
use crate::error::Error;
use crate::recall::Owner;
use crate::translate::{Answer, ChunkHead, Failure, Notes, StreamTranslator, chat_completion};

const X_OUTCROP_ADJUSTED: HeaderName = HeaderName::from_static("x-outcrop-adjusted");
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
        owner: Owner,
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let (request, call) = self
            .translator()
            .read(body, &owner, self.bedrock(), self.images(), exchange)
            .await?;
        let keeper = self.translator().keeper(owner);
        let stream = request.stream;
        let head = Head {
            model: request.model.clone(),
            created: request.created,
        };
        let inference = Inference {
            bedrock: self.bedrock().clone(),
            translator: Arc::clone(self.translator()),
            recorder: self.recorder().cloned(),
            attempts: Arc::clone(&exchange.attempts),
            request,
            call,
        };
        if stream {
            self.stream(head, inference, keeper, exchange).await
        } else {
            whole(&head, inference, &keeper, exchange).await
        }
    }

    /// The status waits for Bedrock's first message, so that an error there is still a real status; but not
    /// for ever, because clients and proxies give up on connections without a head.
    async fn stream(
        &self,
        head: Head,
        inference: Inference,
        keeper: Keeper,
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let early_headers = notes_headers(&inference.call.notes);
        let early_answer = inference.call.answer.clone();
        let context_window = inference.call.context_window;
        let mut opening: Opening = Box::pin(inference.open());
        let opened = match self.settings().commit_after {
            None => Some(opening.as_mut().await),
            Some(limit) => timeout(limit, opening.as_mut()).await.ok(),
        };
        let (silences, mut out) = (self.settings().silences, BytesMut::new());
        let (mut headers, stream) = match opened {
            None => {
                let translator = head.translator(None, early_answer);
                let source = Source::Opening(opening);
                let stream =
                    ChatCompletionStream::new(source, translator, out, silences, context_window);
                (early_headers, stream)
            }
            Some(Err(refused)) => {
                exchange.upstream_request_id = refused.request_id;
                return Err(refused.error);
            }
            Some(Ok(Opened {
                call,
                mut tap,
                answer,
            })) => {
                let headers = notes_headers(&call.notes);
                exchange.answered = true;
                exchange.upstream_request_id = answer.request_id().map(str::to_owned);
                let mut translator = head.translator(answer.request_id(), call.answer);
                let source = match answer {
                    Answered::Events { body, .. } => Source::Reading(body),
                    Answered::Whole(answer) => {
                        if let Some(tap) = tap.take() {
                            tap.answer(&answer.body);
                        }
                        translator
                            .push_whole(&answer.body, &mut out)
                            .map_err(|error| Failure::from_answer_error(&error, context_window))?;
                        if let Some(turn) = translator.take_turn() {
                            keeper.keep(turn);
                        }
                        Source::Ended
                    }
                };
                let stream =
                    ChatCompletionStream::new(source, translator, out, silences, context_window);
                (headers, stream.recorded(tap))
            }
        };
        let stream = stream.kept_by(keeper);
        exchange.stream_opened();
        exchange.measure_overhead();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // nginx would hold the events back.
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        Ok(Reply {
            headers,
            payload: Payload::Stream(Box::pin(stream)),
        })
    }
}

async fn whole(
    head: &Head,
    inference: Inference,
    keeper: &Keeper,
    exchange: &mut Exchange,
) -> Result<Reply, Error> {
    let Asked { call, tap, answer } = match inference.whole().await {
        Ok(asked) => asked,
        Err(refused) => {
            exchange.upstream_request_id = refused.request_id;
            return Err(refused.error);
        }
    };
    if let Some(tap) = tap {
        tap.answer(&answer.body);
    }
    exchange.answered = true;
    let id = completion_id(answer.request_id.as_deref(), fastrand::u128(..));
    exchange.upstream_request_id = answer.request_id;
    let completion = chat_completion(&answer.body, &id, head.created, &head.model, &call.answer)
        .map_err(|error| Failure::from_answer_error(&error, call.context_window))?;
    if let Some(turn) = completion.turn {
        keeper.keep(turn);
    }
    exchange.usage = completion.usage;
    exchange.stop_reason = completion.stop_reason;
    exchange.measure_overhead();
    let mut headers = notes_headers(&call.notes);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(Reply {
        headers,
        payload: Payload::Whole(completion.body.into()),
    })
}

impl Head {
    fn translator(&self, request_id: Option<&str>, answer: Answer) -> StreamTranslator {
        let id = completion_id(request_id, fastrand::u128(..));
        let head = ChunkHead {
            id: &id,
            created: self.created,
            model: &self.model,
        };
        StreamTranslator::new(head, answer)
    }
}

/// The headers that say what became of the request.
fn notes_headers(notes: &Notes) -> HeaderMap {
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
