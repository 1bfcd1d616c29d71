//! One attempt at one call: send, wait for the head, tell success from failure, read. Every wait has a limit.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, PROXY_AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

use super::clock::AwsClock;
use super::connector::Connector;
use super::error::{Error, Timeout, chain};
use super::event_stream_body::{EventStreamBody, first_message, interrupted};
use super::{Answer, EventStream};
use crate::bedrock::Exception;
use crate::config;

/// Pooled connections are closed after this long: between 350 s and for ever, NAT gateways and VPC endpoints drop them
/// without a word.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(90);
/// The most bytes of an answer that are taken. Converse answers are text and JSON; images come as base64.
const MAX_ANSWER_BYTES: usize = 64 * 1024 * 1024;
/// The most bytes of an error's body that are taken.
const MAX_ERROR_BYTES: usize = 64 * 1024;
/// The longest request id that is passed on.
const MAX_REQUEST_ID_LENGTH: usize = 128;
/// A time that never comes, for limits that overflow the clock.
const FOR_EVER: Duration = Duration::from_hours(30 * 365 * 24);

/// The connection pool and the limits in time.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pool: Pool<Connector, Full<Bytes>>,
    connector: Connector,
    clock: AwsClock,
    head_timeout: Duration,
    idle_timeout: Duration,
    total_timeout: Duration,
}

/// When a call must be over, repeats included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Instant,
    limit: Duration,
}

impl Deadline {
    pub(super) fn after(limit: Duration) -> Self {
        Self {
            at: instant_after(limit),
            limit,
        }
    }

    /// Runs `future` for at most the time of `timeout`, and never beyond the deadline.
    async fn bound<T>(
        &self,
        timeout: Timeout,
        future: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let (Timeout::Head(limit) | Timeout::Idle(limit) | Timeout::Total(limit)) = timeout;
        let at = instant_after(limit);
        let (at, timeout) = if self.at < at {
            (self.at, Timeout::Total(self.limit))
        } else {
            (at, timeout)
        };
        timeout_at(at, future)
            .await
            .map_err(|_| Error::Timeout(timeout))
    }
}

impl Client {
    /// A client that shows the date of every answer to `clock`.
    pub(super) fn new(
        settings: &config::Bedrock,
        tls: ClientConfig,
        proxies: Matcher,
        clock: AwsClock,
    ) -> Self {
        let connector = Connector::new(tls, proxies, settings.connect_timeout);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .pool_timer(TokioTimer::new())
            .build(connector.clone());
        Self {
            pool,
            connector,
            clock,
            head_timeout: settings.head_timeout,
            idle_timeout: settings.idle_timeout,
            total_timeout: settings.total_timeout,
        }
    }

    /// What opens its connections.
    pub(super) fn connector(&self) -> Connector {
        self.connector.clone()
    }

    /// The deadline of a call that begins now.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(self.total_timeout)
    }

    /// Sends `request` and waits for the head of a success; any other answer is an error.
    pub(super) async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
        deadline: Deadline,
    ) -> Result<Response<Incoming>, Error> {
        // Not signed, because it is for the proxy alone.
        if let Some(value) = self.connector.proxy_authorization(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        let sent = deadline
            .bound(Timeout::Head(self.head_timeout), self.pool.request(request))
            .await?;
        let response = sent.map_err(|error| unsent(&error))?;
        self.clock.hear(response.headers());
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(self.failure(response, deadline).await)
        }
    }

    /// Reads the JSON of a success.
    pub(super) async fn answer(
        &self,
        response: Response<Incoming>,
        deadline: Deadline,
    ) -> Result<Answer, Error> {
        expect_content_type(response.headers(), "application/json")?;
        let request_id = request_id(response.headers());
        let input_tokens = input_tokens(response.headers());
        let mut body = BytesMut::new();
        self.read(response.into_body(), &mut body, MAX_ANSWER_BYTES, deadline)
            .await?;
        let reason = if body.len() > MAX_ANSWER_BYTES {
            "its answer is larger than 64 MiB"
        } else if is_unknown_operation(&body) {
            "it does not know the operation; is the endpoint URL right?"
        } else {
            let body = body.freeze();
            return Ok(Answer {
                request_id,
                input_tokens,
                body,
            });
        };
        let reason = reason.to_owned();
        Err(Error::Protocol { reason, request_id })
    }

    /// Waits for the first message of a stream.
    pub(super) async fn event_stream(
        &self,
        response: Response<Incoming>,
        deadline: Deadline,
    ) -> Result<EventStream, Error> {
        expect_content_type(response.headers(), "application/vnd.amazon.eventstream")?;
        let id = request_id(response.headers());
        let mut body = response.into_body();
        let first = deadline
            .bound(Timeout::Idle(self.idle_timeout), first_message(&mut body))
            .await?;
        let first = first.map_err(|error| match error {
            Error::Exception {
                exception,
                retry_after,
                ..
            } => Error::Exception {
                exception,
                request_id: id.clone(),
                retry_after,
            },
            error => error,
        })?;
        Ok(EventStream {
            request_id: id,
            body: EventStreamBody::new(first, body, deadline.at, deadline.limit),
        })
    }

    /// Reads an answer that is no success. What its body still holds when it breaks off or is too long does not matter.
    async fn failure(&self, response: Response<Incoming>, deadline: Deadline) -> Error {
        let (head, incoming) = response.into_parts();
        let request_id = request_id(&head.headers);
        if head.status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Error::Unreachable("the proxy wants other credentials (407)".to_owned());
        }
        if !head.status.is_client_error() && !head.status.is_server_error() {
            let reason = format!("it answered with the status {}", head.status.as_u16());
            return Error::Protocol { reason, request_id };
        }
        let mut body = BytesMut::new();
        let read = self
            .read(incoming, &mut body, MAX_ERROR_BYTES, deadline)
            .await;
        if let Err(error) = read {
            tracing::debug!(%error, "the body of an error answer broke off");
        }
        body.truncate(MAX_ERROR_BYTES);
        let header = |name| head.headers.get(name)?.to_str().ok();
        Error::Exception {
            exception: Exception::from_answer(
                head.status.as_u16(),
                header("x-amzn-errortype"),
                header("x-amzn-errormessage"),
                &body,
            ),
            request_id,
            retry_after: header(RETRY_AFTER.as_str())
                .and_then(|seconds| seconds.trim().parse().ok())
                .map(Duration::from_secs),
        }
    }

    /// Appends `body` to `read` until its end, or until there are more than `limit` bytes.
    async fn read(
        &self,
        mut body: Incoming,
        read: &mut BytesMut,
        limit: usize,
        deadline: Deadline,
    ) -> Result<(), Error> {
        while read.len() <= limit {
            match deadline
                .bound(Timeout::Idle(self.idle_timeout), body.frame())
                .await?
            {
                Some(Ok(frame)) => read.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Err(interrupted(&error)),
                None => break,
            }
        }
        Ok(())
    }
}

fn instant_after(limit: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(limit).unwrap_or(now + FOR_EVER)
}

/// A request without an answer: never sent when no connection was made, perhaps sent otherwise.
fn unsent(error: &legacy::Error) -> Error {
    let text = std::error::Error::source(error).map_or_else(|| error.to_string(), chain);
    if error.is_connect() {
        Error::Unreachable(text)
    } else {
        Error::Interrupted(text)
    }
}

fn expect_content_type(headers: &HeaderMap, expected: &str) -> Result<(), Error> {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    let shown: String = media_type.chars().take(64).collect();
    Err(Error::Protocol {
        reason: format!(
            "the content type of its answer is {shown:?} instead of {expected}; is the endpoint URL right?"
        ),
        request_id: request_id(headers),
    })
}

/// Whether a success is Coral's way to say that this host has no such operation:
/// `{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}`.
fn is_unknown_operation(body: &[u8]) -> bool {
    const NAME: &[u8] = b"#UnknownOperationException";
    body.len() < 1024 && body.windows(NAME.len()).any(|window| window == NAME)
}

/// `x-amzn-requestid`, when it is short and printable.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-amzn-requestid")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= MAX_REQUEST_ID_LENGTH).then(|| id.to_owned())
}

/// `x-amzn-bedrock-input-token-count`, the sum over all texts of a call.
fn input_tokens(headers: &HeaderMap) -> Option<u64> {
    let count = headers.get("x-amzn-bedrock-input-token-count")?;
    count.to_str().ok()?.trim().parse().ok()
}
