//! Every wait and every length has a limit.

use std::time::Duration;

use http_body_util::BodyExt as _;
use outcrop::config;
use outcrop::upstream::{Attempts, Error, Timeout};
use tokio::time::timeout;

use super::server::{Reply, Server, event, head, open_stream};
use super::{MODEL, body, client_of, connect, settings};

const SHORT: Duration = Duration::from_millis(50);

/// The error of a streamed call, or of reading its body, and how many attempts were made.
async fn stream_error(server: &Server, change: impl FnOnce(&mut config::Bedrock)) -> (Error, u32) {
    let mut settings = settings(&server.url());
    change(&mut settings);
    let client = connect(&settings, &[]).await.unwrap();
    let attempts = Attempts::default();
    let error = match client.converse_stream(MODEL, body(), &attempts).await {
        Ok(stream) => stream.body.collect().await.unwrap_err(),
        Err(error) => error,
    };
    (error, attempts.begun())
}

fn assert_timeout(error: &Error, expected: Timeout) {
    assert!(
        matches!(error, Error::Timeout(found) if *found == expected),
        "{error}"
    );
}

#[tokio::test]
async fn a_head_that_does_not_come_is_not_waited_for_twice() {
    let server = Server::start([Reply::Stall(Vec::new())]).await;
    let (error, attempts) = stream_error(&server, |settings| settings.head_timeout = SHORT).await;
    assert_timeout(&error, Timeout::Head(SHORT));
    assert_eq!(attempts, 1);
    server.client_gone().await;
}

#[tokio::test]
async fn a_first_message_that_does_not_come_passes_the_idle_timeout() {
    let frame = event("messageStart", "{}");
    let server = Server::start([Reply::Stall(open_stream(&[&frame[..20]]))]).await;
    let (error, attempts) = stream_error(&server, |settings| settings.idle_timeout = SHORT).await;
    assert_timeout(&error, Timeout::Idle(SHORT));
    assert_eq!(attempts, 1);
    server.client_gone().await;
}

#[tokio::test]
async fn a_stream_ends_at_the_total_timeout() {
    let server = Server::start([Reply::Stall(open_stream(&[&event("messageStart", "{}")]))]).await;
    let (error, _) = stream_error(&server, |settings| settings.total_timeout = SHORT).await;
    assert_timeout(&error, Timeout::Total(SHORT));
}

#[tokio::test]
async fn the_total_timeout_bounds_the_other_waits_too() {
    let server = Server::start([Reply::Stall(Vec::new())]).await;
    let (error, _) = stream_error(&server, |settings| settings.total_timeout = SHORT).await;
    assert_timeout(&error, Timeout::Total(SHORT));
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_passes_the_idle_timeout() {
    let head = head(
        200,
        &[
            ("content-type", "application/json"),
            ("content-length", "100"),
        ],
    ) + "\r\n{";
    let server = Server::start([Reply::Stall(head.into_bytes())]).await;
    let mut settings = settings(&server.url());
    settings.idle_timeout = SHORT;
    let client = connect(&settings, &[]).await.unwrap();
    let error = client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap_err();
    assert_timeout(&error, Timeout::Idle(SHORT));
}

#[tokio::test]
async fn limits_that_overflow_the_clock_never_pass() {
    let server = Server::start([Reply::Close(open_stream(&[]))]).await;
    let (error, _) = stream_error(&server, |settings| {
        settings.connect_timeout = Duration::from_secs(1);
        settings.head_timeout = Duration::MAX;
        settings.idle_timeout = Duration::MAX;
        settings.total_timeout = Duration::MAX;
        settings.max_attempts = 1;
    })
    .await;
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
}

#[tokio::test]
async fn an_error_body_is_read_up_to_a_limit_and_no_further() {
    let mut answer = head(400, &[("content-length", "1000000000")]) + "\r\n";
    answer.push_str(&"x".repeat(70_000));
    let server = Server::start([Reply::Stall(answer.into_bytes())]).await;
    let call = stream_error(&server, |settings| {
        settings.idle_timeout = Duration::MAX;
        settings.total_timeout = Duration::MAX;
    });
    // Who waits for the whole body waits for ever; this only turns that into a failure.
    let (error, _) = timeout(Duration::from_mins(1), call).await.unwrap();
    let Error::Exception { exception, .. } = error else {
        unreachable!("{error}");
    };
    assert!(exception.message.starts_with("xxx"), "{exception:?}");
    server.client_gone().await;
}

#[tokio::test]
async fn dropping_a_stream_drops_the_connection() {
    let server = Server::start([Reply::Stall(open_stream(&[&event("messageStart", "{}")]))]).await;
    let stream = client_of(&server)
        .await
        .converse_stream(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    drop(stream);
    server.client_gone().await;
}
