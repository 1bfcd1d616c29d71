//! No list, however odd, breaks the merge.

use std::collections::BTreeSet;

use outcrop::bedrock::catalog::{Listing, by_name, merge, profiles_for};
use outcrop::bedrock::listing::{FoundationModelSummary, InferenceProfilesPage};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Words of live answers, some of them where they do not belong.
const WORDS: [&str; 24] = [
    "",
    ".",
    ":",
    "a.b",
    "us.",
    "us.anthropic.claude-opus-5",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-3-haiku-20240307-v1:0:48k",
    "cohere.embed-v4:0",
    "amazon.rerank-v1:0",
    "arn:aws:bedrock:us-east-1::foundation-model/zai.glm-5",
    "arn:aws:bedrock:::foundation-model/",
    "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
    "arn:",
    "TEXT",
    "SPEECH",
    "EMBEDDING",
    "ON_DEMAND",
    "INFERENCE_PROFILE",
    "ACTIVE",
    "LEGACY",
    "APPLICATION",
    "2025-09-29T00:00:00Z",
    "-9999-99-99T99:99:99Z",
];

const MEMBERS: [&str; 20] = [
    "modelId",
    "modelName",
    "providerName",
    "modelArn",
    "inputModalities",
    "outputModalities",
    "inferenceTypesSupported",
    "responseStreamingSupported",
    "modelLifecycle",
    "status",
    "startOfLifeTime",
    "endOfLifeTime",
    "description",
    "releaseDate",
    "inferenceProfileId",
    "inferenceProfileArn",
    "inferenceProfileName",
    "models",
    "type",
    "createdAt",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        select(WORDS.to_vec()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((select(MEMBERS.to_vec()), inner), 0..12).prop_map(object),
        ]
    })
}

fn object(members: Vec<(&'static str, Value)>) -> Value {
    let members = members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    Value::Object(members.collect::<Map<_, _>>())
}

/// Mostly rows, so that something is kept.
fn rows() -> impl Strategy<Value = Value> {
    let word = || select(WORDS.to_vec());
    let row = (word(), word(), word(), value()).prop_map(|(id, arn, kind, more)| {
        let mut row = json!({
            "modelId": id,
            "inferenceProfileId": id,
            "inferenceProfileArn": arn,
            "inferenceTypesSupported": ["ON_DEMAND"],
            "models": [{"modelArn": arn}],
            "type": kind,
        });
        if let Value::Object(more) = more {
            row.as_object_mut().unwrap().extend(more);
        }
        row
    });
    vec(prop_oneof![3 => row, 1 => value()], 0..12).prop_map(Value::from)
}

fn listing(region: &str, models: &Value, profiles: &Value) -> Listing {
    let models = json!({ "modelSummaries": models }).to_string();
    let profiles =
        json!({ "inferenceProfileSummaries": profiles, "nextToken": profiles }).to_string();
    Listing {
        region: region.to_owned(),
        foundation_models: FoundationModelSummary::list(models.as_bytes()).unwrap(),
        inference_profiles: InferenceProfilesPage::read(profiles.as_bytes())
            .unwrap()
            .inference_profile_summaries,
    }
}

proptest! {
    #[test]
    fn any_list_is_merged(models in rows(), profiles in rows(), more in rows(), filter in vec(select(WORDS.to_vec()), 0..2)) {
        let listings = [listing("us-east-1", &models, &profiles), listing("", &more, &models)];
        let filter: Vec<_> = filter.into_iter().map(str::to_owned).collect();
        let merged = merge(&listings, &filter);
        let ids: BTreeSet<_> = merged.iter().map(|model| &model.id).collect();
        assert_eq!(ids.len(), merged.len(), "an id is listed twice");
        assert!(merged.iter().all(|model| !model.id.trim().is_empty()));
        for word in WORDS {
            let _ = by_name(&merged, word, "us-east-1", true);
            let found = profiles_for(&merged, word, "us-east-1", true);
            assert!(found.iter().all(|id| merged.iter().any(|model| model.id == *id)));
        }
        // What is kept on the disk comes back as it was.
        let kept = serde_json::to_vec(&listings).unwrap();
        let read: Vec<Listing> = serde_json::from_slice(&kept).unwrap();
        assert_eq!(merge(&read, &filter), merged);
    }

    #[test]
    fn any_answer_is_read_or_refused(value in value(), bytes in vec(any::<u8>(), 0..64)) {
        for answer in [value.to_string().into_bytes(), bytes] {
            let object = serde_json::from_slice::<Value>(&answer).is_ok_and(|value| value.is_object());
            assert_eq!(FoundationModelSummary::list(&answer).is_some(), object);
            assert_eq!(InferenceProfilesPage::read(&answer).is_some(), object);
        }
    }
}
