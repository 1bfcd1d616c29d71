//! The stand-in Bedrock over real sockets, spoken to as an AWS SDK does.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use outcrop::bedrock::event_stream::{Decoder, FrameError, Kind, Message};
use outcrop::fixture::{Options, Received, StandIn};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

mod answers;
mod command;
mod connections;
mod refusals;

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
