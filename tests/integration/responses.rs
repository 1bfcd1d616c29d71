//! `fixtures/responses/<case>.converse.json`: an answer of Converse's, and the chat completion that it becomes. Its
//! member `answer` says how that must look, and is none of Converse's.

use std::collections::BTreeMap;
use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outcrop::translate::{Answer, Failure, chat_completion};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::golden::{assert_golden, pretty};
use crate::streams::answer_to;
use crate::wire::HEAD;

#[test]
fn answers_become_chat_completions() {
    insta::glob!("../../fixtures/responses", "*.converse.json", |path| {
        let json = fs::read(path).unwrap();
        let (json, options) = without_options(json);
        let answer = options.as_ref().map_or_else(Answer::default, answer_to);
        let output = match chat_completion(&json, HEAD.id, HEAD.created, HEAD.model, &answer) {
            Ok(completion) => pretty(&completion.body),
            Err(error) => {
                let failure = Failure::from_answer_error(&error, None);
                let object = serde_json::to_vec(&failure.object).unwrap();
                format!("{} {}", failure.status, pretty(&object))
            }
        };
        assert_golden(path, &output);
    });
}

/// The reasoning of an answer with calls goes out once, whole, and authenticated.
#[test]
fn reasoning_before_calls_is_to_be_sent_back() {
    let request = br#"{"model":"anthropic.claude-sonnet-4-5-20250929-v1:0","reasoning_effort":"low",
        "messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"f"}}]}"#;
    let answer = crate::requests::translate(request).unwrap().answer;
    let json = br#"{"output":{"message":{"content":[
        {"reasoningContent":{"reasoningText":{"text":"One \"call\".","signature":"c2ln"}}},
        {"reasoningContent":{"redactedContent":"eA=="}},
        {"toolUse":{"toolUseId":"tooluse_B","name":"f","input":{}}},
        {"toolUse":{"toolUseId":"tooluse_A","name":"f","input":{}}}]}},"stopReason":"tool_use"}"#;
    let completion = chat_completion(json, HEAD.id, HEAD.created, HEAD.model, &answer).unwrap();
    let body: Value = serde_json::from_slice(&completion.body).unwrap();
    let message = &body["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], "One \"call\".");
    let detail = &message["reasoning_details"][0];
    assert_eq!(detail["type"], "reasoning.encrypted");
    assert_eq!(detail["id"], "tooluse_B");
    assert_eq!(detail["index"], 0);
    let data = STANDARD.decode(detail["data"].as_str().unwrap()).unwrap();
    // The code stands before what it authenticates.
    let [turn] = completion.turns.as_slice() else {
        panic!("one answer, one turn");
    };
    assert_eq!(data.split_at(32).1, turn.reasoning);
    assert_eq!(turn.call_ids, ["tooluse_B", "tooluse_A"]);
    let shown: Value = serde_json::from_slice(&turn.reasoning).unwrap();
    assert_eq!(
        shown,
        json!({
            "signer": "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "call_ids": ["tooluseA", "tooluseB"],
            "blocks": [
                {"reasoningText": {"text": "One \"call\".", "signature": "c2ln"}},
                {"redactedContent": "eA=="},
            ],
        })
    );
}

/// An answer's JSON text without its `answer`, which says what the request asked for.
fn without_options(json: Vec<u8>) -> (Vec<u8>, Option<Value>) {
    let Ok(mut members) = serde_json::from_slice::<BTreeMap<String, Box<RawValue>>>(&json) else {
        return (json, None);
    };
    let options = members.remove("answer");
    let options = options.map(|options| serde_json::from_str(options.get()).unwrap());
    (serde_json::to_vec(&members).unwrap(), options)
}

/// A request whose answer needs the client's own names, in the form that the client knows.
#[test]
fn names_tiers_and_functions_are_the_clients() {
    let request = br#"{"model":"anthropic.claude-sonnet-4-5-20250929-v1:0","service_tier":"auto",
        "messages":[{"role":"user","content":"Hi"}],"functions":[{"name":"fs.read"}]}"#;
    let answer = crate::requests::translate(request).unwrap().answer;
    let json = br#"{"output":{"message":{"content":[{"toolUse":{"toolUseId":"tooluse_A","name":"fs_read_4074bc",
        "input":{"path":"a"}}}]}},"stopReason":"tool_use"}"#;
    let completion = chat_completion(json, HEAD.id, HEAD.created, HEAD.model, &answer).unwrap();
    let body: Value = serde_json::from_slice(&completion.body).unwrap();
    let choice = &body["choices"][0];
    assert_eq!(
        choice["message"]["function_call"],
        json!({"name": "fs.read", "arguments": r#"{"path":"a"}"#})
    );
    assert_eq!(choice["message"].get("tool_calls"), None);
    assert_eq!(choice["finish_reason"], "function_call");
    assert_eq!(body["service_tier"], "default");
    assert_eq!(
        body.get("usage"),
        None,
        "what Bedrock did not count is not made up"
    );
}

/// A client that does not want the thoughts gets the same answer without them.
#[test]
fn excluded_thoughts_are_left_out() {
    let json = include_bytes!(
        "../../fixtures/responses/reasoning-stands-beside-the-content.converse.json"
    );
    let message = |exclude: bool| {
        let request = json!({
            "model": "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "messages": [{"role": "user", "content": "Hi"}],
            "reasoning": {"exclude": exclude},
        });
        let request = request.to_string();
        let answer = crate::requests::translate(request.as_bytes())
            .unwrap()
            .answer;
        let completion = chat_completion(json, HEAD.id, HEAD.created, HEAD.model, &answer).unwrap();
        let body: Value = serde_json::from_slice(&completion.body).unwrap();
        body["choices"][0]["message"].clone()
    };
    let (whole, without) = (message(false), message(true));
    assert!(whole["reasoning_content"].is_string());
    assert_eq!(without.get("reasoning_content"), None);
    assert_eq!(without["content"], whole["content"]);
}
