//! Request bodies that nobody wants to read: the answer arrives all the same.

use tokio::io::AsyncWriteExt as _;

use outcrop::config::Config;

use crate::support::bedrock::chunk;
use crate::support::client::Connection;
use crate::support::gateway::{Running, StandInServer, config, whole_question};

const PATH: &str = "/v1/chat/completions";
const LIMIT: usize = 4096;
const MEGABYTE: usize = 1024 * 1024;

async fn gateway() -> Running {
    let settings = Config {
        max_body_bytes: LIMIT,
        ..config(&StandInServer::start().await.url)
    };
    Running::with(settings).await
}

async fn begin(client: &mut Connection, path: &str, headers: &[(&str, &str)], length: usize) {
    let head = client.request_head("POST", path, headers);
    client
        .write(format!("{head}content-length: {length}\r\n\r\n"))
        .await;
}

#[tokio::test]
async fn up_to_a_megabyte_is_thrown_away_and_the_connection_goes_on() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    for (path, status) in [(PATH, 413), ("/nowhere", 404)] {
        begin(&mut client, path, &[], MEGABYTE).await;
        client.write(vec![b'x'; MEGABYTE]).await;
        let answer = client.answer().await;
        assert_eq!(answer.error().0, status);
        assert_eq!(answer.header("connection"), "");
    }
    client.chat(&whole_question("replay.short-text")).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn beyond_a_megabyte_the_answer_arrives_and_the_connection_closes() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    begin(&mut client, PATH, &[], 8 * MEGABYTE).await;
    client.write(vec![b'x'; 8 * MEGABYTE]).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.error().0, answer.header("connection")),
        (413, "close")
    );
    assert!(client.ends().await);
}

#[tokio::test]
async fn the_same_holds_for_chunks() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let head = client.request_head("POST", PATH, &[("transfer-encoding", "chunked")]);
    client.write(head + "\r\n").await;
    client.write(chunk(&vec![b'x'; 3 * MEGABYTE])).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.error().0, answer.header("connection")),
        (413, "close")
    );
    assert!(client.ends().await);
}

#[tokio::test]
async fn a_client_that_is_still_sending_gets_the_answer_too() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    begin(&mut client, PATH, &[], 40 * MEGABYTE).await;
    client.write(vec![b'x'; 2 * MEGABYTE]).await;
    // The answer is there while most of the body is still to come.
    let answer = client.answer().await;
    assert_eq!(
        (answer.error().0, answer.header("connection")),
        (413, "close")
    );
    // A client that does not look sends on, and is not reset while it does.
    client.write(vec![b'x'; 30 * MEGABYTE]).await;
    client.stream.shutdown().await.unwrap();
    assert!(client.ends().await);
}

#[tokio::test]
async fn a_client_that_stops_sending_gets_the_answer_too() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    begin(&mut client, PATH, &[], MEGABYTE).await;
    client.write("x").await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.error().0, answer.header("connection")),
        (413, "close")
    );
}

#[tokio::test]
async fn who_asks_before_sending_is_refused_without_being_asked_for_the_body() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    begin(&mut client, PATH, &[("expect", "100-continue")], LIMIT + 1).await;
    // The first thing that comes is the refusal, not "100 Continue".
    let answer = client.answer().await;
    assert_eq!(
        (answer.error().0, answer.header("connection")),
        (413, "close")
    );
    assert!(client.ends().await);
}

#[tokio::test]
async fn who_asks_before_sending_what_fits_is_asked_for_it() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let body = whole_question("replay.short-text").to_string();
    begin(&mut client, PATH, &[("expect", "100-continue")], body.len()).await;
    assert_eq!(client.head().await.status, 100);
    client.write(body).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_body_that_breaks_off_harms_nobody_else() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    begin(&mut client, PATH, &[], 1_000).await;
    client.write("{").await;
    drop(client);
    assert_eq!(
        gateway
            .chat(&whole_question("replay.short-text"))
            .await
            .status,
        200
    );
}
