use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::KeyRules;
use crate::bedrock::{Family, Terms};
use crate::openai::{ChatCompletionRequest, InvalidRequest};
use crate::translate::{Context, Translation, converse_request};

const SONNET_4_5: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
const NOVA_2: &str = "amazon.nova-2-lite-v1:0";
const GPT: &str = "openai.gpt-5.6-luna";

/// Translates a request with these members beside its one message.
fn translate(
    model: &str,
    members: &Value,
    rules: KeyRules<'_>,
) -> Result<Translation, InvalidRequest> {
    let mut request = json!({"model": model, "messages": [{"role": "user", "content": "Hi"}]});
    if let (Some(request), Some(members)) = (request.as_object_mut(), members.as_object()) {
        request.extend(members.clone());
    }
    let json = request.to_string();
    let request = ChatCompletionRequest::parse(json.as_bytes())?;
    let foundation_model = Some(model).filter(|model| *model != "unknown");
    let family = Family::of(foundation_model);
    let context = Context {
        foundation_model,
        key_rules: rules,
        ..Context::new(&family)
    };
    converse_request(request, &context)
}

fn body(translation: &Translation) -> Value {
    serde_json::from_slice(&translation.body).unwrap()
}

fn tags(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn the_limit_of_the_key_is_the_most_that_is_sent() {
    for (model, members, limit, sent, adjusted) in [
        (SONNET_4_5, json!({}), 1000, 1000, "max_tokens=1000"),
        (SONNET_4_5, json!({}), 40_000, 32_000, ""),
        (SONNET_4_5, json!({"max_tokens": 500}), 1000, 500, ""),
        (
            SONNET_4_5,
            json!({"max_tokens": 5000}),
            1000,
            1000,
            "max_tokens=1000",
        ),
        (
            SONNET_4_5,
            json!({"max_completion_tokens": 5000}),
            1000,
            1000,
            "max_completion_tokens=1000",
        ),
        ("unknown", json!({}), 1000, 1000, "max_tokens=1000"),
        (
            "unknown",
            json!({"max_tokens": 99_999_999}),
            1000,
            1000,
            "max_tokens=1000",
        ),
        // The model itself takes no fewer than 16; the key's word counts more, and Bedrock says so.
        (GPT, json!({"max_tokens": 5}), 10, 10, "max_tokens=10"),
    ] {
        let rules = KeyRules {
            max_tokens: Some(limit),
            ..KeyRules::default()
        };
        let translation = translate(model, &members, rules).unwrap();
        assert_eq!(translation.max_tokens, Some(sent), "{model} {members}");
        assert_eq!(body(&translation)["inferenceConfig"]["maxTokens"], sent);
        assert_eq!(
            translation.notes.adjusted().unwrap_or_default(),
            adjusted,
            "{model} {members}"
        );
    }
}

#[test]
fn no_words_of_bedrocks_get_around_the_limit() {
    let rules = KeyRules {
        max_tokens: Some(2000),
        ..KeyRules::default()
    };
    for object in [
        json!({"inferenceConfig": {"maxTokens": 2001}}),
        json!({"inferenceConfig": {"maxTokens": null}}),
        json!({"inferenceConfig": {"maxTokens": "9000"}}),
        json!({"inferenceConfig": {"maxTokens": 9e3}}),
        json!({"inferenceConfig": null}),
        json!({"inferenceConfig": "none"}),
        json!({"additionalModelRequestFields": {"max_tokens": 9000}}),
        json!({"additionalModelRequestFields": {"inferenceConfig": {"max_new_tokens": 9000}}}),
        json!({"additionalModelRequestFields": {"textGenerationConfig": {"maxTokenCount": 9000}}}),
        json!({"tomorrow": 1}),
    ] {
        let members = json!({"bedrock": object, "max_tokens": 9000});
        let translation = translate("unknown", &members, rules).unwrap();
        assert_eq!(translation.max_tokens, Some(2000), "{object}");
        let body = body(&translation);
        assert_eq!(body["inferenceConfig"]["maxTokens"], 2000, "{object}");
        assert!(!body.to_string().contains("9000"), "{body}");
        let adjusted = translation.notes.adjusted().unwrap();
        assert!(adjusted.contains("max_tokens=2000"), "{adjusted}");
    }
    let lower = json!({"bedrock": {"inferenceConfig": {"maxTokens": 7}}});
    let translation = translate(SONNET_4_5, &lower, rules).unwrap();
    assert_eq!(translation.max_tokens, Some(7));
}

#[test]
fn whatever_an_answer_may_come_to_is_what_is_reserved() {
    let longest = |model: &str, object: &Value| {
        let members = json!({"bedrock": object, "max_tokens": 300});
        let translation = translate(model, &members, KeyRules::default()).unwrap();
        translation.max_tokens
    };
    let native = |fields: Value| json!({"additionalModelRequestFields": fields});
    let unsaid = |fields: Value| json!({"inferenceConfig": {"maxTokens": null}, "additionalModelRequestFields": fields});
    for (object, expected) in [
        (json!({"tomorrow": 1}), Some(300)),
        (native(json!({"max_tokens": 200})), Some(300)),
        (native(json!({"max_tokens": 20_000})), Some(20_000)),
        // No whole number is no bound, whatever a model reads in it.
        (native(json!({"max_tokens": "20000"})), Some(u32::MAX)),
        (native(json!({"max_tokens": 2e4})), Some(u32::MAX)),
        // A model that does not know the name writes as much as it likes.
        (unsaid(json!({"max_gen_len": 1})), None),
        (unsaid(json!({"max_gen_len": 70_000})), Some(70_000)),
        (unsaid(json!({})), None),
        // Each answer of several may be as long as the limit says.
        (native(json!({"num_generations": 5})), Some(1500)),
        (native(json!({"n": 1, "best_of": 2})), Some(600)),
        (native(json!({"n": 0})), Some(300)),
        // Claude may think more than the limit says, between calls.
        (
            native(json!({"thinking": {"type": "enabled", "budget_tokens": 50_000}})),
            Some(50_300),
        ),
        (
            native(json!({"thinking": {"type": "enabled", "budget_tokens": 100}})),
            Some(300),
        ),
    ] {
        assert_eq!(longest("unknown", &object), expected, "{object}");
    }
    let several = unsaid(json!({"n": 3}));
    assert_eq!(longest("unknown", &several), Some(3 * 4096));
    assert_eq!(longest(SONNET_4_5, &several), Some(3 * 64_000));
    let rules = KeyRules {
        max_tokens: Some(100),
        ..KeyRules::default()
    };
    let members = json!({"bedrock": several});
    let translation = translate("unknown", &members, rules).unwrap();
    assert_eq!(translation.max_tokens, Some(100));
    let body = body(&translation);
    assert_eq!(body["additionalModelRequestFields"], json!({"n": 1}));
    let adjusted = translation.notes.adjusted().unwrap();
    assert!(adjusted.contains("Fields.n=1"), "{adjusted}");
}

#[test]
fn thoughts_stay_within_the_limit() {
    let fields = |members: &Value, limit: u32| {
        let rules = KeyRules {
            max_tokens: Some(limit),
            ..KeyRules::default()
        };
        let translation = translate(SONNET_4_5, members, rules).unwrap();
        assert_eq!(translation.max_tokens, Some(limit), "{members}");
        let body = body(&translation);
        let budget = &body["additionalModelRequestFields"]["thinking"]["budget_tokens"];
        let adjusted = translation.notes.adjusted().unwrap_or_default();
        (budget.as_u64(), adjusted)
    };
    let asked = json!({"thinking": {"type": "enabled", "budget_tokens": 8000}});
    assert_eq!(fields(&asked, 4000).0, Some(2976));
    assert_eq!(fields(&asked, 2048).0, Some(1024));
    assert_eq!(fields(&asked, 2000).0, None);
    let native = json!({"bedrock": {"additionalModelRequestFields": asked}});
    assert_eq!(
        fields(&native, 4000),
        (
            Some(2976),
            "thinking.budget_tokens=2976, max_tokens=4000".to_owned()
        )
    );
    assert_eq!(fields(&native, 1500).0, Some(1024));
    assert_eq!(
        fields(&native, 1024),
        (None, "thinking=disabled, max_tokens=1024".to_owned())
    );
}

#[test]
fn an_effort_that_takes_no_limit_is_lowered() {
    let rules = KeyRules {
        max_tokens: Some(2000),
        ..KeyRules::default()
    };
    let native = json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}});
    for members in [
        json!({"reasoning_effort": "high"}),
        json!({"bedrock": {"additionalModelRequestFields": native}}),
    ] {
        let unlimited = translate(NOVA_2, &members, KeyRules::default()).unwrap();
        assert!(body(&unlimited).to_string().contains("\"high\""));
        let translation = translate(NOVA_2, &members, rules).unwrap();
        let body = body(&translation);
        assert_eq!(body["inferenceConfig"]["maxTokens"], 2000);
        let config = &body["additionalModelRequestFields"]["reasoningConfig"];
        assert_eq!(config["maxReasoningEffort"], "medium", "{members}");
        let adjusted = translation.notes.adjusted().unwrap();
        assert!(adjusted.contains("=medium"), "{adjusted}");
    }
}

#[test]
fn the_tags_of_the_key_go_over_those_of_the_client() {
    let own = tags(&[("team", "search"), ("stage", "live")]);
    let rules = KeyRules {
        tags: &own,
        ..KeyRules::default()
    };
    let sent = |members: Value| {
        let translation = translate(SONNET_4_5, &members, rules).unwrap();
        let ignored = translation.notes.ignored().unwrap_or_default();
        (body(&translation)["requestMetadata"].clone(), ignored)
    };
    let only = json!({"team": "search", "stage": "live"});
    assert_eq!(sent(json!({})), (only.clone(), String::new()));
    assert_eq!(
        sent(json!({"metadata": {"team": "other", "user": "me"}})),
        (
            json!({"team": "search", "stage": "live", "user": "me"}),
            "metadata.team".to_owned()
        )
    );
    assert_eq!(
        sent(json!({"bedrock": {"requestMetadata": {"team": "x", "stage": null, "user": "me"}}})),
        (
            json!({"team": "search", "stage": "live", "user": "me"}),
            "bedrock.requestMetadata.team, bedrock.requestMetadata.stage".to_owned()
        )
    );
    for all in [json!(null), json!("none"), json!([])] {
        assert_eq!(
            sent(json!({"bedrock": {"requestMetadata": all}})),
            (only.clone(), "bedrock.requestMetadata".to_owned())
        );
    }
    let without = json!({"metadata": {"a": "1", "b": "2"}, "bedrock": {"requestMetadata": {"a": null, "b": "3"}}});
    assert_eq!(
        sent(without),
        (
            json!({"team": "search", "stage": "live", "b": "3"}),
            String::new()
        )
    );
}

#[test]
fn a_bedrock_object_is_refused_where_the_key_says_so() {
    let rules = KeyRules {
        no_bedrock: true,
        ..KeyRules::default()
    };
    assert!(translate(SONNET_4_5, &json!({"max_tokens": 9}), rules).is_ok());
    for object in [json!({}), json!({"serviceTier": {"type": "priority"}})] {
        let members = json!({"bedrock": object});
        let error = translate(SONNET_4_5, &members, rules).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("bedrock"));
        assert!(translate(SONNET_4_5, &members, KeyRules::default()).is_ok());
    }
}

#[test]
fn what_is_sent_says_on_which_terms() {
    let terms = |members: Value| {
        let translation = translate("unknown", &members, KeyRules::default()).unwrap();
        translation.answer.billing.terms
    };
    let flex = Terms::of(Some("flex"), None);
    assert_eq!(terms(json!({})), Terms::default());
    assert_eq!(terms(json!({"service_tier": "auto"})), Terms::default());
    assert_eq!(terms(json!({"service_tier": "flex"})), flex);
    let object = json!({"serviceTier": {"type": "flex"}});
    assert_eq!(
        terms(json!({"service_tier": "priority", "bedrock": object})),
        flex
    );
    let object = json!({"performanceConfig": {"latency": "optimized"}});
    assert_eq!(
        terms(json!({"bedrock": object})),
        Terms::of(None, Some("optimized"))
    );
}

/// Whatever a client may say of length, tags and thoughts.
fn members() -> impl Strategy<Value = Value> {
    let tokens = || {
        prop_oneof![
            (0..200_000_u64).prop_map(Value::from),
            Just(Value::Null),
            Just(json!("all")),
        ]
    };
    let pairs = || prop::collection::btree_map("[a-t]", "[a-z]{0,3}", 0..20);
    let object =
        (tokens(), tokens(), tokens(), pairs()).prop_map(|(limit, native, budget, pairs)| {
            json!({
                "inferenceConfig": {"maxTokens": limit},
                "additionalModelRequestFields": {
                    "max_tokens": native,
                    "thinking": {"type": "enabled", "budget_tokens": budget},
                },
                "requestMetadata": pairs,
            })
        });
    let limit = prop::option::of(1..200_000_u64);
    let effort = prop::option::of(prop::sample::select(vec!["low", "medium", "high"]));
    (limit, effort, pairs(), prop::option::of(object)).prop_map(|(limit, effort, pairs, object)| {
        let mut members = json!({"metadata": pairs});
        members["max_tokens"] = json!(limit);
        members["reasoning_effort"] = json!(effort);
        if let Some(object) = object {
            members["bedrock"] = object;
        }
        members
    })
}

proptest! {
    #[test]
    fn whatever_a_request_says_its_key_has_the_last_word(
        members in members(),
        limit in 16_u32..100_000,
        own in prop::collection::btree_map("[a-z]", "[A-Z]{1,3}", 0..=16),
        model in prop::sample::select(vec![SONNET_4_5, NOVA_2, GPT, "unknown", "anthropic.claude-opus-5"]),
    ) {
        let rules = KeyRules { max_tokens: Some(limit), tags: &own, no_bedrock: false };
        let translation = translate(model, &members, rules).unwrap();
        let body = body(&translation);
        let sent = body["inferenceConfig"]["maxTokens"].as_u64();
        prop_assert!(sent.is_some_and(|sent| sent <= u64::from(limit)), "{body}");
        prop_assert!(translation.max_tokens.is_some_and(|sent| sent <= limit));
        let fields = &body["additionalModelRequestFields"];
        if let Some(budget) = fields.pointer("/thinking/budget_tokens") {
            prop_assert!(budget.as_u64().is_some_and(|budget| budget < u64::from(limit)), "{body}");
        }
        if let Some(native) = fields.get("max_tokens") {
            prop_assert!(native.as_u64().is_some_and(|native| native <= u64::from(limit)), "{body}");
        }
        let metadata = body.get("requestMetadata").and_then(Value::as_object);
        for (key, value) in &own {
            prop_assert_eq!(metadata.and_then(|pairs| pairs.get(key)?.as_str()), Some(value.as_str()));
        }
        if !own.is_empty() {
            prop_assert!(metadata.is_some_and(|pairs| pairs.len() <= 16), "{body}");
        }
    }
}
