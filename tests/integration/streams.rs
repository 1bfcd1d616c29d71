//! `fixtures/events/<case>.events.ndjson`: the events of a ConverseStream answer, and the server-sent events that
//! they become. The first line may say how the answer must look, the last how the connection ends.
//! They are no `.jsonl`, because the stand-in takes every file of that name for a recording.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::fs;

use outcrop::translate::Answer;
use serde_json::{Value, json};

use crate::golden::assert_golden;
use crate::wire::{Received, error, event, exception, translate};

#[test]
fn events_become_server_sent_events() {
    insta::glob!("../../fixtures/events", "*.events.ndjson", |path| {
        let (bytes, answer) = read(&fs::read_to_string(path).unwrap());
        let sse = translate([bytes.as_slice()], answer.clone());
        assert_eq!(
            translate(bytes.chunks(1), answer),
            sse,
            "byte by byte it is the same"
        );
        Received::read(&sse);
        assert_golden(path, &sse);
    });
}

/// The bytes of a fixture's events, and how the answer must look.
pub(crate) fn read(lines: &str) -> (Vec<u8>, Answer) {
    let mut bytes = Vec::new();
    let mut answer = Answer::default();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |member: &str| line[member].as_str().unwrap_or_default();
        let payload = line
            .get("payload")
            .map_or_else(|| text("raw").to_owned(), Value::to_string);
        if line.get("event").is_some() {
            bytes.extend(event(text("event"), payload));
        } else if line.get("exception").is_some() {
            bytes.extend(exception(text("exception"), payload));
        } else if line.get("error").is_some() {
            bytes.extend(error(text("error"), text("message")));
        } else if line.get("answer").is_some() {
            answer = answer_to(&line["answer"]);
        } else if text("end") == "truncated" {
            bytes.truncate(bytes.len() - 1);
        } else {
            assert_eq!(text("end"), "closed", "{line}");
        }
    }
    (bytes, answer)
}

/// The answer to a request with these options.
pub(crate) fn answer_to(options: &Value) -> Answer {
    let names = |member: &str| options[member].as_array().cloned().unwrap_or_default();
    let mut request = json!({
        "model": "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "messages": [{"role": "user", "content": "Hi"}],
        "stream_options": {"include_usage": options["include_usage"]},
        "response_format": options["response_format"],
        "reasoning_effort": options["reasoning_effort"],
        "bedrock": options["bedrock"],
        "service_tier": options["service_tier"],
    });
    if !options["model"].is_null() {
        request["model"] = options["model"].clone();
    }
    for name in names("tools") {
        request["tools"] = json!([{"type": "function", "function": {"name": name}}]);
    }
    for name in names("functions") {
        request["functions"] = json!([{"name": name}]);
    }
    let request = request.to_string();
    crate::requests::translate(request.as_bytes())
        .unwrap()
        .answer
}
