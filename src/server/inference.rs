//! One request on its way through Bedrock: its call, and the call again without what Bedrock refused of it.

use std::sync::Arc;

use super::exchange::Exchange;
use super::recording::Tap;
use super::translation::{Call, ClientRequest, Translator};
use super::upstream_failure::from_upstream;
use crate::bedrock::Refusal;
use crate::error::Error;
use crate::fixture::Recorder;
use crate::upstream::{self, Answer, Attempts, Bedrock, EventStream, EventStreamBody};

/// One request on its way through Bedrock. It owns all it needs, because it may outlive the request's handler.
/// A clone is another call for the same request.
#[derive(Clone)]
pub(super) struct Inference {
    pub(super) bedrock: Bedrock,
    pub(super) translator: Arc<Translator>,
    pub(super) recorder: Option<Recorder>,
    pub(super) attempts: Arc<Attempts>,
    pub(super) request: ClientRequest,
    pub(super) call: Call,
}

/// What Bedrock took, and its answer.
pub(super) struct Asked<T> {
    /// The call that Bedrock answered, not always the first.
    pub(super) call: Call,
    /// What records the answer.
    pub(super) tap: Option<Tap>,
    /// The answer.
    pub(super) answer: T,
}

/// An answer that has begun.
pub(super) type Opened<B = EventStreamBody> = Asked<Answered<B>>;

/// Bedrock's answer, once it has begun.
pub(super) enum Answered<B = EventStreamBody> {
    /// An event stream.
    Events {
        /// `x-amzn-requestid`.
        request_id: Option<String>,
        /// The event stream from its first byte on.
        body: B,
    },
    /// A whole answer, from a model that cannot stream it.
    Whole(Answer),
}

impl<B> Answered<B> {
    /// `x-amzn-requestid`.
    pub(super) fn request_id(&self) -> Option<&str> {
        match self {
            Self::Events { request_id, .. } => request_id.as_deref(),
            Self::Whole(answer) => answer.request_id.as_deref(),
        }
    }
}

/// Why there is no answer.
pub(super) struct Refused {
    /// What the client is told.
    pub(super) error: Error,
    /// `x-amzn-requestid`.
    pub(super) request_id: Option<String>,
}

impl Refused {
    /// The error, once the account of the request knows Bedrock's id for it.
    pub(super) fn told_to(self, exchange: &mut Exchange) -> Error {
        exchange.upstream_request_id = self.request_id;
        self.error
    }
}

impl Inference {
    /// Calls ConverseStream, or Converse when the model cannot stream this, until there is an answer.
    ///
    /// # Errors
    /// With what went wrong last.
    pub(super) async fn open(self) -> Result<Opened, Refused> {
        self.ask(true, async |asking: &Self| {
            if !asking.call.streamable {
                return asking.converse().await.map(Answered::Whole);
            }
            let (model, body) = (&asking.request.model_id, asking.call.body.clone());
            let answer = asking
                .bedrock
                .converse_stream(model, body, &asking.attempts);
            let EventStream { request_id, body } = answer.await?;
            Ok(Answered::Events { request_id, body })
        })
        .await
    }

    /// Calls Converse until there is an answer.
    ///
    /// # Errors
    /// With what went wrong last.
    pub(super) async fn whole(self) -> Result<Asked<Answer>, Refused> {
        self.ask(false, Self::converse).await
    }

    async fn ask<T>(
        mut self,
        stream: bool,
        attempt: impl AsyncFn(&Self) -> Result<T, upstream::Error>,
    ) -> Result<Asked<T>, Refused> {
        loop {
            let tap = self.tap(stream);
            let error = match attempt(&self).await {
                Ok(answer) => return Ok(self.answered(tap, answer)),
                Err(error) => error,
            };
            let refused = self.refused(&error, tap);
            let Some(refusal) = refusal_of(&error) else {
                return Err(refused);
            };
            let other = self
                .translator
                .without(refusal, &mut self.request, &self.call);
            match other.await {
                Ok(Some(call)) => self.call = call,
                Ok(None) => return Err(refused),
                Err(error) => return Err(Refused { error, ..refused }),
            }
        }
    }

    async fn converse(&self) -> Result<Answer, upstream::Error> {
        let (model, body) = (&self.request.model_id, self.call.body.clone());
        self.bedrock.converse(model, body, &self.attempts).await
    }

    fn answered<T>(self, tap: Option<Tap>, answer: T) -> Asked<T> {
        self.translator.learn(&self.request);
        Asked {
            call: self.call,
            tap,
            answer,
        }
    }

    fn refused(&self, error: &upstream::Error, tap: Option<Tap>) -> Refused {
        if let Some(tap) = tap {
            tap.failure(error);
        }
        Refused {
            error: from_upstream(error, self.call.context_window),
            request_id: error.request_id().map(str::to_owned),
        }
    }

    fn tap(&self, stream: bool) -> Option<Tap> {
        let stream = stream && self.call.streamable;
        let recorder = self.recorder.as_ref()?;
        Some(Tap::begin(
            recorder,
            &self.request.model_id,
            stream,
            &self.call.body,
        ))
    }
}

fn refusal_of(error: &upstream::Error) -> Option<Refusal> {
    match error {
        upstream::Error::Exception { exception, .. } => Refusal::of(exception),
        _ => None,
    }
}
