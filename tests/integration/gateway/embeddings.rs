//! `POST /v1/embeddings`, over sockets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outcrop::config::{self, Config, Unsupported};
use outcrop::fixture::Recorder;
use serde_json::{Value, json};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::{Answer, Connection};
use crate::support::gateway::{
    MODEL, Running, StandInServer, config, question, whole_question, with,
};

const TITAN: &str = "amazon.titan-embed-text-v2:0";
const COHERE: &str = "cohere.embed-multilingual-v3";

async fn send(connection: &mut Connection, path: &str, body: &Value) {
    let headers = [("content-type", "application/json")];
    connection
        .send("POST", path, &headers, body.to_string())
        .await;
}

async fn embed(gateway: &Running, body: &Value) -> Answer {
    let mut connection = gateway.connect().await;
    send(&mut connection, "/v1/embeddings", body).await;
    connection.answer().await
}

/// An answer of Titan's with one number.
fn titan(number: u32) -> String {
    json!({"embedding": [number], "inputTextTokenCount": 5}).to_string()
}

/// The text that a call of Titan's embeds.
fn text_of(call: &Call) -> String {
    let body: Value = serde_json::from_slice(&call.body).unwrap();
    body["inputText"].as_str().unwrap().to_owned()
}

/// Refuses a call and closes its connection, so that the next call comes on one of its own.
async fn refuse(call: &mut Call, status: u16, name: &str, text: &str) {
    let headers =
        format!("connection: close\r\nx-amzn-errortype: {name}\r\nx-amzn-requestid: aws-2\r\n");
    let body = json!({ "message": text }).to_string();
    call.answer(status, &headers, &body).await;
}

#[tokio::test]
async fn a_text_is_embedded_at_every_path() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let mut connection = gateway.connect().await;
    for path in ["/v1/embeddings", "/embeddings", "/api/v1/embeddings"] {
        let request = json!({"model": TITAN, "input": "Hello", "user": "u"});
        send(&mut connection, path, &request).await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-outcrop-attempts"), "1");
        assert_eq!(answer.header("x-outcrop-ignored"), "user");
        assert_eq!(answer.header("x-amzn-requestid").len(), 36);
        let list = answer.json();
        assert_eq!(
            (&list["object"], &list["model"]),
            (&json!("list"), &json!(TITAN))
        );
        assert_eq!(
            list["usage"],
            json!({"prompt_tokens": 2, "total_tokens": 2})
        );
        let [embedding] = list["data"].as_array().unwrap().as_slice() else {
            panic!("{list}");
        };
        assert_eq!(
            (&embedding["object"], &embedding["index"]),
            (&json!("embedding"), &json!(0))
        );
        assert_eq!(embedding["embedding"].as_array().unwrap().len(), 1024);
    }
    let answer = gateway.get("/v1/embeddings").await;
    assert_eq!((answer.error().0, answer.header("allow")), (405, "POST"));
}

#[tokio::test]
async fn base64_holds_the_same_numbers() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    for (model, dimensions) in [
        ("amazon.titan-embed-text-v1", 1536),
        (TITAN, 256),
        (COHERE, 1024),
        ("eu.cohere.embed-v4:0", 512),
        ("amazon.nova-2-multimodal-embeddings-v1:0", 384),
    ] {
        let request =
            json!({"model": model, "input": ["Hello", "World"], "dimensions": dimensions});
        let floats = embed(&gateway, &request).await.json();
        let base64 = with(request, json!({"encoding_format": "base64"}));
        let base64 = embed(&gateway, &base64).await.json();
        for index in 0..2 {
            let numbers = floats["data"][index]["embedding"].as_array().unwrap();
            assert_eq!(numbers.len(), dimensions, "{model}");
            let bytes = base64["data"][index]["embedding"].as_str().unwrap();
            let bytes = STANDARD.decode(bytes).unwrap();
            let decoded = bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes).to_string());
            let written = numbers
                .iter()
                .map(|number| number.to_string().parse::<f32>().unwrap().to_string());
            assert!(decoded.eq(written), "{model}");
        }
        assert_eq!(floats["usage"], base64["usage"]);
    }
}

#[tokio::test]
async fn answers_that_come_in_reverse_stand_in_the_order_of_the_texts() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    let texts = ["0", "1", "2", "3", "4"];
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": TITAN, "input": texts}),
    )
    .await;
    let mut calls = Vec::new();
    for _ in texts {
        calls.push(bedrock.call().await);
    }
    calls.sort_by_key(text_of);
    for call in calls.iter_mut().rev() {
        assert!(
            call.head
                .starts_with("post /model/amazon.titan-embed-text-v2%3a0/invoke ")
        );
        let number = text_of(call).parse().unwrap();
        let headers =
            format!("x-amzn-requestid: aws-{number}\r\nx-amzn-bedrock-input-token-count: 3\r\n");
        call.answer(200, &headers, &titan(number)).await;
    }
    let answer = client.answer().await;
    assert_eq!(answer.header("x-outcrop-attempts"), "5");
    assert_eq!(answer.header("x-amzn-requestid"), "aws-0");
    let list = answer.json();
    for (index, embedding) in list["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!(embedding["index"], index);
        assert_eq!(embedding["embedding"], json!([index]));
    }
    // The header counts; the body's own count is for answers without it.
    assert_eq!(list["usage"]["total_tokens"], 15);
}

#[tokio::test]
async fn usage_is_what_the_body_counts_and_else_nothing() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    let mut last = None;
    for (body, usage) in [
        (titan(1), json!({"prompt_tokens": 5, "total_tokens": 5})),
        (json!({"embedding": [1]}).to_string(), Value::Null),
    ] {
        send(
            &mut client,
            "/v1/embeddings",
            &json!({"model": TITAN, "input": "a"}),
        )
        .await;
        let mut call = match last.take() {
            None => bedrock.call().await,
            Some(call) => bedrock.call_or(call).await,
        };
        call.answer(200, "", &body).await;
        last = Some(call);
        let answer = client.answer().await.json();
        assert_eq!(answer.get("usage").cloned().unwrap_or_default(), usage);
    }
}

#[tokio::test]
async fn one_part_that_fails_fails_the_request_and_ends_the_others() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": TITAN, "input": ["0", "1", "2"]}),
    )
    .await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(bedrock.call().await);
    }
    calls.sort_by_key(text_of);
    calls[0].answer(200, "", &titan(0)).await;
    refuse(&mut calls[1], 400, "ValidationException", "No such text.").await;
    let answer = client.answer().await;
    assert_eq!(
        answer.error(),
        (400, "invalid_request_error".to_owned(), None)
    );
    assert!(
        answer.message().contains("No such text."),
        "{}",
        answer.message()
    );
    assert_eq!(answer.header("x-amzn-requestid"), "aws-2");
    calls[2].gone().await;
}

#[tokio::test]
async fn a_throttled_part_is_repeated() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings: Config = config(&bedrock.url());
    settings.bedrock.max_attempts = 3;
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": TITAN, "input": "0"}),
    )
    .await;
    let mut call = bedrock.call().await;
    refuse(&mut call, 429, "ThrottlingException", "Too many requests").await;
    let mut call = bedrock.call().await;
    call.answer(200, "", &titan(0)).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "2")
    );
}

#[tokio::test]
async fn two_thousand_texts_are_embedded_in_order() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let texts: Vec<String> = (0..2048).map(|number| format!("text {number}")).collect();
    let request = json!({"model": "cohere.embed-v4:0", "input": texts, "dimensions": 256, "encoding_format": "base64"});
    let answer = embed(&gateway, &request).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "22")
    );
    let list = answer.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 2048);
    let tokens: usize = texts.iter().map(|text| text.len().div_ceil(4)).sum();
    assert_eq!(list["usage"]["prompt_tokens"], tokens);
    for index in [0, 95, 96, 1000, 2047] {
        let alone = with(request.clone(), json!({"input": texts[index]}));
        let alone = embed(&gateway, &alone).await.json();
        assert_eq!(
            list["data"][index]["embedding"],
            alone["data"][0]["embedding"]
        );
        assert_eq!(list["data"][index]["index"], index);
    }
    let sizes = stand_in
        .received
        .requests()
        .into_iter()
        .take(22)
        .map(|request| {
            let body: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
            body["texts"].as_array().unwrap().len()
        });
    let mut sizes: Vec<usize> = sizes.collect();
    sizes.sort_unstable();
    assert_eq!(
        (sizes[0], sizes[1..].iter().all(|size| *size == 96)),
        (2048 - 21 * 96, true)
    );
}

#[tokio::test]
async fn recordings_are_found_by_their_name_and_by_their_request() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let question = json!({"input": "What is an outcrop?", "dimensions": 256});
    let by_name = with(question.clone(), json!({"model": "replay.embedding-titan"}));
    let by_request = with(question, json!({"model": TITAN}));
    let by_name = embed(&gateway, &by_name).await.json();
    let by_request = embed(&gateway, &by_request).await.json();
    assert_eq!(by_name["data"], by_request["data"]);
    assert_eq!(by_name["model"], "replay.embedding-titan");
    assert_eq!(by_name["usage"]["prompt_tokens"], 6);

    let query = json!({"model": "us.cohere.embed-v4:0", "input": "What is an outcrop?", "dimensions": 256,
        "input_type": "query"});
    assert_eq!(
        embed(&gateway, &query).await.json()["usage"]["prompt_tokens"],
        6
    );
}

#[tokio::test]
async fn failures_are_told_as_those_of_chat_completions() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    for (model, expected) in [
        (
            "replay.embedding-throttled",
            (429, "rate_limit_error", Some("rate_limit_exceeded")),
        ),
        (
            "replay.embedding-too-long",
            (
                400,
                "invalid_request_error",
                Some("context_length_exceeded"),
            ),
        ),
        (
            "replay.short-text",
            (400, "invalid_request_error", Some("invalid_value")),
        ),
        (MODEL, (400, "invalid_request_error", Some("invalid_value"))),
        (
            "text-embedding-3-small",
            (404, "invalid_request_error", Some("model_not_found")),
        ),
        (
            "cohere.embed-v7:0",
            (404, "invalid_request_error", Some("model_not_found")),
        ),
        (
            "a\nb",
            (400, "invalid_request_error", Some("model_not_found")),
        ),
    ] {
        let answer = embed(&gateway, &json!({"model": model, "input": "a"})).await;
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            expected,
            "{model}: {}",
            answer.text()
        );
    }
    let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/memory";
    let refused = embed(&gateway, &json!({"model": profile, "input": "a"})).await;
    for words in ["bedrock:GetInferenceProfile", "base_model"] {
        assert!(refused.message().contains(words), "{}", refused.message());
    }
    let refused = embed(
        &gateway,
        &json!({"model": TITAN, "input": "a", "dimensions": 300}),
    )
    .await;
    assert_eq!(refused.json()["error"]["param"], "dimensions");
    assert!(
        refused.message().contains("256, 512, 1024"),
        "{}",
        refused.message()
    );
    let refused = embed(&gateway, &json!({"model": MODEL, "input": "a"})).await;
    assert!(
        refused.message().contains("is no embeddings model"),
        "{}",
        refused.message()
    );
    assert_eq!(refused.header("x-outcrop-attempts"), "0");
}

#[tokio::test]
async fn an_embeddings_model_cannot_chat() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    for model in [TITAN, "us.cohere.embed-v4:0", "replay.embedding-titan"] {
        for request in [question(model), whole_question(model)] {
            let answer = gateway.chat(&request).await;
            assert_eq!(answer.error().0, 400);
            assert_eq!(answer.json()["error"]["param"], "model");
            assert!(
                answer.message().contains("/v1/embeddings"),
                "{}",
                answer.message()
            );
        }
    }
    let called = stand_in.received.requests();
    assert!(
        called
            .iter()
            .all(|request| request.path.starts_with("/inference-profiles/"))
    );
}

#[tokio::test]
async fn answers_that_are_not_to_be_trusted_are_a_failure() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    let mut last = None;
    for body in [
        r#"{"embeddings":[[1]]}"#,
        r#"{"embeddings":[[1],[2],[3]]}"#,
        r#"{"embeddings":[[1],["2"]]}"#,
        r#"{"embeddings":[[1],[]]}"#,
        "[",
    ] {
        send(
            &mut client,
            "/v1/embeddings",
            &json!({"model": COHERE, "input": ["a", "b"]}),
        )
        .await;
        let mut call = match last.take() {
            None => bedrock.call().await,
            Some(call) => bedrock.call_or(call).await,
        };
        call.answer(200, "", body).await;
        last = Some(call);
        let failure = (
            502,
            "server_error".to_owned(),
            Some("upstream_stream_error".to_owned()),
        );
        assert_eq!(client.answer().await.error(), failure, "{body}");
    }
}

#[tokio::test]
async fn what_has_no_effect_can_be_refused() {
    let settings = Config {
        unsupported: Unsupported::Reject,
        ..config(&StandInServer::start().await.url)
    };
    let gateway = Running::with(settings).await;
    let request = json!({"model": TITAN, "input": "a"});
    assert_eq!(embed(&gateway, &request).await.status, 200);
    let answer = embed(&gateway, &with(request, json!({"input_type": "query"}))).await;
    assert_eq!(answer.json()["error"]["param"], "input_type");
}

#[tokio::test]
async fn a_client_that_leaves_ends_all_calls() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    send(
        &mut client,
        "/v1/embeddings",
        &json!({"model": TITAN, "input": ["0", "1"]}),
    )
    .await;
    let (mut one, mut other) = (bedrock.call().await, bedrock.call().await);
    drop(client);
    one.gone().await;
    other.gone().await;
}

#[tokio::test]
async fn calls_are_recorded_and_answer_again() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(folder.path()).unwrap();
    let stand_in = StandInServer::start().await;
    let gateway = Running::recording(config(&stand_in.url), Some(recorder.clone())).await;
    let request = json!({"model": TITAN, "input": ["Hello", "World"], "dimensions": 256});
    let answer = embed(&gateway, &request).await.json();
    let throttled = json!({"model": "replay.embedding-throttled", "input": "a"});
    assert_eq!(embed(&gateway, &throttled).await.status, 429);
    recorder.idle().await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);

    let replayed = StandInServer::of(folder.path()).await;
    let gateway = Running::before(&replayed.url).await;
    assert_eq!(embed(&gateway, &request).await.json(), answer);
}

#[tokio::test]
async fn embeddings_are_measured() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let request = json!({"model": TITAN, "input": ["Hello", "World"]});
    assert_eq!(embed(&gateway, &request).await.status, 200);
    let page = gateway.get("/metrics").await;
    let value = |name: &str, labels: &[&str]| {
        let line = page
            .text()
            .lines()
            .find(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)));
        line.unwrap_or_else(|| panic!("{name} {labels:?} is not in {}", page.text()))
            .rsplit_once(' ')
            .unwrap()
            .1
    };
    let model = format!("model=\"{TITAN}\"");
    let route = "route=\"/v1/embeddings\"";
    assert_eq!(
        value("outcrop_requests_total", &[route, &model, "status=\"200\""]),
        "1"
    );
    assert_eq!(
        value("outcrop_tokens_total", &[&model, "kind=\"input\""]),
        "4"
    );
    assert_eq!(
        value(
            "outcrop_upstream_attempts_total",
            &["operation=\"InvokeModel\""]
        ),
        "2"
    );
    assert_eq!(value("outcrop_overhead_seconds_count", &[route]), "1");
}

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
