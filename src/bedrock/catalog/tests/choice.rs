use super::*;

const SONNET: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

fn models(region: &str, bare: &[&str], profiles: &[&str]) -> Vec<InvocableModel> {
    let bare: Vec<_> = bare.iter().map(|id| model(id, &json!({}))).collect();
    let profiles: Vec<_> = profiles.iter().map(|id| profile(id)).collect();
    merge(&[listing(region, &json!(bare), &json!(profiles))], &[])
}

#[test]
fn the_narrowest_geography_comes_first_and_global_only_when_allowed() {
    let of = ["global", "apac", "jp", "mars"].map(|geography| format!("{geography}.{SONNET}"));
    let models = models("ap-northeast-1", &[], &of.each_ref().map(String::as_str));
    let [global, apac, jp, mars] = &of;
    let found = |region, global| profiles_for(&models, SONNET, region, global);
    assert_eq!(found("ap-northeast-1", false), [jp, apac, mars]);
    assert_eq!(found("ap-northeast-1", true), [jp, apac, mars, global]);
    assert_eq!(found("ap-south-1", false), [apac]);
    assert_eq!(found("us-east-1", true), [global]);
    assert!(profiles_for(&models, "anthropic.claude-opus-5", "ap-south-1", true).is_empty());
}

#[test]
fn a_name_goes_without_provider_version_and_date() {
    let models = models(
        "us-east-1",
        &[
            "openai.gpt-oss-120b-1:0",
            "amazon.nova-lite-v1:0",
            "zai.glm-5",
            "mistral.mistral-large-2402-v1:0",
        ],
        &[
            &format!("us.{SONNET}"),
            "us.anthropic.claude-opus-4-6-v1",
            "us.anthropic.claude-sonnet-5",
        ],
    );
    for (name, id) in [
        (
            "claude-sonnet-4-5",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "claude-sonnet-4-5-20250929",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "claude-sonnet-4-5-20250929-v1",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("claude-opus-4-6", "us.anthropic.claude-opus-4-6-v1"),
        ("claude-sonnet-5", "us.anthropic.claude-sonnet-5"),
        ("gpt-oss-120b", "openai.gpt-oss-120b-1:0"),
        ("nova-lite", "amazon.nova-lite-v1:0"),
        ("mistral-large-2402", "mistral.mistral-large-2402-v1:0"),
        ("glm-5", "zai.glm-5"),
    ] {
        let found = by_name(&models, name, "us-east-1", false).map(|model| model.id.as_str());
        assert_eq!(found, Some(id), "{name}");
    }
    for name in [
        "",
        "claude",
        "claude-sonnet",
        "claude-sonnet-4",
        SONNET,
        "glm",
        "gpt-oss",
        "anthropic",
    ] {
        assert_eq!(by_name(&models, name, "us-east-1", true), None, "{name}");
    }
}

#[test]
fn a_model_is_called_by_its_own_id_where_it_can_be() {
    let models = models(
        "us-east-1",
        &["zai.glm-5"],
        &["us.zai.glm-5", "global.zai.glm-5"],
    );
    assert_eq!(
        by_name(&models, "glm-5", "us-east-1", true).unwrap().id,
        "zai.glm-5"
    );
}

#[test]
fn of_two_models_with_a_name_the_newest_is_meant() {
    let models = models(
        "us-east-1",
        &[
            "anthropic.claude-3-5-sonnet-20240620-v1:0",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
        ],
        &[],
    );
    let found = |name| {
        by_name(&models, name, "us-east-1", false)
            .unwrap()
            .id
            .as_str()
    };
    assert_eq!(
        found("claude-3-5-sonnet"),
        "anthropic.claude-3-5-sonnet-20241022-v2:0"
    );
    assert_eq!(
        found("claude-3-5-sonnet-20240620"),
        "anthropic.claude-3-5-sonnet-20240620-v1:0"
    );
}

#[test]
fn a_name_never_leads_to_global_unless_that_is_allowed() {
    let models = models("us-east-1", &[], &["global.xai.grok-4.6"]);
    assert_eq!(by_name(&models, "grok-4.6", "us-east-1", false), None);
    assert_eq!(
        by_name(&models, "grok-4.6", "us-east-1", true).unwrap().id,
        "global.xai.grok-4.6"
    );
}
