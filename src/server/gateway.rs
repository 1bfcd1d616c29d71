//! The gateway: what every request passes through.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::sync::watch;
use tokio::time::timeout;

use super::authenticate::ApiKeys;
use super::body::{Payload, ResponseBody};
use super::cached_prefixes::CachedPrefixes;
use super::connection::ConnectionState;
use super::drain::Service;
use super::exchange::Exchange;
use super::guard::check_browser;
use super::request_body::{BodyBudget, RequestBody};
use super::request_id::{RequestId, X_REQUEST_ID};
use super::route::Route;
use super::stream::Silences;
use super::translation::Translator;
use super::upstream_failure::credentials_failure;
use crate::config::Config;
use crate::error::Error;
use crate::fetch::ImageFetcher;
use crate::fixture::Recorder;
use crate::metrics::{self, Metrics};
use crate::models::Models;
use crate::recall::Owner;
use crate::translate::Failure;

const X_AMZN_REQUESTID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const X_OUTCROP_ATTEMPTS: HeaderName = HeaderName::from_static("x-outcrop-attempts");

/// How long `/ready` waits for credentials.
const READY_TIME: Duration = Duration::from_secs(5);

/// Everything that requests share. Built once; nothing in it is locked.
#[derive(Debug)]
pub struct Gateway {
    settings: Settings,
    keys: ApiKeys,
    models: Models,
    metrics: Metrics,
    recorder: Option<Recorder>,
    draining: watch::Sender<bool>,
    bodies: BodyBudget,
    answers: BodyBudget,
    translator: Arc<Translator>,
    cached_prefixes: Arc<CachedPrefixes>,
    images: Option<ImageFetcher>,
}

/// What of the configuration a request looks at.
#[derive(Debug)]
pub(super) struct Settings {
    listen: SocketAddr,
    any_host: bool,
    max_body_bytes: usize,
    metrics_open: bool,
    pub(super) commit_after: Option<Duration>,
    pub(super) silences: Silences,
}

/// A successful answer before the headers that all answers have.
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
}

impl Gateway {
    /// A gateway to `models` that is reached at `listen`; with `recorder` it records what Bedrock sends.
    pub fn new(
        config: &Config,
        listen: SocketAddr,
        models: Models,
        metrics: Metrics,
        recorder: Option<Recorder>,
    ) -> Self {
        Self {
            settings: Settings {
                listen,
                any_host: config.allow_anonymous && !listen.ip().is_loopback(),
                max_body_bytes: config.max_body_bytes,
                metrics_open: config.metrics.open,
                commit_after: config.commit_after,
                silences: Silences {
                    idle: config.bedrock.idle_timeout,
                    keep_alive: config.keep_alive,
                },
            },
            keys: ApiKeys::new(&config.api_keys),
            models,
            metrics,
            recorder,
            draining: watch::Sender::new(false),
            bodies: BodyBudget::new(config.max_body_bytes),
            answers: BodyBudget::new(config.max_body_bytes),
            cached_prefixes: Arc::default(),
            translator: Arc::new(Translator::new(config)),
            images: None,
        }
    }

    /// The same gateway with images fetched by `images`, where there is such a fetcher.
    #[must_use]
    pub fn fetching(self, images: Option<ImageFetcher>) -> Self {
        Self { images, ..self }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What clients may ask for.
    pub(super) fn models(&self) -> &Models {
        &self.models
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }

    /// The memory for answers that are put together before they are sent.
    pub(super) fn answers(&self) -> &BodyBudget {
        &self.answers
    }

    /// What translates requests.
    pub(super) fn translator(&self) -> &Arc<Translator> {
        &self.translator
    }

    /// What fetches images, where that is wanted.
    pub(super) fn images(&self) -> Option<&ImageFetcher> {
        self.images.as_ref()
    }

    async fn answer(
        &self,
        head: &Parts,
        body: &mut RequestBody,
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let route = Route::parse(&head.method, head.uri.path())?;
        exchange.route = route.name();
        let owner = self.admit(route, &head.headers)?;
        match route {
            Route::ChatCompletions => {
                let limit = self.settings.max_body_bytes;
                let body = body.read(&head.headers, limit, &self.bodies).await?;
                self.chat_completions(body, owner, exchange).await
            }
            Route::Models => Ok(self.list_models().await),
            Route::Model(id) => self.retrieve_model(id).await,
            Route::Embeddings => {
                let limit = self.settings.max_body_bytes;
                let body = body.read(&head.headers, limit, &self.bodies).await?;
                self.embeddings(body, exchange).await
            }
            Route::Health => Ok(json(r#"{"status":"ok"}"#)),
            Route::Ready => self.ready().await,
            Route::Metrics => Ok(self.metrics_page()),
        }
    }

    /// Whether the caller may use the route, and who it is.
    fn admit(&self, route: Route<'_>, headers: &HeaderMap) -> Result<Owner, Error> {
        let owner = match route {
            Route::Health | Route::Ready => return Ok(Owner::Anonymous),
            Route::Metrics
                if self.settings.metrics_open || self.settings.listen.ip().is_loopback() =>
            {
                Owner::Anonymous
            }
            Route::Metrics
            | Route::ChatCompletions
            | Route::Embeddings
            | Route::Models
            | Route::Model(_) => self.keys.check(headers)?,
        };
        if self.keys.is_empty() {
            check_browser(headers, self.settings.listen, self.settings.any_host)?;
        }
        Ok(owner)
    }

    async fn ready(&self) -> Result<Reply, Error> {
        if *self.draining.borrow() {
            return Err(Error::Unavailable("the gateway is stopping"));
        }
        match timeout(READY_TIME, self.models.own().credentials_resolve()).await {
            Ok(Ok(())) => Ok(json(r#"{"status":"ready"}"#)),
            Ok(Err(error)) => {
                let failure = credentials_failure(&error);
                Err(Failure {
                    status: 503,
                    ..failure
                }
                .into())
            }
            Err(_) => Err(Error::Unavailable(
                "the AWS credentials are still being loaded",
            )),
        }
    }

    fn metrics_page(&self) -> Reply {
        let mut reply = json(self.metrics.encode());
        reply.headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(metrics::CONTENT_TYPE),
        );
        reply
    }
}

impl Service for Gateway {
    type Body = ResponseBody;

    /// Says that no new work is wanted: `/ready` fails from now on.
    fn drain(&self) {
        self.draining.send_replace(true);
    }

    /// Waits until no new work is wanted.
    async fn draining(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self
            .draining
            .subscribe()
            .wait_for(|draining| *draining)
            .await;
    }

    /// Answers one request; whatever goes wrong becomes an answer here.
    async fn handle(
        &self,
        request: Request<Incoming>,
        connection: &ConnectionState,
    ) -> Response<ResponseBody> {
        let (head, incoming) = request.into_parts();
        let request_id = RequestId::of(&head.headers, fastrand::u128(..));
        let mut exchange = Exchange::begin(
            self.metrics.clone(),
            request_id,
            connection.request(),
            self.draining.subscribe(),
            Arc::clone(&self.cached_prefixes),
        );
        let mut body = RequestBody::new(incoming, &head.headers);
        let (status, reply) = match self.answer(&head, &mut body, &mut exchange).await {
            Ok(reply) => (StatusCode::OK, reply),
            Err(error) => refusal(&error, &mut exchange),
        };
        let Reply {
            mut headers,
            payload,
        } = reply;
        if !body.discard().await {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            connection.leave_unread();
        }
        headers.insert(X_REQUEST_ID, exchange.request_id.header());
        if [Route::ChatCompletions, Route::Embeddings]
            .map(Route::name)
            .contains(&exchange.route)
        {
            headers.insert(
                X_OUTCROP_ATTEMPTS,
                HeaderValue::from(exchange.attempts.begun()),
            );
        }
        if let Some(id) = exchange
            .upstream_request_id
            .as_deref()
            .and_then(|id| HeaderValue::from_str(id).ok())
        {
            headers.insert(X_AMZN_REQUESTID, id);
        }
        exchange.status = Some(status);
        let mut response = Response::new(ResponseBody::new(payload, exchange));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }
}

/// A successful answer in JSON.
pub(super) fn json(body: impl Into<Bytes>) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Reply {
        headers,
        payload: Payload::Whole(body.into()),
    }
}

/// The answer to a request that has none.
fn refusal(error: &Error, exchange: &mut Exchange) -> (StatusCode, Reply) {
    exchange.error = Some(error.label());
    let mut reply = json(error.body());
    error.write_headers(&mut reply.headers);
    (error.status(), reply)
}
