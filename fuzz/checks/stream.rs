//! What holds for the translation of every event stream, whatever comes from upstream.

use std::collections::HashMap;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::BytesMut;
use outcrop::bedrock::Family;
use outcrop::openai::{ChatCompletionRequest, ErrorObject};
use outcrop::translate::{
    Answer, ChunkHead, Context, JsonAnswer, StreamTranslator, converse_request,
};
use serde_json::value::RawValue;

/// The events that a line of a script may name by its first byte.
const EVENTS: [(u8, &str); 6] = [
    (b'b', "contentBlockStart"),
    (b'd', "contentBlockDelta"),
    (b'e', "contentBlockStop"),
    (b'm', "messageStart"),
    (b's', "messageStop"),
    (b'u', "metadata"),
];

/// Translates a script: its first byte says how the answer must look and how the stream is cut, each line is one
/// message (`d{"delta":{"text":"x"}}`, `x` for an exception), and after a line that begins with `!` the rest
/// goes in as it is. Whatever it is, the stream ends in one way, and every cut of it gives the same events.
pub(super) fn check(script: &[u8]) {
    let Some((options, script)) = script.split_first() else {
        return;
    };
    let answer = Answer {
        include_usage: options & 1 != 0,
        legacy_functions: options & 2 != 0,
        json: match options & 0b1100 {
            0b0100 => json("meta.llama3-3-70b-instruct-v1:0"),
            0b1000 => json("amazon.nova-lite-v1:0"),
            _ => None,
        },
        bedrock: options & 128 != 0,
        ..Answer::default()
    };
    let bytes = encode(script);
    let whole = translate(&bytes, bytes.len().max(1), &answer);
    let pieces = translate(&bytes, usize::from(options >> 4) + 1, &answer);
    assert_eq!(whole, pieces, "the same bytes in other pieces");
    check_events(&whole);
    // A whole answer of Converse takes the same way.
    let mut out = BytesMut::new();
    let mut translator = translator(&answer);
    if translator.push_whole(script, &mut out).is_err() {
        translator.fail(&failure(), &mut out);
    }
    let text = String::from_utf8(out.to_vec()).expect("events are text");
    check_events(&text);
}

/// How an answer in JSON comes from this model: in its text, or as the input of the tool `structured_answer`.
fn json(model: &str) -> Option<JsonAnswer> {
    let request = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":
        {"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"a":{}}}}}}"#;
    let request = ChatCompletionRequest::parse(request).expect("a request");
    let family = Family::of(Some(model));
    let translation = converse_request(request, &Context::new(&family)).expect("a translation");
    translation.answer.json
}

/// Exactly one of `[DONE]` and an error ends the answer, and each event is one line of JSON.
fn check_events(text: &str) {
    let events: Vec<&str> = text.split_terminator("\n\n").collect();
    let (last, chunks) = events.split_last().expect("an answer has an end");
    let is_error = |event: &str| event.starts_with(r#"data: {"error":"#);
    assert!(*last == "data: [DONE]" || is_error(last), "no end: {text}");
    let mut finished = 0;
    for chunk in chunks {
        assert!(
            !is_error(chunk) && *chunk != "data: [DONE]",
            "two ends: {text}"
        );
        let json = chunk.strip_prefix("data: ").expect("an event is data");
        // What Bedrock says in its own words may be JSON that no tree can hold.
        let members: HashMap<String, &RawValue> =
            serde_json::from_str(json).expect("an event is JSON");
        assert_eq!(members["object"].get(), r#""chat.completion.chunk""#);
        finished += usize::from(members["choices"].get().contains(r#""finish_reason":""#));
    }
    assert_eq!(finished, usize::from(!is_error(last)), "finish: {text}");
}

fn translate(bytes: &[u8], piece: usize, answer: &Answer) -> String {
    let mut out = BytesMut::new();
    let mut translator = translator(answer);
    let pushed = bytes
        .chunks(piece)
        .try_for_each(|piece| translator.push(piece, &mut out));
    if pushed.and_then(|()| translator.finish(&mut out)).is_err() {
        translator.fail(&failure(), &mut out);
    }
    String::from_utf8(out.to_vec()).expect("events are text")
}

fn translator(answer: &Answer) -> StreamTranslator {
    let head = ChunkHead {
        id: "chatcmpl-1",
        created: 1,
        model: "m",
    };
    StreamTranslator::new(head, answer.clone())
}

fn failure() -> ErrorObject {
    ErrorObject {
        message: "It failed.".to_owned(),
        r#type: "server_error".into(),
        param: None,
        code: None,
    }
}

fn encode(script: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = script;
    while !rest.is_empty() {
        if let Some(raw) = rest.strip_prefix(b"!") {
            bytes.extend_from_slice(raw);
            break;
        }
        let length = rest.iter().position(|byte| *byte == b'\n');
        let (line, more) = rest.split_at(length.unwrap_or(rest.len()));
        rest = more.strip_prefix(b"\n").unwrap_or(more);
        if let Some((kind, payload)) = line.split_first() {
            encode_message(*kind, payload, &mut bytes);
        }
    }
    bytes
}

fn encode_message(kind: u8, payload: &[u8], bytes: &mut Vec<u8>) {
    let event = EVENTS.iter().find(|(known, _)| *known == kind);
    let headers = match event {
        Some((_, name)) => [(":message-type", "event"), (":event-type", name)],
        None => [
            (":message-type", "exception"),
            (":exception-type", "validationException"),
        ],
    };
    let mut message = Message::new(payload.to_vec());
    for (name, value) in headers {
        let value = HeaderValue::String(value.to_owned().into());
        message = message.add_header(Header::new(name, value));
    }
    write_message_to(&message, bytes).expect("a short message can be encoded");
}
