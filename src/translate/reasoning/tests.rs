use serde_json::{Value, json};

use super::super::{Context, Translation, converse_request};
use crate::bedrock::Family;
use crate::openai::ChatCompletionRequest;

mod claude;

const SONNET_4_5: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const SONNET_4_6: &str = "anthropic.claude-sonnet-4-6";
const OPUS_4_7: &str = "anthropic.claude-opus-4-7";
const SONNET_5: &str = "anthropic.claude-sonnet-5";
const FABLE: &str = "anthropic.claude-fable-5-1";
const NOVA_2: &str = "amazon.nova-2-lite-v1:0";

/// What becomes of a request with these members.
struct Sent {
    fields: Value,
    config: Value,
    ignored: String,
    adjusted: String,
}

fn translate(model: &str, members: &str, change: impl Fn(&mut Context<'_>)) -> Translation {
    let separator = if members.is_empty() { "" } else { "," };
    let json = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"Hi"}}]{separator}{members}}}"#
    );
    let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
    let family = Family::of(Some(model));
    let mut context = Context::new(&family);
    change(&mut context);
    converse_request(request, &context).unwrap()
}

fn sent_with(model: &str, members: &str, change: impl Fn(&mut Context<'_>)) -> Sent {
    let translation = translate(model, members, change);
    let body: Value = serde_json::from_slice(&translation.body).unwrap();
    Sent {
        fields: body["additionalModelRequestFields"].clone(),
        config: body["inferenceConfig"].clone(),
        ignored: translation.notes.ignored().unwrap_or_default(),
        adjusted: translation.notes.adjusted().unwrap_or_default(),
    }
}

fn sent(model: &str, members: &str) -> Sent {
    sent_with(model, members, |_| {})
}

#[test]
fn each_family_is_told_in_its_own_form() {
    let adaptive = |effort: &str| json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": effort}});
    for (model, effort, fields, adjusted) in [
        (
            "anthropic.claude-3-7-sonnet-20250219-v1:0",
            "medium",
            json!({"thinking": {"type": "enabled", "budget_tokens": 8192}}),
            "",
        ),
        (
            SONNET_4_5,
            "high",
            json!({"thinking": {"type": "enabled", "budget_tokens": 16384}, "anthropic_beta": ["interleaved-thinking-2025-05-14"]}),
            "",
        ),
        (
            SONNET_4_6,
            "xhigh",
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}),
            "reasoning_effort=high",
        ),
        (
            SONNET_4_6,
            "max",
            json!({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}),
            "",
        ),
        (OPUS_4_7, "xhigh", adaptive("xhigh"), ""),
        (OPUS_4_7, "minimal", adaptive("low"), "reasoning_effort=low"),
        (FABLE, "high", adaptive("high"), ""),
        ("anthropic.claude-saga-9", "max", adaptive("max"), ""),
        (
            NOVA_2,
            "minimal",
            json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}),
            "reasoning_effort=low",
        ),
        (
            "openai.gpt-oss-120b-1:0",
            "xhigh",
            json!({"reasoning_effort": "high"}),
            "reasoning_effort=high",
        ),
        (
            "openai.gpt-5.6-luna",
            "xhigh",
            json!({"reasoning": {"effort": "xhigh"}}),
            "",
        ),
        (
            "openai.gpt-5.6-luna",
            "none",
            json!({"reasoning": {"effort": "none"}}),
            "",
        ),
        (
            "xai.grok-4.6",
            "low",
            json!({"reasoning_effort": "low"}),
            "",
        ),
        (
            "moonshotai.kimi-k2.5",
            "max",
            json!({"reasoning_effort": "max"}),
            "",
        ),
        (
            "qwen.qwen3-32b-v1:0",
            "medium",
            json!({"reasoning_config": "low"}),
            "reasoning_effort=low",
        ),
        (
            "deepseek.v3.2",
            "low",
            json!({"reasoning_effort": "high"}),
            "reasoning_effort=high",
        ),
    ] {
        let sent = sent(model, &format!(r#""reasoning_effort":"{effort}""#));
        assert_eq!(sent.fields, fields, "{model} {effort}");
        assert_eq!(sent.adjusted, adjusted, "{model} {effort}");
        assert_eq!(sent.ignored, "", "{model} {effort}");
    }
}

#[test]
fn where_no_field_is_known_none_is_sent() {
    for model in [
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "amazon.nova-pro-v1:0",
        "meta.llama3-3-70b-instruct-v1:0",
        "deepseek.r1-v1:0",
        "minimax.minimax-m2",
        "mistral.magistral-small-2509",
        "openai.gpt-oss-safeguard-20b",
        "zai.glm-4.7",
        "qwen.qwen3-coder-30b-a3b-v1:0",
        "acme.model-1",
    ] {
        for (members, ignored) in [
            (r#""reasoning_effort":"high""#, "reasoning_effort"),
            (r#""reasoning":{"max_tokens":2000}"#, "reasoning.max_tokens"),
            (
                r#""thinking":{"type":"enabled","budget_tokens":2000}"#,
                "thinking",
            ),
            (r#""enable_thinking":true"#, "enable_thinking"),
        ] {
            let sent = sent(model, members);
            assert_eq!(sent.fields, Value::Null, "{model}");
            assert_eq!(sent.ignored, ignored, "{model}");
        }
    }
}

#[test]
fn thinking_is_switched_off_where_it_would_go_on_and_can_be() {
    for members in [
        r#""reasoning_effort":"none""#,
        r#""reasoning":{"effort":"none"}"#,
        r#""reasoning":{"enabled":false}"#,
        r#""thinking":{"type":"disabled"}"#,
    ] {
        let disabled = sent(SONNET_5, members);
        assert_eq!(disabled.fields, json!({"thinking": {"type": "disabled"}}));
        assert_eq!(disabled.ignored, "");
        for model in [SONNET_4_5, SONNET_4_6, OPUS_4_7] {
            let unasked = sent(model, members);
            assert_eq!(
                (unasked.fields, unasked.ignored.as_str()),
                (Value::Null, "")
            );
        }
        for model in [FABLE, "anthropic.claude-opus-5-5"] {
            let always = sent(model, members);
            assert_eq!(always.fields, Value::Null, "{model}");
            assert_ne!(always.ignored, "", "{model}");
        }
    }
    for (model, ignored) in [
        ("deepseek.r1-v1:0", "reasoning_effort"),
        ("openai.gpt-oss-20b-1:0", "reasoning_effort"),
        ("deepseek.v3.2", ""),
        ("amazon.nova-pro-v1:0", ""),
        (NOVA_2, ""),
    ] {
        let sent = sent(model, r#""reasoning_effort":"none""#);
        assert_eq!((sent.fields, sent.ignored.as_str()), (Value::Null, ignored));
    }
    let members = r#""thinking":{"type":"disabled"},"output_config":{"effort":"max"}"#;
    let lowered = sent(SONNET_5, members);
    assert_eq!(lowered.fields["output_config"], json!({"effort": "high"}));
    assert_eq!(lowered.adjusted, "output_config.effort=high");
}

#[test]
fn a_model_that_thinks_takes_no_sampling() {
    let sampling = r#""temperature":0.5,"top_p":0.9,"top_k":40"#;
    let members = format!(r#""reasoning_effort":"low",{sampling}"#);
    for (model, taken) in [
        (SONNET_4_5, false),
        (SONNET_4_6, false),
        ("qwen.qwen3-32b-v1:0", true),
        (NOVA_2, true),
    ] {
        let sent = sent(model, &members);
        assert_eq!(sent.config.get("temperature").is_some(), taken, "{model}");
        assert_eq!(sent.ignored.contains("temperature"), !taken, "{model}");
    }
    let members = format!(r#""reasoning_effort":"high","max_tokens":500,{sampling}"#);
    let nova = sent(NOVA_2, &members);
    assert_eq!(nova.config, Value::Null);
    assert_eq!(
        nova.fields,
        json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}})
    );
    assert_eq!(nova.ignored, "max_tokens, temperature, top_p, top_k");
}

#[test]
fn a_call_is_not_forced_while_the_model_thinks_with_a_budget() {
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required""#;
    for (model, choice) in [
        (SONNET_4_5, Value::Null),
        ("deepseek.v3.2", Value::Null),
        (SONNET_4_6, json!({"any": {}})),
        (OPUS_4_7, json!({"any": {}})),
        ("qwen.qwen3-32b-v1:0", json!({"any": {}})),
    ] {
        let translation = translate(
            model,
            &format!(r#""reasoning_effort":"high",{tools}"#),
            |_| {},
        );
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        let sent = body["toolConfig"]["toolChoice"].clone();
        let adjusted = translation.notes.adjusted().unwrap_or_default();
        assert_eq!(
            adjusted.contains("tool_choice=auto"),
            sent.is_null(),
            "{model}"
        );
        assert_eq!(sent, choice, "{model}");
    }
}

#[test]
fn thinking_is_switched_off_when_thoughts_are_lost() {
    let json = |model: &str| {
        format!(
            r#"{{"model":"{model}","reasoning_effort":"xhigh","temperature":0.5,"max_tokens":500,"messages":[{{"role":"user","content":"Hi"}},
            {{"role":"assistant","tool_calls":[{{"id":"a","function":{{"name":"f","arguments":"{{}}"}}}}]}},
            {{"role":"tool","tool_call_id":"a","content":"Done."}}]}}"#
        )
    };
    let effort = json!({"effort": "high"});
    let disabled = json!({"type": "disabled"});
    let summarized = json!({"type": "adaptive", "display": "summarized"});
    for (model, fields) in [
        (SONNET_4_5, Value::Null),
        (SONNET_4_6, json!({"output_config": effort})),
        (OPUS_4_7, json!({"output_config": effort})),
        (
            SONNET_5,
            json!({"output_config": effort, "thinking": disabled}),
        ),
        (
            "anthropic.claude-fable-5",
            json!({"output_config": {"effort": "xhigh"}, "thinking": summarized}),
        ),
    ] {
        let json = json(model);
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        let family = Family::of(Some(model));
        let translation = converse_request(request, &Context::new(&family)).unwrap();
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        let adjusted = translation.notes.adjusted().unwrap_or_default();
        let is_off = !model.contains("fable");
        assert_eq!(adjusted.contains("thinking=disabled"), is_off, "{model}");
        assert_eq!(body["additionalModelRequestFields"], fields, "{model}");
        assert_eq!(body["inferenceConfig"]["maxTokens"], 500);
        let samples = matches!(model, SONNET_4_5 | SONNET_4_6);
        assert_eq!(
            body["inferenceConfig"].get("temperature").is_some(),
            samples
        );
    }
}

#[test]
fn a_conversation_does_not_end_with_the_answers_beginning_while_the_model_thinks() {
    let turns = |effort: &str| {
        let json = format!(
            r#"{{"model":"m","reasoning_effort":"{effort}","messages":[{{"role":"user","content":"Hi"}},{{"role":"assistant","content":"Well"}}]}}"#
        );
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        let family = Family::of(Some(SONNET_4_5));
        let translation = converse_request(request, &Context::new(&family)).unwrap();
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        body["messages"].as_array().unwrap().len()
    };
    assert_eq!(turns("none"), 2);
    assert_eq!(turns("low"), 3);
}
