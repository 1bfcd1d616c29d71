//! The tap that records what Bedrock sends, around the upstream's bytes.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::Instant;

use crate::fixture::{End, Operation, Recorder, Recording};
use crate::upstream;

const INPUT_TOKEN_COUNT: HeaderName = HeaderName::from_static("x-amzn-bedrock-input-token-count");

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
        Self::of(recorder, model, operation, body)
    }

    /// Begins to record a model's own call.
    pub(super) fn of_model(recorder: &Recorder, model: &str, body: &[u8]) -> Self {
        Self::of(recorder, model, Operation::InvokeModel, body)
    }

    fn of(recorder: &Recorder, model: &str, operation: Operation, body: &[u8]) -> Self {
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
    pub(super) fn answer(self, body: &[u8]) {
        self.whole(HeaderMap::new(), body);
    }

    /// The answer to a model's own call.
    pub(super) fn model_answer(self, answer: &upstream::Answer) {
        let mut headers = HeaderMap::new();
        if let Some(tokens) = answer.input_tokens {
            headers.insert(INPUT_TOKEN_COUNT, HeaderValue::from(tokens));
        }
        self.whole(headers, &answer.body);
    }

    fn whole(mut self, mut headers: HeaderMap, body: &[u8]) {
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
