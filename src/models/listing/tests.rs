use super::*;
use crate::bedrock::catalog::InvocableKind;
use crate::config::Target;

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn row(id: &str, inputs: &[&str]) -> InvocableModel {
    InvocableModel {
        id: id.to_owned(),
        region: "us-east-1".to_owned(),
        foundation_model: model_id::foundation_model(id).unwrap().map(str::to_owned),
        name: format!("Name of {id}"),
        provider: "Some Provider".to_owned(),
        kind: InvocableKind::SystemProfile,
        purpose: Purpose::Chat,
        input_modalities: inputs.iter().map(|&input| input.to_owned()).collect(),
        streaming: true,
        legacy: false,
        created: 1_700_000_000,
        end_of_life: None,
    }
}

fn configured(id: &str, target: &str) -> config::Model {
    let targets = Target {
        model: target.to_owned(),
        ..Target::default()
    };
    config::Model {
        id: id.to_owned(),
        targets: Some(targets)
            .filter(|_| !target.is_empty())
            .into_iter()
            .collect(),
        ..config::Model::default()
    }
}

fn list(rows: &[InvocableModel], models: Vec<config::Model>) -> Vec<Model> {
    let listing = Listing::new(&Config {
        models,
        ..Config::default()
    });
    let listed = listing.models(rows, |_| true).into_iter();
    listed.map(|listed| listed.model).collect()
}

fn one(row: InvocableModel) -> Model {
    list(&[row], Vec::new()).remove(0)
}

#[test]
fn a_listed_model_has_what_its_family_and_price_say() {
    let model = one(row(SONNET, &["text", "image"]));
    assert_eq!(
        (model.id.as_str(), model.owned_by.as_str(), model.created),
        (SONNET, "anthropic", 1_700_000_000)
    );
    assert_eq!(model.name, format!("Name of {SONNET}"));
    assert_eq!(
        (
            model.context_window,
            model.max_tokens,
            model.max_output_tokens
        ),
        (Some(200_000), Some(64_000), Some(64_000))
    );
    assert_eq!(model.input_modalities, ["text", "image", "file"]);
    assert!(model.reasoning && model.tools && !model.deprecated);
    let cost = model.cost.unwrap();
    assert!(cost.input > 0.0 && cost.output > cost.input);
}

#[test]
fn of_a_model_that_nobody_knows_the_defaults_are_shown_and_no_cost() {
    let model = one(row("us.newcomer.model-1", &["text", "video"]));
    assert_eq!(
        (model.context_window, model.max_tokens),
        (Some(32_000), Some(4096))
    );
    assert_eq!(model.input_modalities, ["text", "video"]);
    assert_eq!(model.owned_by, "some-provider");
    assert_eq!(model.cost, None);
    assert!(model.tools && !model.reasoning);
}

#[test]
fn what_a_model_costs_in_gov_cloud_is_not_known() {
    const HAIKU: &str = "anthropic.claude-3-haiku-20240307-v1:0";
    let costs = |listed: &str, chosen: Option<&str>| {
        let rows = [InvocableModel {
            region: listed.to_owned(),
            ..row(HAIKU, &[])
        }];
        let mut alias = configured("alias", HAIKU);
        alias.targets[0].region = chosen.map(str::to_owned);
        let models = list(&rows, vec![alias]).into_iter();
        let costs = models.map(|model| model.cost.map(|cost| cost.input));
        costs.collect::<Vec<_>>()
    };
    assert_eq!(costs("us-east-1", None), [Some(0.25), Some(0.25)]);
    assert_eq!(costs("us-gov-west-1", None), [None, None]);
    assert_eq!(
        costs("us-east-1", Some("us-gov-west-1")),
        [None, Some(0.25)]
    );
}

#[test]
fn a_name_has_the_facts_of_the_model_that_it_leads_to() {
    let named = config::Model {
        max_tokens: Some(9),
        ..config::Model::default()
    };
    let name = |id: &str| config::Model {
        id: id.to_owned(),
        ..named.clone()
    };
    let models = list(
        &[row(SONNET, &[])],
        vec![name("claude-sonnet-4-5"), name("claude-sonnet-9")],
    );
    assert_eq!(models[0].id, "claude-sonnet-4-5");
    assert_eq!(models[0].name, "claude-sonnet-4-5");
    assert_eq!(models[0].owned_by, "anthropic");
    assert_eq!(
        (models[0].context_window, models[0].max_tokens),
        (Some(200_000), Some(9))
    );
    assert_eq!(models[0].cost, models[2].cost);
    assert!(models[0].cost.is_some());
    assert_eq!(models[1].owned_by, "bedrock");
}

#[test]
fn the_operators_word_counts_more_than_what_is_known() {
    let cost = config::Cost {
        input: 1.0,
        output: 2.0,
        cache_read: Some(0.5),
        cache_write: None,
        ..config::Cost::default()
    };
    let corrected = config::Model {
        context_window: Some(1_000_000),
        max_tokens: Some(9),
        cost: Some(cost),
        ..configured(SONNET, "")
    };
    let nova = row("us.amazon.nova-lite-v1:0", &[]);
    let models = list(&[nova, row(SONNET, &[])], vec![corrected]);
    // A correction is no alias: the model stays where it is listed.
    assert_eq!(models[1].id, SONNET);
    assert_eq!(models[1].name, format!("Name of {SONNET}"));
    assert_eq!(models[1].context_window, Some(1_000_000));
    assert_eq!(models[1].max_output_tokens, Some(9));
    let cost = models[1].cost.unwrap();
    assert_eq!((cost.input, cost.output), (1.0, 2.0));
    assert_eq!((cost.cache_read, cost.cache_write), (Some(0.5), None));
}

#[test]
fn aliases_stand_first_with_the_facts_of_their_first_target() {
    let mut ending = row(SONNET, &["text"]);
    ending.legacy = true;
    ending.end_of_life = Some("2026-12-31".to_owned());
    let alias = configured("gpt-4o", SONNET);
    let models = list(&[ending], vec![configured("b", "gone.model"), alias]);
    let ids: Vec<_> = models.iter().map(|model| model.id.as_str()).collect();
    assert_eq!(ids, ["b", "gpt-4o", SONNET]);
    let alias = &models[1];
    assert_eq!(
        (alias.name.as_str(), alias.owned_by.as_str()),
        ("gpt-4o", "anthropic")
    );
    assert_eq!(alias.context_window, Some(200_000));
    assert_eq!(alias.input_modalities, ["text", "file"]);
    assert_eq!(alias.shutdown_date.as_deref(), Some("2026-12-31"));
    assert!(alias.deprecated && alias.cost == models[2].cost);
    assert_eq!(
        (models[0].owned_by.as_str(), models[0].created),
        ("bedrock", 0)
    );
}

#[test]
fn what_is_behind_an_opaque_target_is_asked_of_aws_or_told_by_the_operator() {
    let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12";
    let opaque = InvocableModel {
        foundation_model: Some("amazon.nova-pro-v1:0".to_owned()),
        ..row(arn, &[])
    };
    assert_eq!(one(opaque).context_window, Some(300_000));
    let told = config::Model {
        base_model: Some(SONNET.to_owned()),
        ..configured("mine", arn)
    };
    let models = list(&[], vec![told, configured("unknown", arn)]);
    assert_eq!(models[0].context_window, Some(200_000));
    assert_eq!(models[0].owned_by, "anthropic");
    assert!(models[0].cost.is_some());
    assert_eq!(models[1].context_window, Some(32_000));
    assert_eq!(models[1].input_modalities, ["text"]);
}

#[test]
fn inputs_are_those_that_aws_lists_and_the_family_takes() {
    for (id, listed, shown) in [
        (SONNET, &["text"][..], &["text", "file"][..]),
        (SONNET, &[], &["text", "image", "file"]),
        (
            "amazon.nova-lite-v1:0",
            &["text", "image", "video"],
            &["text", "image", "file", "video"],
        ),
        ("deepseek.v3.2", &["text", "image"], &["text"]),
        (
            "mistral.voxtral-mini-3b-2507",
            &["audio", "text"],
            &["text", "audio"],
        ),
    ] {
        assert_eq!(one(row(id, listed)).input_modalities, shown, "{id}");
    }
}

#[test]
fn models_that_embed_neither_chat_nor_have_the_limits_of_those_that_do() {
    let titan = InvocableModel {
        purpose: Purpose::Embeddings,
        ..row("amazon.titan-embed-text-v2:0", &["text", "image"])
    };
    // An alias of a model that AWS was not asked for is told by the name.
    let alias = configured("text-embedding-3-small", "cohere.embed-english-v3");
    let models = list(&[titan], vec![alias]);
    for (model, dimensions) in models.iter().zip([&[1024][..], &[256, 512, 1024]]) {
        assert_eq!(model.input_modalities, ["text"], "{}", model.id);
        assert_eq!(model.output_modalities, ["embeddings"]);
        assert_eq!(model.dimensions, dimensions);
        assert!(!model.reasoning && !model.tools);
        assert_eq!((model.context_window, model.max_tokens), (None, None));
    }
}

#[test]
fn only_what_may_be_seen_is_listed() {
    let rows = [row(SONNET, &[]), row("us.amazon.nova-lite-v1:0", &[])];
    let listing = Listing::new(&Config {
        models: vec![configured("alias", SONNET)],
        ..Config::default()
    });
    let shown = listing.models(&rows, |id| id != SONNET);
    let ids: Vec<_> = shown
        .iter()
        .map(|listed| listed.model.id.as_str())
        .collect();
    assert_eq!(ids, ["alias", "us.amazon.nova-lite-v1:0"]);
}
