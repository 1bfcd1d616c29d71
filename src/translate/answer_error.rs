//! Why an answer of Bedrock's cannot be passed on.

use thiserror::Error;

use crate::bedrock::Exception;
use crate::bedrock::event_stream::FrameError;

/// What is wrong with an answer that began as a success.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnswerError {
    /// An exception or error message inside the stream.
    #[error("{}: {}", .0.name, .0.message)]
    Exception(Exception),
    /// Bytes that are no event-stream message.
    #[error("the event stream is broken: {0}")]
    Frame(#[from] FrameError),
    /// A payload that is not the JSON that its event declares.
    #[error("an event or answer is not the JSON that was expected")]
    Json,
    /// An end before `messageStop`.
    #[error("the answer ended before it was complete")]
    Unfinished,
    /// An answer without a message, from something that is not Converse.
    #[error("the answer holds no message")]
    NoOutput,
    /// As many embeddings as there are texts were expected.
    #[error("the answer holds {found} embeddings for {texts} texts")]
    EmbeddingCount {
        /// How many texts were sent.
        texts: usize,
        /// How many embeddings came back.
        found: usize,
    },
    /// `malformed_model_output` or `malformed_tool_use`.
    #[error("the model stopped with {0}")]
    Malformed(String),
    /// Blocks so interleaved that too much of them would have to be held back.
    #[error("the answer's blocks are interleaved beyond what can be put in order")]
    Interleaved,
}

impl From<serde_json::Error> for AnswerError {
    fn from(_: serde_json::Error) -> Self {
        Self::Json
    }
}
