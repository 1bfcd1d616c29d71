//! Connections that break, stall, or are left.

use std::error::Error as _;
use std::fs;
use std::io;

use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use outcrop::bedrock::event_stream::{Decoder, FrameError, Message};
use outcrop::fixture::{Options, Outcome, StandIn};
use tokio::net::TcpListener;

use super::{Served, connect, event, fixtures, hello, open, request, serve};

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
