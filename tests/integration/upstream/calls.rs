//! Answers, errors and repeats.

use aws_credential_types::credential_fn::provide_credentials_fn;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use outcrop::bedrock::ExceptionKind;
use outcrop::config::Environment;
use outcrop::metrics::Metrics;
use outcrop::upstream::{Accounts, Attempts, Bedrock, Error};

use super::server::{Reply, Server, head, json};
use super::{KEYS, MODEL, body, client_of, settings, stream_error, ticking_clock};

/// The exception, and how many attempts were made.
async fn converse_error(client: &Bedrock) -> (Error, u32) {
    let attempts = Attempts::default();
    let error = client.converse(MODEL, body(), &attempts).await.unwrap_err();
    (error, attempts.begun())
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
async fn calls_repeats_and_errors_are_counted_by_name() {
    let server = Server::start([
        Reply::Reset,
        Reply::Bytes(json(400, &[], "{}")),
        Reply::Bytes(json(403, &[], "{}")),
    ])
    .await;
    let metrics = Metrics::new();
    let environment = Environment::from_pairs(KEYS);
    let client = Bedrock::new(&settings(&server.url()), &environment, &metrics)
        .await
        .unwrap();
    let attempts = Attempts::default();
    client.converse(MODEL, body(), &attempts).await.unwrap_err();
    assert!(attempts.answered_at() > attempts.first_begun_at());
    client.inference_profile("abc").await;
    let text = metrics.encode();
    for line in [
        r#"outcrop_upstream_attempts_total{operation="Converse"} 2"#,
        r#"outcrop_upstream_attempts_total{operation="GetInferenceProfile"} 1"#,
        r#"outcrop_upstream_retries_total{reason="Interrupted"} 1"#,
        r#"outcrop_upstream_errors_total{exception="Interrupted"} 1"#,
        r#"outcrop_upstream_errors_total{exception="ValidationException"} 1"#,
        r#"outcrop_upstream_errors_total{exception="AccessDeniedException"} 1"#,
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
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

#[tokio::test]
async fn without_credentials_no_call_is_made() {
    let server = Server::start([]).await;
    let provider = SharedCredentialsProvider::new(provide_credentials_fn(|| async {
        Err(CredentialsError::not_loaded("none"))
    }));
    let environment = Environment::from_pairs::<&str, &str>([]);
    let settings = settings(&server.url());
    let accounts = Accounts::with_provider(
        &settings,
        &[],
        &environment,
        &Metrics::new(),
        Some(provider),
        ticking_clock(),
    )
    .await
    .unwrap();
    let client = accounts.own().clone();
    let (error, attempts) = converse_error(&client).await;
    assert!(
        error.to_string().contains("set AWS_ACCESS_KEY_ID"),
        "{error}"
    );
    assert_eq!((attempts, server.connections()), (0, 0));
    assert!(client.credentials_resolve().await.is_err());
}
