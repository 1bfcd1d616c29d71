//! The beginning of a stream: what is passed on, what is an error, what is repeated.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::Message;
use http_body_util::BodyExt as _;
use outcrop::bedrock::ExceptionKind;
use outcrop::bedrock::event_stream::FrameError;
use outcrop::upstream::{Attempts, Bedrock, Error};

use super::server::{Reply, Server, event, exception, message, open_stream, stream};
use super::{MODEL, body, client_of, connect, settings, stream_error};

const START: &str = r#"{"p":"abcd","role":"assistant"}"#;
const THROTTLED: &str = r#"{"message":"Too many requests, please wait before trying again."}"#;

/// A client that makes one attempt.
async fn impatient_client_of(server: &Server) -> Bedrock {
    let mut settings = settings(&server.url());
    settings.max_attempts = 1;
    connect(&settings, &[]).await.unwrap()
}

#[tokio::test]
async fn a_stream_is_passed_on_from_its_first_byte() {
    let frames = [
        event("messageStart", START),
        event("messageStop", r#"{"stopReason":"end_turn"}"#),
    ]
    .concat();
    let server = Server::start([Reply::Bytes(stream(&[&frames]))]).await;
    let stream = client_of(&server)
        .await
        .converse_stream(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    assert_eq!(stream.request_id.as_deref(), Some("stream-id"));
    assert_eq!(stream.body.collect().await.unwrap().to_bytes(), frames);
    let received = &server.received()[0];
    assert!(
        received.line.ends_with("/converse-stream HTTP/1.1"),
        "{received:?}"
    );
    assert_eq!(
        received.header("accept"),
        Some("application/vnd.amazon.eventstream")
    );
}

#[tokio::test]
async fn a_first_message_in_pieces_is_waited_for() {
    let frames = [
        event("messageStart", START),
        event("contentBlockStop", "{}"),
    ]
    .concat();
    for length in [1, 3, 11, 12, 13] {
        let pieces: Vec<_> = frames.chunks(length).collect();
        let server = Server::start([Reply::Bytes(stream(&pieces))]).await;
        let client = impatient_client_of(&server).await;
        let stream = client
            .converse_stream(MODEL, body(), &Attempts::default())
            .await
            .unwrap();
        assert_eq!(stream.body.collect().await.unwrap().to_bytes(), frames);
    }
}

#[tokio::test]
async fn an_exception_in_the_first_message_is_repeated_like_a_status() {
    let throttled = exception("throttlingException", THROTTLED);
    let good = event("messageStart", START);
    let server = Server::start([
        Reply::Bytes(stream(&[&throttled])),
        Reply::Bytes(stream(&[&good])),
    ])
    .await;
    let attempts = Attempts::default();
    let stream = client_of(&server)
        .await
        .converse_stream(MODEL, body(), &attempts)
        .await
        .unwrap();
    assert_eq!(stream.body.collect().await.unwrap().to_bytes(), good);
    assert_eq!(attempts.begun(), 2);
}

#[tokio::test]
async fn an_exception_in_the_first_message_is_an_error_with_its_status() {
    let wrong = r#"{"message":"wrong"}"#;
    let cases = [
        (
            exception("validationException", wrong),
            ExceptionKind::Validation,
            400,
        ),
        // Some gateways put the name into :event-type.
        (
            event("validationException", wrong),
            ExceptionKind::Validation,
            400,
        ),
        (
            message(
                &[
                    (":message-type", "error"),
                    (":error-code", "AccessDeniedException"),
                    (":error-message", "wrong"),
                ],
                "",
            ),
            ExceptionKind::AccessDenied,
            403,
        ),
    ];
    for (frame, kind, status) in cases {
        let server = Server::start([Reply::Bytes(stream(&[&frame]))]).await;
        let (error, attempts) = stream_error(&client_of(&server).await).await;
        assert_eq!((error.request_id(), attempts), (Some("stream-id"), 1));
        let Error::Exception { exception, .. } = error else {
            unreachable!("{error}");
        };
        assert_eq!(
            (exception.kind, exception.status, exception.message.as_str()),
            (kind, status, "wrong")
        );
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_are_an_error_before_anything_is_passed_on() {
    let mut corrupt = event("messageStart", START);
    corrupt[20] ^= 1;
    let mut nameless = Vec::new();
    write_message_to(&Message::new("{}"), &mut nameless).unwrap();
    let cases = [
        (corrupt, FrameError::MessageChecksum),
        (
            b"{\"message\":\"not framed\"}".to_vec(),
            FrameError::PreludeChecksum,
        ),
        (nameless, FrameError::MessageType),
    ];
    for (bytes, expected) in cases {
        let server = Server::start([Reply::Bytes(stream(&[&bytes]))]).await;
        let (error, _) = stream_error(&impatient_client_of(&server).await).await;
        assert!(
            matches!(error, Error::Stream(found) if found == expected),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_ends_before_its_first_message_is_a_lost_connection() {
    let frame = event("messageStart", START);
    let cut = &frame[..frame.len() - 1];
    for reply in [
        Reply::Bytes(stream(&[])),
        Reply::Bytes(stream(&[cut])),
        Reply::Close(open_stream(&[cut])),
        Reply::Close(Vec::new()),
        Reply::Reset,
    ] {
        let server = Server::start([reply]).await;
        let (error, _) = stream_error(&impatient_client_of(&server).await).await;
        assert!(matches!(error, Error::Interrupted(_)), "{error}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_later_fails_in_its_body() {
    let frame = event("messageStart", START);
    let server = Server::start([Reply::Close(open_stream(&[&frame, b"rest"]))]).await;
    let stream = client_of(&server)
        .await
        .converse_stream(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    let error = stream.body.collect().await.unwrap_err();
    assert!(matches!(error, Error::Interrupted(_)), "{error}");
}
