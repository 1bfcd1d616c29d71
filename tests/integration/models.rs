//! `outcrop models` and `outcrop openclaw`: what they print, from a list of our own and as processes.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use outcrop::bedrock::catalog::InvocableModel;
use outcrop::cli::models::{Layout, table};
use outcrop::cli::openclaw::{COMMENTS, Provider, configuration, json5};
use outcrop::config::{self, Config};
use outcrop::models::{ListedModel, Listing};
use outcrop::openai::model::{Model, ModelList};
use serde_json::{Value, json};

use crate::golden::assert_golden;
use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{FIXTURES, MODEL, alias};
use crate::support::process::outcrop;

const PROVIDER: Provider<'_> = Provider {
    base_url: "http://127.0.0.1:4000/v1",
    key_env: "OUTCROP_CLIENT_KEY",
};

/// What AWS lists in `fixtures/models/invocable.json`.
fn invocable() -> Vec<InvocableModel> {
    let path = Path::new(FIXTURES).join("models/invocable.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// An alias, and a correction of a model that AWS lists.
fn configured() -> Vec<config::Model> {
    let cost = config::Cost {
        input: 0.5,
        output: 2.0,
        ..config::Cost::default()
    };
    let corrected = config::Model {
        id: "newcomer.model-1".to_owned(),
        context_window: Some(1_000_000),
        max_tokens: Some(64_000),
        cost: Some(cost),
        ..config::Model::default()
    };
    vec![alias("gpt-4o", &[MODEL]), corrected]
}

fn listed() -> Vec<ListedModel> {
    let config = Config {
        models: configured(),
        ..Config::default()
    };
    Listing::new(&config).models(&invocable(), |_| true)
}

fn models() -> Vec<Model> {
    listed().into_iter().map(|listed| listed.model).collect()
}

fn golden(name: &str, output: &str) {
    assert_golden(&Path::new(FIXTURES).join("models").join(name), output);
}

#[test]
fn the_list_is_as_in_the_golden_file() {
    let models = models();
    let json = serde_json::to_string_pretty(&ModelList::of(&models)).unwrap();
    golden("list.json", &json);
}

#[test]
fn the_table_has_one_line_for_each_model() {
    let models = models();
    let table = table(&models, Layout::Lines);
    golden("lines.txt", &table);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), models.len() + 1);
    for (line, model) in lines.iter().skip(1).zip(&models) {
        assert!(line.starts_with(&model.id), "{line}");
    }
    // The columns stand below their headings.
    assert_eq!(
        lines[1].rfind("anthropic"),
        lines[0].find("OWNER"),
        "{table}"
    );
}

#[test]
fn on_a_terminal_only_ids_are_longer_than_its_lines() {
    let models = models();
    let long = table(&models, Layout::Terminal);
    golden("terminal.txt", &long);
    for line in long.lines().filter(|line| line.chars().count() > 80) {
        assert!(models.iter().any(|model| line == model.id), "{line}");
    }
    assert!(!long.contains('\u{1b}'));
    // What fits stays on one line.
    let short: Vec<_> = models.into_iter().take(1).collect();
    assert_eq!(
        table(&short, Layout::Terminal),
        table(&short, Layout::Lines)
    );
}

#[test]
fn openclaws_configuration_is_as_in_the_golden_file() {
    let configuration = configuration(&PROVIDER, &listed(), &configured()).unwrap();
    let text = json5(COMMENTS, &configuration);
    golden("openclaw.json5", &text);
    assert_eq!(read_json5(&text), read_json5(&configuration.to_string()));
}

/// JSON5 as a tree whose numbers are all of one kind.
fn read_json5(text: &str) -> Value {
    fn plain(value: Value) -> Value {
        match value {
            Value::Number(number) => json!(number.as_f64()),
            Value::Array(items) => items.into_iter().map(plain).collect(),
            Value::Object(members) => {
                let members = members.into_iter();
                members.map(|(name, value)| (name, plain(value))).collect()
            }
            other => other,
        }
    }
    plain(json5::from_str(text).unwrap())
}

#[test]
fn an_agent_gets_only_models_that_call_tools_and_begins_with_the_newest_sonnet() {
    let configuration = configuration(&PROVIDER, &listed(), &configured()).unwrap();
    let provider = &configuration["models"]["providers"]["outcrop"];
    let entries = provider["models"].as_array().unwrap();
    let ids: Vec<_> = entries
        .iter()
        .map(|entry| entry["id"].as_str().unwrap())
        .collect();
    for without_tools in [
        "us.meta.llama3-2-3b-instruct-v1:0",
        "amazon.titan-embed-text-v2:0",
    ] {
        assert!(!ids.contains(&without_tools));
    }
    assert_eq!(ids.len(), listed().len() - 2);
    let primary = &configuration["agents"]["defaults"]["model"]["primary"];
    assert_eq!(*primary, format!("outcrop/{MODEL}"));
    // The operator's limits hold, others are bounded, and what is not known is not there.
    let entry = |id: &str| entries.iter().find(|entry| entry["id"] == id).unwrap();
    assert_eq!(entry("newcomer.model-1")["maxTokens"], 64_000);
    assert_eq!(
        entry("newcomer.model-1")["cost"],
        json!({"input": 0.5, "output": 2.0})
    );
    assert_eq!(entry(MODEL)["maxTokens"], 32_000);
    assert_eq!(
        entry("mistral.voxtral-mini-3b-2507")["input"],
        json!(["text"])
    );
}

#[test]
fn the_first_model_is_the_one_to_begin_with_where_there_is_no_sonnet() {
    let rows: Vec<_> = invocable()
        .into_iter()
        .filter(|row| !row.id.contains("sonnet"))
        .collect();
    let listing = Listing::new(&Config::default());
    let primary = |rows: &[InvocableModel]| {
        let configuration = configuration(&PROVIDER, &listing.models(rows, |_| true), &[])?;
        Some(configuration["agents"]["defaults"]["model"]["primary"].clone())
    };
    assert_eq!(primary(&rows), Some(json!("outcrop/amazon.nova-lite-v1:0")));
    assert_eq!(primary(&[]), None);
    // One that is about to end is better than none.
    let legacy: Vec<_> = invocable()
        .into_iter()
        .filter(|row| !row.id.contains("sonnet-4"))
        .collect();
    let oldest = "outcrop/us.anthropic.claude-3-5-sonnet-20240620-v1:0";
    assert_eq!(primary(&legacy), Some(json!(oldest)));
}

/// Exit code, standard output and standard error.
fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

fn replaying(arguments: &[&str]) -> Command {
    let mut command = outcrop(arguments);
    command.args(["--replay", FIXTURES]);
    command
}

#[test]
fn the_commands_print_the_recordings_and_nothing_else() {
    let (code, lines, error) = ran(&mut replaying(&["models"]));
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(lines.starts_with("MODEL "), "{lines}");
    assert!(lines.contains("\nreplay.short-text "), "{lines}");

    let (code, json, error) = ran(&mut replaying(&["models", "--json"]));
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["object"], "list");
    assert_eq!(
        json["data"].as_array().unwrap().len(),
        lines.lines().count() - 1
    );

    let (code, text, error) = ran(&mut replaying(&["openclaw"]));
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(text.starts_with("// "), "{text}");
    let (_, strict, _) = ran(&mut replaying(&["openclaw", "--json"]));
    let strict: Value = serde_json::from_str(&strict).unwrap();
    assert_eq!(read_json5(&text), read_json5(&strict.to_string()));
    let provider = &strict["models"]["providers"]["outcrop"];
    assert_eq!(provider["baseUrl"], "http://127.0.0.1:4000/v1");
    assert_eq!(provider["apiKey"], "${OUTCROP_CLIENT_KEY}");
    assert_eq!(provider["api"], "openai-completions");
}

#[test]
fn address_and_key_of_the_gateway_can_be_chosen() {
    let chosen = [
        "openclaw",
        "--json",
        "--base-url",
        "https://outcrop.example/v1/",
        "--key-env",
        "MY_KEY",
    ];
    let (_, json, _) = ran(&mut replaying(&chosen));
    let json: Value = serde_json::from_str(&json).unwrap();
    let provider = &json["models"]["providers"]["outcrop"];
    assert_eq!(provider["baseUrl"], "https://outcrop.example/v1");
    assert_eq!(provider["apiKey"], "${MY_KEY}");

    let (_, json, _) = ran(replaying(&["openclaw"]).env("OUTCROP_LISTEN", "0.0.0.0:8080"));
    assert!(
        json.contains("baseUrl: \"http://127.0.0.1:8080/v1\""),
        "{json}"
    );
    let (code, _, error) = ran(replaying(&["openclaw"]).env("OUTCROP_LISTEN", "127.0.0.1:0"));
    assert_eq!(code, Some(2));
    assert!(error.contains("--base-url"), "{error}");
    for wrong in [
        ["--base-url", "outcrop.example"],
        ["--key-env", "sk-secret"],
    ] {
        let (code, output, error) = ran(replaying(&["openclaw"]).args(wrong));
        assert_eq!((code, output.as_str()), (Some(2), ""));
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_empty_list_is_told_with_its_reason() {
    for (variable, value, reason) in [
        ("OUTCROP_DISCOVERY_ENABLED", "false", "switched off"),
        (
            "OUTCROP_DISCOVERY_PROVIDER_FILTER",
            "antropic",
            "discovery.provider_filter lets through: antropic",
        ),
    ] {
        let (code, output, error) = ran(replaying(&["models"]).env(variable, value));
        assert_eq!((code, output.as_str()), (Some(1), ""));
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(reason), "{error}");
        let (code, json, _) = ran(replaying(&["models", "--json"]).env(variable, value));
        assert_eq!(code, Some(1));
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json, json!({"object": "list", "data": []}));
    }
}

#[test]
fn one_reason_for_all_lists_is_one_line() {
    let mut command = outcrop(&["models"]);
    command.envs([
        ("AWS_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]);
    let (code, output, error) = ran(&mut command);
    assert_eq!((code, output.as_str()), (Some(1), ""));
    assert_eq!(error.lines().count(), 1, "{error}");
    for part in [
        "ListFoundationModels",
        "ListInferenceProfiles",
        "no AWS credentials were found",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

/// A Bedrock that shows foundation models and keeps its profiles to itself.
async fn deny_profiles(bedrock: ScriptedBedrock) {
    loop {
        let mut call = bedrock.call().await;
        if call.head.starts_with("get /foundation-models") {
            let row = json!({
                "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                "modelId": "amazon.nova-lite-v1:0", "modelName": "Nova Lite", "providerName": "Amazon",
                "inputModalities": ["TEXT"], "outputModalities": ["TEXT"], "responseStreamingSupported": true,
                "inferenceTypesSupported": ["ON_DEMAND"], "modelLifecycle": {"status": "ACTIVE"},
            });
            call.answer(200, "", &json!({"modelSummaries": [row]}).to_string())
                .await;
        } else {
            let body = r#"{"message":"User: x is not authorized to perform: bedrock:ListInferenceProfiles"}"#;
            call.answer(403, "x-amzn-errortype: AccessDeniedException\r\n", body)
                .await;
        }
    }
}

#[tokio::test]
async fn a_list_that_is_denied_is_one_line_with_the_action_to_allow() {
    let bedrock = ScriptedBedrock::start().await;
    let url = bedrock.url();
    let serving = tokio::spawn(deny_profiles(bedrock));
    let run = move |arguments: &'static [&'static str]| {
        let mut command = outcrop(arguments);
        command.envs([
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ]);
        tokio::task::spawn_blocking(move || ran(&mut command))
    };
    for arguments in [&["models"][..], &["models", "--json"], &["openclaw"]] {
        let (code, output, error) = run(arguments).await.unwrap();
        assert_eq!(code, Some(1), "{error}");
        // What could be had is printed all the same.
        assert!(output.contains("amazon.nova-lite-v1:0"), "{output}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(
            error.contains("IAM action bedrock:ListInferenceProfiles"),
            "{error}"
        );
    }
    serving.abort();
}
