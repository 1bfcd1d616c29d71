//! Answers, errors and repeats.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::Message;
use http_body_util::BodyExt as _;
use outcrop::bedrock::ExceptionKind;
use outcrop::bedrock::event_stream::FrameError;
use outcrop::upstream::{Attempts, Bedrock, Error};

use super::server::{Reply, Server, event, exception, head, json, message, open_stream, stream};
use super::{MODEL, body, client_of, connect, settings};

const START: &str = r#"{"p":"abcd","role":"assistant"}"#;
const THROTTLED: &str = r#"{"message":"Too many requests, please wait before trying again."}"#;

/// The exception, and how many attempts were made.
async fn converse_error(client: &Bedrock) -> (Error, u32) {
    let attempts = Attempts::default();
    let error = client.converse(MODEL, body(), &attempts).await.unwrap_err();
    (error, attempts.begun())
}

async fn stream_error(client: &Bedrock) -> (Error, u32) {
    let attempts = Attempts::default();
    let error = client
        .converse_stream(MODEL, body(), &attempts)
        .await
        .unwrap_err();
    (error, attempts.begun())
}

/// A client that makes one attempt.
async fn impatient_client_of(server: &Server) -> Bedrock {
    let mut settings = settings(&server.url());
    settings.max_attempts = 1;
    connect(&settings, &[]).await.unwrap()
}

#[tokio::test]
async fn an_answer_keeps_its_body_and_request_id() {
    let text = r#"{"output":{},"stopReason":"end_turn"}"#;
    let server = Server::start([Reply::Bytes(json(
        200,
        &[("x-amzn-RequestId", "id-1")],
        text,
    ))])
    .await;
    let attempts = Attempts::default();
    let answer = client_of(&server)
        .await
        .converse(MODEL, body(), &attempts)
        .await
        .unwrap();
    assert_eq!(
        (answer.body.as_ref(), answer.request_id.as_deref()),
        (text.as_bytes(), Some("id-1"))
    );
    assert_eq!(attempts.begun(), 1);
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
async fn a_request_that_is_wrong_is_sent_once() {
    let headers = [
        ("x-amzn-requestid", "id-2"),
        (
            "x-amzn-errortype",
            "ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/",
        ),
    ];
    let answer = json(
        400,
        &headers,
        r#"{"message":"The provided model identifier is invalid."}"#,
    );
    let server = Server::start([Reply::Bytes(answer)]).await;
    let (error, attempts) = converse_error(&client_of(&server).await).await;
    let Error::Exception {
        exception,
        request_id,
        retry_after,
    } = error
    else {
        unreachable!("{error}");
    };
    assert_eq!(
        (exception.kind, exception.status),
        (ExceptionKind::Validation, 400)
    );
    assert_eq!(
        exception.message,
        "The provided model identifier is invalid."
    );
    assert_eq!(
        (request_id.as_deref(), retry_after, attempts),
        (Some("id-2"), None, 1)
    );
}

#[tokio::test]
async fn name_and_text_of_an_exception_may_be_in_headers_alone() {
    let headers = [
        ("x-amzn-errortype", "AccessDeniedException"),
        ("x-amzn-errormessage", "not yours"),
        ("retry-after", "7"),
    ];
    let server = Server::start([Reply::Bytes(json(403, &headers, ""))]).await;
    let (error, _) = converse_error(&client_of(&server).await).await;
    let Error::Exception {
        exception,
        retry_after,
        ..
    } = error
    else {
        unreachable!("{error}");
    };
    assert_eq!(
        (exception.kind, exception.message.as_str()),
        (ExceptionKind::AccessDenied, "not yours")
    );
    assert_eq!(retry_after.map(|pause| pause.as_secs()), Some(7));
}

#[tokio::test]
async fn failures_that_pass_are_repeated_until_success_and_counted() {
    let server = Server::start([
        Reply::Reset,
        Reply::Bytes(json(
            503,
            &[],
            r#"{"message":"Service capacity limit has been reached."}"#,
        )),
        Reply::Bytes(json(200, &[], "{}")),
    ])
    .await;
    let attempts = Attempts::default();
    client_of(&server)
        .await
        .converse(MODEL, body(), &attempts)
        .await
        .unwrap();
    assert_eq!((attempts.begun(), server.received().len()), (3, 3));
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

#[tokio::test]
async fn what_is_not_bedrock_is_called_so_and_not_repeated() {
    let page = head(
        200,
        &[("content-type", "text/html"), ("content-length", "0")],
    ) + "\r\n";
    let moved = head(
        302,
        &[("location", "http://elsewhere"), ("content-length", "0")],
    ) + "\r\n";
    let coral = r#"{"Output":{"__type":"com.amazon.coral.service#UnknownOperationException"},"Version":"1.0"}"#;
    for answer in [page.into_bytes(), moved.into_bytes(), json(200, &[], coral)] {
        let server = Server::start([Reply::Bytes(answer.clone()), Reply::Bytes(answer)]).await;
        let client = client_of(&server).await;
        let (error, attempts) = converse_error(&client).await;
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
        assert_eq!(attempts, 1);
        let (error, _) = stream_error(&client).await;
        assert!(matches!(error, Error::Protocol { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_model_id_that_cannot_be_sent_makes_no_call() {
    let server = Server::start([]).await;
    let attempts = Attempts::default();
    let error = client_of(&server)
        .await
        .converse("..", body(), &attempts)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::ModelId), "{error}");
    assert_eq!((attempts.begun(), server.connections()), (0, 0));
}

#[tokio::test]
async fn the_model_behind_an_inference_profile_is_asked_for_once() {
    let arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/x";
    let text = r#"{"models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0"}]}"#;
    let server = Server::start([Reply::Bytes(json(200, &[], text))]).await;
    let client = client_of(&server).await;
    for _ in 0..2 {
        assert_eq!(
            client.inference_profile(arn).await.as_deref(),
            Some("amazon.nova-pro-v1:0")
        );
    }
    let received = &server.received()[0];
    let path = "/inference-profiles/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fx";
    assert_eq!(received.line, format!("GET {path} HTTP/1.1"));
    assert!(
        received
            .header("authorization")
            .unwrap()
            .contains("SignedHeaders=host;x-amz-date,")
    );
    assert_eq!(received.header("content-type"), None);
}

#[tokio::test]
async fn a_profile_that_may_not_be_asked_for_is_unknown_and_not_asked_for_again() {
    let server = Server::start([Reply::Bytes(json(
        403,
        &[],
        r#"{"message":"not authorized"}"#,
    ))])
    .await;
    let client = client_of(&server).await;
    assert_eq!(client.inference_profile("abc").await, None);
    assert_eq!(client.inference_profile("abc").await, None);
    assert_eq!(server.received().len(), 1);
}
