//! What Bedrock's failures are in OpenAI's words: one table, for HTTP answers and for events inside a stream.
//!
//! Clients read the texts. OpenClaw and pi-ai take "too many tokens" for a prompt that is too long and
//! compact the conversation or give up, and they repeat a broken stream only when its error says "overloaded",
//! "server error" or the like. So AWS's words are kept where clients match on them, and replaced where
//! they mislead.

use std::borrow::Cow;

use super::answer_error::AnswerError;
use crate::bedrock::{Exception, ExceptionKind};
use crate::openai::ErrorObject;

/// After how many seconds a throttled or overloaded request may be repeated. AWS sends no such figure;
/// clients that are told to wait for more than a minute give up at once.
const RETRY_AFTER: u32 = 5;

/// A failure that ends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The HTTP status, where there is still one to send.
    pub status: u16,
    /// What the client is told.
    pub object: ErrorObject,
    /// Seconds for `retry-after`.
    pub retry_after: Option<u32>,
    /// Whether repeating is pointless: the OpenAI SDKs obey `x-should-retry: false`.
    pub permanent: bool,
}

impl Failure {
    /// A failure that the client can neither mend nor wait for.
    pub fn new(
        status: u16,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        let object = ErrorObject {
            message: message.into(),
            r#type: Cow::Borrowed(kind),
            param: None,
            code: code.map(Cow::Borrowed),
        };
        Self {
            status,
            object,
            retry_after: None,
            permanent: false,
        }
    }

    fn retry_later(self) -> Self {
        Self {
            retry_after: Some(RETRY_AFTER),
            ..self
        }
    }

    fn permanent(self) -> Self {
        Self {
            permanent: true,
            ..self
        }
    }

    /// The gateway's own AWS credentials are missing or refused. Never a 401 or 403: those are about the
    /// client's key, and make OpenClaw switch the provider off for a minute.
    pub fn upstream_auth(text: &str) -> Self {
        let message = format!("The gateway's AWS credentials were not accepted: {text}");
        Self::new(502, "server_error", Some("upstream_auth"), message).permanent()
    }

    /// An answer that broke off or cannot be read.
    pub fn upstream_stream_error(text: &str) -> Self {
        let message = format!("Upstream server error: {text}.");
        Self::new(502, "server_error", Some("upstream_stream_error"), message)
    }

    /// The failure for an exception; `context_window` is the model's, in tokens, where known.
    pub fn from_exception(exception: &Exception, context_window: Option<u32>) -> Self {
        use ExceptionKind as Kind;

        let name = shown_name(exception);
        let text = told_text(exception);
        match exception.kind {
            Kind::Validation if exception.is_context_overflow() => overflow(&exception.message, context_window),
            Kind::Validation if exception.is_unknown_model() => unknown_model(&text),
            Kind::Validation => Self::new(400, "invalid_request_error", None, text),
            Kind::AccessDenied => Self::new(
                404,
                "invalid_request_error",
                Some("model_not_found"),
                format!(
                    "{text} (AccessDeniedException). The gateway's AWS account needs access to this model in the Bedrock \
                     console, and its identity bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream on the model \
                     and, for an inference profile, on the profile and its models in all of its regions."
                ),
            ),
            Kind::Authentication => Self::upstream_auth(&format!("{text} ({name})")),
            Kind::ResourceNotFound => {
                Self::new(404, "invalid_request_error", Some("model_not_found"), format!("{text} ({name})"))
            }
            Kind::Throttling | Kind::ServiceQuotaExceeded if exception.is_daily_quota() => Self::new(
                429,
                "insufficient_quota",
                Some("insufficient_quota"),
                format!(
                    "You exceeded your current quota: what AWS grants this account for the model is used up ({name}). \
                     Request an increase in AWS Service Quotas, or wait until it is granted anew."
                ),
            )
            .permanent(),
            Kind::Throttling | Kind::ServiceQuotaExceeded => Self::new(
                429,
                "rate_limit_error",
                Some("rate_limit_exceeded"),
                format!("Rate limit exceeded: AWS throttled this request ({name}), retry after {RETRY_AFTER} s."),
            )
            .retry_later(),
            Kind::ModelNotReady => Self::new(
                503,
                "server_error",
                Some("model_not_ready"),
                format!("Service unavailable: the model is not ready yet ({name}). {text}"),
            )
            .retry_later(),
            Kind::ModelTimeout => {
                Self::new(504, "timeout", Some("model_timeout"), format!("Timeout: the model took too long ({name}). {text}"))
            }
            Kind::ModelError => {
                Self::new(502, "server_error", Some("model_error"), format!("The model failed with a server error ({name}). {text}"))
            }
            Kind::ServiceUnavailable => Self::new(
                503,
                "server_error",
                Some("overloaded"),
                format!("Service unavailable: Bedrock is overloaded ({name}). {text}"),
            )
            .retry_later(),
            Kind::RequestTooLarge => Self::new(
                413,
                "invalid_request_error",
                Some("request_too_large"),
                format!("The request body is too large for Bedrock (request_too_large). {text}"),
            ),
            // Whatever it is, AWS blames the request, and the same request again has the same answer.
            Kind::Other if (400..500).contains(&exception.status) => {
                let message = format!("Bedrock refused the request with {} ({name}). {text}", exception.status);
                Self::new(502, "server_error", None, message).permanent()
            }
            Kind::InternalServer | Kind::Other => {
                Self::new(500, "server_error", None, format!("Internal server error at Bedrock ({name}). {text}"))
            }
        }
    }

    /// The failure for an answer that cannot be passed on.
    pub fn from_answer_error(error: &AnswerError, context_window: Option<u32>) -> Self {
        match error {
            AnswerError::Exception(exception) => Self::from_exception(exception, context_window),
            AnswerError::Malformed(reason) => {
                let message =
                    format!("The model failed with a server error: it stopped with {reason}.");
                Self::new(502, "server_error", Some("model_error"), message)
            }
            other => Self::upstream_stream_error(&other.to_string()),
        }
    }
}

/// One text that every client recognises: litellm and langchain look for the two sentences, pi-ai and
/// OpenClaw for the second or the code; AWS's own sentence stands beside them.
fn overflow(text: &str, context_window: Option<u32>) -> Failure {
    let limit = context_window.map_or_else(
        || "exceeded".to_owned(),
        |tokens| format!("{tokens} tokens"),
    );
    let message = format!(
        "This model's maximum context length is {limit}; prompt is too long: {text} (context_length_exceeded)"
    );
    Failure::new(
        400,
        "invalid_request_error",
        Some("context_length_exceeded"),
        message,
    )
}

fn unknown_model(text: &str) -> Failure {
    let hint = if text.contains("on-demand throughput") {
        "Ask for an inference profile instead: the same id with a geography in front, such as 'us.', 'eu.' or 'global.'."
    } else {
        "Check the id and the gateway's AWS region."
    };
    Failure::new(
        404,
        "invalid_request_error",
        Some("model_not_found"),
        format!("{text} {hint}"),
    )
}

fn shown_name(exception: &Exception) -> &str {
    if exception.name.is_empty() {
        "an error without a name"
    } else {
        &exception.name
    }
}

/// AWS's text, in other words where a client would take it for a prompt that is too long.
fn told_text(exception: &Exception) -> Cow<'_, str> {
    if exception.message.trim().is_empty() {
        return Cow::Borrowed("AWS gave no reason.");
    }
    if exception.is_context_overflow() {
        return Cow::Borrowed(&exception.message);
    }
    let mut told = Cow::Borrowed(exception.message.as_str());
    for (words, others) in OVERFLOW_WORDS {
        // ASCII letters alone change, so that places in the one are places in the other.
        while let Some(at) = told.to_ascii_lowercase().find(words) {
            told.to_mut().replace_range(at..at + words.len(), others);
        }
    }
    told
}

/// What pi-ai and OpenClaw take for a context overflow, some of it only before a number; and what says the same.
const OVERFLOW_WORDS: [(&str, &str); 6] = [
    ("too many tokens", "more tokens than allowed"),
    ("token limit exceeded", "the limit of tokens was passed"),
    ("reduce the length of the messages", "shorten the messages"),
    ("prompt too long", "the prompt has too great a length"),
    ("exceeds the limit of ", "is above the limit, "),
    ("maximum context length is ", "context ends at "),
];

#[cfg(test)]
mod tests;
