//! Calls: what goes into each attempt, and when another is made.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::{Instant, sleep};
use tracing::{debug, warn};

use super::authentication::{Authentication, Cure, Signed};
use super::client::{Client, Deadline};
use super::error::Error;
use super::retry::Retry;
use super::{AGENT, Answer, Attempts, EventStream};
use crate::metrics::Metrics;

const JSON: &str = "application/json";
const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// Everything that a call needs but its address.
pub(super) struct Calls {
    pub(super) authentication: Authentication,
    pub(super) client: Client,
    pub(super) retry: Retry,
    pub(super) metrics: Metrics,
}

/// The operations that are called, named as in AWS's reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Converse,
    ConverseStream,
    GetInferenceProfile,
    InvokeModel,
    ListFoundationModels,
    ListInferenceProfiles,
}

/// An attempt without success.
struct Failed {
    error: Error,
    /// What it was signed with, if it was sent with a signature and refused.
    signed: Option<Box<Signed>>,
}

/// One call: what is the same in every attempt.
struct Call<'a> {
    operation: Operation,
    uri: Uri,
    body: &'a Bytes,
    attempts: &'a Attempts,
    retry: Retry,
}

/// What belongs to one request of a client.
#[derive(Clone, Copy)]
pub(super) struct Effort<'a> {
    /// Counts its calls.
    pub(super) attempts: &'a Attempts,
    /// When one is repeated.
    pub(super) retry: Retry,
}

impl Calls {
    /// POST of a Converse request, repeated as [`Retry`] allows.
    pub(super) async fn converse(
        &self,
        uri: Uri,
        body: &Bytes,
        effort: Effort<'_>,
    ) -> Result<Answer, Error> {
        let call = Call::new(Operation::Converse, uri, body, effort);
        let answer = |deadline| self.answer(&call, deadline);
        self.repeat(&call, answer).await
    }

    /// POST of a ConverseStream request, repeated as [`Retry`] allows until its first message is there.
    pub(super) async fn converse_stream(
        &self,
        uri: Uri,
        body: &Bytes,
        effort: Effort<'_>,
    ) -> Result<EventStream, Error> {
        let call = Call::new(Operation::ConverseStream, uri, body, effort);
        let stream = |deadline| self.event_stream(&call, deadline);
        self.repeat(&call, stream).await
    }

    /// POST of a model's own request, repeated as [`Retry`] allows.
    pub(super) async fn invoke_model(
        &self,
        uri: Uri,
        body: &Bytes,
        effort: Effort<'_>,
    ) -> Result<Answer, Error> {
        let call = Call::new(Operation::InvokeModel, uri, body, effort);
        let answer = |deadline| self.answer(&call, deadline);
        self.repeat(&call, answer).await
    }

    /// GET of an inference profile, repeated only with other credentials or another date.
    pub(super) async fn inference_profile(&self, uri: Uri) -> Result<Answer, Error> {
        let attempts = Attempts::default();
        let (body, retry) = (Bytes::new(), Retry::new(1));
        let effort = Effort {
            attempts: &attempts,
            retry,
        };
        let call = Call::new(Operation::GetInferenceProfile, uri, &body, effort);
        let answer = |deadline| self.answer(&call, deadline);
        self.repeat(&call, answer).await
    }

    /// GET of ListFoundationModels, repeated as [`Retry`] allows.
    pub(super) async fn foundation_models(&self, uri: Uri) -> Result<Answer, Error> {
        self.list(Operation::ListFoundationModels, uri).await
    }

    /// GET of a page of ListInferenceProfiles, repeated as [`Retry`] allows.
    pub(super) async fn inference_profiles(&self, uri: Uri) -> Result<Answer, Error> {
        self.list(Operation::ListInferenceProfiles, uri).await
    }

    async fn list(&self, operation: Operation, uri: Uri) -> Result<Answer, Error> {
        let attempts = Attempts::default();
        let (body, retry) = (Bytes::new(), self.retry);
        let effort = Effort {
            attempts: &attempts,
            retry,
        };
        let call = Call::new(operation, uri, &body, effort);
        let answer = |deadline| self.answer(&call, deadline);
        self.repeat(&call, answer).await
    }

    /// Makes attempts until one succeeds or its error is final. What cures a refusal is tried once each, at once and
    /// beside the rule.
    async fn repeat<T, F>(
        &self,
        call: &Call<'_>,
        attempt: impl Fn(Deadline) -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Failed>>,
    {
        let begun = Instant::now();
        let deadline = self.client.deadline();
        let mut made = 0;
        let mut tried = Vec::new();
        loop {
            made += 1;
            let failed = match attempt(deadline).await {
                Ok(success) => return Ok(success),
                Err(failed) => failed,
            };
            let cure = Cure::of(&failed.error).filter(|cure| !tried.contains(cure));
            let is_cured = match cure.zip(failed.signed) {
                Some((cure, signed)) => self.authentication.apply(cure, &signed).await,
                None => false,
            };
            tried.extend(cure);
            let error = failed.error;
            let pause = if is_cured {
                Some(Duration::ZERO)
            } else {
                call.retry
                    .after(&error, made, begun.elapsed(), fastrand::f64())
            };
            let Some(pause) = pause else {
                return Err(error);
            };
            self.metrics.upstream_retry(error.name());
            let operation = call.operation.name();
            if call.operation.is_waited_for() {
                warn!(%error, operation, attempt = made, ?pause, "Bedrock is called again");
            } else {
                debug!(%error, operation, attempt = made, ?pause, "Bedrock is called again");
            }
            sleep(pause).await;
        }
    }

    async fn answer(&self, call: &Call<'_>, deadline: Deadline) -> Result<Answer, Failed> {
        let answer = match self.send(call, deadline).await {
            Ok(response) => self
                .client
                .answer(response, deadline)
                .await
                .map_err(Failed::from),
            Err(failed) => Err(failed),
        };
        self.finished(call, answer)
    }

    async fn event_stream(
        &self,
        call: &Call<'_>,
        deadline: Deadline,
    ) -> Result<EventStream, Failed> {
        let stream = match self.send(call, deadline).await {
            Ok(response) => self
                .client
                .event_stream(response, deadline)
                .await
                .map_err(Failed::from),
            Err(failed) => Err(failed),
        };
        self.finished(call, stream)
    }

    /// Notes the end of an attempt, or for a stream its beginning.
    fn finished<T>(&self, call: &Call<'_>, result: Result<T, Failed>) -> Result<T, Failed> {
        call.attempts.answered();
        result.inspect_err(|failed| {
            if failed.error.loses_the_answer() {
                call.attempts.lose();
            }
            self.metrics.upstream_error(failed.error.name());
        })
    }

    /// Authorizes and sends one attempt.
    async fn send(
        &self,
        call: &Call<'_>,
        deadline: Deadline,
    ) -> Result<Response<Incoming>, Failed> {
        let mut request = call.request()?;
        let signed = self
            .authentication
            .authorize(&mut request, call.body)
            .await?;
        call.attempts.begin();
        self.metrics.upstream_attempt(call.operation.name());
        let sent = self.client.send(request, deadline).await;
        sent.map_err(|error| Failed {
            error,
            signed: signed.map(Box::new),
        })
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        let signed = None;
        Self { error, signed }
    }
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Converse => "Converse",
            Self::ConverseStream => "ConverseStream",
            Self::GetInferenceProfile => "GetInferenceProfile",
            Self::InvokeModel => "InvokeModel",
            Self::ListFoundationModels => "ListFoundationModels",
            Self::ListInferenceProfiles => "ListInferenceProfiles",
        }
    }

    /// Whether a client waits for it. What becomes of the others is told by whoever asked.
    fn is_waited_for(self) -> bool {
        match self {
            Self::Converse | Self::ConverseStream | Self::InvokeModel => true,
            Self::GetInferenceProfile
            | Self::ListFoundationModels
            | Self::ListInferenceProfiles => false,
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Converse | Self::ConverseStream | Self::InvokeModel => Method::POST,
            Self::GetInferenceProfile
            | Self::ListFoundationModels
            | Self::ListInferenceProfiles => Method::GET,
        }
    }

    fn accept(self) -> &'static str {
        match self {
            Self::ConverseStream => EVENT_STREAM,
            _ => JSON,
        }
    }
}

impl<'a> Call<'a> {
    fn new(operation: Operation, uri: Uri, body: &'a Bytes, effort: Effort<'a>) -> Self {
        let Effort { attempts, retry } = effort;
        Self {
            operation,
            uri,
            body,
            attempts,
            retry,
        }
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Error> {
        let method = self.operation.method();
        let mut request = Request::builder()
            .uri(self.uri.clone())
            .header(ACCEPT, self.operation.accept())
            // A compressed event stream would be buffered on the way.
            .header(ACCEPT_ENCODING, "identity")
            .header(USER_AGENT, AGENT);
        if method == Method::POST {
            request = request.header(CONTENT_TYPE, JSON);
        }
        request
            .method(method)
            .body(Full::new(self.body.clone()))
            .map_err(|error| Error::Request(error.to_string()))
    }
}
