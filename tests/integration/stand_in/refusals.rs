//! Errors: those that were recorded, and those that a wrong request earns.

use std::path::Path;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use outcrop::fixture::Options;
use serde_json::json;

use super::{
    FIXTURES, connect, converse, converse_stream, fixtures, hello, read, request, send, serve,
    text, with_tools,
};

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
            "/model/x/invoke-with-response-stream",
            "{}".to_owned(),
            404,
            "UnknownOperationException",
            "not recognized",
        ),
        (
            Method::POST,
            "/model/x/invoke",
            "{}".to_owned(),
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
        ),
        (
            Method::POST,
            "/model/amazon.titan-embed-text-v2:0/converse",
            hello().to_string(),
            400,
            "ValidationException",
            "doesn't support the model",
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
async fn claude_takes_no_reasoning_back_that_it_did_not_sign() {
    let served = fixtures().await;
    let model = "replay.reasoning-agent";
    let answer = converse(&served, model, &with_tools(hello())).await.json();
    let own = answer["output"]["message"].clone();
    let own_reasoning = &own["content"][0];
    let text = own_reasoning.pointer("/reasoningContent/reasoningText/text");
    assert!(text.is_some(), "{own}");
    let redacted = json!({"reasoningContent": {"redactedContent": "c2lnbmVk"}});
    let changed = |pointer: &str, value: &str| {
        let mut block = own_reasoning.clone();
        *block.pointer_mut(pointer).unwrap() = value.into();
        block
    };
    for (block, refusal) in [
        (own_reasoning.clone(), None),
        (
            changed("/reasoningContent/reasoningText/text", "Other words."),
            Some("messages.1.content.1: Invalid `signature` in `thinking` block"),
        ),
        (
            changed("/reasoningContent/reasoningText/signature", "c2lnbmVk"),
            Some("messages.1.content.1: Invalid `signature` in `thinking` block"),
        ),
        (
            redacted,
            Some("messages.1.content.1: Invalid `data` in `redacted_thinking` block"),
        ),
    ] {
        let mut body = hello();
        let messages = body["messages"].as_array_mut().unwrap();
        messages
            .push(json!({"role": "assistant", "content": [own_reasoning, block, {"text": "So."}]}));
        messages.push(json!({"role": "user", "content": [{"text": "Go on."}]}));
        let answer = converse(&served, model, &body).await;
        match refusal {
            None => assert_eq!(answer.status, 200),
            Some(text) => {
                assert_eq!(answer.error(), (400, "ValidationException".to_owned()));
                assert!(answer.message().ends_with(text), "{}", answer.message());
            }
        }
    }
}
