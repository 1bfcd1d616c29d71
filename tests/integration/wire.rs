//! Event-stream messages as AWS's own crate writes them, and server-sent events as a client reads them.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::BytesMut;
use outcrop::translate::{Answer, ChunkHead, Failure, StreamTranslator};
use serde_json::Value;

/// What all answers of these tests have in their chunks.
pub(crate) const HEAD: ChunkHead<'static> = ChunkHead {
    id: "chatcmpl-1",
    created: 1_750_000_000,
    model: "m",
};

/// One message's bytes.
pub(crate) fn encode(headers: &[(&str, &str)], payload: impl Into<Vec<u8>>) -> Vec<u8> {
    let message = headers.iter().fold(
        Message::new(bytes::Bytes::from(payload.into())),
        |message, (name, value)| {
            let value = HeaderValue::String((*value).to_owned().into());
            message.add_header(Header::new((*name).to_owned(), value))
        },
    );
    encode_message(&message)
}

pub(crate) fn encode_message(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_message_to(message, &mut bytes).unwrap();
    bytes
}

/// An event, with the headers in Bedrock's order.
pub(crate) fn event(name: &str, payload: impl Into<Vec<u8>>) -> Vec<u8> {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    encode(&headers, payload)
}

pub(crate) fn exception(name: &str, payload: impl Into<Vec<u8>>) -> Vec<u8> {
    let headers = [
        (":exception-type", name),
        (":content-type", "application/json"),
        (":message-type", "exception"),
    ];
    encode(&headers, payload)
}

pub(crate) fn error(code: &str, message: &str) -> Vec<u8> {
    let headers = [
        (":error-code", code),
        (":error-message", message),
        (":message-type", "error"),
    ];
    encode(&headers, "")
}

/// The server-sent events for an answer whose bytes come in these pieces and then end.
pub(crate) fn translate<'b>(pieces: impl IntoIterator<Item = &'b [u8]>, answer: Answer) -> String {
    let mut translator = StreamTranslator::new(HEAD, answer);
    let mut out = BytesMut::new();
    let mut result = Ok(());
    for piece in pieces {
        result = translator.push(piece, &mut out);
        if result.is_err() {
            break;
        }
    }
    if let Err(error) = result.and_then(|()| translator.finish(&mut out)) {
        let failure = Failure::from_answer_error(&error, None);
        translator.fail(&failure.object, &mut out);
    }
    assert!(translator.is_done());
    String::from_utf8(out.to_vec()).unwrap()
}

/// What a client puts together from the chunks of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Received {
    pub(crate) content: String,
    pub(crate) reasoning: String,
    /// Id, name and arguments.
    pub(crate) calls: Vec<(String, String, String)>,
    /// What is to be sent back with the calls; null when there is none.
    pub(crate) reasoning_details: Value,
    pub(crate) finish_reason: Option<String>,
    pub(crate) usage: Option<Value>,
    pub(crate) error: Option<Value>,
    pub(crate) done: bool,
}

impl Received {
    /// What a client has of the same answer when it comes whole.
    pub(crate) fn of_completion(json: &[u8]) -> Self {
        let completion: Value = serde_json::from_slice(json).unwrap();
        let choice = &completion["choices"][0];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let calls = choice["message"]["tool_calls"].as_array();
        let calls = calls.into_iter().flatten().map(|call| {
            let function = &call["function"];
            let (name, arguments) = (&function["name"], &function["arguments"]);
            (text(&call["id"]), text(name), text(arguments))
        });
        Self {
            content: text(&choice["message"]["content"]),
            reasoning: text(&choice["message"]["reasoning_content"]),
            calls: calls.collect(),
            reasoning_details: choice["message"]["reasoning_details"].clone(),
            finish_reason: choice["finish_reason"].as_str().map(str::to_owned),
            usage: completion.get("usage").cloned(),
            error: None,
            done: true,
        }
    }

    /// Reads server-sent events as strictly as the strictest client.
    pub(crate) fn read(sse: &str) -> Self {
        let mut received = Self::default();
        let mut roles = 0;
        for event in sse.split_terminator("\n\n") {
            assert!(
                !received.done && received.error.is_none(),
                "after the end: {event}"
            );
            let data = event.strip_prefix("data: ").unwrap();
            assert!(!data.contains(['\n', '\r']), "{event}");
            if data == "[DONE]" {
                received.done = true;
                continue;
            }
            let chunk: Value = serde_json::from_str(data).unwrap();
            if !chunk["error"].is_null() {
                received.error = Some(chunk["error"].clone());
                continue;
            }
            assert_eq!(chunk["id"], HEAD.id);
            assert_eq!(chunk["object"], "chat.completion.chunk");
            assert_eq!(chunk["created"], HEAD.created);
            assert_eq!(chunk["model"], HEAD.model);
            if !chunk["usage"].is_null() || chunk.get("bedrock").is_some() {
                assert_eq!(chunk["choices"], serde_json::json!([]));
                received.usage = Some(chunk["usage"].clone()).filter(|usage| !usage.is_null());
                continue;
            }
            roles += usize::from(!chunk["choices"][0]["delta"]["role"].is_null());
            received.read_choice(&chunk["choices"][0]);
        }
        assert!(sse.is_empty() || sse.ends_with("\n\n"), "{sse}");
        assert!(roles <= 1, "the role stands in the first chunk alone");
        received
    }

    fn read_choice(&mut self, choice: &Value) {
        assert_eq!(choice["index"], 0);
        assert_eq!(self.finish_reason, None, "after the finish chunk: {choice}");
        assert!(choice.get("finish_reason").is_some());
        self.finish_reason = choice["finish_reason"].as_str().map(str::to_owned);
        let delta = &choice["delta"];
        self.content += delta["content"].as_str().unwrap_or_default();
        self.reasoning += delta["reasoning_content"].as_str().unwrap_or_default();
        if let Some(details) = delta.get("reasoning_details") {
            assert!(self.reasoning_details.is_null(), "it comes once");
            self.reasoning_details = details.clone();
        }
        for call in delta["tool_calls"].as_array().into_iter().flatten() {
            assert!(self.reasoning_details.is_null(), "it comes after the calls");
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            let function = &call["function"];
            let arguments = function["arguments"].as_str().unwrap();
            if call.get("id").is_some() {
                assert_eq!(index, self.calls.len());
                assert_eq!(call["type"], "function");
                let [id, name] = [&call["id"], &function["name"]].map(|v| v.as_str().unwrap());
                let begun = (id.to_owned(), name.to_owned(), arguments.to_owned());
                self.calls.push(begun);
            } else {
                assert_eq!(
                    index + 1,
                    self.calls.len(),
                    "a call's chunks follow each other"
                );
                assert_eq!(function.as_object().unwrap().len(), 1, "{call}");
                self.calls[index].2 += arguments;
            }
        }
    }
}
