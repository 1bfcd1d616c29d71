//! Streams: every split, every cut, every broken byte.

use std::ops::Range;

use bytes::BytesMut;
use outcrop::translate::{Answer, StreamTranslator, chat_completion};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::answer::{Block, block, events, json_event, usage, whole};
use crate::wire::{HEAD, Received, error, event, exception, translate};

fn with_usage() -> Answer {
    Answer {
        include_usage: true,
        ..Answer::default()
    }
}

/// The same for a model that wants its reasoning back.
fn with_replay() -> Answer {
    let request = json!({
        "model": "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "reasoning_effort": "low",
        "stream_options": {"include_usage": true},
    });
    let answer = crate::requests::translate(request.to_string().as_bytes());
    answer.unwrap().answer
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_split_of_the_same_bytes_gives_the_same_events(
        blocks in vec(block(), 0..6),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let bytes = events(&blocks).concat();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]);
        prop_assert_eq!(
            translate(pieces, with_replay()),
            translate([bytes.as_slice()], with_replay())
        );
    }

    #[test]
    fn streams_and_whole_answers_say_the_same(blocks in vec(block(), 0..6)) {
        let bytes = events(&blocks).concat();
        let streamed = Received::read(&translate([bytes.as_slice()], with_replay()));
        prop_assert!(streamed.done);
        // A call may have come without thoughts; thoughts without a call need not come back.
        let calls = blocks.iter().any(|block| matches!(block, Block::Call(..)));
        prop_assert_eq!(streamed.reasoning_details.is_null(), !calls);

        let json = whole(&blocks);
        let mut cut = StreamTranslator::new(HEAD, with_replay());
        let mut out = BytesMut::new();
        cut.push_whole(&json, &mut out).unwrap();
        prop_assert!(cut.is_done());
        prop_assert_eq!(&Received::read(std::str::from_utf8(&out).unwrap()), &streamed);

        let completion =
            chat_completion(&json, HEAD.id, HEAD.created, HEAD.model, &with_replay()).unwrap();
        let mut turns = completion.turns.into_iter();
        let turn = turns.next().map(|turn| (turn.call_ids, turn.reasoning));
        prop_assert_eq!(cut.take_turn().map(|turn| (turn.call_ids, turn.reasoning)), turn);
        let completion: Value = serde_json::from_slice(&completion.body).unwrap();
        let message = &completion["choices"][0]["message"];
        let text = |member: &str| message[member].as_str().unwrap_or_default().to_owned();
        let calls = message["tool_calls"].as_array().into_iter().flatten().map(|call| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let function = &call["function"];
            (text(&call["id"]), text(&function["name"]), text(&function["arguments"]))
        });
        let received = Received {
            content: text("content"),
            reasoning: text("reasoning_content"),
            calls: calls.collect(),
            reasoning_details: message["reasoning_details"].clone(),
            finish_reason: completion["choices"][0]["finish_reason"].as_str().map(str::to_owned),
            usage: Some(completion["usage"].clone()),
            error: None,
            done: true,
        };
        prop_assert_eq!(received, streamed);
    }

    /// Chunks that say nothing change nothing, wherever they come.
    #[test]
    fn signs_of_life_change_nothing(blocks in vec(block(), 0..6)) {
        let events = events(&blocks);
        let mut translator = StreamTranslator::new(HEAD, with_usage());
        let mut out = BytesMut::new();
        translator.keep_alive(&mut out);
        prop_assert!(!out.is_empty());
        for event in &events {
            translator.push(event, &mut out).unwrap();
            translator.keep_alive(&mut out);
        }
        prop_assert!(translator.is_done());
        let expected = Received::read(&translate([events.concat().as_slice()], with_usage()));
        prop_assert_eq!(Received::read(std::str::from_utf8(&out).unwrap()), expected);
    }

    /// Events of any kind in any order: blocks interleaved, begun twice or never, exceptions anywhere.
    #[test]
    fn any_events_end_in_exactly_one_way(parts in vec(part(), 0..24), cut in any::<Index>()) {
        let mut bytes = parts.concat();
        let sse = translate([bytes.as_slice()], with_usage());
        assert_one_end(&sse);
        prop_assert_eq!(&translate(bytes.chunks(7), with_usage()), &sse);
        bytes.truncate(cut.index(bytes.len() + 1));
        assert_one_end(&translate([bytes.as_slice()], with_usage()));
    }

    #[test]
    fn any_bytes_end_in_exactly_one_way(bytes in vec(any::<u8>(), 0..200)) {
        assert_one_end(&translate([bytes.as_slice()], with_usage()));
    }
}

fn part() -> impl Strategy<Value = Vec<u8>> {
    let block = || 0..3_u32;
    let delta = |block: u32, delta: &Value| {
        let payload = json!({"contentBlockIndex": block, "delta": delta});
        json_event("contentBlockDelta", &payload)
    };
    prop_oneof![
        4 => (block(), ".{0,5}").prop_map(move |(block, text)| delta(block, &json!({"text": text}))),
        2 => (block(), ".{0,5}")
            .prop_map(move |(block, text)| delta(block, &json!({"reasoningContent": {"text": text}}))),
        3 => (block(), ".{0,5}")
            .prop_map(move |(block, text)| delta(block, &json!({"toolUse": {"input": text}}))),
        1 => block().prop_map(move |block| delta(block, &json!(null))),
        3 => (block(), any::<bool>()).prop_map(|(block, server)| {
            let kind = if server { "server_tool_use" } else { "tool_use" };
            let call = json!({"toolUseId": format!("t{block}"), "name": "f", "type": kind});
            json_event("contentBlockStart", &json!({"contentBlockIndex": block, "start": {"toolUse": call}}))
        }),
        3 => block().prop_map(|block| json_event("contentBlockStop", &json!({"contentBlockIndex": block}))),
        1 => "(end_turn|tool_use|max_tokens|malformed_tool_use|[a-z]{3})"
            .prop_map(|reason| json_event("messageStop", &json!({"stopReason": reason}))),
        1 => Just(json_event("metadata", &json!({"usage": usage()}))),
        1 => ("[a-zA-Z]{1,9}", ".{0,9}").prop_map(|(name, payload)| event(&name, payload)),
        1 => ".{0,9}".prop_map(|payload| event("contentBlockDelta", payload)),
        1 => "[a-z]{0,9}".prop_map(|text| exception("throttlingException", json!({"message": text}).to_string())),
        1 => "[a-z]{0,9}".prop_map(|text| error("Code", &text)),
    ]
}

/// Exactly one of `[DONE]` and an error, and nothing after it.
fn assert_one_end(sse: &str) -> Received {
    let received = Received::read(sse);
    assert_ne!(received.done, received.error.is_some(), "{sse}");
    assert_eq!(received.done, received.finish_reason.is_some(), "{sse}");
    for (_, _, arguments) in received.calls.iter().filter(|_| received.done) {
        assert_ne!(arguments, "", "{sse}");
    }
    received
}

/// An answer with everything in it, and where its `messageStop` ends.
fn answer() -> (Vec<u8>, usize) {
    let call = |name: &str| Block::Call(name.to_owned(), r#"{"city":"Oslo"}"#.to_owned());
    let events = events(&[
        Block::Reasoning(vec!["Hm.".to_owned()]),
        Block::Text(vec!["Half ".to_owned(), "an answer 😀".to_owned()]),
        call("get_weather"),
        Block::Call("get_time".to_owned(), "{}".to_owned()),
        Block::Unknown,
    ]);
    let (_, before_usage) = events.split_last().unwrap();
    (events.concat(), before_usage.concat().len())
}

/// How an answer ends that breaks within `broken`: well only if `messageStop` came before.
fn assert_end(sse: &str, broken: &Range<usize>, stop: usize) {
    let received = assert_one_end(sse);
    assert_eq!(
        received.done,
        broken.start >= stop,
        "broken at {broken:?}: {sse}"
    );
}

#[test]
fn a_cut_at_any_byte_is_an_error_before_the_stop_and_none_after_it() {
    let (bytes, stop) = answer();
    for length in 0..=bytes.len() {
        let sse = translate([&bytes[..length]], with_usage());
        assert_end(&sse, &(length..bytes.len()), stop);
        let received = Received::read(&sse);
        assert_eq!(received.usage.is_some(), length == bytes.len());
    }
}

#[test]
fn a_broken_byte_anywhere_is_an_error_before_the_stop_and_none_after_it() {
    let (bytes, stop) = answer();
    for place in 0..bytes.len() {
        for mask in [0x01, 0xff] {
            let mut broken = bytes.clone();
            broken[place] ^= mask;
            let sse = translate([broken.as_slice()], with_usage());
            assert_end(&sse, &(place..place + 1), stop);
        }
    }
}

#[test]
fn an_exception_anywhere_is_an_error_before_the_stop_and_none_after_it() {
    let (bytes, stop) = answer();
    let throttled = exception("throttlingException", r#"{"message":"Too many tokens"}"#);
    let mut place = 0;
    while place <= bytes.len() {
        let (before, after) = bytes.split_at(place);
        let sse = translate([before, &throttled, after], with_usage());
        assert_end(&sse, &(place..place + 1), stop);
        place += match after.first_chunk() {
            Some(length) => usize::try_from(u32::from_be_bytes(*length)).unwrap(),
            None => 1,
        };
    }
}

fn call_start(block: u32) -> Vec<u8> {
    let call = json!({"toolUseId": format!("t{block}"), "name": "f"});
    let start = json!({"contentBlockIndex": block, "start": {"toolUse": call}});
    json_event("contentBlockStart", &start)
}

#[test]
fn calls_that_never_end_are_put_in_order_at_the_stop() {
    let calls = (0..500).map(call_start).collect::<Vec<_>>().concat();
    let argument = |block: u32| {
        let delta = json!({"toolUse": {"input": format!("{{\"n\":{block}}}")}});
        let payload = json!({"contentBlockIndex": block, "delta": delta});
        json_event("contentBlockDelta", &payload)
    };
    let arguments = (0..250).rev().map(argument).collect::<Vec<_>>().concat();
    let stop = json_event("messageStop", &json!({"stopReason": "tool_use"}));
    let bytes = [calls, arguments, stop].concat();
    let received = assert_one_end(&translate([bytes.as_slice()], Answer::default()));
    assert_eq!(received.calls.len(), 500);
    for (number, (id, _, arguments)) in received.calls.iter().enumerate() {
        assert_eq!(*id, format!("t{number}"));
        if number < 250 {
            assert_eq!(*arguments, format!("{{\"n\":{number}}}"));
        } else {
            assert_eq!(arguments, "{}");
        }
    }
}

#[test]
fn what_waits_for_a_call_is_bounded() {
    let delta = json!({"contentBlockIndex": 1, "delta": {"text": "x".repeat(100_000)}});
    let delta = json_event("contentBlockDelta", &delta);
    let mut bytes = call_start(0);
    (0..20).for_each(|_| bytes.extend(&delta));
    let received = assert_one_end(&translate([bytes.as_slice()], Answer::default()));
    let error = received.error.unwrap();
    assert_eq!(error["code"], "upstream_stream_error");
    assert!(error["message"].as_str().unwrap().contains("interleaved"));
}
