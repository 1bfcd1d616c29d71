//! What a token costs: nothing is allocated for it. The whole process is counted, so this is the only test here.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it should be"
)]

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::{Bytes, BytesMut};
use outcrop::bedrock::{Family, Price};
use outcrop::openai::ChatCompletionRequest;
use outcrop::translate::{Answer, ChunkHead, Context, StreamTranslator, converse_request};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const WARM_UP: usize = 100;
const COUNTED: usize = 10_000;

#[test]
fn a_delta_allocates_nothing() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let text = r#"{"contentBlockIndex":0,"delta":{"text":" wörld \"x\"\n😀"},"p":"abcdef"}"#;
    let reasoning =
        r#"{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Hm, "}},"p":"abcdef"}"#;
    let arguments =
        r#"{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"city\":\"Os"}},"p":"abcdef"}"#;
    let call =
        r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"tooluse_A","name":"f"}}}"#;
    let start = event("contentBlockStart", call);
    let plain = Answer::default();
    // Both have begun: whether they begin like something else is known.
    let opening = |member: &str| {
        let delta = format!(r#"{{"contentBlockIndex":0,"delta":{{{member}}}}}"#);
        event("contentBlockDelta", &delta)
    };
    let in_text = opening(r#""text":"{\"a\": [""#);
    let answer = r#"{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"tooluse_A","name":"structured_answer"}}}"#;
    let answer = [
        event("contentBlockStart", answer),
        opening(r#""toolUse":{"input":"{\"a\": ["}"#),
    ]
    .concat();
    for (what, expected, before, delta) in [
        ("text", &plain, Vec::new(), text),
        ("reasoning", &plain, Vec::new(), reasoning),
        ("arguments", &plain, start, arguments),
        (
            "JSON",
            &json("us.meta.llama3-3-70b-instruct-v1:0"),
            in_text,
            text,
        ),
        (
            "JSON of a tool",
            &json("us.amazon.nova-lite-v1:0"),
            answer,
            arguments,
        ),
    ] {
        let delta = event("contentBlockDelta", delta);
        assert_eq!(blocks(expected, &before, &[&delta]), 0, "{what}");
        // A message in two pieces is put together in a buffer that stays.
        let (head, tail) = delta.split_at(delta.len() / 2);
        assert_eq!(
            blocks(expected, &before, &[head, tail]),
            0,
            "{what} in two pieces"
        );
    }
}

/// How the answer looks to a request for JSON that this model is asked for without a grammar.
fn json(model: &str) -> Answer {
    let request = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hi"}}],"response_format":{{"type":"json_schema",
            "json_schema":{{"name":"a","schema":{{"type":"object","properties":{{"a":{{}}}}}}}}}}}}"#
    );
    let request = ChatCompletionRequest::parse(request.as_bytes()).unwrap();
    let family = Family::of(model.strip_prefix("us."));
    converse_request(request, &Context::new(&family))
        .unwrap()
        .answer
}

/// How many blocks of memory are allocated for deltas that each come in `pieces`, once the stream is warm.
fn blocks(answer: &Answer, before: &[u8], pieces: &[&[u8]]) -> u64 {
    let head = ChunkHead {
        id: "chatcmpl-1",
        created: 1_750_000_000,
        model: "m",
    };
    let mut answer = answer.clone();
    answer.billing.pricing.price = Price::of("anthropic.claude-sonnet-4-5", None, None);
    let mut translator = StreamTranslator::new(head, answer);
    let mut out = BytesMut::new();
    translator.push(before, &mut out).unwrap();
    let mut written = 0;
    let mut push = |count: usize| {
        for _ in 0..count {
            for piece in pieces {
                translator.push(piece, &mut out).unwrap();
                // What a key is to pay is known at any moment.
                assert!(translator.consumption().cost.is_some());
            }
            // As the server does: what is written is handed on, and gone before more is written.
            written += out.split().freeze().len();
        }
    };
    push(WARM_UP);
    let warm = dhat::HeapStats::get();
    push(COUNTED);
    let end = dhat::HeapStats::get();
    assert!(written > (WARM_UP + COUNTED) * 100);
    end.total_blocks - warm.total_blocks
}

fn event(name: &str, payload: &str) -> Vec<u8> {
    let headers = [
        (":event-type", name),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    let message = headers.into_iter().fold(
        Message::new(Bytes::copy_from_slice(payload.as_bytes())),
        |message, (name, value)| {
            let value = HeaderValue::String(value.to_owned().into());
            message.add_header(Header::new(name.to_owned(), value))
        },
    );
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}
