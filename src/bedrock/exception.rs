//! The exceptions that Bedrock declares, and those that AWS's front end sends without declaring them.

use std::borrow::Cow;

use serde::Deserialize;

use super::event_stream::Message;

/// The most bytes of an exception's message that are kept; the rest is cut off.
const MAX_MESSAGE_LENGTH: usize = 4096;

/// A failure in Bedrock's own words, from an HTTP answer or from inside an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Which exception it is.
    pub kind: ExceptionKind,
    /// The exception's name as AWS sent it, `ThrottlingException`; empty when it sent none.
    pub name: String,
    /// AWS's text, cut to 4,096 bytes; may be empty.
    pub message: String,
    /// The HTTP status it came with, or the one its shape declares when it came inside a stream.
    pub status: u16,
}

/// The exceptions that need different answers. Names of the same meaning are one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExceptionKind {
    /// `AccessDeniedException`, also `NotAuthorized`.
    AccessDenied,
    /// The gateway's own credentials were refused: `UnrecognizedClientException`, `InvalidSignatureException`,
    /// `SignatureDoesNotMatch`, `ExpiredTokenException`, `MissingAuthenticationTokenException`, `IncompleteSignature`,
    /// `RequestExpired`, `InvalidClientTokenId`.
    Authentication,
    /// `InternalServerException`, also `InternalFailure`.
    InternalServer,
    /// `ModelErrorException` and, in a stream, `modelStreamErrorException`.
    ModelError,
    /// `ModelNotReadyException`, an HTTP 429 that is no throttle.
    ModelNotReady,
    /// `ModelTimeoutException`.
    ModelTimeout,
    /// A 413 of the front end's: the body is above what Bedrock takes, 25 MB.
    RequestTooLarge,
    /// `ResourceNotFoundException`, also `FTUFormNotFilled` (Anthropic's use-case form).
    ResourceNotFound,
    /// `ServiceQuotaExceededException`.
    ServiceQuotaExceeded,
    /// `ServiceUnavailableException`.
    ServiceUnavailable,
    /// `ThrottlingException`, or a 429 without any name.
    Throttling,
    /// `ValidationException`.
    Validation,
    /// A name that is not known and a status that says nothing more.
    Other,
}

/// Every member that AWS uses for a name or a message, in either spelling.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow, rename = "__type")]
    shape: Option<Cow<'a, str>>,
    #[serde(borrow, alias = "Code")]
    code: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    // Its own field: an answer that holds both spellings must not fail as a duplicate.
    #[serde(borrow, rename = "Message")]
    capital_message: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "originalMessage")]
    original_message: Option<Cow<'a, str>>,
    /// STS, a service of the older query protocol, puts all of the above in here.
    #[serde(borrow, rename = "Error")]
    error: Option<Box<Self>>,
}

impl Exception {
    /// Reads an HTTP answer that is not a success: `error_type` and `error_message` are the headers
    /// `x-amzn-errortype` and `x-amzn-errormessage`. As in botocore the header's name wins over the body's;
    /// a body that is not JSON is the message itself.
    pub fn from_answer(
        status: u16,
        error_type: Option<&str>,
        error_message: Option<&str>,
        body: &[u8],
    ) -> Self {
        let parsed = serde_json::from_slice::<Body<'_>>(body);
        let raw = match &parsed {
            Ok(_) => Cow::Borrowed(""),
            Err(_) => String::from_utf8_lossy(body),
        };
        let parsed = parsed.unwrap_or_default();
        let parsed = match parsed.error {
            Some(inner) => *inner,
            None => parsed,
        };
        let name = [error_type, parsed.code.as_deref(), parsed.shape.as_deref()]
            .into_iter()
            .flatten()
            .map(bare_name)
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        let message = [
            parsed.message.as_deref(),
            parsed.capital_message.as_deref(),
            error_message,
            Some(raw.as_ref()),
        ]
        .into_iter()
        .flatten()
        .map(str::trim)
        .find(|text| !text.is_empty())
        .unwrap_or_default();
        Self::new(name, message, Some(status))
    }

    /// Reads an exception or error message of an event stream. `name` is its `:exception-type` or
    /// `:error-code`; `text` its `:error-message`, if it has one.
    pub fn from_message(name: &str, text: &str, message: &Message<'_>) -> Self {
        let body = serde_json::from_slice::<Body<'_>>(message.payload()).unwrap_or_default();
        let text = [
            body.message.as_deref(),
            body.capital_message.as_deref(),
            body.original_message.as_deref(),
            Some(text),
        ]
        .into_iter()
        .flatten()
        .find(|text| !text.is_empty())
        .unwrap_or_default();
        // Streams write names with a small letter; to read, they are the same as elsewhere.
        let mut name = bare_name(name).to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self::new(&name, text, None)
    }

    /// Whether `event` names an exception: some gateways put the exception's name into `:event-type`.
    pub fn is_exception_name(event: &str) -> bool {
        event.ends_with("Exception")
    }

    fn new(name: &str, message: &str, status: Option<u16>) -> Self {
        let kind = ExceptionKind::from_name(name)
            .or_else(|| ExceptionKind::from_status(status?))
            .unwrap_or(ExceptionKind::Other);
        let kind = match kind {
            ExceptionKind::AccessDenied if is_about_api_key(message) => {
                ExceptionKind::Authentication
            }
            kind => kind,
        };
        let message = if kind == ExceptionKind::Authentication {
            without_canonical_request(message)
        } else {
            message
        };
        Self {
            kind,
            name: cut(name, 128).to_owned(),
            message: cut(message, MAX_MESSAGE_LENGTH).to_owned(),
            status: status.unwrap_or_else(|| kind.status()),
        }
    }

    /// Whether the quota behind a throttle only comes back on another day, so that repeating is pointless.
    pub fn is_daily_quota(&self) -> bool {
        self.kind == ExceptionKind::ServiceQuotaExceeded
            || (self.kind == ExceptionKind::Throttling && self.message.contains("per day"))
    }

    /// Whether other credentials may be taken where these were refused: they expired, or they were replaced.
    pub fn is_about_credentials(&self) -> bool {
        const NAMES: [&str; 3] = ["ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient"];
        NAMES.iter().any(|name| self.name.starts_with(name))
    }

    /// Whether the signature was refused for its date: one of the two clocks is wrong.
    pub fn is_about_time(&self) -> bool {
        const NAMES: [&str; 3] = [
            "RequestExpired",
            "RequestInTheFuture",
            "RequestTimeTooSkewed",
        ];
        const TEXTS: [&str; 2] = ["Signature expired", "Signature not yet current"];
        NAMES.iter().any(|name| self.name.starts_with(name))
            || (self.kind == ExceptionKind::Authentication
                && TEXTS.iter().any(|text| self.message.starts_with(text)))
    }

    /// Whether the prompt did not fit the model, by the texts that AWS, Claude and Nova use for it.
    pub fn is_context_overflow(&self) -> bool {
        const TEXTS: [&str; 9] = [
            "input is too long",
            "prompt is too long",
            "expected maxlength:",
            "exceed context limit",
            "input tokens exceeded",
            "too many input tokens",
            "too many total text bytes",
            "context window exceeded",
            "maximum context length",
        ];
        let message = self.message.to_ascii_lowercase();
        self.kind == ExceptionKind::Validation && TEXTS.iter().any(|text| message.contains(text))
    }

    /// Whether Bedrock does not know the model id, or knows it only through an inference profile.
    pub fn is_unknown_model(&self) -> bool {
        self.kind == ExceptionKind::Validation
            && (self.message.contains("model identifier is invalid")
                || self.needs_inference_profile())
    }

    /// Whether Bedrock takes the model through an inference profile alone: "Invocation of model ID … with on-demand
    /// throughput isn’t supported. …", with either apostrophe.
    pub fn needs_inference_profile(&self) -> bool {
        self.kind == ExceptionKind::Validation
            && self.message.contains("with on-demand throughput isn")
    }
}

impl ExceptionKind {
    /// The kind of an exception's name, whatever the case of its first letter: streams say `throttlingException`.
    fn from_name(name: &str) -> Option<Self> {
        let short = name.strip_suffix("Exception").unwrap_or(name);
        Some(match short.to_ascii_lowercase().as_str() {
            "accessdenied" | "notauthorized" => Self::AccessDenied,
            "unrecognizedclient"
            | "invalidsignature"
            | "signaturedoesnotmatch"
            | "expiredtoken"
            | "missingauthenticationtoken"
            | "missingauthentication"
            | "incompletesignature"
            | "requestexpired"
            | "requestinthefuture"
            | "requesttimetooskewed"
            | "invalidclienttokenid" => Self::Authentication,
            "internalserver" | "internalservererror" | "internalfailure" => Self::InternalServer,
            "modelerror" | "modelstreamerror" => Self::ModelError,
            "modelnotready" => Self::ModelNotReady,
            "modeltimeout" => Self::ModelTimeout,
            "requestentitytoolarge" | "requesttoolarge" => Self::RequestTooLarge,
            "resourcenotfound" | "ftuformnotfilled" => Self::ResourceNotFound,
            "servicequotaexceeded" => Self::ServiceQuotaExceeded,
            "serviceunavailable" => Self::ServiceUnavailable,
            "throttling" | "throttled" | "toomanyrequests" => Self::Throttling,
            "validation" => Self::Validation,
            _ => return None,
        })
    }

    /// What a status alone says: a 429 `{"Message":"Rate exceeded"}` comes without any name.
    fn from_status(status: u16) -> Option<Self> {
        Some(match status {
            400 => Self::Validation,
            403 => Self::AccessDenied,
            404 => Self::ResourceNotFound,
            408 => Self::ModelTimeout,
            413 => Self::RequestTooLarge,
            424 => Self::ModelError,
            429 => Self::Throttling,
            503 => Self::ServiceUnavailable,
            500..=599 => Self::InternalServer,
            _ => return None,
        })
    }

    /// The HTTP status that the exception's shape declares.
    pub fn status(self) -> u16 {
        match self {
            Self::AccessDenied | Self::Authentication => 403,
            Self::InternalServer | Self::Other => 500,
            Self::ModelError => 424,
            Self::ModelNotReady | Self::Throttling => 429,
            Self::ModelTimeout => 408,
            Self::RequestTooLarge => 413,
            Self::ResourceNotFound => 404,
            Self::ServiceQuotaExceeded | Self::Validation => 400,
            Self::ServiceUnavailable => 503,
        }
    }
}

/// `ValidationException` out of `aws.protocol#ValidationException:http://internal.amazon.com/coral/…`.
fn bare_name(name: &str) -> &str {
    let name = name.split(':').next().unwrap_or_default();
    name.rsplit('#').next().unwrap_or_default().trim()
}

/// Whether a denial is about the Bedrock API key itself and not about what it may do: AWS has no name of its own for a key
/// that is wrong or has expired.
fn is_about_api_key(message: &str) -> bool {
    const TEXTS: [&str; 2] = ["Authentication failed", "Bearer Token has expired"];
    TEXTS.iter().any(|text| message.starts_with(text))
}

/// AWS explains a wrong signature with the canonical request that it expected, session token included. Nobody
/// else may read that, so the explanation ends before it.
fn without_canonical_request(message: &str) -> &str {
    let lines = message.split(['\n', '\r']).next().unwrap_or_default();
    let said = lines.split("The Canonical String").next();
    said.unwrap_or_default().trim_end()
}

/// At most `length` bytes of `text`, never inside a character.
fn cut(text: &str, length: usize) -> &str {
    text.get(..text.floor_char_boundary(length)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_that_other_credentials_or_another_date_may_cure_are_told_apart() {
        let cases = [
            ("ExpiredTokenException", "", (true, false)),
            ("ExpiredToken", "", (true, false)),
            ("UnrecognizedClientException", "", (true, false)),
            ("InvalidClientTokenId", "", (true, false)),
            ("RequestExpired", "", (false, true)),
            ("RequestTimeTooSkewed", "", (false, true)),
            (
                "InvalidSignatureException",
                "Signature expired: 20260115T123045Z is now earlier than 20260115T132545Z (20260115T133045Z - 5 min.)",
                (false, true),
            ),
            (
                "InvalidSignatureException",
                "Signature not yet current: 20260115T133045Z is still later than 20260115T123545Z",
                (false, true),
            ),
            (
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
                (false, false),
            ),
            ("ValidationException", "Signature expired", (false, false)),
            ("AccessDeniedException", "", (false, false)),
        ];
        for (name, message, expected) in cases {
            let exception = Exception::from_answer(403, Some(name), Some(message), b"");
            assert_eq!(
                (exception.is_about_credentials(), exception.is_about_time()),
                expected,
                "{name} {message}"
            );
        }
    }

    #[test]
    fn an_api_key_that_is_not_taken_is_no_missing_permission() {
        let refused =
            br#"{"Message":"Authentication failed: Please make sure your API Key is valid."}"#;
        let expired = br#"{"Message":"Bearer Token has expired"}"#;
        for (name, body) in [
            (None, &refused[..]),
            (Some("AccessDeniedException"), refused),
            (None, expired),
        ] {
            let exception = Exception::from_answer(403, name, None, body);
            assert_eq!(exception.kind, ExceptionKind::Authentication);
        }
    }

    #[test]
    fn sts_puts_name_and_text_one_level_deeper() {
        let body = br#"{"Error":{"Code":"InvalidClientTokenId","Message":"no","Type":"Sender"},"RequestId":"1"}"#;
        let exception = Exception::from_answer(403, None, None, body);
        assert_eq!(exception.kind, ExceptionKind::Authentication);
        assert_eq!(
            (exception.name.as_str(), exception.message.as_str()),
            ("InvalidClientTokenId", "no")
        );
        let body = br#"{"Error":{"Code":"SignatureDoesNotMatch","Message":"no"}}"#;
        let exception = Exception::from_answer(403, None, None, body);
        assert_eq!(exception.kind, ExceptionKind::Authentication);
    }

    #[test]
    fn an_error_that_is_no_object_is_the_message_itself() {
        let body = br#"{"Error":"no"}"#;
        let exception = Exception::from_answer(500, None, None, body);
        assert_eq!(exception.message, r#"{"Error":"no"}"#);
    }
}
