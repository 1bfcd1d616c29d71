//! What can go wrong on the way to Bedrock. No text here ever holds a credential, a signature or a body of ours.

use std::error::Error as StdError;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::credentials_error::CredentialsError;
use super::region::RegionSource;
use crate::bedrock::event_stream::FrameError;
use crate::bedrock::{Exception, ExceptionKind};

/// Why a call to Bedrock failed before anything could be sent to the client, or why its body broke off.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// Bedrock answered with an exception: as an HTTP error, or as the first message of a stream.
    #[error("Bedrock answered with {}", summary(.exception))]
    Exception {
        /// The exception in Bedrock's own words.
        exception: Exception,
        /// `x-amzn-requestid` of the answer.
        request_id: Option<String>,
        /// `retry-after` of the answer, if it was given in seconds.
        retry_after: Option<Duration>,
    },
    /// No connection: name resolution, TCP, a proxy or TLS failed, so that nothing was sent.
    #[error("Bedrock cannot be reached: {0}")]
    Unreachable(String),
    /// The connection broke before the answer was whole.
    #[error("the connection to Bedrock broke off: {0}")]
    Interrupted(String),
    /// Bedrock was silent for too long.
    #[error("Bedrock did not answer in time: {0}")]
    Timeout(Timeout),
    /// There are no credentials to sign with.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The stream began with bytes that are no event-stream message.
    #[error("Bedrock's event stream is broken: {0}")]
    Stream(#[from] FrameError),
    /// What answered is not Converse: another status, another content type, or a host that does not know the operation.
    #[error("the endpoint did not answer as Bedrock does: {reason}")]
    Protocol {
        /// What was seen instead.
        reason: String,
        /// `x-amzn-requestid` of the answer.
        request_id: Option<String>,
    },
    /// The model id cannot stand in a URL: it is empty, `.`, `..` or longer than 2,048 bytes.
    #[error("the model id cannot be part of a URL")]
    ModelId,
    /// The request could not be built or signed, which no input should achieve.
    #[error("the request to Bedrock could not be built: {0}")]
    Request(String),
}

/// Which limit was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// `head_timeout`: no response head.
    Head(Duration),
    /// `idle_timeout`: nothing new in the body.
    Idle(Duration),
    /// `total_timeout`: the whole call.
    Total(Duration),
}

/// Why the gateway cannot start to talk to Bedrock. Each text is one line that says what to change.
#[derive(Debug, Error)]
pub enum SetupError {
    /// A region that could not be part of a host name.
    #[error(
        "the region {name:?} from {origin} is not valid: use letters a-z, digits and hyphens, for example us-east-1"
    )]
    Region {
        /// The beginning of what was given.
        name: String,
        /// Who named it.
        origin: RegionSource,
    },
    /// An endpoint override that is not a base URL.
    #[error("{origin} is not usable as an endpoint: {reason}")]
    Endpoint {
        /// The setting.
        origin: String,
        /// What is wrong with its value.
        reason: &'static str,
    },
    /// The AWS profile files cannot be read or parsed.
    #[error("the AWS profile files cannot be read: {0}")]
    Profile(String),
    /// `AWS_PROFILE` names a profile that is in no file.
    #[error(
        "the AWS profile {0:?} is in neither ~/.aws/config nor ~/.aws/credentials: correct AWS_PROFILE or add it"
    )]
    UnknownProfile(String),
    /// A target names an account that is not configured.
    #[error("there is no account {0:?}: add an [[accounts]] with this name, or correct the target")]
    UnknownAccount(String),
    /// The CA bundle cannot be used.
    #[error("the CA bundle {} cannot be used: {reason}", .path.display())]
    CaBundle {
        /// The file that `AWS_CA_BUNDLE` or the profile names.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A proxy variable that is not understood.
    #[error(
        "{variable} is not a proxy that can be used: give http://[user:password@]host[:port] or the same with https"
    )]
    Proxy {
        /// The variable's name; its value may hold a password.
        variable: &'static str,
    },
    /// `AWS_BEARER_TOKEN_BEDROCK` holds characters that no header may hold.
    #[error(
        "AWS_BEARER_TOKEN_BEDROCK is not a token: it holds characters that no HTTP header may hold"
    )]
    BearerToken,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}

impl Error {
    /// The request id of the answer that failed, if there was an answer.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Exception { request_id, .. } | Self::Protocol { request_id, .. } => {
                request_id.as_deref()
            }
            _ => None,
        }
    }

    /// Whether the request may have reached Bedrock, which then works and is paid for an answer that nobody gets.
    pub fn loses_the_answer(&self) -> bool {
        matches!(
            self,
            Self::Interrupted(_) | Self::Timeout(_) | Self::Stream(_)
        )
    }

    /// How long Bedrock asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Exception { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same request may succeed in another region or account: it was not the request that was wrong, and
    /// no time was lost with waiting. A quota is that of one account in one region.
    pub fn may_not_be_elsewhere(&self) -> bool {
        match self {
            Self::Exception { exception, .. } => matches!(
                exception.kind,
                ExceptionKind::Authentication
                    | ExceptionKind::InternalServer
                    | ExceptionKind::ModelError
                    | ExceptionKind::ModelNotReady
                    | ExceptionKind::ModelTimeout
                    | ExceptionKind::ServiceQuotaExceeded
                    | ExceptionKind::ServiceUnavailable
                    | ExceptionKind::Throttling
            ),
            Self::Unreachable(_)
            | Self::Interrupted(_)
            | Self::Credentials(_)
            | Self::Stream(_)
            | Self::Protocol { .. } => true,
            Self::Timeout(_) | Self::ModelId | Self::Request(_) => false,
        }
    }

    /// Whether it says of one account in one region that the model cannot be had there, which nobody but the operator can
    /// change.
    pub fn is_of_the_place(&self) -> bool {
        match self {
            Self::Exception { exception, .. } => {
                exception.is_unknown_model()
                    || matches!(
                        exception.kind,
                        ExceptionKind::AccessDenied | ExceptionKind::ResourceNotFound
                    )
            }
            _ => false,
        }
    }

    /// What went wrong in one word, for metrics: AWS's name of the exception, else ours.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Exception { exception, .. } => exception_name(exception.kind),
            Self::Unreachable(_) => "Unreachable",
            Self::Interrupted(_) => "Interrupted",
            Self::Timeout(_) => "Timeout",
            Self::Credentials(_) => "Credentials",
            Self::Stream(_) => "Stream",
            Self::Protocol { .. } => "Protocol",
            Self::ModelId => "ModelId",
            Self::Request(_) => "Request",
        }
    }
}

impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(limit) => write!(f, "no response head within {limit:?}"),
            Self::Idle(limit) => write!(f, "no data within {limit:?}"),
            Self::Total(limit) => write!(f, "not complete within {limit:?}"),
        }
    }
}

/// One name for each kind: what AWS sends besides must not become a label.
fn exception_name(kind: ExceptionKind) -> &'static str {
    match kind {
        ExceptionKind::AccessDenied => "AccessDeniedException",
        ExceptionKind::Authentication => "Authentication",
        ExceptionKind::InternalServer => "InternalServerException",
        ExceptionKind::ModelError => "ModelErrorException",
        ExceptionKind::ModelNotReady => "ModelNotReadyException",
        ExceptionKind::ModelTimeout => "ModelTimeoutException",
        ExceptionKind::Other => "Other",
        ExceptionKind::RequestTooLarge => "RequestEntityTooLargeException",
        ExceptionKind::ResourceNotFound => "ResourceNotFoundException",
        ExceptionKind::ServiceQuotaExceeded => "ServiceQuotaExceededException",
        ExceptionKind::ServiceUnavailable => "ServiceUnavailableException",
        ExceptionKind::Throttling => "ThrottlingException",
        ExceptionKind::Validation => "ValidationException",
    }
}

/// An exception in one line; AWS sends some without a name, and some without a text.
fn summary(exception: &Exception) -> String {
    let Exception {
        name,
        message,
        status,
        ..
    } = exception;
    let separator = if name.is_empty() { "" } else { " " };
    format!("{status}{separator}{name}: {message}")
}

/// The texts of an error and of all its causes in one line: hyper's own text names no cause.
pub(super) fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text.replace(['\n', '\r'], " ")
}
