mod choice;

use serde_json::{Value, json};

use super::*;
use crate::bedrock::listing::InferenceProfilesPage;

fn listing(region: &str, models: &Value, profiles: &Value) -> Listing {
    let models = json!({ "modelSummaries": models }).to_string();
    let profiles = json!({ "inferenceProfileSummaries": profiles }).to_string();
    Listing {
        region: region.to_owned(),
        foundation_models: FoundationModelSummary::list(models.as_bytes()).unwrap(),
        inference_profiles: InferenceProfilesPage::read(profiles.as_bytes())
            .unwrap()
            .inference_profile_summaries,
    }
}

fn model(id: &str, more: &Value) -> Value {
    let mut row = json!({
        "modelId": id,
        "providerName": "Maker",
        "outputModalities": ["TEXT"],
        "inferenceTypesSupported": ["ON_DEMAND"],
        "responseStreamingSupported": true,
    });
    for (name, value) in more.as_object().unwrap() {
        row[name] = value.clone();
    }
    row
}

fn profile(id: &str) -> Value {
    let name = id.split_once('.').unwrap().1;
    let arn = format!("arn:aws:bedrock:::foundation-model/{name}");
    json!({"inferenceProfileId": id, "type": "SYSTEM_DEFINED", "models": [{"modelArn": arn}]})
}

fn ids(models: &[InvocableModel]) -> Vec<&str> {
    models.iter().map(|model| model.id.as_str()).collect()
}

fn kept(id: &str, more: &Value) -> Option<Purpose> {
    let listing = listing("us-east-1", &json!([model(id, more)]), &json!([]));
    Some(merge(&[listing], &[]).first()?.purpose)
}

#[test]
fn a_bare_id_is_listed_only_on_demand_and_without_a_capacity() {
    for (id, more, expected) in [
        ("zai.glm-5", json!({}), Some(Purpose::Chat)),
        ("anthropic.claude-v2:1", json!({}), Some(Purpose::Chat)),
        (
            "zai.glm-5",
            json!({"inferenceTypesSupported": ["INFERENCE_PROFILE"]}),
            None,
        ),
        (
            "zai.glm-5",
            json!({"inferenceTypesSupported": ["PROVISIONED"]}),
            None,
        ),
        ("zai.glm-5", json!({"inferenceTypesSupported": []}), None),
        ("zai.glm-5", json!({"inferenceTypesSupported": null}), None),
        ("zai.glm-5-v1:0:48k", json!({}), None),
        ("zai.glm-5-v1:0:mm", json!({}), None),
        ("zai.glm-5-v1:48k", json!({}), None),
        ("cohere.embed-english-v3:0:512", json!({}), None),
    ] {
        assert_eq!(kept(id, &more), expected, "{id} {more}");
    }
}

#[test]
fn a_model_is_listed_while_it_streams_text_and_lives() {
    for (more, expected) in [
        (
            json!({"responseStreamingSupported": null}),
            Some(Purpose::Chat),
        ),
        (json!({"responseStreamingSupported": false}), None),
        (
            json!({"modelLifecycle": {"status": "LEGACY"}}),
            Some(Purpose::Chat),
        ),
        (json!({"modelLifecycle": null}), Some(Purpose::Chat)),
        (json!({"modelLifecycle": {"status": "RETIRED"}}), None),
        (
            json!({"outputModalities": ["TEXT", "IMAGE"]}),
            Some(Purpose::Chat),
        ),
        (json!({"outputModalities": ["IMAGE"]}), None),
        (json!({"outputModalities": ["SPEECH", "TEXT"]}), None),
        (json!({"outputModalities": ["EMBEDDING"]}), None),
    ] {
        assert_eq!(kept("zai.glm-5", &more), expected, "{more}");
    }
}

#[test]
fn models_with_text_that_do_not_converse_are_left_out() {
    for id in [
        "amazon.rerank-v1:0",
        "cohere.rerank-v3-5:0",
        "twelvelabs.pegasus-1-2-v1:0",
        "amazon.nova-sonic-v1:0",
        "amazon.titan-tg1-large",
    ] {
        assert_eq!(kept(id, &json!({})), None, "{id}");
    }
}

#[test]
fn embedding_models_are_listed_if_their_requests_can_be_written() {
    let more = json!({"outputModalities": ["EMBEDDING"], "responseStreamingSupported": false});
    for (id, expected) in [
        ("amazon.titan-embed-text-v1", Some(Purpose::Embeddings)),
        ("amazon.titan-embed-text-v2:0", Some(Purpose::Embeddings)),
        ("cohere.embed-english-v3", Some(Purpose::Embeddings)),
        ("cohere.embed-multilingual-v3", Some(Purpose::Embeddings)),
        ("cohere.embed-v4:0", Some(Purpose::Embeddings)),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            Some(Purpose::Embeddings),
        ),
        ("amazon.titan-embed-image-v1", Some(Purpose::Embeddings)),
        ("amazon.titan-embed-g1-text-02", Some(Purpose::Embeddings)),
        ("twelvelabs.marengo-embed-2-7-v1:0", None),
    ] {
        assert_eq!(kept(id, &more), expected, "{id}");
    }
}

#[test]
fn a_profile_is_listed_where_its_geography_is() {
    let profiles = ["us", "eu", "apac", "jp", "global", "us-gov", "mars"]
        .map(|geography| profile(&format!("{geography}.zai.glm-5")));
    for (region, expected) in [
        ("us-west-2", "global mars us"),
        ("eu-west-3", "eu global mars"),
        ("ap-northeast-1", "apac global jp mars"),
        ("us-gov-west-1", "mars us-gov"),
    ] {
        let models = merge(&[listing(region, &json!([]), &json!(profiles))], &[]);
        let geographies: Vec<_> = models.iter().map(|model| start(&model.id)).collect();
        assert_eq!(geographies.join(" "), expected, "{region}");
    }
}

#[test]
fn what_is_behind_a_profile_decides_what_it_is_for() {
    let models = json!([
        model(
            "cohere.embed-v4:0",
            &json!({"outputModalities": ["EMBEDDING"], "inferenceTypesSupported": ["INFERENCE_PROFILE"]})
        ),
        model(
            "zai.glm-5",
            &json!({"inferenceTypesSupported": ["INFERENCE_PROFILE"], "modelLifecycle": {"status": "RETIRED"}})
        ),
    ]);
    let profiles = [
        "us.cohere.embed-v4:0",
        "us.zai.glm-5",
        "us.stability.stable-outpaint-v1:0",
        "us.zai.glm-6",
    ];
    let merged = merge(
        &[listing("us-east-1", &models, &json!(profiles.map(profile)))],
        &[],
    );
    assert_eq!(ids(&merged), ["us.cohere.embed-v4:0", "us.zai.glm-6"]);
    assert_eq!(merged.first().unwrap().purpose, Purpose::Embeddings);
    assert_eq!(
        merged.first().unwrap().foundation_model.as_deref(),
        Some("cohere.embed-v4:0")
    );
}

#[test]
fn an_application_profile_is_called_by_its_arn() {
    let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12";
    let row = json!({
        "inferenceProfileId": "ab12",
        "inferenceProfileArn": arn,
        "inferenceProfileName": "team",
        "type": "APPLICATION",
        "createdAt": "2026-01-01T00:00:00Z",
        "models": [{"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/zai.glm-5"}],
    });
    let merged = merge(&[listing("us-east-1", &json!([]), &json!([row]))], &[]);
    let model = merged.first().unwrap();
    assert_eq!(
        (model.id.as_str(), model.kind),
        (arn, InvocableKind::ApplicationProfile)
    );
    assert_eq!(model.foundation_model.as_deref(), Some("zai.glm-5"));
    assert_eq!(
        (model.name.as_str(), model.created),
        ("team", 1_767_225_600)
    );
}

#[test]
fn providers_are_chosen_by_name_or_by_the_beginning_of_their_ids() {
    let models = json!([
        model(
            "anthropic.claude-v2:1",
            &json!({"providerName": "Anthropic"})
        ),
        model(
            "moonshotai.kimi-k2.5",
            &json!({"providerName": "Moonshot AI"})
        ),
    ]);
    let listing = [listing(
        "us-east-1",
        &models,
        &json!([profile("us.anthropic.claude-opus-5")]),
    )];
    for (filter, expected) in [
        (&[][..], 3),
        (&["ANTHROPIC"], 2),
        (&["moonshot ai"], 1),
        (&["moonshotAI", "anthropic"], 3),
        (&["us"], 0),
        (&[" "], 0),
    ] {
        let filter: Vec<_> = filter.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(merge(&listing, &filter).len(), expected, "{filter:?}");
    }
}

#[test]
fn of_several_regions_the_first_wins() {
    let models = json!([model("zai.glm-5", &json!({}))]);
    let listings = ["us-west-2", "us-east-1"]
        .map(|region| listing(region, &models, &json!([profile("us.zai.glm-5")])));
    let merged = merge(&listings, &[]);
    assert_eq!(ids(&merged), ["zai.glm-5", "us.zai.glm-5"]);
    assert!(merged.iter().all(|model| model.region == "us-west-2"));
}

#[test]
fn the_age_of_a_model_is_told_by_the_best_witness() {
    for (id, more, expected) in [
        (
            "a.b-20250929-v1:0",
            json!({"modelLifecycle": {"startOfLifeTime": "2025-10-01T00:00:00.5Z"}, "description": {"releaseDate": "2025-11-01T00:00:00Z"}}),
            1_759_276_800,
        ),
        (
            "a.b-20250929-v1:0",
            json!({"description": {"releaseDate": "2025-10-01T02:00:00+02:00"}}),
            1_759_276_800,
        ),
        (
            "a.b-20251001-v1:0",
            json!({"description": null}),
            1_759_276_800,
        ),
        ("a.b-20251301-v1:0", json!({}), 0),
        (
            "a.b-v1:0",
            json!({"modelLifecycle": {"startOfLifeTime": "long ago"}}),
            0,
        ),
        (
            "a.b-v1:0",
            json!({"modelLifecycle": {"startOfLifeTime": "1969-01-01T00:00:00Z"}}),
            0,
        ),
    ] {
        let merged = merge(
            &[listing("us-east-1", &json!([model(id, &more)]), &json!([]))],
            &[],
        );
        assert_eq!(merged.first().unwrap().created, expected, "{id} {more}");
    }
}
