//! The pool, TLS and proxies.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::BodyExt as _;
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use outcrop::upstream::{Attempts, Error};

use super::server::{Reply, Server, event, json, stream};
use super::{MODEL, body, client_of, connect, settings};

/// A name that no resolver knows, so that only a proxy can reach it.
const HOST: &str = "bedrock-runtime.test";

fn success() -> Reply {
    Reply::Bytes(json(200, &[], "{}"))
}

/// A server whose certificate nobody trusts but who has the file.
async fn tls_server(replies: impl IntoIterator<Item = Reply>) -> (Server, NamedTempFile) {
    let names = ["127.0.0.1".to_owned(), HOST.to_owned()];
    let certified = generate_simple_self_signed(names).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let mut bundle = NamedTempFile::new().unwrap();
    bundle.write_all(certified.cert.pem().as_bytes()).unwrap();
    let server = Server::start_with(replies, Some(TlsAcceptor::from(Arc::new(config)))).await;
    (server, bundle)
}

/// A proxy that answers CONNECT with `status` and then passes bytes to `target`, whatever host was asked for.
struct Proxy {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    async fn start(status: &'static str, target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, status, target, Arc::clone(&seen)));
            }
        });
        Self { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn tunnel(
    mut client: TcpStream,
    status: &str,
    target: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    heads.lock().unwrap().push(String::from_utf8(head).unwrap());
    client
        .write_all(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes())
        .await
        .unwrap();
    let mut target = TcpStream::connect(target).await.unwrap();
    // How the connection ends is for the two sides to judge.
    let _ = copy_bidirectional(&mut client, &mut target).await;
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let frame = event("messageStart", "{}");
    let wrong = Reply::Bytes(json(400, &[], "{}"));
    let server =
        Server::start([success(), Reply::Bytes(stream(&[&frame])), wrong, success()]).await;
    let client = client_of(&server).await;
    let attempts = Attempts::default();
    client.converse(MODEL, body(), &attempts).await.unwrap();
    let stream = client
        .converse_stream(MODEL, body(), &attempts)
        .await
        .unwrap();
    assert_eq!(stream.body.collect().await.unwrap().to_bytes(), frame);
    client.converse(MODEL, body(), &attempts).await.unwrap_err();
    client.converse(MODEL, body(), &attempts).await.unwrap();
    assert_eq!((server.received().len(), server.connections()), (4, 1));
}

#[tokio::test]
async fn clones_call_side_by_side_from_any_task() {
    let server = Server::start(vec![success(); 8]).await;
    let client = client_of(&server).await;
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        calls.spawn(async move {
            client
                .converse(MODEL, body(), &Attempts::default())
                .await
                .map(drop)
        });
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert_eq!(server.received().len(), 8);
}

#[tokio::test]
async fn where_nobody_listens_bedrock_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let mut settings = settings(&url);
    settings.max_attempts = 2;
    let client = connect(&settings, &[]).await.unwrap();
    let attempts = Attempts::default();
    let error = client.converse(MODEL, body(), &attempts).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");
    assert_eq!(attempts.begun(), 2);
}

#[tokio::test]
async fn a_private_authority_is_trusted_through_the_ca_bundle_only() {
    let (server, bundle) = tls_server([success()]).await;
    let mut settings = settings(&format!("https://{}", server.address));
    settings.max_attempts = 1;
    let path = bundle.path().to_str().unwrap();
    let trusting = connect(&settings, &[("AWS_CA_BUNDLE", path)])
        .await
        .unwrap();
    trusting
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    let strict = connect(&settings, &[]).await.unwrap();
    let error = strict
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Unreachable(text) if text.contains("certificate")),
        "{error}"
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_ca_bundle_that_does_not_exist_stops_the_start() {
    let settings = settings("http://127.0.0.1:1");
    let error = connect(&settings, &[("AWS_CA_BUNDLE", "/absent.pem")])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("/absent.pem"), "{error}");
}

#[tokio::test]
async fn https_goes_through_a_tunnel_with_the_proxys_credentials() {
    let (server, bundle) = tls_server([success(), success()]).await;
    let proxy = Proxy::start("200 Connection established", server.address).await;
    let variables = [
        ("AWS_CA_BUNDLE", bundle.path().to_str().unwrap()),
        (
            "HTTPS_PROXY",
            &format!("http://user:pass%20word@{}", proxy.address),
        ),
    ];
    let client = connect(&settings(&format!("https://{HOST}")), &variables)
        .await
        .unwrap();
    for _ in 0..2 {
        client
            .converse(MODEL, body(), &Attempts::default())
            .await
            .unwrap();
    }
    let [head] = proxy.heads().try_into().unwrap();
    assert!(
        head.starts_with(&format!("CONNECT {HOST}:443 HTTP/1.1\r\n")),
        "{head}"
    );
    assert!(
        head.contains("Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n"),
        "{head}"
    );
    for received in server.received() {
        assert!(received.line.starts_with("POST /model/"), "{received:?}");
        assert_eq!(received.header("host"), Some(HOST));
        assert_eq!(received.header("proxy-authorization"), None);
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_without_its_password() {
    let (server, _) = tls_server([]).await;
    let proxy = Proxy::start("407 Proxy Authentication Required", server.address).await;
    let url = format!("http://user:hunter2@{}", proxy.address);
    let mut settings = settings(&format!("https://{HOST}"));
    settings.max_attempts = 1;
    let client = connect(&settings, &[("https_proxy", &url)]).await.unwrap();
    let error = client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap_err();
    assert!(
        matches!(&error, Error::Unreachable(text) if text.contains("proxy")),
        "{error}"
    );
    assert!(!format!("{error:?}{client:?}").contains("hunter2"));
}

#[tokio::test]
async fn plain_http_is_forwarded_by_the_proxy_in_absolute_form() {
    let proxy = Server::start([success()]).await;
    let url = format!("http://user:password@{}", proxy.address);
    let client = connect(
        &settings(&format!("http://{HOST}:8080")),
        &[("HTTP_PROXY", &url)],
    )
    .await
    .unwrap();
    client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    let received = &proxy.received()[0];
    assert!(
        received
            .line
            .starts_with(&format!("POST http://{HOST}:8080/model/us.anthropic")),
        "{received:?}"
    );
    assert!(received.line.contains("-v1%3A0/converse "), "{received:?}");
    assert_eq!(received.header("host"), Some("bedrock-runtime.test:8080"));
    assert_eq!(
        received.header("proxy-authorization"),
        Some("Basic dXNlcjpwYXNzd29yZA==")
    );
    assert!(
        received
            .header("authorization")
            .unwrap()
            .contains("SignedHeaders=content-type;host;x-amz-date,")
    );
}

#[tokio::test]
async fn no_proxy_reaches_a_host_directly() {
    let server = Server::start([success()]).await;
    let pairs = [
        ("ALL_PROXY", "http://127.0.0.1:1"),
        ("NO_PROXY", "127.0.0.1"),
    ];
    let client = connect(&settings(&server.url()), &pairs).await.unwrap();
    client
        .converse(MODEL, body(), &Attempts::default())
        .await
        .unwrap();
    assert_eq!(server.received().len(), 1);
}
