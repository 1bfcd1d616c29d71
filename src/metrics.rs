//! Names and buckets of every metric in one place. `Metrics` is a cheap handle; nothing in it
//! allocates once a label set has been seen.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use keys::KeyMetrics;
use labels::{
    Answer, CacheOutcome, Exception, Failure, Kind, Model, Operation, Outcome, Reason, Request,
    TokenKind,
};
use names::Names;

mod keys;
mod labels;
mod names;

pub use keys::KeyRequest;

/// The content type of what [`Metrics::encode`] writes; Prometheus reads it as text either way.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// From 5 µs, because a proxy that takes tens of microseconds would vanish in a bucket of 5 ms.
const OVERHEAD_BUCKETS: [f64; 17] = [
    5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3,
    0.1, 0.25, 0.5, 1.0,
];

/// Up to minutes, because thinking models are silent that long.
const FIRST_TOKEN_BUCKETS: [f64; 14] = [
    0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0,
];

/// Up to the default of `total_timeout`, an hour.
const DURATION_BUCKETS: [f64; 14] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 180.0, 600.0, 3600.0,
];

/// How many models become labels; every further one is `other`.
const MAX_MODELS: usize = 200;

/// All metrics of the process: a handle that is cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    models: Names,
    keys: KeyMetrics,
    requests: Family<Request, Counter>,
    errors: Family<Failure, Counter>,
    tokens: Family<Kind, Counter>,
    prompt_cache: Family<CacheOutcome, Counter>,
    first_token: Histograms<Model>,
    duration: Histograms<Answer>,
    overhead: Histograms<Answer>,
    open_streams: Gauge,
    attempts: Family<Operation, Counter>,
    retries: Family<Reason, Counter>,
    failovers: Family<Reason, Counter>,
    upstream_errors: Family<Exception, Counter>,
    discovery_refreshes: Family<Outcome, Counter>,
    key_store_up: Gauge,
    without_key_store: Family<Outcome, Counter>,
}

type Histograms<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

/// How a request ended, told once it has: at the end of the stream, or when the client left.
#[derive(Clone, Copy, Debug)]
pub struct RequestOutcome<'a> {
    /// The route as the gateway names it, never the path that the client sent.
    pub route: &'static str,
    /// The model that the client asked for, once Bedrock accepted it: names that Bedrock does not know
    /// would fill the table of labels.
    pub model: Option<&'a str>,
    /// The HTTP status that was sent.
    pub status: u16,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The `code` of the error object that was sent as answer or in the stream.
    pub error: Option<&'static str>,
    /// From the request's head to the last byte of the answer.
    pub duration: Duration,
}

/// The tokens that Bedrock counted for one request, as Converse's `usage` names them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tokens {
    /// Tokens of the prompt that came from no cache.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Tokens of the prompt that were read from the prompt cache.
    pub cache_read: u64,
    /// Tokens of the prompt that were written to the prompt cache.
    pub cache_write: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Makes all metrics, each at zero.
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared::new()),
        }
    }

    /// Counts a request that ended, its error if it had one, and how long it took.
    pub fn request_finished(&self, outcome: &RequestOutcome<'_>) {
        let RequestOutcome {
            route,
            model,
            status,
            stream,
            error,
            duration,
        } = *outcome;
        let model = self.shared.models.label(model);
        let answer = Answer { route, stream };
        let request = Request {
            route,
            model,
            status,
            stream,
        };
        self.shared.requests.get_or_create(&request).inc();
        self.shared
            .duration
            .get_or_create(&answer)
            .observe(duration.as_secs_f64());
        if let Some(code) = error {
            self.shared.errors.get_or_create(&Failure { code }).inc();
        }
    }

    /// Counts the tokens of one request.
    pub fn tokens(&self, model: &str, tokens: &Tokens) {
        let model = self.shared.models.label(Some(model));
        for (kind, count) in [
            (TokenKind::Input, tokens.input),
            (TokenKind::Output, tokens.output),
            (TokenKind::CacheRead, tokens.cache_read),
            (TokenKind::CacheWrite, tokens.cache_write),
        ] {
            let labels = Kind {
                model: model.clone(),
                kind,
            };
            self.shared.tokens.get_or_create(&labels).inc_by(count);
        }
    }

    /// Counts a request with cache points, by what the prompt cache did for it.
    pub fn prompt_cache(&self, model: &str, status: &'static str) {
        let model = self.shared.models.label(Some(model));
        self.shared
            .prompt_cache
            .get_or_create(&CacheOutcome { model, status })
            .inc();
    }

    /// Records the time from the request's head to the first piece of an answer that a reader sees.
    pub fn first_token(&self, model: &str, elapsed: Duration) {
        let labels = Model {
            model: self.shared.models.label(Some(model)),
        };
        self.shared
            .first_token
            .get_or_create(&labels)
            .observe(elapsed.as_secs_f64());
    }

    /// Records what Outcrop itself took of a request: the time from its head until the call to Bedrock
    /// began, body, JSON, translation and signature included, plus the time from Bedrock's head until
    /// the first bytes of the answer were handed to hyper. The wait for Bedrock is not in it; the wait
    /// for a slow client's body is.
    pub fn overhead(&self, route: &'static str, stream: bool, taken: Duration) {
        let labels = Answer { route, stream };
        self.shared
            .overhead
            .get_or_create(&labels)
            .observe(taken.as_secs_f64());
    }

    /// Counts a stream as open until the guard is dropped.
    #[must_use]
    pub fn stream_opened(&self) -> StreamGuard {
        self.shared.open_streams.inc();
        StreamGuard {
            open_streams: self.shared.open_streams.clone(),
        }
    }

    /// Counts a call to Bedrock, repeated ones included; `operation` is its API name.
    pub fn upstream_attempt(&self, operation: &'static str) {
        self.shared
            .attempts
            .get_or_create(&Operation { operation })
            .inc();
    }

    /// Counts a call that is about to be repeated, by what was wrong with the last one.
    pub fn upstream_retry(&self, reason: &'static str) {
        self.shared.retries.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a request that went on to another target; `reason` is what failed at the one before.
    pub fn failover(&self, reason: &'static str) {
        let failovers = &self.shared.failovers;
        failovers.get_or_create(&Reason { reason }).inc();
    }

    /// Counts a call that failed; `exception` is Bedrock's name for it or ours for a lost connection.
    pub fn upstream_error(&self, exception: &'static str) {
        self.shared
            .upstream_errors
            .get_or_create(&Exception { exception })
            .inc();
    }

    /// Counts a refresh of the list of models; `outcome` is `success`, `partial` or `failure`.
    pub fn discovery_refresh(&self, outcome: &'static str) {
        self.shared
            .discovery_refreshes
            .get_or_create(&Outcome { outcome })
            .inc();
    }

    /// Tells whether the store of keys answers.
    pub fn key_store_answers(&self, answers: bool) {
        self.shared.key_store_up.set(answers.into());
    }

    /// Counts a request that came while the store of keys did not answer, by whether it was allowed to pass.
    pub fn request_without_key_store(&self, is_allowed: bool) {
        let outcome = if is_allowed { "allowed" } else { "denied" };
        self.shared
            .without_key_store
            .get_or_create(&Outcome { outcome })
            .inc();
    }

    /// Counts a request with a managed key, and what it took.
    pub fn key_request(&self, request: &KeyRequest<'_>) {
        self.shared.keys.request(request);
    }

    /// Writes all metrics as text of the type [`CONTENT_TYPE`].
    pub fn encode(&self) -> String {
        let mut page = String::new();
        // Only a writer can fail, and a string does not.
        let _ = text::encode(&mut page, &self.shared.registry);
        page
    }
}

impl Shared {
    fn new() -> Self {
        let mut shared = Self {
            registry: Registry::with_prefix("outcrop"),
            models: Names::new(MAX_MODELS),
            keys: KeyMetrics::default(),
            requests: Family::default(),
            errors: Family::default(),
            tokens: Family::default(),
            prompt_cache: Family::default(),
            first_token: Family::new_with_constructor(|| Histogram::new(FIRST_TOKEN_BUCKETS)),
            duration: Family::new_with_constructor(|| Histogram::new(DURATION_BUCKETS)),
            overhead: Family::new_with_constructor(|| Histogram::new(OVERHEAD_BUCKETS)),
            open_streams: Gauge::default(),
            attempts: Family::default(),
            retries: Family::default(),
            failovers: Family::default(),
            upstream_errors: Family::default(),
            discovery_refreshes: Family::default(),
            key_store_up: Gauge::default(),
            without_key_store: Family::default(),
        };
        shared.register();
        shared
    }

    /// Gives every metric its name; counters get `_total` behind it.
    fn register(&mut self) {
        let registry = &mut self.registry;
        let version = ("version".into(), env!("CARGO_PKG_VERSION").into());
        let labelled = registry.sub_registry_with_label(version);
        labelled.register(
            "build_info",
            "The version that runs",
            ConstGauge::new(1_i64),
        );
        registry.register("requests", "Requests that ended", self.requests.clone());
        registry.register(
            "errors",
            "Requests that failed or whose client left, by code",
            self.errors.clone(),
        );
        registry.register(
            "tokens",
            "Tokens as Bedrock counted them",
            self.tokens.clone(),
        );
        registry.register(
            "prompt_cache",
            "Requests with cache points, by what the prompt cache did",
            self.prompt_cache.clone(),
        );
        registry.register(
            "time_to_first_token_seconds",
            "From the request's head to the first piece of the answer",
            self.first_token.clone(),
        );
        registry.register(
            "request_duration_seconds",
            "From the request's head to the last byte of the answer",
            self.duration.clone(),
        );
        registry.register(
            "overhead_seconds",
            "What Outcrop itself took: the request's head until the call to Bedrock began, plus \
             Bedrock's head until the first bytes of the answer",
            self.overhead.clone(),
        );
        registry.register(
            "open_streams",
            "Streams being sent now",
            self.open_streams.clone(),
        );
        registry.register(
            "upstream_attempts",
            "Calls to Bedrock",
            self.attempts.clone(),
        );
        registry.register(
            "upstream_retries",
            "Calls repeated, by reason",
            self.retries.clone(),
        );
        registry.register(
            "upstream_failovers",
            "Requests that went on to another target, by what failed before",
            self.failovers.clone(),
        );
        registry.register(
            "upstream_errors",
            "Calls that failed, by exception",
            self.upstream_errors.clone(),
        );
        registry.register(
            "discovery_refreshes",
            "Refreshes of the list of models, by outcome",
            self.discovery_refreshes.clone(),
        );
        registry.register(
            "key_store_up",
            "Whether the store of managed keys answers: 1 or 0; 0 without one as well",
            self.key_store_up.clone(),
        );
        registry.register(
            "requests_without_key_store",
            "Requests with a managed key that came while the store did not answer, by outcome",
            self.without_key_store.clone(),
        );
        self.keys.register(registry);
    }
}

/// Counts one stream as open while it lives.
#[derive(Debug)]
pub struct StreamGuard {
    open_streams: Gauge,
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.open_streams.dec();
    }
}

#[cfg(test)]
mod tests;
