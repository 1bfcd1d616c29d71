//! What each request carries to prove who sends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use http::{Method, Request};
use http_body_util::Full;
use outcrop::config::Environment;
use outcrop::metrics::Metrics;
use outcrop::upstream::{
    Accounts, Attempts, Bedrock, CredentialSource, Error, Region, RegionSource, Signer,
};

use super::server::{Reply, Server, json};
use super::{BODY, KEYS, MODEL, body, client_of, connect, settings, ticking_clock};

const PATH: &str = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse";

/// Gives out `KEY0`, `KEY1`, … at each call.
#[derive(Clone, Debug, Default)]
pub(super) struct Rotation(Arc<AtomicUsize>);

impl Rotation {
    /// How many were given out.
    pub(super) fn handed_out(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl ProvideCredentials for Rotation {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let credentials = Credentials::new(format!("KEY{number}"), "secret", None, None, "test");
        future::ProvideCredentials::ready(Ok(credentials))
    }
}

/// A client of `server` with the keys of `rotation`, and a clock that ticks.
pub(super) async fn rotating_client(server: &Server, rotation: &Rotation) -> Bedrock {
    let provider = SharedCredentialsProvider::new(rotation.clone());
    let environment = Environment::from_pairs::<&str, &str>([]);
    let accounts = Accounts::with_provider(
        &settings(&server.url()),
        &[],
        &environment,
        &Metrics::new(),
        Some(provider),
        ticking_clock(),
    )
    .await
    .unwrap();
    accounts.own().clone()
}

fn expired() -> Reply {
    let headers = [(
        "x-amzn-errortype",
        "ExpiredTokenException:http://internal.amazon.com/coral/",
    )];
    Reply::Bytes(json(
        403,
        &headers,
        r#"{"message":"The security token included in the request is expired"}"#,
    ))
}

fn success() -> Reply {
    Reply::Bytes(json(200, &[], "{}"))
}

#[tokio::test]
async fn a_call_is_signed_over_what_is_sent() {
    let server = Server::start([success()]).await;
    client_of(&server)
        .await
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    let received = &server.received()[0];
    assert_eq!(received.line, format!("POST {PATH} HTTP/1.1"));
    assert_eq!(received.body, BODY.as_bytes());
    let header = |name| received.header(name).unwrap();
    assert_eq!(header("host"), server.address.to_string());
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("accept"), "application/json");
    assert_eq!(header("accept-encoding"), "identity");
    assert_eq!(
        header("user-agent"),
        concat!("outcrop/", env!("CARGO_PKG_VERSION"))
    );
    assert!(header("authorization").contains("SignedHeaders=content-type;host;x-amz-date,"));
    assert_eq!(received.header("x-amz-security-token"), None);
}

#[tokio::test]
async fn the_signature_is_the_signers_own_for_the_time_of_the_clock() {
    let server = Server::start([success()]).await;
    let rotation = Rotation::default();
    let client = rotating_client(&server, &rotation).await;
    client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    let received = &server.received()[0];
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}{PATH}", server.url()))
        .header("content-type", "application/json")
        .body(Full::from(BODY))
        .unwrap();
    let clock = ticking_clock();
    let credentials = Credentials::new("KEY0", "secret", None, None, "test");
    let region = Region::new("us-east-1", RegionSource::Configuration).unwrap();
    let own = Signer::new(region);
    // The cache looks at the clock before the signer does.
    let signed = (0..9).any(|_| {
        own.sign(&mut request, BODY.as_bytes(), &credentials, clock())
            .unwrap();
        request.headers()["authorization"].to_str().ok() == received.header("authorization")
    });
    assert!(signed, "{received:?}");
}

#[tokio::test]
async fn a_session_token_goes_along() {
    let server = Server::start([success()]).await;
    let pairs = [("AWS_SESSION_TOKEN", "token/+=")];
    let client = connect(&settings(&server.url()), &pairs).await.unwrap();
    client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    assert_eq!(
        server.received()[0].header("x-amz-security-token"),
        Some("token/+=")
    );
}

#[tokio::test]
async fn a_bearer_token_wins_over_keys_and_is_trimmed() {
    let server = Server::start([success()]).await;
    let pairs = [("AWS_BEARER_TOKEN_BEDROCK", " ABSK-key\n")];
    let client = connect(&settings(&server.url()), &pairs).await.unwrap();
    client.credentials_resolve().await.unwrap();
    client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    let received = &server.received()[0];
    assert_eq!(received.header("authorization"), Some("Bearer ABSK-key"));
    assert_eq!(received.header("x-amz-date"), None);
    assert_eq!(
        client.describe().credential_source,
        CredentialSource::BearerToken
    );
}

#[tokio::test]
async fn a_blank_bearer_token_counts_as_unset() {
    let server = Server::start([success()]).await;
    let pairs = [("AWS_BEARER_TOKEN_BEDROCK", "  ")];
    let client = connect(&settings(&server.url()), &pairs).await.unwrap();
    client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    assert!(
        server.received()[0]
            .header("authorization")
            .unwrap()
            .starts_with("AWS4-HMAC-SHA256")
    );
}

#[tokio::test]
async fn a_bearer_token_that_no_header_can_hold_stops_the_start() {
    let settings = settings("http://127.0.0.1:1");
    let error = connect(&settings, &[("AWS_BEARER_TOKEN_BEDROCK", "se\ncret")])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("AWS_BEARER_TOKEN_BEDROCK") && !error.contains("cret"),
        "{error}"
    );
}

#[tokio::test]
async fn an_expired_token_is_replaced_once_and_signed_anew() {
    let server = Server::start([expired(), success(), success()]).await;
    let rotation = Rotation::default();
    let client = rotating_client(&server, &rotation).await;
    let attempts = Attempts::default();
    client.converse(MODEL, body(), &attempts).await.unwrap();
    client.converse(MODEL, body(), &attempts).await.unwrap();
    let received = server.received();
    let keys = ["KEY0/", "KEY1/", "KEY1/"];
    for (received, key) in received.iter().zip(keys) {
        assert!(
            received.header("authorization").unwrap().contains(key),
            "{received:?}"
        );
    }
    assert_eq!((attempts.begun(), rotation.handed_out()), (3, 2));
}

#[tokio::test]
async fn a_token_that_stays_expired_is_an_error_after_one_repeat() {
    let server = Server::start([expired(), expired()]).await;
    let client = rotating_client(&server, &Rotation::default()).await;
    let attempts = Attempts::default();
    let error = client.converse(MODEL, body(), &attempts).await.unwrap_err();
    assert!(matches!(&error, Error::Exception { exception, .. } if exception.status == 403));
    assert_eq!(attempts.begun(), 2);
}

#[tokio::test]
async fn a_bearer_token_that_expired_is_final() {
    let server = Server::start([expired()]).await;
    let pairs = [("AWS_BEARER_TOKEN_BEDROCK", "key")];
    let client = connect(&settings(&server.url()), &pairs).await.unwrap();
    let attempts = Attempts::default();
    client.converse(MODEL, body(), &attempts).await.unwrap_err();
    assert_eq!(attempts.begun(), 1);
}

#[tokio::test]
async fn the_description_names_what_is_in_force_and_no_secret() {
    let client = connect(&settings("http://127.0.0.1:1/base/"), &[])
        .await
        .unwrap();
    let description = client.describe();
    assert_eq!(description.region.as_str(), "us-east-1");
    assert_eq!(description.region_source, RegionSource::Configuration);
    assert_eq!(description.endpoint.to_string(), "http://127.0.0.1:1/base");
    assert_eq!(
        description.control_endpoint.to_string(),
        "http://127.0.0.1:1/base"
    );
    assert_eq!(description.credential_source.to_string(), "environment");
    client.credentials_resolve().await.unwrap();
    let shown = format!("{client:?}");
    assert!(
        KEYS.iter().all(|(_, value)| !shown.contains(value)),
        "{shown}"
    );
}
