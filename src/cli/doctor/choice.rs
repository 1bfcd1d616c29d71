//! The model that is called when nobody names one: a cheap one.

use crate::bedrock::catalog::{InvocableKind, InvocableModel, Purpose};

/// Parts of the ids of cheap models that answer in an instant, the cheapest first.
const CHEAP: [&str; 6] = [
    "nova-micro",
    "nova-lite",
    "nova-2-lite",
    "claude-3-haiku",
    "claude-3-5-haiku",
    "claude-haiku",
];
/// What is tried where the lists are not known: a model that all these geographies have a profile for.
const GUESS: &str = "amazon.nova-lite-v1:0";
/// The beginnings of regions, and the geographies that their profiles are named after.
const GEOGRAPHIES: [(&str, &str); 5] = [
    ("us-gov-", "us-gov."),
    ("us-", "us."),
    ("eu-", "eu."),
    ("ap-", "apac."),
    ("ca-", "ca."),
];

/// The id of a cheap model among those that can be called; else that of any that chats.
pub(super) fn cheapest(models: &[InvocableModel]) -> Option<&str> {
    let chats = || {
        models.iter().filter(|model| {
            model.purpose == Purpose::Chat
                && model.kind != InvocableKind::ApplicationProfile
                && model.streaming
                && !model.legacy
        })
    };
    let is = |model: &InvocableModel, part: &str| {
        let foundation = model.foundation_model.as_deref();
        foundation.unwrap_or(&model.id).contains(part)
    };
    let cheap = CHEAP
        .iter()
        .find_map(|part| chats().find(|model| is(model, part)));
    let model = cheap.or_else(|| chats().next());
    model.map(|model| model.id.as_str())
}

/// An id that most likely can be called from `region`.
pub(super) fn guessed(region: &str) -> String {
    let geography = GEOGRAPHIES
        .iter()
        .find(|(start, _)| region.starts_with(start));
    let geography = geography.map_or("", |(_, geography)| geography);
    format!("{geography}{GUESS}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str, foundation_model: &str) -> InvocableModel {
        InvocableModel {
            id: id.to_owned(),
            region: "eu-west-1".to_owned(),
            foundation_model: Some(foundation_model.to_owned()),
            name: String::new(),
            provider: String::new(),
            kind: InvocableKind::SystemProfile,
            purpose: Purpose::Chat,
            input_modalities: Vec::new(),
            streaming: true,
            legacy: false,
            created: 0,
            end_of_life: None,
        }
    }

    #[test]
    fn a_cheap_model_is_chosen_else_any_that_chats() {
        let embeddings = InvocableModel {
            purpose: Purpose::Embeddings,
            ..model("amazon.nova-micro-embed", "amazon.nova-micro-embed")
        };
        let legacy = InvocableModel {
            legacy: true,
            ..model("amazon.nova-micro-v0:1", "amazon.nova-micro-v0:1")
        };
        let own = InvocableModel {
            kind: InvocableKind::ApplicationProfile,
            ..model("arn:x", "amazon.nova-micro-v1:0")
        };
        let opus = model("eu.anthropic.claude-opus-4", "anthropic.claude-opus-4");
        let haiku = model(
            "eu.anthropic.claude-haiku-4-5",
            "anthropic.claude-haiku-4-5",
        );
        let lite = model("eu.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0");
        let mut models = vec![embeddings, legacy, own];
        assert_eq!(cheapest(&models), None);
        models.push(opus);
        assert_eq!(cheapest(&models), Some("eu.anthropic.claude-opus-4"));
        models.push(haiku);
        assert_eq!(cheapest(&models), Some("eu.anthropic.claude-haiku-4-5"));
        models.push(lite);
        assert_eq!(cheapest(&models), Some("eu.amazon.nova-lite-v1:0"));
    }

    #[test]
    fn a_guess_has_the_geography_of_the_region() {
        for (region, id) in [
            ("us-west-2", "us.amazon.nova-lite-v1:0"),
            ("us-gov-west-1", "us-gov.amazon.nova-lite-v1:0"),
            ("ap-south-1", "apac.amazon.nova-lite-v1:0"),
            ("sa-east-1", "amazon.nova-lite-v1:0"),
        ] {
            assert_eq!(guessed(region), id);
        }
    }
}
