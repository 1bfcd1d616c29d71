//! How the binary stops: open streams first, its patience second.

use std::process::Command;
use std::time::Duration;

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::Connection;
use crate::support::events::Events;
use crate::support::gateway::{MODEL, Running, StandInServer, config, question};
use crate::support::messages::{message_start, short_answer, text_delta};
use crate::support::process::{Process, outcrop};

/// The binary with a stream in its middle.
struct Streaming {
    process: Process,
    client: Connection,
    call: Call,
}

fn serve(bedrock: &ScriptedBedrock, more: &[&str]) -> Command {
    let mut command = outcrop(&["serve", "--listen", "127.0.0.1:0"]);
    command.args(more);
    command
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url());
    command
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

impl Streaming {
    async fn begin(more: &[&str]) -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let mut process = Process::start(&mut serve(&bedrock, more));
        let mut client = process.connect().await;
        client.chat(&question(MODEL)).await;
        let mut call = bedrock.stream().await;
        call.send([message_start(), text_delta("Hel")].concat())
            .await;
        assert_eq!(client.head().await.status, 200);
        client.chunk().await.unwrap();
        Self {
            process,
            client,
            call,
        }
    }

    async fn told_to_stop(&mut self, signal: &str) {
        self.process.signal(signal);
        self.process.line_with("stopping").await;
    }
}

#[tokio::test]
async fn sigterm_and_sigint_let_an_open_stream_finish() {
    for signal in ["TERM", "INT"] {
        let mut streaming = Streaming::begin(&[]).await;
        streaming.told_to_stop(signal).await;
        streaming.call.stream_all(&short_answer()[2..]).await;
        let mut body = Vec::new();
        while let Some(chunk) = streaming.client.chunk().await {
            body.extend_from_slice(&chunk);
        }
        assert!(Events::parse(&body).done);
        // An answer that ends while the server stops also ends its connection.
        assert!(streaming.client.ends().await);
        let (status, log) = streaming.process.ended().await;
        assert_eq!(status.code(), Some(0), "{log:#?}");
        assert!(
            log.last().is_some_and(|line| line.contains("stopped")),
            "{log:#?}"
        );
    }
}

#[tokio::test]
async fn half_a_request_does_not_hold_the_stop_up() {
    let bedrock = ScriptedBedrock::start().await;
    // Waiting for the other half would take longer than the test may.
    let mut process = Process::start(&mut serve(&bedrock, &["--grace", "600"]));
    let address = process.address().await;
    let mut client = Connection::open(address).await;
    client.write(b"GET /health HTTP/1.1\r\nHo").await;
    // Whatever is answered on another connection was read after that half.
    let mut other = Connection::open(address).await;
    other.send("GET", "/health", &[], "").await;
    other.answer().await;
    process.signal("TERM");
    let (status, log) = process.ended().await;
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

#[tokio::test]
async fn an_idle_server_stops_at_once_with_open_connections() {
    let bedrock = ScriptedBedrock::start().await;
    let mut process = Process::start(&mut serve(&bedrock, &["--grace", "86400"]));
    let mut client = process.connect().await;
    client.send("GET", "/health", &[], "").await;
    assert_eq!(client.answer().await.status, 200);
    process.signal("TERM");
    assert!(client.ends().await);
    let (status, log) = process.ended().await;
    assert_eq!(status.code(), Some(0), "{log:#?}");
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut streaming = Streaming::begin(&["--grace", "86400"]).await;
    streaming.told_to_stop("TERM").await;
    streaming.process.signal("TERM");
    let (status, log) = streaming.process.ended().await;
    assert_eq!(status.code(), Some(0), "{log:#?}");
    assert!(streaming.client.try_chunk().await.is_err());
}

#[tokio::test]
async fn when_the_grace_is_over_what_is_open_is_cut_and_counted() {
    let mut streaming = Streaming::begin(&["--grace", "0"]).await;
    streaming.process.signal("TERM");
    let line = streaming
        .process
        .line_with("cut when the grace period ended")
        .await;
    assert!(line.contains("cut=1"), "{line}");
    let (status, log) = streaming.process.ended().await;
    assert_eq!(status.code(), Some(0), "{log:#?}");
    assert!(streaming.client.try_chunk().await.is_err());
    streaming.call.gone().await;
}

#[tokio::test]
async fn while_it_stops_it_takes_no_new_connection() {
    let bedrock = ScriptedBedrock::start().await;
    let mut gateway = Running::before(&bedrock.url()).await;
    let mut streaming = gateway.connect().await;
    streaming.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.send(message_start()).await;
    streaming.head().await;
    assert_eq!(gateway.get("/ready").await.status, 200);
    let address = gateway.address;
    gateway.begin_to_stop();
    // The listener goes away; until then a connection may still be taken.
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    call.stream_all(&short_answer()[1..]).await;
    while streaming.chunk().await.is_some() {}
    assert_eq!(gateway.stopped().await.cut, 0);
}

#[tokio::test]
async fn a_gateway_with_nothing_to_do_stops_with_nothing_cut() {
    let mut settings = config(&StandInServer::start().await.url);
    settings.grace = Duration::from_hours(1);
    let mut gateway = Running::with(settings).await;
    let mut idle = gateway.connect().await;
    idle.send("GET", "/health", &[], "").await;
    assert_eq!(idle.answer().await.status, 200);
    gateway.begin_to_stop();
    assert_eq!(gateway.stopped().await.cut, 0);
    assert!(idle.ends().await);
}
