//! OpenAI's error object.

use std::borrow::Cow;

use serde::Serialize;
use thiserror::Error;

/// What stands under `error` in every failure; all four members are always there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorObject {
    /// What went wrong and, where it helps, what to do.
    pub message: String,
    /// The class of error, `invalid_request_error` for instance.
    pub r#type: Cow<'static, str>,
    /// The request's member that is at fault: `messages[2].content[0].image_url.url`.
    pub param: Option<String>,
    /// A code that programs can match on.
    pub code: Option<Cow<'static, str>>,
}

/// The body of an error answer, and of an error event inside a stream.
#[derive(Debug, Serialize)]
pub struct ErrorBody<'a> {
    /// The error.
    pub error: &'a ErrorObject,
}

/// The most characters of a client's text that an error repeats.
const MAX_EXCERPT: usize = 64;

/// A client's text for an error's message: its beginning, with nothing in it that could break a line.
pub(crate) fn excerpt(text: &str) -> String {
    let mut characters = text.chars();
    let mut excerpt: String = characters
        .by_ref()
        .take(MAX_EXCERPT)
        .flat_map(char::escape_debug)
        .collect();
    if characters.next().is_some() {
        excerpt.push('…');
    }
    excerpt
}

/// A request that is wrong or asks for what cannot be had: a 400 with `param`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct InvalidRequest {
    /// What is wrong.
    pub message: String,
    /// Which member is.
    pub param: Option<String>,
    /// OpenAI's code for it, where there is one.
    pub code: Option<&'static str>,
}

impl InvalidRequest {
    /// A request whose member `param` has a value that cannot be taken.
    pub fn value(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: Some(param.into()),
            code: Some("invalid_value"),
        }
    }

    /// A request whose member `param` has the wrong JSON type.
    pub fn kind(param: impl Into<String>, expected: &str, found: &str) -> Self {
        let param: String = param.into();
        Self {
            message: format!(
                "Invalid type for '{param}': expected {expected}, but got {found} instead."
            ),
            param: Some(param),
            code: Some("invalid_type"),
        }
    }

    /// A request that lacks `param`.
    pub fn missing(param: impl Into<String>) -> Self {
        let param: String = param.into();
        Self {
            message: format!("Missing required parameter: '{param}'."),
            param: Some(param),
            code: Some("missing_required_parameter"),
        }
    }

    /// A request whose member `param` is understood and cannot be honoured.
    pub fn unsupported(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            param: Some(param.into()),
            code: Some("unsupported_parameter"),
        }
    }

    /// The error object that the client gets.
    pub fn object(&self) -> ErrorObject {
        ErrorObject {
            message: self.message.clone(),
            r#type: Cow::Borrowed("invalid_request_error"),
            param: self.param.clone(),
            code: self.code.map(Cow::Borrowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_on_one_line() {
        assert_eq!(excerpt("get\nweather"), r"get\nweather");
        assert_eq!(excerpt(&"ö".repeat(64)), "ö".repeat(64));
        assert_eq!(excerpt(&"ö".repeat(65)), format!("{}…", "ö".repeat(64)));
    }
}
