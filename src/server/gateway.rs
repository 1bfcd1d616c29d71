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

use super::authenticate::Callers;
use super::body::{Payload, ResponseBody};
use super::cached_prefixes::CachedPrefixes;
use super::caller::Caller;
use super::connection::ConnectionState;
use super::drain::Service;
use super::exchange::Exchange;
use super::guard::check_browser;
use super::leaving::{Awaited, Leaving};
use super::limits::write_rate_limits;
use super::request_body::{BodyBudget, RequestBody, Share};
use super::request_id::{RequestId, X_REQUEST_ID};
use super::route::Route;
use super::stream::Silences;
use super::translation::Translator;
use super::upstream_failure::credentials_failure;
use crate::config::{Config, OnStoreFailure};
use crate::error::Error;
use crate::fetch::ImageFetcher;
use crate::fixture::Recorder;
use crate::keys::{Demand, Keys, RateLimits, StoreState, Timestamp};
use crate::metrics::{self, Metrics};
use crate::models::Models;
use crate::translate::Failure;

const X_AMZN_REQUESTID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const X_OUTCROP_ATTEMPTS: HeaderName = HeaderName::from_static("x-outcrop-attempts");

/// How long `/ready` waits for credentials.
const READY_TIME: Duration = Duration::from_secs(5);

/// Everything that requests share. Built once; nothing in it is locked.
#[derive(Debug)]
pub struct Gateway {
    settings: Settings,
    callers: Callers,
    models: Models,
    metrics: Metrics,
    recorder: Option<Recorder>,
    draining: watch::Sender<bool>,
    leaving: Leaving,
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
    on_store_failure: Option<OnStoreFailure>,
    pub(super) expose_cost: bool,
    pub(super) commit_after: Option<Duration>,
    pub(super) silences: Silences,
}

/// A successful answer before the headers that all answers have.
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) payload: Payload,
}

impl Gateway {
    /// A gateway to `models` for those who have one of `keys`, reached at `listen`; with `recorder` it records what Bedrock sends.
    pub fn new(
        config: &Config,
        listen: SocketAddr,
        models: Models,
        keys: Keys,
        metrics: Metrics,
        recorder: Option<Recorder>,
    ) -> Self {
        let draining = watch::Sender::new(false);
        Self {
            leaving: Leaving::new(config.bedrock.on_disconnect, draining.subscribe()),
            settings: Settings {
                listen,
                any_host: config.allow_anonymous && !listen.ip().is_loopback(),
                max_body_bytes: config.max_body_bytes,
                metrics_open: config.metrics.open,
                on_store_failure: config.keys.on_store_failure,
                expose_cost: config.keys.expose_cost,
                commit_after: config.commit_after,
                silences: Silences {
                    idle: config.bedrock.idle_timeout,
                    keep_alive: config.keep_alive,
                },
            },
            callers: Callers::new(&config.api_keys, keys),
            translator: Arc::new(Translator::new(config, models.clone())),
            models,
            metrics,
            recorder,
            draining,
            bodies: BodyBudget::new(config.max_body_bytes),
            answers: BodyBudget::new(config.max_body_bytes),
            cached_prefixes: Arc::default(),
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

    /// Who may call.
    pub(super) fn callers(&self) -> &Callers {
        &self.callers
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

    /// Whatever goes wrong becomes an answer here.
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
        if let Some(limits) = self.rate_limits(&exchange).await {
            write_rate_limits(&limits, &mut headers);
        }
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
        let mut response =
            Response::new(ResponseBody::new(payload, exchange, self.leaving.clone()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    async fn answer(
        &self,
        head: &Parts,
        body: &mut RequestBody,
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let route = Route::parse(&head.method, head.uri.path())?;
        exchange.route = route.name();
        exchange.caller = self.identify(route, &head.headers)?;
        match route {
            Route::ChatCompletions => {
                let body = self.read(route, head, body, exchange).await?;
                self.chat_completions(body, exchange).await
            }
            Route::Models => {
                let caller = self.admit_request(exchange).await?;
                Ok(self.list_models(&caller).await)
            }
            Route::Model(id) => {
                let caller = self.admit_request(exchange).await?;
                self.retrieve_model(&caller, id).await
            }
            Route::Embeddings => {
                let body = self.read(route, head, body, exchange).await?;
                self.embeddings(body, exchange).await
            }
            Route::Health => Ok(json(r#"{"status":"ok"}"#)),
            Route::Ready => self.ready().await,
            Route::Metrics => Ok(self.metrics_page()),
        }
    }

    /// The request's body. It may take minutes: a key that was revoked or limited meanwhile counts as it is then.
    async fn read(
        &self,
        route: Route<'_>,
        head: &Parts,
        body: &mut RequestBody,
        exchange: &mut Exchange,
    ) -> Result<(Bytes, Share), Error> {
        let limit = self.settings.max_body_bytes;
        let read = body.read(&head.headers, limit, &self.bodies).await?;
        exchange.caller = self.identify(route, &head.headers)?;
        Ok(read)
    }

    /// Who calls, if that caller may use the route.
    fn identify(&self, route: Route<'_>, headers: &HeaderMap) -> Result<Caller, Error> {
        let is_open = self.settings.metrics_open || self.settings.listen.ip().is_loopback();
        let caller = match route {
            Route::Health | Route::Ready => return Ok(Caller::Anonymous),
            Route::Metrics if is_open => Caller::Anonymous,
            Route::Metrics => {
                let caller = self.callers.identify(headers, Timestamp::now())?;
                caller.may_observe()?;
                caller
            }
            Route::ChatCompletions | Route::Embeddings | Route::Models | Route::Model(_) => {
                let caller = self.callers.identify(headers, Timestamp::now())?;
                caller.may_infer()?;
                caller
            }
        };
        if self.callers.are_anonymous() {
            check_browser(headers, self.settings.listen, self.settings.any_host)?;
        }
        Ok(caller)
    }

    /// Admits a request that calls no model: it counts as one, and takes nothing else.
    async fn admit_request(&self, exchange: &mut Exchange) -> Result<Caller, Error> {
        let caller = exchange.caller.clone();
        self.reserve(&caller, &Demand::default(), exchange).await?;
        Ok(caller)
    }

    /// How the limits of the caller's key stand, if it has any.
    async fn rate_limits(&self, exchange: &Exchange) -> Option<RateLimits> {
        let key = exchange.caller.key()?;
        match exchange.rate_limits {
            None if key.limits.rpm.is_some() || key.limits.tpm.is_some() => {
                Some(self.callers.keys().rate_limits(key).await)
            }
            looked_at => looked_at,
        }
    }

    async fn ready(&self) -> Result<Reply, Error> {
        if *self.draining.borrow() {
            return Err(Error::Unavailable("the gateway is stopping"));
        }
        let store = self.callers.keys().store_state();
        let denies = self.settings.on_store_failure == Some(OnStoreFailure::Deny);
        if store == StoreState::Away && (denies || self.callers.are_locked_out()) {
            return Err(Error::Unavailable("the key store does not answer"));
        }
        match timeout(READY_TIME, self.models.own().credentials_resolve()).await {
            Ok(Ok(())) => Ok(json(match store {
                StoreState::None => r#"{"status":"ready"}"#,
                StoreState::Ready => r#"{"status":"ready","key_store":"ready"}"#,
                StoreState::Away => r#"{"status":"ready","key_store":"away"}"#,
            })),
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

    /// Answers one request. When its client leaves, the answer is not waited for any more, unless it is to be read on.
    async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        connection: ConnectionState,
    ) -> Response<ResponseBody> {
        if !self.leaving.reads_on() {
            return self.handle(request, &connection).await;
        }
        let leaving = self.leaving.clone();
        let answer = async move { self.handle(request, &connection).await };
        Awaited::begin(answer, leaving).done().await
    }

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

    /// Waits until no answer is read on whose client left.
    async fn nobody_left(&self) {
        self.leaving.over().await;
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
