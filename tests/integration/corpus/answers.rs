//! Recorded answers, streamed and whole, beside the oracle.

use std::fs;

use bytes::BytesMut;
use outcrop::translate::{Answer, StreamTranslator, chat_completion};
use serde_json::Value;

use super::frames::{Frame, failure, frames};
use super::said::Said;
use super::{cases, is_recorded, name, with_usage};
use crate::wire::{HEAD, Received, translate};

#[test]
fn recorded_streams_say_what_their_frames_say() {
    let (mut streams, mut messages, mut exceptions) = (0, 0, 0);
    let (mut calls, mut reasoned, mut cached) = (0, 0, 0);
    for case in cases("converse-stream")
        .iter()
        .filter(|case| is_recorded(case))
    {
        let bytes = fs::read(case.join("response.bin")).unwrap();
        let frames = frames(&bytes);
        if frames.iter().any(Frame::is_exception) {
            assert_eq!(failure(&bytes).status, 400, "{}", name(case));
            exceptions += 1;
            continue;
        }
        let expected = Said::in_frames(&frames).received();
        let sse = translate([bytes.as_slice()], with_usage());
        assert_eq!(Received::read(&sse), expected, "{}", name(case));
        assert!(sse.ends_with("data: [DONE]\n\n"));
        assert_eq!(
            translate(bytes.chunks(61), with_usage()),
            sse,
            "{}",
            name(case)
        );
        streams += 1;
        messages += frames.len();
        calls += expected.calls.len();
        reasoned += usize::from(!expected.reasoning.is_empty());
        let details = &expected.usage.as_ref().unwrap()["prompt_tokens_details"];
        cached += usize::from(details["cached_tokens"] != 0 || details["cache_write_tokens"] != 0);
    }
    println!(
        "{streams} recorded streams of {messages} messages: {calls} calls, {reasoned} with reasoning, \
         {cached} with cached tokens; {exceptions} ended in a 400"
    );
}

/// Streams whose origin is less certain: they need not be whole, but they end in exactly one way.
#[test]
fn other_streams_end_in_exactly_one_way() {
    let (mut whole, mut broken) = (0, 0);
    for case in cases("converse-stream")
        .iter()
        .filter(|case| !is_recorded(case))
    {
        let bytes = fs::read(case.join("response.bin")).unwrap();
        let received = Received::read(&translate([bytes.as_slice()], with_usage()));
        assert_ne!(received.done, received.error.is_some(), "{}", name(case));
        if received.done {
            whole += 1;
        } else {
            broken += 1;
        }
    }
    println!("{whole} other streams are whole, {broken} are not");
}

#[test]
fn recorded_answers_say_what_their_json_says() {
    let (mut answers, mut calls, mut reasoned) = (0, 0, 0);
    for case in cases("converse").iter().filter(|case| is_recorded(case)) {
        let json = fs::read(case.join("response.json")).unwrap();
        let mut expected = Said::in_answer(&serde_json::from_slice(&json).unwrap()).received();
        let answer = Answer::default();
        let completion =
            chat_completion(&json, HEAD.id, HEAD.created, HEAD.model, &answer).unwrap();
        let completion: Value = serde_json::from_slice(&completion.body).unwrap();
        let choice = &completion["choices"][0];
        let message = &choice["message"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let received = Received {
            reasoning_details: Value::Null,
            content: text(&message["content"]),
            reasoning: text(&message["reasoning_content"]),
            calls: message["tool_calls"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|call| {
                    let function = &call["function"];
                    let [id, name, arguments] =
                        [&call["id"], &function["name"], &function["arguments"]].map(text);
                    // Laid out anew: the oracle has lost the white space of the recording.
                    let arguments: Value = serde_json::from_str(&arguments).unwrap();
                    (id, name, arguments.to_string())
                })
                .collect(),
            finish_reason: choice["finish_reason"].as_str().map(str::to_owned),
            usage: Some(completion["usage"].clone()),
            error: None,
            done: true,
        };
        assert_eq!(received, expected, "{}", name(case));

        // Cut into events it says the same.
        let mut translator = StreamTranslator::new(HEAD, with_usage());
        let mut out = BytesMut::new();
        translator.push_whole(&json, &mut out).unwrap();
        let mut streamed = Received::read(std::str::from_utf8(&out).unwrap());
        for (_, _, arguments) in &mut streamed.calls {
            *arguments = serde_json::from_str::<Value>(arguments)
                .unwrap()
                .to_string();
        }
        expected.done = true;
        assert_eq!(streamed, expected, "{}", name(case));
        answers += 1;
        calls += expected.calls.len();
        reasoned += usize::from(!expected.reasoning.is_empty());
    }
    println!("{answers} recorded answers: {calls} calls, {reasoned} with reasoning");
}
