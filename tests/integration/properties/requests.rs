//! Requests: any bytes, any JSON, any tool name.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use outcrop::bedrock::Family;
use outcrop::openai::{ChatCompletionRequest, replace_lone_surrogates};
use outcrop::translate::{Context, converse_request};
use proptest::collection::{hash_set, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::requests::translate;

/// JSON whose members have names that a request knows.
fn value() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "(model|messages|role|content|type|text|image_url|url|tools|function|name|parameters|arguments)",
        "(tool_calls|tool_call_id|tool_choice|function_call|functions|refusal|id|custom|input|strict)",
        "(stream|stream_options|include_usage|max_tokens|temperature|top_p|top_k|n|stop|logprobs)",
        "(response_format|modalities|service_tier|performance_config|latency|bedrock|allowed_tools)",
        "[a-z_.]{0,4}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(user|assistant|system|tool|function|text|image_url|auto|none|required|m)"
            .prop_map(Value::from),
        ".{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A request that is read as far as the member at stake.
fn request(member: &str, value: &Value) -> Vec<u8> {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    request[member] = value.clone();
    request.to_string().into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_a_request_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        let mended = replace_lone_surrogates(&bytes);
        prop_assert_eq!(mended.len(), bytes.len());
        let _ = ChatCompletionRequest::parse(&mended);
    }

    #[test]
    fn any_escapes_are_mended_to_what_every_reader_takes(
        units in vec(prop_oneof![0xd7fe_u16..0xe002, any::<u16>()], 0..8),
    ) {
        let escapes: Vec<_> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let text = format!("\"{}\"", escapes.concat());
        let mended = replace_lone_surrogates(text.as_bytes());
        let read: String = serde_json::from_slice(&mended).unwrap();
        prop_assert_eq!(read, String::from_utf16_lossy(&units));
    }

    #[test]
    fn any_json_is_a_request_or_refused(
        value in value(),
        member in "(messages|tools|functions|tool_choice|function_call|stop|stream_options|response_format|bedrock)",
    ) {
        let _ = translate(value.to_string().as_bytes());
        let _ = translate(&request(&member, &json!([value])));
        if let Ok(translation) = translate(&request(&member, &value)) {
            let body: Value = serde_json::from_slice(&translation.body).unwrap();
            prop_assert!(body["messages"].is_array());
        }
    }

    #[test]
    fn any_content_part_is_translated_or_refused(value in value()) {
        let messages = json!([
            {"role": "user", "content": [value]},
            {"role": "assistant", "content": [value], "tool_calls": [{"id": "a", "function": value}]},
            {"role": "tool", "tool_call_id": "a", "content": [value]},
        ]);
        for message in messages.as_array().unwrap() {
            let _ = translate(&request("messages", &json!([message])));
        }
        let _ = translate(&request("messages", &messages));
    }

    #[test]
    fn any_tool_name_comes_back(names in hash_set("(.{0,70}|[a-z.]{1,3})", 1..8)) {
        let names: Vec<_> = names.into_iter().filter(|name| !name.is_empty()).collect();
        let tools = names.iter().map(|name| json!({"type": "function", "function": {"name": name}}));
        let json = request("tools", &tools.collect::<Value>());
        let json = replace_lone_surrogates(&json);
        let request = ChatCompletionRequest::parse(&json).unwrap();
        let translation = converse_request(request, &Context::new(&Family::of(None))).unwrap();
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        let tools = body["toolConfig"]["tools"].as_array().cloned().unwrap_or_default();
        prop_assert_eq!(tools.len(), names.len());
        for (tool, name) in tools.iter().zip(&names) {
            let wire = tool["toolSpec"]["name"].as_str().unwrap();
            prop_assert!((1..=64).contains(&wire.len()));
            prop_assert!(wire.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
            prop_assert_eq!(translation.answer.tool_names.restore(wire), name);
        }
    }
}

/// Nothing that is read member by member reads as deep as a request can be nested.
#[test]
fn depth_without_end_is_refused_or_passed_over() {
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        let deep = format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
        let member = |member: &str, value: &str| {
            let message = r#"{"role":"user","content":"Hi"}"#;
            let json = format!(r#"{{"model":"m","messages":[{message}],"{member}":{value}}}"#);
            translate(json.as_bytes())
        };
        for name in ["messages", "tools", "tool_choice", "stop"] {
            assert!(member(name, &deep).is_err(), "{name}");
        }
        let tool = format!(r#"[{{"function":{{"name":"f","parameters":{{"a":{deep}}}}}}}]"#);
        let refusal = member("tools", &tool).unwrap_err();
        assert_eq!(
            refusal.param.as_deref(),
            Some("tools[0].function.parameters")
        );
        let ignored = member("vendor", &deep).unwrap().notes.ignored();
        assert_eq!(ignored.as_deref(), Some("vendor"));
    }
}
