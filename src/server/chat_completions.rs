//! `POST /v1/chat/completions`.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::timeout;

use super::body::Payload;
use super::exchange::Exchange;
use super::gateway::{Gateway, Reply};
use super::recording::Tap;
use super::request_body::Share;
use super::request_id::completion_id;
use super::stream::{ChatCompletionStream, Opened, Opening, Source};
use super::upstream_failure::from_upstream;
use crate::bedrock::Family;
use crate::bedrock::model_id::foundation_model;
use crate::config::Unsupported;
use crate::error::Error;
use crate::openai::{ChatCompletionRequest, InvalidRequest, replace_lone_surrogates};
use crate::translate::{
    Answer, AnswerError, ChunkHead, Failure, Notes, StreamTranslator, Translation, chat_completion,
    converse_request,
};
use crate::upstream::{self, EventStream};

const X_OUTCROP_ADJUSTED: HeaderName = HeaderName::from_static("x-outcrop-adjusted");
const X_OUTCROP_IGNORED: HeaderName = HeaderName::from_static("x-outcrop-ignored");
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A request that is ready to be sent to Bedrock.
struct Call {
    model: String,
    body: Bytes,
    streamable: bool,
    answer: Answer,
    notes: Notes,
    context_window: Option<u32>,
    created: u64,
}

impl Gateway {
    /// Answers a chat completion request, whole or as a stream.
    ///
    /// # Errors
    /// For everything that goes wrong before the answer's status is sent.
    pub(super) async fn chat_completions(
        &self,
        (body, share): (Bytes, Share<'_>),
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let call = self.prepare(&body, exchange).await?;
        // A stream may live for an hour; what the client sent need not.
        drop((body, share));
        if exchange.stream {
            self.stream(call, exchange).await
        } else {
            self.whole(call, exchange).await
        }
    }

    async fn prepare(&self, body: &[u8], exchange: &mut Exchange) -> Result<Call, Error> {
        let aside = self.aside();
        let json = aside
            .run(body.len(), || replace_lone_surrogates(body))
            .await;
        let request = aside
            .run(json.len(), || ChatCompletionRequest::parse(&json))
            .await?;
        exchange.stream = request.stream;
        let model = request.model.clone().into_owned();
        exchange.model.clone_from(&model);
        let family = self.family(&model).await?;
        let Translation {
            body,
            streamable,
            answer,
            notes,
        } = aside
            .run(json.len(), || converse_request(request, &family))
            .await?;
        if let (Unsupported::Reject, Some(path)) =
            (self.settings().unsupported, notes.first_ignored())
        {
            let message = format!(
                "'{path}' has no effect with this model, and this gateway refuses what has none."
            );
            return Err(InvalidRequest::unsupported(path, message).into());
        }
        Ok(Call {
            model,
            body: body.into(),
            streamable,
            answer,
            notes,
            context_window: family.context_window,
            created: unix_seconds(),
        })
    }

    /// The family of the foundation model behind an id; ids that do not name it are looked up.
    async fn family(&self, model: &str) -> Result<Family, Error> {
        let named = foundation_model(model).map_err(|error| InvalidRequest {
            code: Some("model_not_found"),
            ..InvalidRequest::value("model", error.to_string())
        })?;
        let foundation = match named {
            Some(name) => Some(Cow::Borrowed(name)),
            None => self
                .bedrock()
                .inference_profile(model)
                .await
                .map(Cow::Owned),
        };
        let name = foundation
            .as_deref()
            .and_then(|name| foundation_model(name).ok().flatten());
        Ok(Family::of(name))
    }

    async fn whole(&self, call: Call, exchange: &mut Exchange) -> Result<Reply, Error> {
        let tap = self.tap(&call, false);
        let attempts = Arc::clone(&exchange.attempts);
        let upstream = match self
            .bedrock()
            .converse(&call.model, call.body.clone(), &attempts)
            .await
        {
            Ok(upstream) => upstream,
            Err(error) => return Err(call.refused(&error, tap, exchange)),
        };
        if let Some(tap) = tap {
            tap.answer(&upstream.body);
        }
        exchange.answered = true;
        exchange
            .upstream_request_id
            .clone_from(&upstream.request_id);
        let id = completion_id(upstream.request_id.as_deref(), fastrand::u128(..));
        let completion =
            chat_completion(&upstream.body, &id, call.created, &call.model, &call.answer)
                .map_err(|error| call.untranslatable(&error))?;
        exchange.usage = completion.usage;
        exchange.stop_reason = completion.stop_reason;
        exchange.measure_overhead();
        let mut headers = call.headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Reply {
            headers,
            payload: Payload::Whole(completion.body.into()),
        })
    }

    /// The status waits for Bedrock's first message, so that an error there is still a real status; but not
    /// for ever, because clients and proxies give up on connections without a head.
    async fn stream(&self, mut call: Call, exchange: &mut Exchange) -> Result<Reply, Error> {
        let mut tap = self.tap(&call, call.streamable);
        let mut opening = self.open(&call, exchange);
        let opened = match self.settings().commit_after {
            None => Some(opening.as_mut().await),
            Some(limit) => timeout(limit, opening.as_mut()).await.ok(),
        };
        let early = opened.is_none();
        let mut out = BytesMut::new();
        let (source, translator) = match opened {
            None => (Source::Opening(opening), call.translator(None)),
            Some(Err(error)) => return Err(call.refused(&error, tap, exchange)),
            Some(Ok(Opened::Events { request_id, body })) => {
                let translator = call.translator(request_id.as_deref());
                exchange.upstream_request_id = request_id;
                (Source::Reading(body), translator)
            }
            Some(Ok(Opened::Whole(answer))) => {
                let mut translator = call.translator(answer.request_id.as_deref());
                if let Some(tap) = tap.take() {
                    tap.answer(&answer.body);
                }
                exchange.upstream_request_id = answer.request_id;
                translator
                    .push_whole(&answer.body, &mut out)
                    .map_err(|error| call.untranslatable(&error))?;
                (Source::Ended, translator)
            }
        };
        let silences = self.settings().silences;
        let stream =
            ChatCompletionStream::new(source, translator, out, silences, call.context_window, tap);
        exchange.answered = !early;
        exchange.stream_opened();
        exchange.measure_overhead();
        let mut headers = call.headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // nginx would hold the events back.
        headers.insert(X_ACCEL_BUFFERING, HeaderValue::from_static("no"));
        Ok(Reply {
            headers,
            payload: Payload::Stream(Box::pin(stream)),
        })
    }

    /// Begins the call; the future owns all it needs, because it may outlive this request's handler.
    fn open(&self, call: &Call, exchange: &Exchange) -> Opening {
        let bedrock = self.bedrock().clone();
        let attempts = Arc::clone(&exchange.attempts);
        let (model, body, streamable) = (call.model.clone(), call.body.clone(), call.streamable);
        Box::pin(async move {
            if streamable {
                let EventStream { request_id, body } =
                    bedrock.converse_stream(&model, body, &attempts).await?;
                Ok(Opened::Events { request_id, body })
            } else {
                bedrock
                    .converse(&model, body, &attempts)
                    .await
                    .map(Opened::Whole)
            }
        })
    }

    fn tap(&self, call: &Call, stream: bool) -> Option<Tap> {
        self.recorder()
            .map(|recorder| Tap::begin(recorder, &call.model, stream, &call.body))
    }
}

impl Call {
    fn translator(&mut self, request_id: Option<&str>) -> StreamTranslator {
        let id = completion_id(request_id, fastrand::u128(..));
        let head = ChunkHead {
            id: &id,
            created: self.created,
            model: &self.model,
        };
        StreamTranslator::new(head, std::mem::take(&mut self.answer))
    }

    /// The headers that say what became of the request.
    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (X_OUTCROP_IGNORED, self.notes.ignored()),
            (X_OUTCROP_ADJUSTED, self.notes.adjusted()),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(name, value);
            }
        }
        headers
    }

    fn refused(&self, error: &upstream::Error, tap: Option<Tap>, exchange: &mut Exchange) -> Error {
        if let Some(tap) = tap {
            tap.failure(error);
        }
        exchange.upstream_request_id = error.request_id().map(str::to_owned);
        from_upstream(error, self.context_window)
    }

    fn untranslatable(&self, error: &AnswerError) -> Error {
        Failure::from_answer_error(error, self.context_window).into()
    }
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .as_ref()
        .map_or(0, Duration::as_secs)
}
