//! Recorded traffic beside the checkout, when it is there: what the service really sent, translated, must equal
//! what this file reads from the same bytes in its own, simpler way.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]
#![expect(clippy::print_stdout, reason = "the counts are the result")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::{Bytes, BytesMut};
use outcrop::bedrock::Exception;
use outcrop::bedrock::event_stream::{Decoder, FrameError, HeaderValue, Message};
use outcrop::translate::{Answer, AnswerError, Failure, StreamTranslator, chat_completion};
use serde_json::{Value, json};

use crate::requests::translate as translate_request;
use crate::wire::{HEAD, Received, translate};

/// A model that takes most of what clients send.
const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// The cases of one kind, sorted; none, with a message, when the recordings are not there.
fn cases(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpus"));
    let Ok(entries) = fs::read_dir(root.join(kind)) else {
        println!("skipped: there are no recordings in {}", root.display());
        return Vec::new();
    };
    let mut cases: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

fn name(case: &Path) -> &str {
    case.file_name().unwrap().to_str().unwrap()
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn is_recorded(case: &Path) -> bool {
    read_json(&case.join("meta.json"))["provenance"] == "recorded"
}

fn with_usage() -> Answer {
    Answer {
        include_usage: true,
        ..Answer::default()
    }
}

/// One message as AWS's own crate reads it: its headers that are text, and its payload.
struct Frame {
    headers: BTreeMap<String, String>,
    payload: Bytes,
}

impl Frame {
    fn is_exception(&self) -> bool {
        self.headers.contains_key(":exception-type")
    }
}

/// How a stream fails.
fn failure(stream: &[u8]) -> Failure {
    let mut translator = StreamTranslator::new(HEAD, Answer::default());
    let mut out = BytesMut::new();
    let error = translator
        .push(stream, &mut out)
        .and_then(|()| translator.finish(&mut out))
        .unwrap_err();
    Failure::from_answer_error(&error, None)
}

fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    let mut decoder = MessageFrameDecoder::new();
    let mut frames = Vec::new();
    while let DecodedFrame::Complete(message) = decoder.decode_frame(&mut bytes).unwrap() {
        let headers = message.headers().iter().filter_map(|header| {
            let value = header.value().as_string().ok()?.as_str().to_owned();
            Some((header.name().as_str().to_owned(), value))
        });
        frames.push(Frame {
            headers: headers.collect(),
            payload: message.payload().clone(),
        });
    }
    frames
}

/// What an answer says, read from Bedrock's JSON.
#[derive(Default)]
struct Said {
    content: String,
    reasoning: String,
    calls: Vec<(String, String, String)>,
    stop_reason: String,
    usage: Option<Value>,
}

impl Said {
    fn in_frames(frames: &[Frame]) -> Self {
        let mut said = Self::default();
        let mut call_of_block: BTreeMap<u64, usize> = BTreeMap::new();
        for frame in frames {
            let payload: Value = serde_json::from_slice(&frame.payload).unwrap();
            let block = payload["contentBlockIndex"].as_u64().unwrap_or_default();
            let delta = &payload["delta"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            match frame.headers[":event-type"].as_str() {
                "contentBlockStart" => {
                    let call = &payload["start"]["toolUse"];
                    if call.is_object() && call["type"] != "server_tool_use" {
                        call_of_block.insert(block, said.calls.len());
                        let call = (text(&call["toolUseId"]), text(&call["name"]), String::new());
                        said.calls.push(call);
                    }
                }
                "contentBlockDelta" => {
                    said.content += &text(&delta["text"]);
                    said.reasoning += &text(&delta["reasoningContent"]["text"]);
                    if let Some(call) = call_of_block.get(&block) {
                        said.calls[*call].2 += &text(&delta["toolUse"]["input"]);
                    }
                }
                "messageStop" => said.stop_reason = text(&payload["stopReason"]),
                "metadata" => said.usage = Some(payload["usage"].clone()),
                _ => {}
            }
        }
        for (_, _, arguments) in &mut said.calls {
            if arguments.is_empty() {
                arguments.push_str("{}");
            }
        }
        said
    }

    fn in_answer(response: &Value) -> Self {
        let mut said = Self {
            stop_reason: response["stopReason"].as_str().unwrap().to_owned(),
            usage: Some(response["usage"].clone()),
            ..Self::default()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for block in response["output"]["message"]["content"].as_array().unwrap() {
            said.content += &text(&block["text"]);
            for cited in block["citationsContent"]["content"]
                .as_array()
                .into_iter()
                .flatten()
            {
                said.content += &text(&cited["text"]);
            }
            said.reasoning += &text(&block["reasoningContent"]["reasoningText"]["text"]);
            let call = &block["toolUse"];
            if call.is_object() && call["type"] != "server_tool_use" {
                let [id, name] = [&call["toolUseId"], &call["name"]].map(text);
                said.calls.push((id, name, call["input"].to_string()));
            }
        }
        said
    }

    /// What a client must have received, its calls' arguments as they are written here.
    fn received(self) -> Received {
        let finish_reason = match self.stop_reason.as_str() {
            "max_tokens" | "model_context_window_exceeded" => "length",
            "guardrail_intervened" | "content_filtered" => "content_filter",
            _ if !self.calls.is_empty() => "tool_calls",
            _ => "stop",
        };
        Received {
            content: self.content,
            reasoning: self.reasoning,
            calls: self.calls,
            finish_reason: Some(finish_reason.to_owned()),
            usage: self.usage.as_ref().map(usage),
            error: None,
            done: true,
        }
    }
}

/// OpenAI's usage for Bedrock's.
fn usage(usage: &Value) -> Value {
    let count = |member: &str| usage[member].as_u64().unwrap_or_default();
    let (read, write) = (
        count("cacheReadInputTokens"),
        count("cacheWriteInputTokens"),
    );
    let prompt = count("inputTokens") + read + write;
    json!({
        "prompt_tokens": prompt,
        "completion_tokens": count("outputTokens"),
        "total_tokens": prompt + count("outputTokens"),
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": write},
    })
}

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

#[test]
fn recorded_errors_have_the_status_that_clients_understand() {
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for case in cases("errors") {
        let meta = read_json(&case.join("meta.json"));
        let header = |wanted: &str| {
            let headers = meta["response_headers"].as_object().unwrap();
            headers
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .map(|(_, value)| value.as_str().unwrap())
        };
        let status = u16::try_from(meta["status"].as_u64().unwrap()).unwrap();
        let body = fs::read(case.join("response.json")).unwrap();
        let exception = Exception::from_answer(status, header("x-amzn-errortype"), None, &body);
        let failure = Failure::from_exception(&exception, Some(200_000));
        let text = String::from_utf8_lossy(&body).into_owned();
        let expected = expected_failure(status, header("x-amzn-errortype").unwrap_or(""), &text);
        let code = failure.object.code.as_deref();
        assert_eq!((failure.status, code), expected, "{}: {text}", name(&case));
        *statuses.entry(failure.status).or_default() += 1;
    }
    println!("errors by the client's status: {statuses:?}");
}

/// The client's status and code for AWS's status, type and text.
fn expected_failure(status: u16, kind: &str, text: &str) -> (u16, Option<&'static str>) {
    let overflow = [
        "Input is too long",
        "Input Tokens Exceeded",
        "total text bytes",
    ];
    let unknown = [
        "model identifier is invalid",
        "on-demand throughput isn’t supported",
    ];
    match status {
        403 if kind.starts_with("AccessDenied") => (404, Some("model_not_found")),
        403 => (502, Some("upstream_auth")),
        400 if overflow.iter().any(|words| text.contains(words)) => {
            (400, Some("context_length_exceeded"))
        }
        400 if unknown.iter().any(|words| text.contains(words)) => (404, Some("model_not_found")),
        429 => (429, Some("rate_limit_exceeded")),
        503 => (503, Some("overloaded")),
        other => (other, None),
    }
}

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
    use base64::Engine as _;
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
    let payload = base64::engine::general_purpose::STANDARD.encode(message.payload());
    (headers.collect(), payload)
}

/// Failures that were recorded inside streams of `InvokeModel`'s, whose exceptions are the same.
#[test]
fn recorded_exceptions_inside_streams_have_their_status() {
    let mut seen = BTreeMap::new();
    for case in cases("eventstream-vectors/positive") {
        let bytes = fs::read(case.join("encoded.bin")).unwrap();
        let frames = frames(&bytes);
        let exception = frames.iter().find(|frame| frame.is_exception());
        if let Some(frame) = exception.filter(|_| name(&case).starts_with("recorded__")) {
            seen.insert(
                frame.headers[":exception-type"].clone(),
                failure(&bytes).status,
            );
        }
    }
    println!("exceptions inside recorded streams: {seen:?}");
    for (exception, status) in [
        ("validationException", 400),
        ("modelStreamErrorException", 502),
    ] {
        assert!(seen.is_empty() || seen[exception] == status, "{exception}");
    }
}

/// What real clients sent, for a Claude, under the name of its case.
pub(crate) fn client_requests() -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for case in cases("client-requests") {
        let recorded = read_json(&case)["requests"].take();
        for (index, request) in recorded.as_array().unwrap().iter().enumerate() {
            let mut body = request["body"].clone();
            body["model"] = json!(CLAUDE);
            requests.push((format!("{}[{index}]", name(&case)), body));
        }
    }
    requests
}

#[test]
fn requests_of_real_clients_are_translated() {
    let mut translated = 0;
    let mut refused = BTreeMap::new();
    let mut ignored = BTreeSet::new();
    for (case, body) in client_requests() {
        match translate_request(body.to_string().as_bytes()) {
            Ok(translation) => {
                translated += 1;
                let names = translation.notes.ignored().unwrap_or_default();
                ignored.extend(names.split(", ").map(generic));
            }
            Err(refusal) => {
                let format = &body["response_format"]["type"];
                assert_eq!(
                    refusal.param.as_deref(),
                    Some("response_format"),
                    "{case}: {refusal:?}"
                );
                assert!(format == "json_schema" || format == "json_object");
                refused.insert(case, refusal.message);
            }
        }
    }
    ignored.remove("");
    println!("{translated} requests of real clients translated; refused: {refused:#?}");
    println!("named as ignored: {ignored:?}");
}

/// `messages[3].name` without its number.
fn generic(path: &str) -> String {
    path.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The recorded conversations that a client of OpenAI's could have had: the case, Bedrock's request and OpenAI's.
fn told() -> Vec<(String, Value, Value)> {
    let recorded = [cases("converse"), cases("converse-stream")].concat();
    let mut told = Vec::new();
    for case in recorded.iter().filter(|case| is_recorded(case)) {
        let converse = read_json(&case.join("request.json"));
        if let Some(request) = in_openai_words(&converse) {
            told.push((name(case).to_owned(), converse, request));
        }
    }
    told
}

/// Recorded conversations in OpenAI's words, under the name of their case.
pub(crate) fn conversations() -> Vec<(String, Value)> {
    told()
        .into_iter()
        .map(|(case, _, request)| (case, request))
        .collect()
}

#[test]
fn recorded_conversations_come_back_as_they_were() {
    let told = told();
    for (case, converse, request) in &told {
        let translation = translate_request(request.to_string().as_bytes())
            .unwrap_or_else(|refusal| panic!("{case}: {refusal:?}"));
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        for member in ["messages", "system"] {
            assert_eq!(texts(&body[member]), texts(&converse[member]), "{case}");
        }
    }
    println!(
        "{} recorded conversations come back as they were",
        told.len()
    );
}

/// A Converse request as a client of OpenAI's would have sent it; `None` for blocks that clients cannot send.
fn in_openai_words(converse: &Value) -> Option<Value> {
    let mut messages = Vec::new();
    for block in converse["system"].as_array().into_iter().flatten() {
        messages.push(json!({"role": "system", "content": block.get("text")?}));
    }
    for message in converse["messages"].as_array()? {
        let (mut content, mut calls, mut results) = (Vec::new(), Vec::new(), Vec::new());
        for block in message["content"].as_array()? {
            if let Some(text) = block.get("text") {
                content.push(json!({"type": "text", "text": text}));
            } else if let Some(call) = block.get("toolUse") {
                let arguments = call["input"].to_string();
                let function = json!({"name": call["name"], "arguments": arguments});
                calls.push(
                    json!({"id": call["toolUseId"], "type": "function", "function": function}),
                );
            } else {
                let result = block.get("toolResult")?;
                let blocks = result["content"].as_array()?.iter();
                let parts: Option<Vec<_>> = blocks
                    .map(|block| Some(json!({"type": "text", "text": block.get("text")?})))
                    .collect();
                results.push(
                    json!({"role": "tool", "tool_call_id": result["toolUseId"], "content": parts?}),
                );
            }
        }
        messages.extend(results);
        if !content.is_empty() || !calls.is_empty() {
            messages
                .push(json!({"role": message["role"], "content": content, "tool_calls": calls}));
        }
    }
    Some(json!({"model": CLAUDE, "messages": messages}))
}

/// All texts, tool names and inputs of messages, blank texts left out.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members
            .iter()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .filter(|(name, _)| !matches!(name.as_str(), "status" | "role"))
            .flat_map(|(name, value)| {
                if name == "input" {
                    vec![value.to_string()]
                } else {
                    texts(value)
                }
            })
            .collect(),
        // What an empty result becomes.
        Value::String(text) if text == "(no output)" || text.trim().is_empty() => Vec::new(),
        Value::String(text) => vec![text.clone()],
        _ => Vec::new(),
    }
}
