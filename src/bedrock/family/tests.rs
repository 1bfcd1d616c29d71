use super::claude::{CLAUDE_5, version_of};
use super::*;

mod matrix;

#[test]
fn claude_versions_do_not_eat_dates() {
    for (name, version) in [
        ("claude-3-haiku-20240307-v1:0", (3, 0)),
        ("claude-3-5-sonnet-20241022-v2:0", (3, 5)),
        ("claude-3-7-sonnet-20250219-v1:0", (3, 7)),
        ("claude-opus-4-20250514-v1:0", (4, 0)),
        ("claude-opus-4-1-20250805-v1:0", (4, 1)),
        ("claude-sonnet-4-5-20250929-v1:0", (4, 5)),
        ("claude-opus-4-6-v1", (4, 6)),
        ("claude-sonnet-4-6", (4, 6)),
        ("claude-haiku-5-5", (5, 5)),
        ("claude-sonnet-5", (5, 0)),
        ("claude-opus-4-6[1m]", (4, 6)),
    ] {
        assert_eq!(version_of(name), Some(version), "{name}");
    }
}

#[test]
fn each_family_has_its_rule() {
    let family = |id| Family::of(Some(id));
    assert_eq!(
        family("anthropic.claude-haiku-4-5-20251001-v1:0").sampling,
        Sampling::EitherOne
    );
    assert!(family("anthropic.claude-haiku-4-5-20251001-v1:0").prefill);
    assert!(!family("anthropic.claude-opus-4-6-v1").prefill);
    assert_eq!(
        family("anthropic.claude-opus-4-7").sampling,
        Sampling::Refused
    );
    assert_eq!(
        family("anthropic.claude-fable-5-1").tool_choice,
        ToolChoiceForms::Auto
    );
    assert_eq!(
        family("anthropic.claude-sonnet-4-20250514-v1:0").max_output_tokens,
        Some(64_000)
    );
    assert!(!family("anthropic.claude-3-5-haiku-20241022-v1:0").image);
    assert!(!family("meta.llama3-1-70b-instruct-v1:0").streaming_tools);
    assert!(!family("mistral.mixtral-8x7b-instruct-v0:1").system);
    assert_eq!(
        family("mistral.mistral-large-3-675b-instruct").tool_use_id,
        ToolUseIdForm::NineAlphanumerics
    );
    assert_eq!(
        family("openai.gpt-oss-120b-1:0").stop_sequences,
        StopSequences::Refused
    );
    assert_eq!(family("openai.gpt-oss-120b-1:0").sampling, Sampling::Free);
    assert_eq!(family("openai.gpt-5.6-luna").min_output_tokens, 16);
    assert_eq!(family("amazon.nova-pro-v1:0").top_k, TopK::InferenceConfig);
    assert!(!family("amazon.titan-text-express-v1").system);
    assert!(!family("moonshotai.kimi-k2.5").image_in_tool_result);
}

#[test]
fn a_model_of_tomorrow_has_the_newest_rule_of_its_provider_and_keeps_its_tools() {
    assert_eq!(Family::of(Some("anthropic.claude-opus-9")), CLAUDE_5);
    assert_eq!(Family::of(Some("anthropic.saga-1")), CLAUDE_5);
    assert_eq!(
        Family::of(Some("amazon.nova-3-pro")).max_output_tokens,
        Some(65_535)
    );
    assert!(Family::of(Some("acme.model-1")).streaming_tools);
    assert!(Family::of(None).streaming_tools);
}
