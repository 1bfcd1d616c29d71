//! Vectors for event-stream messages from the tests of AWS's own libraries.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use outcrop::bedrock::event_stream::{Decoder, FrameError, HeaderValue, Message};
use outcrop::translate::{Answer, AnswerError, StreamTranslator};
use serde_json::{Value, json};

use super::{cases, name, read_json};
use crate::wire::HEAD;

#[test]
fn vectors_of_other_projects_are_read_or_refused_as_they_say() {
    // Two headers of one name: either reading is right.
    let either = ["botocore__duplicate_header"];
    let mut read = 0;
    for case in cases("eventstream-vectors/positive") {
        if either.contains(&name(&case)) {
            continue;
        }
        let bytes = fs::read(case.join("encoded.bin")).unwrap();
        let expected = read_json(&case.join("decoded.json"));
        let mut messages = Vec::new();
        let mut decoder = Decoder::default();
        decoder
            .push(&bytes, |message| {
                messages.push(shown(&message));
                Ok::<(), FrameError>(())
            })
            .unwrap_or_else(|error| panic!("{}: {error}", name(&case)));
        decoder.finish().unwrap();
        let expected = expected["messages"].as_array().unwrap();
        assert_eq!(messages.len(), expected.len(), "{}", name(&case));
        for ((headers, payload), expected) in messages.iter().zip(expected) {
            assert_eq!(*payload, expected["payload_base64"], "{}", name(&case));
            let names: Vec<_> = expected["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|header| header["name"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(
                headers
                    .iter()
                    .map(|(name, _)| name.clone())
                    .collect::<Vec<_>>(),
                names
            );
            for ((_, value), header) in headers.iter().zip(expected["headers"].as_array().unwrap())
            {
                if let Some(value) = value {
                    assert_eq!(*value, header["value"], "{}", name(&case));
                }
            }
        }
        read += 1;
    }
    let mut refused = 0;
    for case in cases("eventstream-vectors/negative") {
        let bytes = fs::read(case.join("encoded.bin")).unwrap();
        let mut translator = StreamTranslator::new(HEAD, Answer::default());
        let mut out = BytesMut::new();
        let error = translator
            .push(&bytes, &mut out)
            .and_then(|()| translator.finish(&mut out))
            .unwrap_err();
        assert!(
            matches!(error, AnswerError::Frame(_)),
            "{}: {error}",
            name(&case)
        );
        refused += 1;
    }
    println!("{read} vectors read, {refused} refused");
}

/// A message's headers, with the values that are text or whole numbers, and its payload in base64.
type Shown = (Vec<(String, Option<Value>)>, String);

fn shown(message: &Message<'_>) -> Shown {
    let headers = message.headers().map(|header| {
        let (name, value) = header.unwrap();
        let value = match value {
            HeaderValue::String(text) => Some(json!(text)),
            HeaderValue::Bool(value) => Some(json!(value)),
            HeaderValue::Byte(value) => Some(json!(value)),
            HeaderValue::Int16(value) => Some(json!(value)),
            HeaderValue::Int32(value) => Some(json!(value)),
            HeaderValue::Int64(value) => Some(json!(value)),
            _ => None,
        };
        (name.to_owned(), value)
    });
    let payload = STANDARD.encode(message.payload());
    (headers.collect(), payload)
}
