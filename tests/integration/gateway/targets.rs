//! Models of the configuration: where they are called, and where they are called next.

use std::collections::BTreeMap;

use outcrop::config::{Config, Guardrail, Model, Target};
use serde_json::{Value, json};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::gateway::{
    MODEL, Running, StandInServer, alias, config, question, whole_question, with,
};
use crate::support::messages::{WHOLE_ANSWER, short_answer};

const APPLICATION_PROFILE: &str =
    "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/ab12cd34";

/// A gateway with one model of the configuration, in front of the stand-in.
pub(super) async fn gateway(model: Model) -> (StandInServer, Running) {
    let stand_in = StandInServer::start().await;
    let config = Config {
        models: vec![model],
        ..config(&stand_in.url)
    };
    (stand_in, Running::with(config).await)
}

/// Which models the stand-in was asked to converse with, and in which regions.
pub(super) fn called(stand_in: &StandInServer) -> Vec<String> {
    let requests = stand_in.received.requests();
    let converse = requests
        .iter()
        .filter(|request| request.path.starts_with("/model/"));
    converse
        .map(|request| {
            let signature = request.headers["authorization"].to_str().unwrap();
            let region = signature.split('/').nth(2).unwrap();
            let model = request.path.split('/').nth(2).unwrap();
            format!("{region}/{}", model.replace("%3A", ":").replace("%2F", "/"))
        })
        .collect()
}

#[tokio::test]
async fn an_alias_is_called_by_its_target_and_answers_by_its_own_name() {
    let (stand_in, gateway) = gateway(alias("gpt-4o", &["eu-west-1/replay.short-text"])).await;
    let answer = gateway.chat(&whole_question("gpt-4o")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["model"], "gpt-4o");
    assert_eq!(answer.header("x-outcrop-adjusted"), "");
    let events = gateway.stream(&question("gpt-4o")).await;
    events.assert_whole("stop");
    assert!(events.chunks.iter().all(|chunk| chunk["model"] == "gpt-4o"));
    let call = "eu-west-1/replay.short-text";
    assert_eq!(called(&stand_in), [call, call]);
    let metrics = gateway.get("/metrics").await;
    assert!(
        metrics.text().contains(r#"model="gpt-4o""#),
        "{}",
        metrics.text()
    );
}

#[tokio::test]
async fn what_other_gateways_write_before_an_id_is_left_out() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    for asked in [
        "bedrock/replay.short-text",
        "amazon-bedrock/replay.short-text",
    ] {
        let answer = gateway.chat(&whole_question(asked)).await;
        assert_eq!(
            (answer.status, answer.json()["model"].as_str()),
            (200, Some(asked))
        );
    }
    assert_eq!(called(&stand_in), ["us-east-1/replay.short-text"; 2]);
}

#[tokio::test]
async fn an_arn_is_called_in_its_own_region() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    for (region, model) in [
        (
            "ap-south-1",
            "arn:aws:bedrock:ap-south-1:123456789012:inference-profile/replay.short-text",
        ),
        (
            "us-east-1",
            "arn:aws-cn:bedrock:cn-north-1:123456789012:inference-profile/replay.short-text",
        ),
    ] {
        gateway.chat(&whole_question(model)).await;
        let last = called(&stand_in).pop().unwrap();
        assert_eq!(last, format!("{region}/{model}"));
    }
}

#[tokio::test]
async fn a_target_that_fails_hands_the_request_to_the_next() {
    for failing in [
        "replay.throttled",
        "replay.throttled-in-first-message",
        "replay.error-throttled-daily",
        "replay.error-service-unavailable",
        "replay.error-expired-token",
    ] {
        let model = alias("pair", &[failing, "eu-west-1/replay.short-text"]);
        let (stand_in, gateway) = gateway(model).await;
        let answer = gateway.chat(&question("pair")).await;
        assert_eq!(answer.status, 200, "{failing}: {}", answer.text());
        let calls = called(&stand_in);
        assert_eq!(calls.last().unwrap(), "eu-west-1/replay.short-text");
        assert_eq!(answer.header("x-outcrop-attempts"), calls.len().to_string());
        // The one that failed rests.
        let again = gateway.chat(&whole_question("pair")).await;
        assert_eq!(
            (again.status, again.header("x-outcrop-attempts")),
            (200, "1")
        );
        let metrics = gateway.get("/metrics").await;
        assert!(
            metrics
                .text()
                .contains("outcrop_upstream_failovers_total{reason=")
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_wrong_everywhere() {
    for failing in ["replay.error-validation", "replay.error-access-denied"] {
        let (stand_in, gateway) = gateway(alias("pair", &[failing, "replay.short-text"])).await;
        let answer = gateway.chat(&question("pair")).await;
        assert!((400..500).contains(&answer.status), "{}", answer.text());
        assert_eq!(called(&stand_in).len(), 1);
    }
}

#[tokio::test]
async fn when_all_fail_the_last_one_tells_why() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.models = vec![alias("three", &["a.b", "eu-west-1/a.b", "eu-north-1/a.b"])];
    settings.bedrock.max_attempts = 4;
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client.chat(&whole_question("three")).await;
    let mut regions = BTreeMap::<String, u32>::new();
    // Each is called once, and the last has what is left of the attempts.
    for _ in 0..4 {
        let mut call = conversation(&bedrock).await;
        let region = call
            .head
            .split("credential=")
            .nth(1)
            .unwrap()
            .split('/')
            .nth(2)
            .unwrap();
        *regions.entry(region.to_owned()).or_default() += 1;
        refuse(&mut call, 503, "ServiceUnavailableException", "Busy.").await;
    }
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (503, "4")
    );
    let expected = [("eu-north-1", 2), ("eu-west-1", 1), ("us-east-1", 1)];
    assert!(
        regions
            .iter()
            .map(|(region, count)| (region.as_str(), *count))
            .eq(expected),
        "{regions:?}"
    );
}

#[tokio::test]
async fn the_next_target_gets_a_request_of_its_own() {
    let model = alias("mixed", &["replay.throttled", "replay.llama-tool-call"]);
    let (stand_in, gateway) = gateway(model).await;
    let tools =
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]);
    let request = with(question("mixed"), json!({"tools": tools}));
    let answer = gateway.chat(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let requests = stand_in.received.requests();
    let bodies = requests
        .iter()
        .filter(|request| request.path.starts_with("/model/"));
    let operations: Vec<_> = bodies
        .map(|request| request.path.rsplit('/').next().unwrap())
        .collect();
    // Llama has no tools in streams.
    assert_eq!(operations, ["converse-stream", "converse"]);
}

#[tokio::test]
async fn a_target_that_cannot_take_a_request_is_passed_over() {
    let image = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let model = alias(
        "seeing",
        &[
            "replay.throttled",
            "replay.llama-tool-call",
            "replay.image-question",
        ],
    );
    let (stand_in, gateway) = gateway(model).await;
    let request = json!({"model": "seeing", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}
    ]}]});
    let answer = gateway.chat(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        called(&stand_in),
        [
            "us-east-1/replay.throttled",
            "us-east-1/replay.image-question"
        ]
    );
}

#[tokio::test]
async fn conversations_are_shared_by_weight_and_stay_where_they_are() {
    let model = Model {
        targets: [("eu-west-1", 3), ("eu-north-1", 1)]
            .map(|(region, weight)| Target {
                region: Some(region.to_owned()),
                model: "replay.short-text".to_owned(),
                weight: Some(weight),
                ..Target::default()
            })
            .to_vec(),
        ..alias("split", &[])
    };
    let (stand_in, gateway) = gateway(model).await;
    let mut counts = BTreeMap::<String, u32>::new();
    for conversation in 0..60 {
        let mut messages =
            vec![json!({"role": "user", "content": format!("Question {conversation}")})];
        let first = ask(&gateway, &stand_in, &messages).await;
        messages.push(json!({"role": "assistant", "content": "Yes?"}));
        messages.push(json!({"role": "user", "content": "Go on."}));
        assert_eq!(ask(&gateway, &stand_in, &messages).await, first);
        *counts.entry(first).or_default() += 1;
    }
    assert_eq!(counts.len(), 2, "{counts:?}");
    assert!(
        counts["eu-west-1/replay.short-text"] > counts["eu-north-1/replay.short-text"],
        "{counts:?}"
    );
}

async fn ask(gateway: &Running, stand_in: &StandInServer, messages: &[Value]) -> String {
    let request = json!({"model": "split", "messages": messages});
    assert_eq!(gateway.chat(&request).await.status, 200);
    called(stand_in).pop().unwrap()
}

#[tokio::test]
async fn the_configuration_knows_an_opaque_model_better() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.models = vec![Model {
        base_model: Some("anthropic.claude-sonnet-4-5-20250929-v1:0".to_owned()),
        max_tokens: Some(500),
        guardrail: Some(Guardrail {
            id: Some("gr0example12".to_owned()),
            version: Some("3".to_owned()),
            ..Guardrail::default()
        }),
        ..alias("ours", &[APPLICATION_PROFILE])
    }];
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    let request = json!({
        "model": "ours", "max_tokens": 9000, "reasoning_effort": "low",
        "bedrock": {"guardrailConfig": {"guardrailIdentifier": "gr0weaker123", "guardrailVersion": "1"}},
        "messages": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "x".repeat(20_000)}]
    });
    client.chat(&request).await;
    // No look-up: the first call is the conversation.
    let mut call = bedrock.call().await;
    assert!(call.head.starts_with("post /model/arn%3a"), "{}", call.head);
    assert!(
        call.head.contains("/eu-west-1/bedrock/aws4_request"),
        "{}",
        call.head
    );
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(body["inferenceConfig"]["maxTokens"], 500);
    assert_eq!(
        body["guardrailConfig"]["guardrailIdentifier"],
        "gr0example12"
    );
    assert!(body.to_string().contains("cachePoint"), "{body}");
    call.answer(200, "content-type: application/json\r\n", WHOLE_ANSWER)
        .await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_prompt_is_cached_where_the_operator_says_that_it_is() {
    for (says, points) in [(None, 0), (Some(true), 1), (Some(false), 0)] {
        let bedrock = ScriptedBedrock::start().await;
        let mut settings = config(&bedrock.url());
        settings.models = vec![Model {
            prompt_cache: says,
            ..alias("stability.chat-1", &[])
        }];
        let gateway = Running::with(settings).await;
        let mut client = gateway.connect().await;
        let request = json!({"model": "stability.chat-1", "messages": [
            {"role": "system", "content": "word ".repeat(2000)}, {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Go on."}
        ]});
        client.chat(&request).await;
        let mut call = bedrock.call().await;
        let body = String::from_utf8(call.body.clone()).unwrap();
        assert_eq!(
            body.matches("cachePoint").count().min(1),
            points,
            "{says:?}"
        );
        call.answer(200, "content-type: application/json\r\n", WHOLE_ANSWER)
            .await;
        assert_eq!(client.answer().await.status, 200);
    }
}

#[tokio::test]
async fn every_choice_finds_its_own_target() {
    let (stand_in, gateway) =
        gateway(alias("pair", &["replay.throttled", "replay.short-text"])).await;
    let answer = gateway
        .chat(&with(whole_question("pair"), json!({"n": 2})))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["choices"].as_array().unwrap().len(), 2);
    let calls = called(&stand_in);
    assert_eq!(
        calls
            .iter()
            .filter(|call| call.ends_with("short-text"))
            .count(),
        2
    );
}

/// The next call of a conversation; look-ups on the way are refused.
async fn conversation(bedrock: &ScriptedBedrock) -> Call {
    loop {
        let mut call = bedrock.call().await;
        if call.head.starts_with("post ") {
            return call;
        }
        refuse(&mut call, 404, "ResourceNotFoundException", "No.").await;
    }
}

pub(super) async fn refuse(call: &mut Call, status: u16, name: &str, text: &str) {
    let headers = format!("connection: close\r\nx-amzn-errortype: {name}\r\n");
    call.answer(status, &headers, &json!({"message": text}).to_string())
        .await;
}

#[tokio::test]
async fn a_target_that_breaks_off_before_its_first_message_hands_on_too() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.models = vec![alias("pair", &[MODEL, &format!("us-west-2/{MODEL}")])];
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client.chat(&question("pair")).await;
    bedrock.call().await.reset();
    let mut call = bedrock.call().await;
    assert!(call.head.contains("/us-west-2/"), "{}", call.head);
    call.begin_stream().await;
    call.stream_all(&short_answer()).await;
    assert_eq!(client.answer().await.status, 200);
}
