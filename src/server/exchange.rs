//! One request from its head to the last byte of its answer: what the access log and the metrics say of it.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::info;

use super::bill::Bill;
use super::cached_prefixes::{CacheStatus, CachedPrefixes};
use super::caller::Caller;
use super::connection::InFlight;
use super::request_body::Share;
use super::request_id::RequestId;
use crate::bedrock::Money;
use crate::bedrock::response::TokenUsage;
use crate::keys::{RateLimits, Reservation};
use crate::metrics::{KeyRequest, Metrics, RequestOutcome, StreamGuard, Tokens};
use crate::translate::CachedPrefix;
use crate::upstream::Attempts;

/// The most characters of a model's id in the log.
const MAX_SHOWN_MODEL: usize = 200;

/// What is known of a request. Dropping it writes the one line of the access log; a request whose answer was
/// never handed over in full is told as one whose client left.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each tells something else of the request"
)]
pub(super) struct Exchange {
    metrics: Metrics,
    begun: Instant,
    pub(super) request_id: RequestId,
    pub(super) caller: Caller,
    /// How the limits of the caller's key stand, once that was looked at.
    pub(super) rate_limits: Option<RateLimits>,
    /// What the request costs, once it was admitted.
    pub(super) bill: Option<Bill>,
    /// The route's name, or `unknown`.
    pub(super) route: &'static str,
    pub(super) status: Option<StatusCode>,
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) attempts: Arc<Attempts>,
    pub(super) upstream_request_id: Option<String>,
    pub(super) error: Option<&'static str>,
    pub(super) usage: Option<TokenUsage>,
    pub(super) stop_reason: String,
    pub(super) first_token: Option<Duration>,
    overhead: Option<Duration>,
    pub(super) complete: bool,
    /// Whether the answer was read on without its client.
    pub(super) client_left: bool,
    /// Where it was called last: `account/region/model`.
    target: Option<String>,
    /// Whether Bedrock took the request, so that the model's name is one that it knows.
    pub(super) is_answered: bool,
    /// What the prompt cache is to keep, and what it was to keep before.
    cached_prefix: Option<CachedPrefix>,
    cache: Arc<CachedPrefixes>,
    open: Option<StreamGuard>,
    /// What the answer takes of the memory for answers.
    share: Share,
    draining: watch::Receiver<bool>,
    _in_flight: InFlight,
}

impl Exchange {
    /// The account of a request that begins now on a connection.
    pub(super) fn begin(
        metrics: Metrics,
        request_id: RequestId,
        in_flight: InFlight,
        draining: watch::Receiver<bool>,
        cache: Arc<CachedPrefixes>,
    ) -> Self {
        Self {
            _in_flight: in_flight,
            draining,
            target: None,
            is_answered: false,
            metrics,
            begun: Instant::now(),
            request_id,
            caller: Caller::Anonymous,
            rate_limits: None,
            bill: None,
            route: "unknown",
            status: None,
            model: String::new(),
            stream: false,
            attempts: Arc::default(),
            upstream_request_id: None,
            error: None,
            usage: None,
            stop_reason: String::new(),
            first_token: None,
            overhead: None,
            complete: false,
            client_left: false,
            cached_prefix: None,
            cache,
            open: None,
            share: None,
        }
    }

    /// The time from the request's head to `at`.
    pub(super) fn until(&self, at: Instant) -> Duration {
        at.duration_since(self.begun)
    }

    /// Notes what the gateway itself took: until the first call began, and since the last one was answered.
    pub(super) fn measure_overhead(&mut self) {
        if let (Some(begun), Some(answered)) =
            (self.attempts.first_begun_at(), self.attempts.answered_at())
        {
            self.overhead = Some(self.until(begun.into()) + answered.elapsed());
        }
    }

    /// Notes where the request is called, and what the prompt cache is to keep of it there.
    pub(super) fn called(&mut self, target: &str, prefix: Option<CachedPrefix>) {
        self.cached_prefix = prefix;
        self.target = Some(target.to_owned());
    }

    /// Notes that Bedrock took the request, and where.
    pub(super) fn answered(&mut self, target: &str, prefix: Option<CachedPrefix>) {
        self.called(target, prefix);
        self.is_answered = true;
    }

    /// Notes where the last call was refused.
    pub(super) fn refused(&mut self, target: &str) {
        self.target = Some(target.to_owned());
    }

    /// Holds what the answer takes of the memory for answers, until the client has it.
    pub(super) fn hold(&mut self, share: Share) {
        self.share = share;
    }

    /// Begins the bill of the request, which `reservation` pays for if there is one.
    pub(super) fn begin_bill(&mut self, reservation: Option<Reservation>) -> Bill {
        let bill = Bill::new(reservation, Arc::clone(&self.attempts));
        self.bill = Some(bill.clone());
        bill
    }

    /// Counts an open stream until the answer ends.
    pub(super) fn stream_opened(&mut self) {
        self.open = Some(self.metrics.stream_opened());
    }

    /// Whether Bedrock knows the model, so that its name may be a metric's label.
    fn known_model(&self) -> Option<&str> {
        self.is_answered.then_some(self.model.as_str())
    }

    /// What the prompt cache did, once the usage is known.
    fn cache_status(&self) -> Option<CacheStatus> {
        let (target, usage) = (self.target.as_ref()?, self.usage.as_ref()?);
        self.cache.status(target, self.cached_prefix?, usage)
    }

    fn measure(&self, status: StatusCode, duration: Duration) {
        self.metrics.request_finished(&RequestOutcome {
            route: self.route,
            model: self.known_model(),
            status: status.as_u16(),
            stream: self.stream,
            error: self.error,
            duration,
        });
        if let (Some(model), Some(usage)) = (self.known_model(), &self.usage) {
            let tokens = Tokens {
                input: usage.input_tokens,
                output: usage.output_tokens,
                cache_read: usage.cache_read_input_tokens(),
                cache_write: usage.cache_write_input_tokens(),
            };
            self.metrics.tokens(model, &tokens);
        }
        if let (Some(model), Some(first_token)) = (self.known_model(), self.first_token) {
            self.metrics.first_token(model, first_token);
        }
        if let Some(overhead) = self.overhead {
            self.metrics.overhead(self.route, self.stream, overhead);
        }
        if let Some(key) = self.caller.key() {
            let spent = self.bill.as_ref().and_then(Bill::spent);
            self.metrics.key_request(&KeyRequest {
                id: key.id.as_str(),
                name: &key.name,
                status: status.as_u16(),
                tokens: spent.map(|spent| Tokens {
                    input: spent.input_tokens,
                    output: spent.output_tokens,
                    cache_read: spent.cache_read_tokens,
                    cache_write: spent.cache_write_tokens,
                }),
                cost: spent.and_then(|spent| spent.cost).map(Money::usd),
            });
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if (!self.complete || self.client_left) && self.error.is_none() {
            let draining = *self.draining.borrow() && !self.client_left;
            self.error = Some(if draining {
                "shutting_down"
            } else {
                "client_left"
            });
        }
        // nginx's status for a client that left before there was one.
        let status = self
            .status
            .or_else(|| StatusCode::from_u16(499).ok())
            .unwrap_or_default();
        let duration = self.begun.elapsed();
        self.measure(status, duration);
        let cache_status = self.cache_status().map(CacheStatus::as_str);
        if let (Some(model), Some(status)) = (self.known_model(), cache_status) {
            self.metrics.prompt_cache(model, status);
        }
        let key = self.caller.key();
        let spent = self.bill.as_ref().and_then(Bill::spent);
        let shown = |text: &str| {
            (!text.is_empty()).then(|| text.chars().take(MAX_SHOWN_MODEL).collect::<String>())
        };
        info!(
            target: "outcrop::access",
            request_id = self.request_id.as_str(),
            key_id = key.map(|key| key.id.as_str()),
            key_name = key.map(|key| key.name.as_str()),
            route = self.route,
            status = status.as_u16(),
            duration_ms = milliseconds(duration),
            model = shown(&self.model),
            upstream_target = self.target.as_deref().and_then(shown),
            stream = self.stream.then_some(true),
            attempts = Some(self.attempts.begun()).filter(|begun| *begun > 0),
            first_token_ms = self.first_token.map(milliseconds),
            input_tokens = self.usage.map(|usage| usage.input_tokens),
            output_tokens = self.usage.map(|usage| usage.output_tokens),
            cache_read_tokens = self.usage.map(|usage| usage.cache_read_input_tokens()).filter(|tokens| *tokens > 0),
            cache_write_tokens = self.usage.map(|usage| usage.cache_write_input_tokens()).filter(|tokens| *tokens > 0),
            cost_usd = spent.and_then(|spent| spent.cost).map(Money::usd),
            estimated = spent.filter(|spent| spent.estimated).map(|_| true),
            cache_status,
            cache_prefix = self.cached_prefix.map(|prefix| format!("{:016x}", prefix.digest)),
            stop_reason = shown(&self.stop_reason),
            error = self.error,
            upstream_request_id = self.upstream_request_id.as_deref(),
            "request"
        );
    }
}

fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
