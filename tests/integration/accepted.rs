//! What leaves the gateway, checked by the stand-in: the shapes of AWS's service model and the rules for
//! conversations, in code that knows nothing of the translation.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::pending;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::fixture::{Options, StandIn};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::corpus;
use crate::requests::translate;

/// A request as it leaves the gateway.
struct Sent {
    case: String,
    model: String,
    body: Vec<u8>,
    stream: bool,
}

impl Sent {
    /// The request that a client's becomes; `None` when it is refused here already.
    fn of(case: &str, request: &[u8]) -> Option<Self> {
        let translation = translate(request).ok()?;
        let request: Value = serde_json::from_slice(request).unwrap();
        Some(Self {
            case: case.to_owned(),
            model: request["model"].as_str().unwrap().to_owned(),
            body: translation.body,
            stream: translation.streamable,
        })
    }
}

#[tokio::test]
async fn requests_of_all_golden_files_pass() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/requests");
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    let requests = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let sent: Vec<_> = requests
        .filter_map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            // The test reads requests as JSON; lone surrogates are the translation's concern.
            let text = text.replace(r"\ud83d here", "here");
            Sent::of(path.to_str().unwrap(), text.as_bytes())
        })
        .collect();
    assert!(sent.len() > 50);
    assert_accepted(&sent).await;
}

#[tokio::test]
async fn requests_of_real_clients_pass() {
    let mut sent = Vec::new();
    for (case, request) in corpus::client_requests() {
        sent.extend(Sent::of(&case, request.to_string().as_bytes()));
    }
    assert_accepted(&sent).await;
    println!("{} requests of real clients pass", sent.len());
}

#[tokio::test]
async fn recorded_conversations_pass() {
    let mut sent = Vec::new();
    for (case, request) in corpus::conversations() {
        sent.extend(Sent::of(&case, request.to_string().as_bytes()));
    }
    assert_accepted(&sent).await;
    println!("{} recorded conversations pass", sent.len());
}

/// Sends every request to a stand-in that has an answer for each of their models.
async fn assert_accepted(sent: &[Sent]) {
    if sent.is_empty() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let models: BTreeSet<_> = sent
        .iter()
        .map(|sent| recorded_model(&sent.model))
        .collect();
    for (number, model) in models.iter().enumerate() {
        let header = json!({"model": model, "operation": "Converse", "request": null});
        let message = json!({"role": "assistant", "content": [{"text": "Yes."}]});
        let usage = json!({"inputTokens": 1, "outputTokens": 1, "totalTokens": 2});
        let body = json!({"output": {"message": message}, "stopReason": "end_turn", "usage": usage,
            "metrics": {"latencyMs": 1}});
        let answer = json!({"ms": 0, "status": 200, "headers": {}, "body": body});
        let file = folder.path().join(format!("model-{number}.jsonl"));
        fs::write(file, format!("{header}\n{answer}\n")).unwrap();
    }
    let options = Options {
        speed: 0.0,
        authenticate: false,
        ..Options::default()
    };
    let stand_in = StandIn::load(folder.path(), options).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(stand_in.serve(listener, pending()));
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);

    let mut refused = BTreeMap::new();
    for sent in sent {
        let model = utf8_percent_encode(&sent.model, NON_ALPHANUMERIC);
        let operation = if sent.stream {
            "converse-stream"
        } else {
            "converse"
        };
        let request = Request::post(format!("/model/{model}/{operation}"))
            .header("host", address.to_string())
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(sent.body.clone())))
            .unwrap();
        sender.ready().await.unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        if status != StatusCode::OK {
            refused.insert(&sent.case, String::from_utf8_lossy(&body).into_owned());
        }
    }
    assert!(refused.is_empty(), "{refused:#?}");
}

/// The model that a recording for `model` must name.
fn recorded_model(model: &str) -> &str {
    foundation_model(model).unwrap().unwrap_or(model)
}
