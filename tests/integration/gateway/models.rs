//! `/v1/models`: what is listed, under which names, and for whom.

use outcrop::config::{Config, Secret};
use serde_json::{Value, json};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::gateway::{MODEL, Running, StandInServer, alias, config};

const ARN: &str =
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12cd34ef56";

/// A gateway before the stand-in, with two aliases.
async fn listing(change: impl FnOnce(&mut Config)) -> Running {
    let mut settings = config(&StandInServer::start().await.url);
    settings.models = vec![alias("team/claude:latest", &[MODEL]), alias("mine", &[ARN])];
    change(&mut settings);
    Running::discovering(settings).await
}

fn ids(list: &Value) -> Vec<&str> {
    let models = list["data"].as_array().unwrap().iter();
    models.map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn aliases_and_all_that_bedrock_lists_are_there_at_every_path() {
    let gateway = listing(|_| {}).await;
    let answer = gateway.get("/v1/models").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.header("x-request-id").starts_with("req_"));
    let list = answer.json();
    assert_eq!(list["object"], "list");
    let ids = ids(&list);
    assert_eq!(ids[..2], ["team/claude:latest", "mine"]);
    assert!(ids.contains(&"replay.short-text") && ids.contains(&"amazon.nova-lite-v1:0"));
    let alias = &list["data"][0];
    assert_eq!(alias["object"], "model");
    assert_eq!(alias["owned_by"], "anthropic");
    assert!(alias["created"].is_u64());
    assert_eq!(alias["context_window"], 200_000);
    assert_eq!(alias["max_tokens"], 64_000);
    assert_eq!(alias["max_output_tokens"], 64_000);
    assert_eq!(alias["input_modalities"], json!(["text", "image", "file"]));
    assert_eq!(
        (&alias["reasoning"], &alias["tools"]),
        (&json!(true), &json!(true))
    );
    assert!(alias["cost"]["input"].as_f64() > Some(0.0));
    for path in ["/models", "/api/v1/models"] {
        assert_eq!(gateway.get(path).await.body, answer.body);
    }
}

#[tokio::test]
async fn ids_with_slashes_and_colons_are_found_raw_and_encoded() {
    let gateway = listing(|_| {}).await;
    for (path, id) in [
        ("/v1/models/replay.short-text", "replay.short-text"),
        ("/models/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0"),
        (
            "/api/v1/models/amazon.nova-lite-v1%3A0",
            "amazon.nova-lite-v1:0",
        ),
        ("/v1/models/team/claude:latest", "team/claude:latest"),
        ("/v1/models/team%2Fclaude%3alatest", "team/claude:latest"),
        ("/v1/models/m%69ne?limit=1", "mine"),
    ] {
        let answer = gateway.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.json()["id"], id, "{path}");
    }
}

#[tokio::test]
async fn an_id_that_is_not_listed_is_a_404_in_openais_words() {
    let gateway = listing(|_| {}).await;
    for path in [
        "gpt-5",
        "replay",
        "TEAM/claude:latest",
        "mine/",
        "%ff",
        "%zz",
        "%00",
    ] {
        let answer = gateway.get(&format!("/v1/models/{path}")).await;
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (404, "invalid_request_error", Some("model_not_found")),
            "{path}"
        );
        assert_eq!(answer.json()["error"]["param"], "model");
    }
    let unknown = gateway.get("/v1/modelz").await;
    assert_eq!(unknown.error().2.as_deref(), Some("unknown_url"));
    assert!(unknown.message().contains("GET /v1/models"));
}

#[tokio::test]
async fn the_list_needs_a_key_where_completions_need_one() {
    let key = |settings: &mut Config| settings.api_keys = vec![Secret::new("sk-one".to_owned())];
    let gateway = listing(key).await;
    for path in ["/v1/models", "/v1/models/mine", "/v1/models/unknown"] {
        let refused = gateway.get(path).await;
        assert_eq!(refused.error().0, 401, "{path}");
        assert!(!refused.text().contains("mine"));
    }
    let bearer = [("authorization", "Bearer sk-one")];
    assert_eq!(
        gateway.get_with("/v1/models/mine", &bearer).await.status,
        200
    );
    let open = listing(|_| {}).await;
    let page = [("origin", "https://evil.example")];
    assert_eq!(open.get_with("/v1/models", &page).await.status, 403);
}

#[tokio::test]
async fn a_head_request_has_the_lists_head_alone() {
    let gateway = listing(|_| {}).await;
    let mut client = gateway.connect().await;
    for path in ["/v1/models", "/v1/models/mine"] {
        client.send("HEAD", path, &[], "").await;
        assert_eq!(client.head().await.status, 200);
    }
    client.send("DELETE", "/v1/models/mine", &[], "").await;
    let refused = client.answer().await;
    assert_eq!(refused.status, 405);
    assert_eq!(refused.header("allow"), "GET, HEAD");
}

#[tokio::test]
async fn without_discovery_the_list_is_the_configuration() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.models = vec![alias("mine", &[MODEL])];
    settings.discovery.enabled = false;
    let gateway = Running::discovering(settings).await;
    let list = gateway.get("/v1/models").await.json();
    assert_eq!(ids(&list), ["mine"]);
}

/// Answers one of the lists of the control plane.
async fn answer_list(call: &mut Call) {
    let body = if call.head.starts_with("get /foundation-models") {
        json!({"modelSummaries": [{
            "modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "modelId": "amazon.nova-lite-v1:0", "modelName": "Nova Lite", "providerName": "Amazon",
            "inputModalities": ["TEXT"], "outputModalities": ["TEXT"], "responseStreamingSupported": true,
            "inferenceTypesSupported": ["ON_DEMAND"],
            "modelLifecycle": {"status": "LEGACY", "endOfLifeTime": "2027-01-31T00:00:00Z"},
        }]})
    } else {
        json!({"inferenceProfileSummaries": []})
    };
    call.answer(200, "", &body.to_string()).await;
}

#[tokio::test]
async fn the_first_list_is_waited_for_and_no_other_costs_a_call() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::discovering(config(&bedrock.url())).await;
    let mut client = gateway.connect().await;
    client.send("GET", "/v1/models", &[], "").await;
    let mut calls = [
        bedrock.call().await,
        bedrock.call().await,
        bedrock.call().await,
    ];
    for call in &mut calls {
        answer_list(call).await;
    }
    let list = client.answer().await.json();
    assert_eq!(ids(&list), ["amazon.nova-lite-v1:0"]);
    let model = &list["data"][0];
    assert_eq!(model["shutdown_date"], "2027-01-31");
    assert_eq!(model["deprecated"], true);
    assert_eq!(model["name"], "Nova Lite");
    // Nobody is there to answer another call.
    drop((bedrock, calls));
    assert_eq!(gateway.get("/v1/models").await.json(), list);
}
