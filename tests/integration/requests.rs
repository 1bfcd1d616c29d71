//! `fixtures/requests/<case>.openai.json`: a chat completion request, and the Converse request that it becomes
//! for the family of its model, or its refusal.

use std::fmt::Write as _;
use std::fs;

use outcrop::bedrock::Family;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::openai::{ChatCompletionRequest, InvalidRequest, replace_lone_surrogates};
use outcrop::translate::{Context, Elsewhere, StateKey, Translation, converse_request};
use serde_json::Value;

use crate::golden::{assert_golden, pretty};

#[test]
fn requests_become_converse_requests() {
    insta::glob!("../../fixtures/requests", "*.openai.json", |path| {
        let json = fs::read(path).unwrap();
        let output = match translate(&json) {
            Ok(translation) => shown(&translation),
            Err(refusal) => refused(&refusal),
        };
        assert_golden(path, &output);
    });
}

/// The tools stand at the front of what a prompt cache knows.
#[test]
fn replaced_names_of_tools_do_not_change_with_the_conversation() {
    // The second is what the first is replaced by, and the only one that was called.
    let tools = r#"[{"type":"function","function":{"name":"fs.read"}},
        {"type":"function","function":{"name":"fs_read_4074bc"}}]"#;
    let first = r#"{"role":"user","content":"Read."}"#;
    let call = r#"{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"fs_read_4074bc","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"a","content":"Done."}"#;
    let tool_config = |messages: &str| {
        let json =
            format!(r#"{{"model":"anthropic.claude-x","messages":[{messages}],"tools":{tools}}}"#);
        let body: Value =
            serde_json::from_slice(&translate(json.as_bytes()).unwrap().body).unwrap();
        body["toolConfig"].clone()
    };
    assert_eq!(tool_config(first), tool_config(&format!("{first},{call}")));
}

/// Each list alone is short enough; together they would take gigabytes.
#[test]
fn more_parts_than_any_conversation_has_are_refused() {
    let request = |messages: usize| {
        let message = format!(
            r#"{{"role":"user","content":[{}"x"]}}"#,
            r#""x","#.repeat(49_998)
        );
        let messages = vec![message; messages].join(",");
        format!(r#"{{"model":"anthropic.claude-x","messages":[{messages}]}}"#)
    };
    assert!(translate(request(2).as_bytes()).is_ok());
    let refused = translate(request(3).as_bytes()).unwrap_err();
    assert_eq!(refused.param.as_deref(), Some("messages"));
}

/// After Bedrock refused the reasoning of a conversation, the same request goes without it, and says so.
#[test]
fn refused_reasoning_is_left_out_of_the_next_call() {
    for (model, adjusted) in [
        (
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "thinking=disabled",
        ),
        ("anthropic.claude-opus-4-6-v1", "thinking=disabled"),
        ("anthropic.claude-fable-5", "reasoning=dropped"),
    ] {
        let block = r#"{"type":"thinking","thinking":"Hm.","signature":"c2ln"}"#;
        let json = format!(
            r#"{{"model":"{model}","reasoning_effort":"low","messages":[{{"role":"user","content":"Hi"}},
            {{"role":"assistant","content":"Hi.","thinking_blocks":[{block}]}},{{"role":"user","content":"So?"}}]}}"#
        );
        let translate = |replay: bool| {
            let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
            let family = Family::of(Some(model));
            let context = Context {
                foundation_model: Some(model),
                replay,
                ..Context::new(&family)
            };
            converse_request(request, &context).unwrap()
        };
        let reasons = |translation: &Translation| {
            String::from_utf8_lossy(&translation.body).contains("reasoningContent")
        };
        let first = translate(true);
        assert!(
            reasons(&first) && first.notes.adjusted().is_none(),
            "{model}"
        );
        let next = translate(false);
        assert!(!reasons(&next), "{model}");
        assert_eq!(next.notes.adjusted().as_deref(), Some(adjusted), "{model}");
        // Told once is enough, and a gateway that refuses what has no effect must not refuse this.
        assert_eq!(next.notes.ignored(), None, "{model}");
    }
}

/// Translates a request as the server does.
pub(crate) fn translate(json: &[u8]) -> Result<Translation, InvalidRequest> {
    let json = replace_lone_surrogates(json);
    let request = ChatCompletionRequest::parse(&json)?;
    let foundation_model = foundation_model(&request.model).unwrap().map(str::to_owned);
    let family = Family::of(foundation_model.as_deref());
    let state_key = StateKey::new(*b"the key of the golden files here");
    let context = Context {
        state_key: Some(&state_key),
        foundation_model: foundation_model.as_deref(),
        elsewhere: Elsewhere {
            s3: true,
            ..Elsewhere::default()
        },
        ..Context::new(&family)
    };
    converse_request(request, &context)
}

/// What goes to Bedrock, below the headers that go to the client.
pub(crate) fn shown(translation: &Translation) -> String {
    let mut shown = String::new();
    for (header, value) in [
        ("x-outcrop-ignored", translation.notes.ignored()),
        ("x-outcrop-adjusted", translation.notes.adjusted()),
    ] {
        if let Some(value) = value {
            writeln!(shown, "{header}: {value}").unwrap();
        }
    }
    if !translation.streamable {
        shown.push_str("(not streamable)\n");
    }
    shown + &pretty(&translation.body)
}

fn refused(refusal: &InvalidRequest) -> String {
    let error = serde_json::to_vec(&refusal.object()).unwrap();
    format!("400 {}", pretty(&error))
}
