//! Recorded ListFoundationModels answers: the rows that are kept are those that another reading of the JSON picks.

use std::collections::BTreeSet;

use outcrop::bedrock::catalog::{InvocableKind, InvocableModel, Listing, Purpose, merge};
use outcrop::bedrock::listing::{FoundationModelSummary, InferenceProfilesPage};
use serde_json::{Value, json};

use super::{cases, name, read_json};

const REGION: &str = "us-east-1";

#[test]
fn recorded_lists_keep_the_rows_that_can_be_called() {
    for case in cases("list-models") {
        let answer = read_json(&case.join("response.json"));
        let Some(rows) = answer["modelSummaries"].as_array() else {
            continue;
        };
        let models = merged(&answer, rows);
        let ids = |kind, purpose| -> BTreeSet<_> {
            let of = |model: &&InvocableModel| (model.kind, model.purpose) == (kind, purpose);
            models
                .iter()
                .filter(of)
                .map(|model| model.id.clone())
                .collect()
        };
        let expected = |start: &str, purpose, kind: &str| -> BTreeSet<_> {
            let rows = rows.iter().filter(|row| {
                serves(row) == Some(purpose) && holds(row, "inferenceTypesSupported", kind)
            });
            rows.map(|row| format!("{start}{}", text(row, "modelId")))
                .collect()
        };
        let mut counts = Vec::new();
        for purpose in [Purpose::Chat, Purpose::Embeddings] {
            let bare = ids(InvocableKind::FoundationModel, purpose);
            assert_eq!(bare, expected("", purpose, "ON_DEMAND"), "{}", name(&case));
            let profiles = ids(InvocableKind::SystemProfile, purpose);
            assert_eq!(
                profiles,
                expected("us.", purpose, "INFERENCE_PROFILE"),
                "{}",
                name(&case)
            );
            counts.push(format!(
                "{purpose:?}: {} on demand, {} by profile",
                bare.len(),
                profiles.len()
            ));
        }
        let legacy = models
            .iter()
            .filter(|model| model.legacy && model.kind == InvocableKind::FoundationModel)
            .count();
        println!(
            "{} rows, {}; {legacy} on demand are legacy",
            rows.len(),
            counts.join("; ")
        );
    }
}

/// The recorded rows, and for each that wants one a profile as AWS would list it.
fn merged(answer: &Value, rows: &[Value]) -> Vec<InvocableModel> {
    let profiles = rows
        .iter()
        .filter(|row| holds(row, "inferenceTypesSupported", "INFERENCE_PROFILE"))
        .map(|row| {
            json!({
                "inferenceProfileId": format!("us.{}", text(row, "modelId")),
                "models": [{"modelArn": row["modelArn"]}],
                "type": "SYSTEM_DEFINED",
            })
        });
    let profiles = json!({"inferenceProfileSummaries": profiles.collect::<Vec<_>>()}).to_string();
    let page = InferenceProfilesPage::read(profiles.as_bytes()).unwrap();
    let listing = Listing {
        region: REGION.to_owned(),
        foundation_models: FoundationModelSummary::list(answer.to_string().as_bytes()).unwrap(),
        inference_profiles: page.inference_profile_summaries,
    };
    assert_eq!(listing.foundation_models.len(), rows.len());
    merge(&[listing], &[])
}

/// What a row is for, read by what people call it.
fn serves(row: &Value) -> Option<Purpose> {
    let status = row["modelLifecycle"]["status"].as_str().unwrap();
    let id = text(row, "modelId");
    if !["ACTIVE", "LEGACY"].contains(&status) || id.split(':').nth(2).is_some() {
        return None;
    }
    let called = text(row, "modelName");
    if holds(row, "outputModalities", "EMBEDDING") {
        let known = [
            "Titan Embeddings G1 - Text",
            "Titan Text Embeddings V2",
            "Titan Text Embeddings v2",
            "Titan Multimodal Embeddings G1",
            "Embed English",
            "Embed Multilingual",
            "Embed v4",
        ];
        return known.contains(&called).then_some(Purpose::Embeddings);
    }
    let other = ["Rerank", "Pegasus", "Sonic", "Titan Text Large"];
    let chats = holds(row, "outputModalities", "TEXT")
        && row["responseStreamingSupported"] != false
        && !other.iter().any(|word| called.contains(word));
    chats.then_some(Purpose::Chat)
}

fn holds(row: &Value, member: &str, item: &str) -> bool {
    row[member]
        .as_array()
        .unwrap()
        .iter()
        .any(|value| value == item)
}

fn text<'a>(row: &'a Value, member: &str) -> &'a str {
    row[member].as_str().unwrap()
}
