//! What holds for the translation of every request, whatever a client sends.

use std::collections::HashSet;

use outcrop::bedrock::Family;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::openai::{ChatCompletionRequest, replace_lone_surrogates};
use outcrop::translate::{Context, Translation, converse_request};
use serde_json::Value;

/// Translates a request's JSON text. Whatever it is, the translation ends without a panic; what it lets through
/// is the same bytes each time and a conversation that Bedrock can follow.
pub(super) fn check(json: &[u8]) {
    let Some(translation) = translate(json) else {
        return;
    };
    let again = translate(json).expect("a request that passed once passes again");
    assert_eq!(
        translation.body, again.body,
        "the same request, other bytes"
    );
    let body: Value = serde_json::from_slice(&translation.body).expect("the body is JSON");
    let messages = list(&body["messages"]);
    assert!(!messages.is_empty(), "no message is left");
    let mut roles = messages.iter().map(|message| &message["role"]);
    let mut last = &Value::Null;
    assert!(
        roles.all(|role| std::mem::replace(&mut last, role) != role),
        "roles do not alternate: {body}"
    );
    check_calls(messages);
    let tools = list(&body["toolConfig"]["tools"]);
    let points = blocks(messages)
        .chain(list(&body["system"]))
        .chain(tools)
        .filter(|block| block.get("cachePoint").is_some())
        .count();
    assert!(points <= 4, "{points} cache points: {body}");
    assert!(
        tools.is_empty() == body.get("toolConfig").is_none(),
        "a toolConfig without tools: {body}"
    );
}

fn translate(json: &[u8]) -> Option<Translation> {
    let json = replace_lone_surrogates(json);
    let request = ChatCompletionRequest::parse(&json).ok()?;
    let model = foundation_model(&request.model).ok()?.map(str::to_owned);
    let family = Family::of(model.as_deref());
    let context = Context {
        foundation_model: model.as_deref(),
        ..Context::new(&family)
    };
    converse_request(request, &context).ok()
}

/// Each call has an id of its own and exactly one result, in the turn after it.
fn check_calls(messages: &[Value]) {
    let mut seen = HashSet::new();
    let mut waiting = HashSet::new();
    for message in messages {
        let ids = |kind: &str| -> Vec<&str> {
            list(&message["content"])
                .iter()
                .filter_map(|block| block.get(kind)?.get("toolUseId")?.as_str())
                .collect()
        };
        let results = ids("toolResult");
        assert_eq!(
            results.iter().copied().collect::<HashSet<_>>(),
            waiting,
            "calls and results do not match: {message}"
        );
        assert_eq!(
            results.len(),
            waiting.len(),
            "a result comes twice: {message}"
        );
        waiting.clear();
        for id in ids("toolUse") {
            assert!(seen.insert(id.to_owned()), "an id is used twice: {message}");
            waiting.insert(id);
        }
        assert!(
            !list(&message["content"]).is_empty(),
            "a turn without content: {message}"
        );
    }
    assert!(waiting.is_empty(), "calls without results: {waiting:?}");
}

fn blocks(messages: &[Value]) -> impl Iterator<Item = &Value> {
    messages
        .iter()
        .flat_map(|message| list(&message["content"]))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
