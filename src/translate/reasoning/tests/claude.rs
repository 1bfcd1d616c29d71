use serde_json::{Value, json};

use super::{OPUS_4_7, SONNET_4_5, SONNET_4_6, sent, sent_with};

const OPUS_4_1: &str = "anthropic.claude-opus-4-1-20250805-v1:0";
const OPUS_4_5: &str = "anthropic.claude-opus-4-5-20251101-v1:0";

#[test]
fn a_budget_comes_on_top_of_the_limit_unless_that_is_configured_otherwise() {
    let effort = |effort: &str, limit: &str| format!(r#""reasoning_effort":"{effort}"{limit}"#);
    for (model, members, add, budget, limit, adjusted) in [
        (SONNET_4_5, effort("high", ""), true, 16_384, 48_384, ""),
        (SONNET_4_5, effort("max", ""), true, 16_384, 48_384, ""),
        (SONNET_4_5, effort("minimal", ""), true, 1024, 33_024, ""),
        (
            SONNET_4_5,
            effort("low", r#","max_tokens":500"#),
            true,
            1524,
            2548,
            "max_tokens=2548",
        ),
        (
            SONNET_4_5,
            effort("high", r#","max_completion_tokens":60000"#),
            true,
            16_384,
            64_000,
            "max_completion_tokens=64000",
        ),
        (OPUS_4_1, effort("high", ""), true, 16_384, 32_000, ""),
        (SONNET_4_5, effort("high", ""), false, 16_384, 32_000, ""),
        (
            SONNET_4_5,
            effort("high", r#","max_tokens":4096"#),
            false,
            3072,
            4096,
            "",
        ),
    ] {
        let sent = sent_with(model, &members, |context| {
            context.add_budget_to_max_tokens = add;
        });
        assert_eq!(
            sent.fields["thinking"]["budget_tokens"], budget,
            "{members}"
        );
        assert_eq!(sent.config, json!({"maxTokens": limit}), "{members}");
        assert_eq!(sent.adjusted, adjusted, "{members}");
    }
}

#[test]
fn without_room_for_a_budget_there_is_no_thinking() {
    let members = r#""reasoning_effort":"high","max_tokens":2000,"temperature":0.5"#;
    let sent = sent_with(SONNET_4_5, members, |context| {
        context.add_budget_to_max_tokens = false;
    });
    assert_eq!(sent.fields, Value::Null);
    assert_eq!(sent.config, json!({"maxTokens": 2000, "temperature": 0.5}));
    assert_eq!(sent.ignored, "reasoning_effort");
}

#[test]
fn a_budget_of_the_clients_own_stays_within_its_limit() {
    let own = |tokens: u64, limit: &str| {
        format!(r#""thinking":{{"type":"enabled","budget_tokens":{tokens}}}{limit}"#)
    };
    for (members, budget, limit, adjusted) in [
        (own(2000, r#","max_tokens":4000"#), 2000, 4000, ""),
        (
            own(2000, r#","max_tokens":2500"#),
            2000,
            4500,
            "max_tokens=4500",
        ),
        (own(500, ""), 1024, 33_024, "thinking.budget_tokens=1024"),
        (
            own(90_000, ""),
            62_976,
            64_000,
            "thinking.budget_tokens=62976",
        ),
        (
            r#""reasoning":{"max_tokens":3000},"max_tokens":9000"#.to_owned(),
            3000,
            9000,
            "",
        ),
    ] {
        let sent = sent(SONNET_4_5, &members);
        assert_eq!(
            sent.fields["thinking"]["budget_tokens"], budget,
            "{members}"
        );
        assert_eq!(sent.config["maxTokens"], limit, "{members}");
        assert_eq!(sent.adjusted, adjusted, "{members}");
    }
    let words = sent(OPUS_4_7, r#""reasoning":{"max_tokens":3000}"#);
    assert_eq!(words.fields["output_config"], json!({"effort": "medium"}));
    assert_eq!(words.adjusted, "reasoning.max_tokens=medium");
}

#[test]
fn anthropics_objects_win_and_take_the_form_that_the_model_knows() {
    let both = r#""reasoning_effort":"low","thinking":{"type":"enabled","budget_tokens":5000,"display":"omitted"}"#;
    let kept = sent(SONNET_4_5, both);
    assert_eq!(
        kept.fields["thinking"],
        json!({"type": "enabled", "budget_tokens": 5000, "display": "omitted"})
    );
    assert_eq!(kept.ignored, "reasoning_effort");
    let kept = sent(SONNET_4_6, both);
    assert_eq!(kept.fields["thinking"]["budget_tokens"], 5000);
    let other = sent(
        OPUS_4_7,
        r#""thinking":{"type":"enabled","budget_tokens":5000}"#,
    );
    assert_eq!(
        other.fields,
        json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "medium"}})
    );
    assert_eq!(
        other.adjusted,
        "thinking=adaptive, thinking.budget_tokens=medium"
    );
    let own = r#""thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"max","task_budget":7}"#;
    let passed = sent(OPUS_4_7, own);
    assert_eq!(
        passed.fields,
        json!({"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max", "task_budget": 7}})
    );
    assert_eq!(
        (passed.ignored.as_str(), passed.adjusted.as_str()),
        ("", "")
    );
    let older = sent(SONNET_4_5, own);
    assert_eq!(older.fields["thinking"]["type"], "enabled");
    assert_eq!(older.adjusted, "thinking=enabled");
    assert_eq!(
        older.ignored,
        "output_config.effort, output_config.task_budget"
    );
    for (model, thinking) in [
        (OPUS_4_7, r#"{"type":"adaptive","budget_tokens":5000}"#),
        (SONNET_4_5, r#"{"type":"adaptive","budget_tokens":5000}"#),
        (SONNET_4_5, r#"{"type":"enabled","budget_tokens":"5000"}"#),
        (SONNET_4_5, r#"{"type":"disabled","budget_tokens":5000}"#),
    ] {
        let sent = sent(model, &format!(r#""thinking":{thinking}"#));
        assert_eq!(sent.ignored, "thinking.budget_tokens", "{thinking}");
    }
    let vague = sent(SONNET_4_5, r#""thinking":{"type":"enabled"}"#);
    assert_eq!(vague.fields["thinking"]["budget_tokens"], 8192);
}

#[test]
fn an_effort_beside_a_budget_needs_its_beta() {
    let members = r#""reasoning_effort":"high","output_config":{"effort":"low"}"#;
    let fields = sent(OPUS_4_5, members).fields;
    assert_eq!(fields["output_config"], json!({"effort": "low"}));
    assert_eq!(
        fields["anthropic_beta"],
        json!(["effort-2025-11-24", "interleaved-thinking-2025-05-14"])
    );
    let other = sent(SONNET_4_5, members);
    assert_eq!(other.fields["output_config"], Value::Null);
    assert_eq!(other.ignored, "output_config.effort");
    let format = r#""output_config":{"format":{"type":"json_schema","schema":{}}}"#;
    assert_eq!(sent(SONNET_4_5, format).ignored, "");
    assert_eq!(sent(OPUS_4_7, format).ignored, "output_config.format");
}

#[test]
fn hidden_thoughts_are_summarized_unless_nobody_reads_them() {
    let display = |members: &str, gov_cloud: bool| {
        let sent = sent_with(OPUS_4_7, members, |context| context.gov_cloud = gov_cloud);
        sent.fields["thinking"]["display"].clone()
    };
    let effort = r#""reasoning_effort":"low""#;
    assert_eq!(display(effort, false), "summarized");
    assert_eq!(display(effort, true), Value::Null);
    let excluded = r#""reasoning":{"effort":"low","exclude":true}"#;
    assert_eq!(display(excluded, false), Value::Null);
    let own = r#""thinking":{"type":"adaptive","display":"omitted"}"#;
    assert_eq!(display(own, false), "omitted");
    assert_eq!(display(own, true), Value::Null);
}
