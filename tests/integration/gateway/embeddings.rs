//! `POST /v1/embeddings`, over sockets.

mod failures;
mod targets;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outcrop::fixture::Recorder;
use serde_json::{Value, json};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::{Answer, Connection};
use crate::support::gateway::{Running, StandInServer, config, with};

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
