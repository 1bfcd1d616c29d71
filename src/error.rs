//! What went wrong: its HTTP status and its OpenAI error object.

use std::borrow::Cow;
use std::fmt;

use http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::openai::error::{ErrorBody, excerpt};
use crate::openai::{ErrorObject, InvalidRequest};
use crate::translate::Failure;

/// Told by `false` not to repeat; the OpenAI SDKs and pi-ai obey it.
const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// The most characters of a path that an error repeats.
const MAX_SHOWN_PATH: usize = 100;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The request is wrong, or asks for what cannot be had.
    InvalidRequest(InvalidRequest),
    /// No key, or none that is valid.
    Unauthorized(InvalidKey),
    /// A web page, or a name that is not this gateway's, wants to use it without a key.
    Forbidden(&'static str),
    /// The key is for something else.
    NotPermitted(&'static str),
    /// The key may not use the model. As OpenAI does, it is told like one that is not there.
    ModelNotAllowed {
        /// The id that clients know.
        id: String,
        /// Why not, where there is more to say.
        reason: &'static str,
    },
    /// A rate limit of the key is reached.
    RateLimited {
        /// Which.
        message: String,
        /// When to ask again, in whole seconds.
        retry_after: u32,
    },
    /// The budget of the key is spent, and asking again will not help.
    BudgetSpent {
        /// Which budget.
        message: String,
    },
    /// No such path.
    NotFound {
        /// Method and path as they came.
        request: String,
    },
    /// No model of this id is listed for this caller.
    UnknownModel {
        /// The id as it came.
        id: String,
    },
    /// A path that takes other methods.
    MethodNotAllowed {
        /// Those methods, as `allow` lists them.
        allow: &'static str,
    },
    /// A body above the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A body that does not arrive.
    BodyTimeout,
    /// A body that broke off.
    BodyInterrupted,
    /// The gateway cannot serve now.
    Unavailable(&'static str),
    /// Bedrock, or the way to it, failed.
    Upstream(Box<Failure>),
}

/// What is wrong with the key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidKey {
    /// There is none.
    Missing,
    /// Nobody knows it.
    Unknown,
    /// It was valid until this moment, in RFC 3339.
    Expired(String),
    /// It was revoked.
    Revoked,
}

impl From<InvalidRequest> for Error {
    fn from(error: InvalidRequest) -> Self {
        Self::InvalidRequest(error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::Upstream(Box::new(failure))
    }
}

impl Error {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) | Self::BodyInterrupted => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::NotPermitted(_) => StatusCode::FORBIDDEN,
            Self::NotFound { .. } | Self::UnknownModel { .. } | Self::ModelNotAllowed { .. } => {
                StatusCode::NOT_FOUND
            }
            Self::RateLimited { .. } | Self::BudgetSpent { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream(failure) => {
                StatusCode::from_u16(failure.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// What the client is told.
    pub fn object(&self) -> ErrorObject {
        match self {
            Self::InvalidRequest(error) => error.object(),
            Self::Upstream(failure) => failure.object.clone(),
            _ => {
                let (kind, code) = self.class();
                ErrorObject {
                    message: self.message(),
                    r#type: kind.into(),
                    param: self.param().map(str::to_owned),
                    code: code.map(Into::into),
                }
            }
        }
    }

    /// A short name for logs and metrics: the error's code, else its type.
    pub fn label(&self) -> &'static str {
        let object = self.object();
        match object.code.unwrap_or(object.r#type) {
            Cow::Borrowed(label) => label,
            Cow::Owned(_) => "other",
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> Vec<u8> {
        let object = self.object();
        // An error object always has JSON text.
        serde_json::to_vec(&ErrorBody { error: &object }).unwrap_or_default()
    }

    /// Adds the headers that go with the status.
    pub fn write_headers(&self, headers: &mut HeaderMap) {
        match self {
            Self::Unauthorized(_) => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::RateLimited { retry_after, .. } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            Self::BudgetSpent { .. } => {
                headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
            }
            Self::MethodNotAllowed { allow } => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            Self::BodyTimeout | Self::BodyInterrupted => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Self::Unavailable(_) => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::Upstream(failure) => {
                if let Some(seconds) = failure.retry_after {
                    headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
                }
                if failure.permanent {
                    headers.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
                }
            }
            Self::InvalidRequest(_)
            | Self::Forbidden(_)
            | Self::NotPermitted(_)
            | Self::NotFound { .. }
            | Self::UnknownModel { .. }
            | Self::ModelNotAllowed { .. }
            | Self::TooLarge { .. } => {}
        }
    }

    fn param(&self) -> Option<&'static str> {
        let of_model = matches!(
            self,
            Self::UnknownModel { .. } | Self::ModelNotAllowed { .. }
        );
        of_model.then_some("model")
    }

    fn class(&self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Unauthorized(_) => ("authentication_error", Some("invalid_api_key")),
            Self::TooLarge { .. } => ("invalid_request_error", Some("request_too_large")),
            Self::NotFound { .. } => ("invalid_request_error", Some("unknown_url")),
            Self::UnknownModel { .. } | Self::ModelNotAllowed { .. } => {
                ("invalid_request_error", Some("model_not_found"))
            }
            Self::RateLimited { .. } => ("rate_limit_error", Some("rate_limit_exceeded")),
            Self::BudgetSpent { .. } => ("insufficient_quota", Some("insufficient_quota")),
            Self::MethodNotAllowed { .. } => ("invalid_request_error", Some("method_not_allowed")),
            Self::Forbidden(_) => ("permission_error", Some("forbidden_origin")),
            Self::NotPermitted(_) => ("permission_error", Some("insufficient_permissions")),
            Self::BodyTimeout => ("timeout", Some("request_timeout")),
            Self::Unavailable(_) => ("server_error", Some("unavailable")),
            Self::InvalidRequest(_) | Self::BodyInterrupted | Self::Upstream(_) => {
                ("invalid_request_error", None)
            }
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unauthorized(key) => key.to_string(),
            Self::Forbidden(reason) => {
                format!(
                    "{reason} Set OUTCROP_API_KEY for the gateway, and send that key, to allow it."
                )
            }
            Self::NotPermitted(reason) => (*reason).to_owned(),
            Self::ModelNotAllowed { id, reason } => {
                format!(
                    "The model '{}' does not exist, or this key has no access to it. {reason}",
                    excerpt(id)
                )
            }
            Self::RateLimited { message, .. } | Self::BudgetSpent { message } => message.clone(),
            Self::NotFound { request } => {
                let shown: String = request.chars().take(MAX_SHOWN_PATH).collect();
                format!(
                    "Unknown request URL: {}. This gateway serves POST /v1/chat/completions, POST /v1/embeddings, \
                     GET /v1/models, GET /v1/models/{{id}}, GET /health, GET /ready and GET /metrics.",
                    shown.escape_debug()
                )
            }
            Self::UnknownModel { id } => {
                format!(
                    "The model '{}' is not listed. GET /v1/models tells which are.",
                    excerpt(id)
                )
            }
            Self::MethodNotAllowed { allow } => {
                format!("Not allowed with this method; use {allow}.")
            }
            Self::TooLarge { limit } => {
                format!(
                    "The request body is too large: at most {limit} bytes are accepted (request_too_large)."
                )
            }
            Self::BodyTimeout => "The request body did not arrive in time.".to_owned(),
            Self::BodyInterrupted => "The request body broke off.".to_owned(),
            Self::Unavailable(reason) => format!("Service unavailable: {reason}."),
            Self::InvalidRequest(error) => error.message.clone(),
            Self::Upstream(failure) => failure.object.message.clone(),
        }
    }
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "You didn't provide an API key. Send the key that this gateway's operator gave you in an Authorization \
                 header: 'Authorization: Bearer KEY'.",
            ),
            Self::Unknown => f.write_str(
                "Incorrect API key provided. Use a key that this gateway's operator gave you.",
            ),
            Self::Expired(at) => write!(
                f,
                "This API key expired at {at}. Ask this gateway's operator for another."
            ),
            Self::Revoked => f.write_str(
                "This API key was revoked. Ask this gateway's operator for another.",
            ),
        }
    }
}
