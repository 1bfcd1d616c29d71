//! Aliases and inference profiles.

use outcrop::config;
use serde_json::json;

use super::{COHERE, TITAN, refuse, send, text_of, titan};
use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{Running, config};

/// A target of the configuration: a region and a model.
fn target(region: &str, model: &str) -> config::Target {
    config::Target {
        region: Some(region.to_owned()),
        model: model.to_owned(),
        ..config::Target::default()
    }
}

/// Embeddings of different models cannot be compared, so only the same model may stand in.
#[tokio::test]
async fn an_alias_goes_on_to_the_same_model_elsewhere_and_to_no_other() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.models = vec![config::Model {
        id: "memory".to_owned(),
        targets: vec![
            target("us-east-1", TITAN),
            target("us-east-1", COHERE),
            target("eu-west-1", TITAN),
        ],
        ..config::Model::default()
    }];
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    let request = json!({"model": "memory", "input": ["0", "1"]});
    send(&mut client, "/v1/embeddings", &request).await;
    let (mut first, mut second) = (bedrock.call().await, bedrock.call().await);
    for call in [&mut first, &mut second] {
        assert!(call.head.contains("/us-east-1/bedrock/"), "{}", call.head);
        // The longest that a target rests: longer than this test takes on any machine.
        let headers = "connection: close\r\nretry-after: 60\r\nx-amzn-errortype: ServiceUnavailableException\r\n";
        call.answer(503, headers, r#"{"message":"Busy."}"#).await;
    }
    let (mut first, mut second) = (bedrock.call().await, bedrock.call().await);
    for call in [&mut first, &mut second] {
        assert!(call.head.contains("/eu-west-1/bedrock/"), "{}", call.head);
        let number = text_of(call).parse().unwrap();
        call.answer(200, "connection: close\r\n", &titan(number))
            .await;
    }
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "4")
    );
    let list = answer.json();
    assert_eq!(list["model"], "memory");
    assert_eq!(list["data"][1]["embedding"], json!([1]));

    // The target that failed rests: another request begins at the other one.
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": "memory", "input": "0"}),
    )
    .await;
    let mut call = bedrock.call().await;
    assert!(call.head.contains("/eu-west-1/bedrock/"), "{}", call.head);
    refuse(&mut call, 400, "ValidationException", "No such text.").await;
    assert_eq!(client.answer().await.error().0, 400);
}

#[tokio::test]
async fn a_model_that_needs_a_profile_is_called_through_one() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.discovery.enabled = true;
    let gateway = Running::with(settings).await;
    let lists = async {
        for _ in 0..3 {
            let mut call = bedrock.call().await;
            let body = if call.head.starts_with("get /foundation-models") {
                json!({"modelSummaries": []})
            } else if call.head.contains("system_defined") {
                let model = "arn:aws:bedrock:us-east-1::foundation-model/cohere.embed-v4:0";
                json!({"inferenceProfileSummaries": [{"inferenceProfileId": "us.cohere.embed-v4:0",
                    "inferenceProfileName": "Embed v4", "status": "ACTIVE", "type": "SYSTEM_DEFINED",
                    "inferenceProfileArn": "arn:aws:bedrock:us-east-1:1:inference-profile/us.cohere.embed-v4:0",
                    "models": [{"modelArn": model}]}]})
            } else {
                json!({"inferenceProfileSummaries": []})
            };
            call.answer(200, "connection: close\r\n", &body.to_string())
                .await;
        }
    };
    let (listed, ()) = tokio::join!(gateway.get("/v1/models"), lists);
    assert_eq!(listed.json()["data"][0]["id"], "us.cohere.embed-v4:0");

    let mut client = gateway.connect().await;
    let request = json!({"model": "cohere.embed-v4:0", "input": "a"});
    send(&mut client, "/v1/embeddings", &request).await;
    let mut call = bedrock.call().await;
    assert!(
        call.head
            .starts_with("post /model/cohere.embed-v4%3a0/invoke"),
        "{}",
        call.head
    );
    let text = "Invocation of model ID cohere.embed-v4:0 with on-demand throughput isn’t supported. Retry your request \
                with the ID or ARN of an inference profile that contains this model.";
    refuse(&mut call, 400, "ValidationException", text).await;
    let mut call = bedrock.call().await;
    assert!(
        call.head
            .starts_with("post /model/us.cohere.embed-v4%3a0/invoke"),
        "{}",
        call.head
    );
    call.answer(200, "", r#"{"embeddings":{"float":[[1]]}}"#)
        .await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-adjusted")),
        (200, "model=inference_profile")
    );
    assert_eq!(answer.json()["model"], "cohere.embed-v4:0");
}
