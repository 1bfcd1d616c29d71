//! Where a part stands in the client's request.

use std::fmt;

use crate::openai::InvalidRequest;

/// Where a part stands in the client's request: `messages[2].content[0]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::translate) struct Place {
    /// The message's index.
    pub(in crate::translate) message: usize,
    /// The part's index in its content.
    pub(in crate::translate) part: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages[{}].content[{}]", self.message, self.part)
    }
}

impl Place {
    /// What stands here cannot be had.
    pub(in crate::translate) fn unsupported(self, message: impl Into<String>) -> InvalidRequest {
        InvalidRequest::unsupported(self.to_string(), message)
    }

    /// `member` of what stands here is no good `medium`; `fault` ends the sentence.
    pub(super) fn wrong(self, medium: &str, member: &str, fault: &str) -> InvalidRequest {
        let path = format!("{self}.{member}");
        let message = format!("Invalid {medium} in '{path}': {fault}");
        InvalidRequest::value(path, message)
    }
}
