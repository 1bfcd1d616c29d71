//! The lists as the stand-in gives them, which checks every signature with code of its own.

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use outcrop::bedrock::listing::InferenceProfileType::{Application, SystemDefined};
use outcrop::config::{self, Environment};
use outcrop::fixture::{Options, StandIn};
use outcrop::metrics::Metrics;
use outcrop::upstream::{Bedrock, Discovery, Endpoint, Region, RegionSource, Signer};
use tokio::net::{TcpListener, TcpStream};

use super::hourly;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");

async fn stand_in() -> SocketAddr {
    let stand_in = StandIn::load(Path::new(FIXTURES), Options::default()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(stand_in.serve(listener, pending()));
    address
}

async fn client(address: SocketAddr, secret: &str) -> Bedrock {
    let settings = config::Bedrock {
        region: Some("us-east-1".to_owned()),
        control_endpoint_url: Some(format!("http://{address}").parse().unwrap()),
        ..config::Bedrock::default()
    };
    let id = Options::default().access_key_id;
    let keys = [
        ("AWS_ACCESS_KEY_ID", id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", secret),
    ];
    Bedrock::new(&settings, &Environment::from_pairs(keys), &Metrics::new())
        .await
        .unwrap()
}

#[tokio::test]
async fn every_list_is_signed() {
    let address = stand_in().await;
    let bedrock = client(address, &Options::default().secret_access_key).await;
    assert!(!bedrock.list_foundation_models().await.unwrap().is_empty());
    assert!(
        !bedrock
            .list_inference_profiles(SystemDefined)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        bedrock
            .list_inference_profiles(Application)
            .await
            .unwrap()
            .is_empty()
    );
    let error = client(address, "another")
        .await
        .list_foundation_models()
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("InvalidSignatureException"),
        "{error}"
    );
}

#[tokio::test]
async fn every_recording_is_a_model_of_the_replay() {
    let bedrock = client(stand_in().await, &Options::default().secret_access_key).await;
    let discovery = Discovery::begin(vec![bedrock], &hourly(), None, &Metrics::new());
    let models = discovery.refresh().await.unwrap().models;
    let short_text = models
        .iter()
        .find(|model| model.id == "replay.short-text")
        .unwrap();
    let behind = short_text.foundation_model.as_deref();
    assert_eq!(behind, Some("anthropic.claude-haiku-4-5-20251001-v1:0"));
    assert_eq!(short_text.provider, "Anthropic");
}

/// Whoever canonicalizes the query otherwise than AWS gets another refusal than the one for the token.
#[tokio::test]
async fn any_token_can_be_signed() {
    let address = stand_in().await;
    let endpoint = Endpoint::of_url(&format!("http://{address}"), "test").unwrap();
    let options = Options::default();
    let credentials = Credentials::new(
        options.access_key_id,
        options.secret_access_key,
        None,
        None,
        "test",
    );
    let signer = Signer::new(Region::new("us-east-1", RegionSource::Configuration).unwrap());
    for token in [
        "a",
        "a+b/c==",
        "a b",
        "%41",
        "~-._",
        "x&type=APPLICATION",
        "ä€😀",
        "*'()",
    ] {
        let uri = endpoint
            .inference_profiles(SystemDefined, Some(token))
            .unwrap();
        let mut request = Request::get(uri)
            .header("host", address.to_string())
            .body(Full::new(Bytes::new()))
            .unwrap();
        signer
            .sign(&mut request, b"", &credentials, SystemTime::now())
            .unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let answer = sender.send_request(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        assert!(
            body.contains("The provided nextToken is invalid."),
            "{token}: {body}"
        );
    }
}
