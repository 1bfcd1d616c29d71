//! Answers in JSON, by the tool and in the text: streams and whole answers say the same, and content is the JSON.

use bytes::BytesMut;
use outcrop::translate::{Answer, StreamTranslator, chat_completion};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::answer::{Block, events, whole};
use crate::requests;
use crate::wire::{HEAD, Received, translate};

/// The tool whose input is the answer.
const TOOL: &str = "structured_answer";
/// A model that is asked by the tool, and one that is asked in words.
const MODELS: [&str; 2] = [
    "us.amazon.nova-lite-v1:0",
    "us.meta.llama3-3-70b-instruct-v1:0",
];

/// How the answer to a request for JSON must look.
fn answer(model: &str) -> Answer {
    let schema = json!({"type": "object", "properties": {"a": {}}});
    let request = json!({
        "model": model,
        "messages": [{"role": "user", "content": "Hi"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
    });
    requests::translate(request.to_string().as_bytes())
        .unwrap()
        .answer
}

/// Any JSON object, as models write it.
fn object() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[{}\\[\\]\"\\\\`a\n é😀]{0,8}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            members(inner).prop_map(Value::from),
        ]
    });
    (members(value), any::<bool>()).prop_map(|(members, indented)| {
        let object = Value::Object(members);
        if indented {
            serde_json::to_string_pretty(&object).unwrap()
        } else {
            object.to_string()
        }
    })
}

fn members<T: Strategy<Value = Value>>(value: T) -> impl Strategy<Value = Map<String, Value>> {
    vec(("[a-z{\"`]{1,3}", value), 0..3).prop_map(|members| members.into_iter().collect())
}

/// Prose, fences and braces, and calls of the answer's tool and others.
fn block() -> impl Strategy<Value = Block> {
    let piece = prop_oneof![
        "[{}\"`\\\\a\n ]{0,6}",
        Just("```json\n".to_owned()),
        Just("{\"a\": ".to_owned()),
        Just("\n```\n".to_owned()),
        ".{0,6}",
    ];
    let name = prop_oneof![Just(TOOL.to_owned()), Just("look_up".to_owned())];
    let copied = (object(), any::<bool>()).prop_map(|(object, copied)| {
        let object: Value = serde_json::from_str(&object).unwrap();
        let input = if copied {
            json!({ "properties": object })
        } else {
            object
        };
        input.to_string()
    });
    prop_oneof![
        3 => vec(piece, 0..5).prop_map(Block::Text),
        1 => vec(".{0,6}", 0..2).prop_map(Block::Reasoning),
        2 => (name, copied).prop_map(|(name, input)| Block::Call(name, input)),
    ]
}

/// What a client receives of these blocks, once as a stream and once whole.
fn receive(blocks: &[Block], answer: &Answer, split: usize) -> (Received, Received) {
    let bytes = events(blocks).concat();
    let streamed = Received::read(&translate(bytes.chunks(split), answer.clone()));
    let json = whole(blocks);
    let completion = chat_completion(&json, HEAD.id, HEAD.created, HEAD.model, answer).unwrap();
    let received = Received {
        usage: None,
        ..Received::of_completion(&completion.body)
    };
    (streamed, received)
}

/// The text in pieces of a few characters.
fn pieces(text: &str, size: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    characters
        .chunks(size)
        .map(|piece| piece.iter().collect())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn streams_and_whole_answers_say_the_same(
        blocks in vec(block(), 0..5),
        model in 0..MODELS.len(),
        split in 1..200_usize,
    ) {
        let answer = answer(MODELS[model]);
        let (streamed, received) = receive(&blocks, &answer, split);
        prop_assert_eq!(&streamed, &received);
        // A stream that is made from the whole answer is no other.
        let mut cut = StreamTranslator::new(HEAD, answer);
        let mut out = BytesMut::new();
        cut.push_whole(&whole(&blocks), &mut out).unwrap();
        prop_assert_eq!(&Received::read(std::str::from_utf8(&out).unwrap()), &received);
        let is_tools = |(_, name, _): &(String, String, String)| name == TOOL;
        prop_assert!(model != 0 || !received.calls.iter().any(is_tools), "{:?}", received);
    }

    #[test]
    fn the_input_of_the_tool_is_the_content_byte_by_byte(
        object in object(),
        copied in any::<bool>(),
        said in ".{0,20}",
        split in 1..200_usize,
    ) {
        let object = serde_json::from_str::<Value>(&object).unwrap();
        prop_assume!(object.get("properties").is_none());
        let input = if copied { json!({ "properties": object }) } else { object.clone() };
        let blocks = [Block::Text(vec![said]), Block::Call(TOOL.to_owned(), input.to_string())];
        let (streamed, received) = receive(&blocks, &answer(MODELS[0]), split);
        prop_assert_eq!(&streamed, &received);
        prop_assert_eq!(received.content, object.to_string());
        prop_assert_eq!(received.finish_reason.as_deref(), Some("stop"));
        prop_assert_eq!(received.calls, []);
    }

    #[test]
    fn json_in_the_text_is_the_content_byte_by_byte(
        object in object(),
        before in "(|\n|Here it is:\n|Here it is:\n\n```json\n|```json\n|```\n|``` )",
        after in "(|\n|\n```|\n```\n|\nThat is all.)",
        size in 1..9_usize,
        split in 1..200_usize,
    ) {
        let text = format!("{before}{object}{after}");
        for model in MODELS {
            let blocks = [Block::Text(pieces(&text, size))];
            let (streamed, received) = receive(&blocks, &answer(model), split);
            prop_assert_eq!(&streamed, &received);
            prop_assert_eq!(&received.content, &object);
        }
    }
}
