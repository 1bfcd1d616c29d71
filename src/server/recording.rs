//! The tap that records what Bedrock sends, around the upstream's bytes.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::fixture::{End, Operation, Recorder, Recording};
use crate::upstream;

/// One exchange that is being recorded. Dropped before its end it leaves no file: a client that went away
/// says nothing about Bedrock.
pub(super) struct Tap {
    recording: Recording,
    begun: Instant,
}

impl Tap {
    /// Begins to record a call.
    pub(super) fn begin(recorder: &Recorder, model: &str, stream: bool, body: &[u8]) -> Self {
        let operation = if stream {
            Operation::ConverseStream
        } else {
            Operation::Converse
        };
        Self {
            recording: recorder.begin(model, operation, body),
            begun: Instant::now(),
        }
    }

    /// Bytes of an event stream.
    pub(super) fn event_bytes(&mut self, bytes: &[u8]) {
        self.recording.event_bytes(bytes, self.begun.elapsed());
    }

    /// The end of an event stream.
    pub(super) fn finish(self) {
        self.recording.finish(None);
    }

    /// A whole answer.
    pub(super) fn answer(mut self, body: &[u8]) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.recording
            .answer(StatusCode::OK, &headers, body, self.begun.elapsed());
        self.recording.finish(None);
    }

    /// An exception instead of an answer, or a connection that broke. What never came from Bedrock leaves no file.
    pub(super) fn failure(mut self, error: &upstream::Error) {
        match error {
            upstream::Error::Exception { exception, .. } => {
                let mut headers = HeaderMap::new();
                if let Ok(name) = HeaderValue::from_str(&exception.name) {
                    headers.insert("x-amzn-errortype", name);
                }
                let body = serde_json::json!({"message": exception.message}).to_string();
                let status = StatusCode::from_u16(exception.status)
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                self.recording
                    .answer(status, &headers, body.as_bytes(), self.begun.elapsed());
                self.recording.finish(None);
            }
            upstream::Error::Interrupted(_) => self.recording.finish(Some(End::Reset)),
            _ => {}
        }
    }
}
