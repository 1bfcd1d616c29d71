//! Media: whatever a part holds it becomes a block or a refusal, and documents keep their names while a conversation
//! grows.
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outcrop::fixture::{Operation, check_request};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::requests::translate;

/// Models that take documents in different places.
const MODELS: [&str; 5] = [
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "amazon.nova-pro-v1:0",
    "meta.llama4-scout-17b-instruct-v1:0",
    "mistral.mistral-large-2407-v1:0",
    "cohere.command-r-plus-v1:0",
];
/// Beginnings of every format that is told by its bytes, and of some that is not.
const STARTS: [&[u8]; 18] = [
    b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"RIFF\0\0\0\0WEBPVP8L",
    b"RIFF\0\0\0\0WEBPVP8 ",
    b"RIFF\0\0\0\0WAVE",
    b"%PDF-",
    b"PK\x03\x04",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"\0\0\0\x18ftyp",
    b"\x1a\x45\xdf\xa3",
    b"FLV\x01",
    b"ID3",
    b"OggS",
    b"\0\0\x01\xba",
    b"text",
    b"",
];
const LABELS: [&str; 12] = [
    "",
    "text/plain",
    "text/csv;charset=utf-8",
    "application/pdf",
    "application/msword",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "image/png",
    "video/mp4",
    "audio/wav",
    "application/octet-stream",
    "IMAGE/SVG+XML",
    "é/ü",
];

/// Something that may be a medium: the beginning of one, and any bytes behind.
fn data() -> impl Strategy<Value = String> {
    (
        select(&STARTS[..]),
        vec(any::<u8>(), 0..40),
        select(&LABELS[..]),
    )
        .prop_map(|(start, rest, label)| {
            let bytes = [start, &rest].concat();
            format!("data:{label};base64,{}", STANDARD.encode(bytes))
        })
}

/// Anything that may stand where a medium is expected.
fn place() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => data(),
        1 => data().prop_map(|data| data.split(',').next_back().unwrap().to_owned()),
        1 => "s3://[a-z.]{0,5}/[a-z.]{0,8}",
        1 => "(https?|data|s3|file):.{0,20}",
        1 => ".{0,20}",
    ]
}

fn file_name() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec![
            "a.txt",
            "a.pdf",
            "a [2].txt",
            "A.txt",
            "報.txt",
            "input",
            "x/y/a.md"
        ])
        .prop_map(str::to_owned),
        ".{0,12}\\.(txt|pdf|docx|csv)",
        ".{0,220}",
    ]
}

/// A document of little text.
fn document() -> impl Strategy<Value = Value> {
    let text = "[a-c]{1,2}".prop_map(|text| STANDARD.encode(text));
    (option::of(file_name()), text).prop_map(|(name, text)| {
        let data = format!("data:text/plain;base64,{text}");
        json!({"type": "file", "file": {"filename": name, "file_data": data}})
    })
}

/// What a message says: up to three documents, texts and images.
fn content() -> impl Strategy<Value = Value> {
    let part = prop_oneof![
        2 => document(),
        2 => "[a-z ]{0,4}".prop_map(|text| json!({"type": "text", "text": text})),
    ];
    vec(part, 0..4).prop_map(Value::from)
}

/// A step of a conversation: a question and its answer, or a call and its result.
fn step() -> impl Strategy<Value = Vec<Value>> {
    let asked = content().prop_map(|content| {
        vec![
            json!({"role": "user", "content": content}),
            json!({"role": "assistant", "content": "Yes."}),
        ]
    });
    let called = (content(), option::of(content())).prop_map(|(result, question)| {
        let mut messages = vec![
            json!({"role": "user", "content": "Read."}),
            json!({"role": "assistant", "tool_calls": [{"id": "CALL", "type": "function",
                "function": {"name": "read", "arguments": "{}"}}]}),
            json!({"role": "tool", "tool_call_id": "CALL", "content": result}),
        ];
        messages.extend(question.map(|content| json!({"role": "user", "content": content})));
        messages.push(json!({"role": "assistant", "content": "Yes."}));
        messages
    });
    prop_oneof![asked, called]
}

/// The first `steps` of a conversation and one last question.
fn request(model: &str, steps: &[Vec<Value>]) -> Value {
    let mut messages = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let text = Value::from(step.clone()).to_string();
        let step = text.replace("CALL", &format!("callnumber{number}"));
        messages.extend(serde_json::from_str::<Vec<Value>>(&step).unwrap());
    }
    messages.push(json!({"role": "user", "content": "And?"}));
    let tools = json!([{"type": "function", "function": {"name": "read"}}]);
    json!({"model": model, "messages": messages, "tools": tools})
}

/// The names of all documents in the order of the conversation.
fn names(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(names).collect(),
        Value::Object(members) => {
            let own = value.pointer("/document/name").and_then(Value::as_str);
            let inner = members.values().flat_map(names);
            own.map(str::to_owned).into_iter().chain(inner).collect()
        }
        _ => Vec::new(),
    }
}

proptest! {
    #[test]
    fn any_medium_becomes_a_block_or_a_refusal_that_names_it(
        place in place(),
        name in option::of(file_name()),
        format in select(vec!["wav", "mp3", "", "é"]),
        model in select(vec![
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "amazon.nova-pro-v1:0",
            "mistral.voxtral-mini-3b-2507",
            "acme.unknown-1",
        ]),
    ) {
        for part in [
            json!({"type": "image_url", "image_url": {"url": place}}),
            json!({"type": "video_url", "video_url": {"url": place}}),
            json!({"type": "file", "file": {"file_data": place, "filename": name}}),
            json!({"type": "input_audio", "input_audio": {"data": place, "format": format}}),
        ] {
            let text = json!({"type": "text", "text": "Look."});
            let messages = json!([{"role": "user", "content": [text, part]}]);
            let request = json!({"model": model, "messages": messages});
            match translate(request.to_string().as_bytes()) {
                Ok(translation) => {
                    let body: Value = serde_json::from_slice(&translation.body).unwrap();
                    let content = body["messages"][0]["content"].as_array().unwrap();
                    let media = content.iter().filter(|block| block.get("text").is_none());
                    prop_assert_eq!(media.count(), 1, "{}", body);
                    let checked = check_request(model, Operation::Converse, &body, true);
                    prop_assert_eq!(checked, Ok(()), "{}", body);
                }
                Err(refusal) => {
                    let param = refusal.param.unwrap();
                    prop_assert!(param.starts_with("messages[0].content[1]"), "{param}");
                }
            }
        }
    }

    #[test]
    fn documents_keep_their_names_while_a_conversation_grows(
        model in select(&MODELS[..]),
        steps in vec(step(), 1..6),
    ) {
        let mut before: Vec<String> = Vec::new();
        for count in 1..=steps.len() {
            let request = request(model, &steps[..count]).to_string();
            // More documents than a turn takes are refused with every later request as well.
            let Ok(translation) = translate(request.as_bytes()) else {
                return Ok(());
            };
            let body: Value = serde_json::from_slice(&translation.body).unwrap();
            let names = names(&body["messages"]);
            prop_assert_eq!(&names[..before.len()], &before[..]);
            let distinct: HashSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), names.len(), "{:?}", names);
            let operation = if translation.streamable { Operation::ConverseStream } else { Operation::Converse };
            let checked = check_request(model, operation, &body, true);
            prop_assert_eq!(checked, Ok(()), "{}", body);
            before = names;
        }
    }
}
