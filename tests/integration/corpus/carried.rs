//! What recorded answers hold besides text and calls: citations, blocks that OpenAI has no place for, and reasoning
//! that must come back as it was.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::BTreeMap;
use std::fs;

use outcrop::translate::{Answer, chat_completion};
use serde_json::{Map, Value, json};

use super::frames::{Frame, frames};
use super::{CLAUDE, cases, is_recorded, name, read_json};
use crate::requests::translate as request;
use crate::wire::{HEAD, Received, translate};

/// What the oracle finds in the blocks of an answer.
#[derive(Debug, Default, PartialEq)]
struct Carried {
    /// Blocks that are more than text, reasoning and calls of the client's.
    content: Vec<Value>,
    /// Citations of web pages: where the text that they support begins and ends, and the address.
    pages: Vec<(usize, usize, Value)>,
    /// Signed and redacted reasoning, as Bedrock wants it back.
    reasoning: Vec<Value>,
    /// Reasoning that nobody signed: Bedrock would refuse it.
    unsigned: usize,
    calls: usize,
}

impl Carried {
    fn in_blocks<'b>(blocks: impl IntoIterator<Item = &'b Value>) -> Self {
        let mut carried = Self::default();
        let mut characters = 0;
        for block in blocks {
            let begin = characters;
            let cited = &block["citationsContent"];
            let pieces = cited["content"].as_array().into_iter().flatten();
            for text in pieces
                .chain([block])
                .filter_map(|piece| piece["text"].as_str())
            {
                characters += text.chars().count();
            }
            for citation in cited["citations"].as_array().into_iter().flatten() {
                let url = &citation["location"]["web"]["url"];
                if url.is_string() {
                    carried.pages.push((begin, characters, url.clone()));
                }
            }
            let kinds: Vec<&String> = block.as_object().unwrap().keys().collect();
            let reasoning = &block["reasoningContent"];
            match kinds.as_slice() {
                [kind] if *kind == "text" => {}
                [kind] if *kind == "reasoningContent" => {
                    let signed = reasoning["reasoningText"]["signature"].is_string();
                    if signed || reasoning["redactedContent"].is_string() {
                        carried.reasoning.push(block.clone());
                    } else {
                        carried.unsigned += 1;
                    }
                }
                [kind] if *kind == "toolUse" && block["toolUse"]["type"] != "server_tool_use" => {
                    carried.calls += 1;
                }
                _ => carried.content.push(block.clone()),
            }
        }
        carried
    }
}

/// The blocks of a stream as a whole answer would have had them.
fn blocks(frames: &[Frame]) -> Vec<Value> {
    let mut blocks: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    for frame in frames {
        let mut payload: Value = serde_json::from_slice(&frame.payload).unwrap();
        let Some(index) = payload["contentBlockIndex"].as_u64() else {
            continue;
        };
        let block = blocks.entry(index).or_default();
        if let Value::Object(start) = payload["start"].take() {
            block.extend(start);
        }
        let delta = payload["delta"].take();
        for (kind, value) in delta.as_object().into_iter().flatten() {
            let place = block.entry(kind.clone()).or_insert(Value::Null);
            match (kind.as_str(), value) {
                ("citation", citation) => push(place, citation),
                ("toolResult", content) => place["content"] = content.clone(),
                ("text", text) => append(place, text),
                ("toolUse", call) => append(&mut place["input"], &call["input"]),
                (_, reasoning) => {
                    for (member, value) in reasoning.as_object().unwrap() {
                        append(&mut place[member], value);
                    }
                }
            }
        }
    }
    blocks.into_values().map(whole).collect()
}

fn append(text: &mut Value, more: &Value) {
    *text = json!(text.as_str().unwrap_or_default().to_owned() + more.as_str().unwrap());
}

fn push(list: &mut Value, item: &Value) {
    let mut items = list.as_array().cloned().unwrap_or_default();
    items.push(item.clone());
    *list = items.into();
}

/// A block of a stream, put together, in the form of a whole answer.
fn whole(mut block: Map<String, Value>) -> Value {
    if let Some(citations) = block.remove("citation") {
        let text = block.remove("text").unwrap_or_else(|| json!(""));
        return json!({"citationsContent": {"content": [{"text": text}], "citations": citations}});
    }
    if let Some(call) = block.get_mut("toolUse") {
        let input = call["input"].as_str().unwrap_or_default();
        call["input"] = serde_json::from_str(input).unwrap_or_else(|_| json!({}));
    }
    if let Some(reasoning) = block.get_mut("reasoningContent")
        && reasoning.get("redactedContent").is_none()
    {
        let mut text = reasoning.take();
        if text.get("text").is_none() {
            // A signature alone: Bedrock wants the text, even an empty one.
            text["text"] = json!("");
        }
        *reasoning = json!({ "reasoningText": text });
    }
    block.into()
}

/// How the gateway answers the first request of an agent on Claude, which asks for everything that can be had.
fn everything() -> Answer {
    request(agent(&[]).as_bytes()).unwrap().answer
}

/// A request that thinks, ends with these messages, and asks for a `bedrock` object.
fn agent(messages: &[Value]) -> String {
    let user = json!({"role": "user", "content": "Hi"});
    let messages: Vec<_> = [&user].into_iter().chain(messages).collect();
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    json!({
        "model": CLAUDE, "messages": messages, "tools": tools, "reasoning_effort": "low",
        "bedrock": {}, "stream_options": {"include_usage": true},
    })
    .to_string()
}

/// The pages that an answer's message, or the deltas of a stream, name.
fn pages<'m>(messages: impl IntoIterator<Item = &'m Value>) -> Vec<(usize, usize, Value)> {
    let annotations = messages
        .into_iter()
        .filter_map(|message| message["annotations"].as_array());
    annotations
        .flatten()
        .map(|annotation| {
            let page = &annotation["url_citation"];
            let index = |name: &str| usize::try_from(page[name].as_u64().unwrap()).unwrap();
            (
                index("start_index"),
                index("end_index"),
                page["url"].clone(),
            )
        })
        .collect()
}

/// The reasoning that reaches Bedrock when a client sends back the calls of an answer and what came with them.
fn sent_back(received: &Received) -> Vec<Value> {
    let calls = received.calls.iter().map(|(id, name, arguments)| {
        json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
    });
    let mut turn = json!({"role": "assistant", "tool_calls": calls.collect::<Vec<_>>()});
    turn["content"] = json!(received.content);
    turn["reasoning_content"] = json!(received.reasoning);
    turn["reasoning_details"] = received.reasoning_details.clone();
    let results = received.calls.iter();
    let results =
        results.map(|(id, ..)| json!({"role": "tool", "tool_call_id": id, "content": "Done."}));
    let messages: Vec<_> = [turn].into_iter().chain(results).collect();
    let translation = request(agent(&messages).as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&translation.body).unwrap();
    let content = body["messages"][1]["content"].as_array().unwrap().iter();
    content
        .filter(|block| block.get("reasoningContent").is_some())
        .cloned()
        .collect()
}

/// What was seen, for whoever reads the tests' output.
#[derive(Debug, Default)]
struct Seen {
    answers: usize,
    blocks_without_a_place: usize,
    pages: usize,
    reasoning_sent_back: usize,
    reasoning_without_calls: usize,
    unsigned: usize,
}

impl Seen {
    fn check(
        &mut self,
        case: &str,
        expected: &Carried,
        bedrock: &Value,
        pages: &[(usize, usize, Value)],
        received: &Received,
    ) {
        let content = bedrock["content"].as_array().cloned().unwrap_or_default();
        assert_eq!(content, expected.content, "{case}");
        assert!(bedrock.get("incomplete").is_none(), "{case}");
        assert_eq!(pages, expected.pages, "{case}");
        if expected.calls > 0 {
            assert_eq!(sent_back(received), expected.reasoning, "{case}");
            self.reasoning_sent_back += expected.reasoning.len();
        } else {
            assert!(received.reasoning_details.is_null(), "{case}");
            self.reasoning_without_calls += expected.reasoning.len();
        }
        self.answers += 1;
        self.blocks_without_a_place += expected.content.len();
        self.pages += expected.pages.len();
        self.unsigned += expected.unsigned;
    }
}

#[test]
fn recorded_answers_carry_what_their_json_holds() {
    let mut seen = Seen::default();
    for case in cases("converse").iter().filter(|case| is_recorded(case)) {
        let json = fs::read(case.join("response.json")).unwrap();
        let response = read_json(&case.join("response.json"));
        let blocks = response["output"]["message"]["content"].as_array().unwrap();
        let (head, answer) = (HEAD, everything());
        let completion =
            chat_completion(&json, head.id, head.created, head.model, &answer).unwrap();
        let received = Received::of_completion(&completion.body);
        let completion: Value = serde_json::from_slice(&completion.body).unwrap();
        let bedrock = &completion["bedrock"];
        for member in response.as_object().unwrap().keys() {
            let passed = member == "output" || bedrock[member] == response[member];
            assert!(passed, "{}: {member}", name(case));
        }
        let pages = pages([&completion["choices"][0]["message"]]);
        let expected = Carried::in_blocks(blocks);
        seen.check(name(case), &expected, bedrock, &pages, &received);
    }
    println!("whole: {seen:?}");
}

#[test]
fn recorded_streams_carry_what_their_frames_hold() {
    let mut seen = Seen::default();
    for case in cases("converse-stream")
        .iter()
        .filter(|case| is_recorded(case))
    {
        let bytes = fs::read(case.join("response.bin")).unwrap();
        let frames = frames(&bytes);
        if frames.iter().any(Frame::is_exception) {
            continue;
        }
        let sse = translate([bytes.as_slice()], everything());
        let received = Received::read(&sse);
        let chunks: Vec<Value> = sse
            .split_terminator("\n\n")
            .filter_map(|event| serde_json::from_str(event.strip_prefix("data: ")?).ok())
            .collect();
        let bedrock = chunks.last().unwrap()["bedrock"].clone();
        let pages = pages(chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]));
        let expected = Carried::in_blocks(&blocks(&frames));
        seen.check(name(case), &expected, &bedrock, &pages, &received);
    }
    println!("streamed: {seen:?}");
}
