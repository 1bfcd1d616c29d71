//! The stand-in Bedrock over real sockets, spoken to as an AWS SDK does.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::error::Error as _;
use std::fs;
use std::future::pending;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use outcrop::bedrock::event_stream::{Decoder, FrameError, Kind, Message};
use outcrop::fixture::{Operation, Options, Outcome, Received, Recorder, StandIn};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

/// A stand-in that is served for as long as the test runs.
struct Served {
    address: SocketAddr,
    received: Received,
}

async fn serve(folder: &Path, options: Options) -> Served {
    let mut stand_in = StandIn::load(folder, options).unwrap();
    let received = stand_in.remember(true);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(stand_in.serve(listener, pending()));
    Served { address, received }
}

/// Our own fixtures, as fast as the socket takes them and without signatures.
async fn fixtures() -> Served {
    serve(Path::new(FIXTURES), open()).await
}

fn open() -> Options {
    Options {
        speed: 0.0,
        authenticate: false,
        ..Options::default()
    }
}

/// One answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn message(&self) -> String {
        self.json()["message"].as_str().unwrap().to_owned()
    }

    fn error(&self) -> (u16, String) {
        let name = self.headers["x-amzn-errortype"].to_str().unwrap();
        let name = name.split(':').next().unwrap();
        (self.status.as_u16(), name.to_owned())
    }

    fn events(&self) -> Vec<(String, Value)> {
        let mut decoder = Decoder::default();
        let mut events = Vec::new();
        decoder
            .push(&self.body, |message| {
                events.push(event(&message));
                Ok::<_, FrameError>(())
            })
            .unwrap();
        decoder.finish().unwrap();
        events
    }
}

fn event(message: &Message<'_>) -> (String, Value) {
    let name = match message.kind().unwrap() {
        Kind::Event(name) | Kind::Exception(name) => name,
        Kind::Error { code, .. } => code,
    };
    (
        name.to_owned(),
        serde_json::from_slice(message.payload()).unwrap(),
    )
}

fn text(events: &[(String, Value)]) -> String {
    let deltas = events
        .iter()
        .filter_map(|(_, payload)| payload.pointer("/delta/text")?.as_str());
    deltas.collect()
}

async fn connect(address: SocketAddr) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(
    served: &Served,
    method: Method,
    path: &str,
    body: impl Into<Bytes>,
) -> Request<Full<Bytes>> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", served.address.to_string())
        .header("content-type", "application/json")
        .body(Full::new(body.into()))
        .unwrap()
}

async fn read(response: Response<Incoming>) -> Answer {
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    }
}

async fn send(served: &Served, request: Request<Full<Bytes>>) -> Answer {
    let mut connection = connect(served.address).await;
    read(connection.send_request(request).await.unwrap()).await
}

async fn get(served: &Served, path: &str) -> Answer {
    send(served, request(served, Method::GET, path, "")).await
}

async fn converse(served: &Served, model: &str, body: &Value) -> Answer {
    let path = format!("/model/{model}/converse");
    send(
        served,
        request(served, Method::POST, &path, body.to_string()),
    )
    .await
}

async fn converse_stream(served: &Served, model: &str, body: &Value) -> Answer {
    let path = format!("/model/{model}/converse-stream");
    send(
        served,
        request(served, Method::POST, &path, body.to_string()),
    )
    .await
}

fn hello() -> Value {
    json!({"messages": [{"role": "user", "content": [{"text": "Hello"}]}]})
}

fn with_tools(mut body: Value) -> Value {
    body["toolConfig"] = json!({"tools": [
        {"toolSpec": {"name": "search", "inputSchema": {"json": {"type": "object"}}}}]});
    body
}

#[tokio::test]
async fn one_recording_answers_both_operations_alike() {
    let served = fixtures().await;
    let streamed = converse_stream(&served, "replay.short-text", &hello()).await;
    assert_eq!(
        streamed.headers["content-type"],
        "application/vnd.amazon.eventstream"
    );
    let events = streamed.events();
    assert_eq!(
        text(&events),
        "An outcrop is where bedrock comes to the surface."
    );
    let (last, metadata) = events.last().unwrap();
    assert_eq!(last, "metadata");
    assert!(metadata["p"].is_string());

    let whole = converse(&served, "replay.short-text", &hello()).await;
    assert_eq!(whole.headers["content-type"], "application/json");
    let body = whole.json();
    assert_eq!(
        body["output"]["message"],
        json!({"content": [{"text": text(&events)}], "role": "assistant"})
    );
    assert_eq!(
        (&body["usage"], &body["stopReason"]),
        (&metadata["usage"], &json!("end_turn"))
    );
    assert_ne!(
        whole.headers["x-amzn-requestid"],
        streamed.headers["x-amzn-requestid"]
    );
    let requests = served.received.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.outcome == Outcome::Finished)
    );
}

#[tokio::test]
async fn a_long_text_arrives_whole_in_1000_deltas() {
    let served = fixtures().await;
    let events = converse_stream(&served, "replay.long-text", &hello())
        .await
        .events();
    let deltas = events
        .iter()
        .filter(|(name, _)| name == "contentBlockDelta")
        .count();
    assert_eq!(deltas, 1000);
    assert!(text(&events).ends_with("so that the next visitor can read it too."));
}

#[tokio::test]
async fn a_whole_answer_is_cut_into_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    let lines = concat!(
        r#"{"model":"amazon.nova-pro-v1:0","operation":"Converse","request":null}"#,
        "\n",
        r#"{"ms":5,"status":200,"headers":{},"body":{"output":{"message":{"role":"assistant","content":[{"text":"One, two, three, four, five."}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"metrics":{"latencyMs":4}}}"#,
    );
    fs::write(folder.path().join("whole.jsonl"), lines).unwrap();
    let served = serve(folder.path(), open()).await;
    let events = converse_stream(&served, "us.amazon.nova-pro-v1:0", &hello())
        .await
        .events();
    assert_eq!(text(&events), "One, two, three, four, five.");
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.first(), Some(&"messageStart"));
    assert_eq!(
        names[names.len() - 3..],
        ["contentBlockStop", "messageStop", "metadata"]
    );
}

#[tokio::test]
async fn a_tool_loop_goes_forward_with_the_conversation() {
    let served = fixtures().await;
    let mut body = with_tools(
        json!({"messages": [{"role": "user", "content": [{"text": "Find the key and open the box."}]}]}),
    );
    let mut calls = Vec::new();
    loop {
        let answer = converse(&served, "replay.tool-loop", &body).await.json();
        let message = answer["output"]["message"].clone();
        let blocks = message["content"].as_array().unwrap();
        let Some(call) = blocks.iter().find_map(|block| block.get("toolUse")) else {
            assert_eq!(answer["stopReason"], "end_turn");
            break;
        };
        let id = call["toolUseId"].clone();
        calls.push(call["name"].as_str().unwrap().to_owned());
        let result = json!({"toolResult": {"toolUseId": id, "content": [{"text": "done"}]}});
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(message);
        messages.push(json!({"role": "user", "content": [result]}));
    }
    assert_eq!(calls, ["search", "open_box"]);
}

#[tokio::test]
async fn a_call_that_is_replayed_twice_gets_another_id() {
    let served = fixtures().await;
    let first = converse(&served, "replay.tool-call", &with_tools(hello()))
        .await
        .json();
    let message = &first["output"]["message"];
    let id = &message["content"][0]["toolUse"]["toolUseId"];
    let result = json!({"toolResult": {"toolUseId": id, "content": [{"text": "done"}]}});
    let again = with_tools(json!({"messages": [
        {"role": "user", "content": [{"text": "Hello"}]},
        message,
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": [{"text": "Sunny."}]},
        {"role": "user", "content": [{"text": "And now?"}]},
    ]}));
    let whole = converse(&served, "replay.tool-call", &again).await.json();
    let fresh = &whole["output"]["message"]["content"][0]["toolUse"]["toolUseId"];
    assert_ne!(fresh, id);
    let events = converse_stream(&served, "replay.tool-call", &again)
        .await
        .events();
    assert_eq!(&events[1].1["start"]["toolUse"]["toolUseId"], fresh);
}

#[tokio::test]
async fn recorded_errors_come_with_their_status_type_and_text() {
    let served = fixtures().await;
    for (fixture, status, name) in [
        ("throttled", 429, "ThrottlingException"),
        ("error-access-denied", 403, "AccessDeniedException"),
        ("error-context-length", 400, "ValidationException"),
        ("error-expired-token", 403, "ExpiredTokenException"),
        ("error-internal-server", 500, "InternalServerException"),
        ("error-model-error", 424, "ModelErrorException"),
        ("error-model-not-ready", 429, "ModelNotReadyException"),
        ("error-model-timeout", 408, "ModelTimeoutException"),
        ("error-resource-not-found", 404, "ResourceNotFoundException"),
        ("error-service-quota", 400, "ServiceQuotaExceededException"),
        (
            "error-service-unavailable",
            503,
            "ServiceUnavailableException",
        ),
    ] {
        let model = format!("replay.{fixture}");
        for answer in [
            converse(&served, &model, &hello()).await,
            converse_stream(&served, &model, &hello()).await,
        ] {
            assert_eq!(answer.error(), (status, name.to_owned()), "{fixture}");
            assert!(!answer.message().is_empty());
        }
    }
    let untyped = converse(&served, "replay.error-throttled-untyped", &hello()).await;
    assert_eq!(untyped.status, 429);
    assert!(!untyped.headers.contains_key("x-amzn-errortype"));
    assert_eq!(untyped.json(), json!({"Message": "Rate exceeded"}));
}

#[tokio::test]
async fn an_exception_in_a_stream_is_its_last_message() {
    let served = fixtures().await;
    let answer = converse_stream(&served, "replay.throttled-in-first-message", &hello()).await;
    assert_eq!(answer.status, 200);
    let events = answer.events();
    assert_eq!(
        (events.len(), events[0].0.as_str()),
        (1, "throttlingException")
    );
    let answer = converse(&served, "replay.throttled-in-first-message", &hello()).await;
    assert_eq!(answer.error(), (429, "ThrottlingException".to_owned()));

    let events = converse_stream(&served, "replay.exception-in-mid-stream", &hello())
        .await
        .events();
    assert_eq!(text(&events), "The answer begins");
    let (name, payload) = events.last().unwrap();
    assert_eq!(
        (name.as_str(), &payload["originalStatusCode"]),
        ("modelStreamErrorException", &json!(500))
    );
}

/// Reads until the connection breaks: whole messages, whether one was left unfinished, and the error.
async fn read_until_broken(
    served: &Served,
    model: &str,
) -> (usize, Result<(), FrameError>, hyper::Error) {
    let path = format!("/model/{model}/converse-stream");
    let request = request(served, Method::POST, &path, hello().to_string());
    let mut connection = connect(served.address).await;
    let mut body = connection.send_request(request).await.unwrap().into_body();
    let mut decoder = Decoder::default();
    let mut count = 0;
    loop {
        match body
            .frame()
            .await
            .expect("the stream must not end properly")
        {
            Ok(frame) => decoder
                .push(frame.data_ref().unwrap(), |_| {
                    count += 1;
                    Ok::<_, FrameError>(())
                })
                .unwrap(),
            Err(error) => return (count, decoder.finish(), error),
        }
    }
}

/// What broke below hyper's error.
fn io_kind(error: &hyper::Error) -> Option<io::ErrorKind> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

#[tokio::test]
async fn a_reset_comes_after_all_messages_and_a_truncation_inside_one() {
    let served = fixtures().await;
    let (count, rest, error) = read_until_broken(&served, "replay.connection-truncated").await;
    assert_eq!((count, rest), (8, Err(FrameError::Truncated)));
    assert_eq!(io_kind(&error), Some(io::ErrorKind::UnexpectedEof));

    // A reset may overtake what it follows, so only what did arrive can be looked at.
    let (count, _, error) = read_until_broken(&served, "replay.connection-reset").await;
    assert!(count <= 6);
    assert_eq!(io_kind(&error), Some(io::ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn converse_meets_the_same_broken_connections() {
    let served = fixtures().await;
    let body = hello().to_string();
    let path = "/model/replay.connection-reset/converse";
    let mut connection = connect(served.address).await;
    let sent = connection.send_request(request(&served, Method::POST, path, body.clone()));
    assert!(sent.await.is_err());

    let path = "/model/replay.connection-truncated/converse";
    let mut connection = connect(served.address).await;
    let sent = connection.send_request(request(&served, Method::POST, path, body));
    let response = sent.await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.into_body().collect().await.is_err());
}

/// Signs as the AWS SDKs do.
fn signed(mut request: Request<Full<Bytes>>, body: &[u8], secret: &str) -> Request<Full<Bytes>> {
    let identity = Credentials::new("AKIAIOSFODNN7EXAMPLE", secret, None, None, "test").into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("bedrock")
        .time(SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let host = request.headers()["host"].to_str().unwrap().to_owned();
    let uri = format!("http://{host}{}", request.uri());
    let headers = [("content-type", "application/json")].into_iter();
    let signable = SignableRequest::new(
        request.method().as_str(),
        uri,
        headers,
        SignableBody::Bytes(body),
    );
    let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request
}

#[tokio::test]
async fn signatures_and_tokens_are_checked() {
    let options = Options {
        speed: 0.0,
        bearer_token: Some("bedrock-api-key-example".to_owned()),
        ..Options::default()
    };
    let secret = options.secret_access_key.clone();
    let served = serve(Path::new(FIXTURES), options).await;
    let body = hello().to_string();
    let arn = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A000000000000%3Ainference-profile%2Freplay.short-text/converse";
    let post = || request(&served, Method::POST, arn, body.clone());

    let answer = send(&served, signed(post(), body.as_bytes(), &secret)).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let answer = send(&served, signed(post(), body.as_bytes(), "another secret")).await;
    assert_eq!(
        answer.error(),
        (403, "InvalidSignatureException".to_owned())
    );
    assert!(
        answer
            .message()
            .starts_with("The request signature we calculated does not match")
    );
    let answer = send(&served, post()).await;
    assert_eq!(
        answer.error(),
        (403, "MissingAuthenticationTokenException".to_owned())
    );

    let path = "/inference-profiles?type=SYSTEM_DEFINED&maxResults=3";
    let answer = send(
        &served,
        signed(request(&served, Method::GET, path, ""), b"", &secret),
    )
    .await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);

    for (token, status) in [("bedrock-api-key-example", 200), ("another", 403)] {
        let mut request = post();
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        assert_eq!(send(&served, request).await.status, status);
    }
}

#[tokio::test]
async fn refused_requests_get_bedrocks_texts_and_the_connection_goes_on() {
    let served = fixtures().await;
    let mut connection = connect(served.address).await;
    let model = "/model/replay.short-text/converse";
    let blank = json!({"messages": [{"role": "user", "content": [{"text": " "}]}]}).to_string();
    let shape = json!({"messages": [], "inferenceConfig": {"topP": 2}}).to_string();
    for (method, path, body, status, name, text) in [
        (
            Method::POST,
            model,
            "{".to_owned(),
            400,
            "SerializationException",
            "EOF",
        ),
        (
            Method::POST,
            model,
            String::new(),
            400,
            "ValidationException",
            "at least one message",
        ),
        (
            Method::POST,
            model,
            blank,
            400,
            "ValidationException",
            "messages.0.content.0 is blank",
        ),
        (
            Method::POST,
            model,
            shape,
            400,
            "ValidationException",
            "Value '2' at 'inferenceConfig.topP'",
        ),
        (
            Method::POST,
            "/model/nobody.knows-v1/converse",
            hello().to_string(),
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
        ),
        (
            Method::POST,
            model,
            "x".repeat(25_000_001),
            413,
            "RequestEntityTooLargeException",
            "25000000",
        ),
        (
            Method::POST,
            "/model/x/invoke",
            "{}".to_owned(),
            404,
            "UnknownOperationException",
            "not recognized",
        ),
        (
            Method::GET,
            model,
            String::new(),
            404,
            "UnknownOperationException",
            "not recognized",
        ),
    ] {
        let sent = connection.send_request(request(&served, method, path, body));
        let answer = read(sent.await.unwrap()).await;
        assert_eq!(answer.error(), (status, name.to_owned()));
        assert!(answer.message().contains(text), "{}", answer.message());
        connection.ready().await.unwrap();
    }
    let requests = served.received.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.connection == requests[0].connection)
    );
}

#[tokio::test]
async fn the_family_of_the_recording_decides_the_rules() {
    let served = fixtures().await;
    let body = with_tools(hello());
    let answer = converse_stream(&served, "replay.llama-tool-call", &body).await;
    assert_eq!(
        answer.message(),
        "This model doesn't support tool use in streaming mode."
    );
    let answer = converse(&served, "replay.llama-tool-call", &body).await;
    assert_eq!(answer.json()["stopReason"], "tool_use");
}

#[tokio::test]
async fn fixtures_are_listed_as_profiles_of_recorded_models() {
    let served = fixtures().await;
    let mut ids = Vec::new();
    let mut path = "/inference-profiles?type=SYSTEM_DEFINED&maxResults=10".to_owned();
    loop {
        let page = get(&served, &path).await.json();
        let profiles = page["inferenceProfileSummaries"]
            .as_array()
            .unwrap()
            .clone();
        assert!(profiles.len() <= 10);
        ids.extend(
            profiles
                .iter()
                .map(|profile| profile["inferenceProfileId"].as_str().unwrap().to_owned()),
        );
        let Some(token) = page["nextToken"].as_str() else {
            break;
        };
        path = format!("/inference-profiles?type=SYSTEM_DEFINED&maxResults=10&nextToken={token}");
    }
    let streams = fs::read_dir(Path::new(FIXTURES).join("streams"))
        .unwrap()
        .count();
    assert_eq!(ids.len(), streams);
    assert!(ids.is_sorted() && ids.contains(&"replay.tool-loop".to_owned()));

    for id in [
        "replay.nova-text",
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A000000000000%3Ainference-profile%2Freplay.nova-text",
    ] {
        let profile = get(&served, &format!("/inference-profiles/{id}"))
            .await
            .json();
        assert_eq!(
            profile["models"][0]["modelArn"],
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
        );
    }
    let unknown = get(&served, "/inference-profiles/replay.nothing").await;
    assert_eq!(
        unknown.error(),
        (404, "ResourceNotFoundException".to_owned())
    );

    let models = get(&served, "/foundation-models?byProvider=Anthropic")
        .await
        .json();
    let models = models["modelSummaries"].as_array().unwrap();
    assert!(models.len() >= 3);
    assert!(
        models
            .iter()
            .all(|model| model["providerName"] == "Anthropic")
    );
    let images = get(&served, "/foundation-models?byOutputModality=IMAGE")
        .await
        .json();
    assert_eq!(images, json!({"modelSummaries": []}));
    for path in [
        "/foundation-models?byOutputModality=SMELL",
        "/inference-profiles?maxResults=0",
        "/inference-profiles?nextToken=x",
    ] {
        assert_eq!(
            get(&served, path).await.error().1,
            "ValidationException",
            "{path}"
        );
    }
}

/// A folder with one recording that says one word and then nothing for an hour.
fn stalling() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lines = concat!(
        r#"{"model":"amazon.nova-pro-v1:0","operation":"ConverseStream","request":null}"#,
        "\n",
        r#"{"ms":0,"event":"messageStart","payload":{"role":"assistant"}}"#,
        "\n",
        r#"{"ms":3600000,"event":"contentBlockDelta","payload":{"contentBlockIndex":0,"delta":{"text":"late"}}}"#,
    );
    fs::write(folder.path().join("stalling.jsonl"), lines).unwrap();
    folder
}

#[tokio::test]
async fn messages_leave_when_they_are_due_and_a_client_that_leaves_is_noticed() {
    let folder = stalling();
    let served = serve(
        folder.path(),
        Options {
            speed: 1.0,
            ..open()
        },
    )
    .await;
    let path = "/model/replay.stalling/converse-stream";
    let mut connection = connect(served.address).await;
    let sent = connection.send_request(request(&served, Method::POST, path, hello().to_string()));
    let mut response = sent.await.unwrap();
    let frame = response.frame().await.unwrap().unwrap();
    let (message, length) = Message::decode(frame.data_ref().unwrap()).unwrap().unwrap();
    assert_eq!(event(&message).0, "messageStart");
    assert_eq!(length, frame.data_ref().unwrap().len());

    let requests = served.received.requests();
    assert_eq!(
        (requests[0].outcome, requests[0].status),
        (Outcome::Pending, Some(200))
    );
    assert_eq!(
        requests[0].body.as_deref(),
        Some(hello().to_string().as_bytes())
    );
    drop((response, connection));
    let requests = served
        .received
        .until(|requests| requests[0].outcome != Outcome::Pending)
        .await;
    assert_eq!(requests[0].outcome, Outcome::Abandoned);
}

#[tokio::test]
async fn serving_ends_with_open_streams_when_it_is_told_to() {
    let folder = stalling();
    let stand_in = StandIn::load(
        folder.path(),
        Options {
            speed: 1.0,
            ..open()
        },
    )
    .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(stand_in.serve(listener, async {
        let _ = stopped.await;
    }));
    let mut connection = connect(address).await;
    let asked = Request::post("/model/replay.stalling/converse-stream")
        .header("host", address.to_string())
        .body(Full::from(hello().to_string()))
        .unwrap();
    let mut response = connection.send_request(asked).await.unwrap();
    response.frame().await.unwrap().unwrap();
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert!(response.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn what_is_recorded_replays_to_the_same_bytes() {
    let served = fixtures().await;
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(folder.path()).unwrap();
    let original = converse_stream(&served, "replay.unicode-text", &hello())
        .await
        .body;
    let mut recording = recorder.begin(
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        Operation::ConverseStream,
        hello().to_string().as_bytes(),
    );
    for (index, chunk) in (0_u64..).zip(original.chunks(97)) {
        recording.event_bytes(chunk, Duration::from_millis(index));
    }
    recording.finish(None);
    recorder.idle().await;

    let again = serve(folder.path(), open()).await;
    let model = "anthropic.claude-haiku-4-5-20251001-v1:0";
    assert_eq!(
        converse_stream(&again, model, &hello()).await.body,
        original
    );
}

#[test]
fn a_bad_recording_stops_the_start_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.jsonl"), "{\"ms\":1}\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_outcrop"))
        .env_clear()
        .args(["replay", "--listen", "127.0.0.1:0", "--fixtures"])
        .arg(folder.path())
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.contains("bad.jsonl:1: the first line must be a header"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn the_command_says_where_it_listens_and_ends_with_0_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_outcrop"))
            .env_clear()
            .args([
                "replay",
                "--listen",
                "127.0.0.1:0",
                "--fixtures",
                FIXTURES,
                "--no-auth",
            ])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with("listening on http://127.0.0.1:"));
        assert!(line.is_some());
        let killed = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
    }
}
