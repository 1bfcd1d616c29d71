//! An AWS of one account, each of whose answers a test can replace.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::PrivateKeyDer;
use tempfile::NamedTempFile;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::upstream::server::event;

pub(crate) const ARN: &str = "arn:aws:sts::123456789012:assumed-role/gateway/session";
const IDENTITY: &str = r#"{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{"Account":"123456789012","Arn":"arn:aws:sts::123456789012:assumed-role/gateway/session","UserId":"AROA:session"},"ResponseMetadata":{"RequestId":"1"}}}"#;
const ROLE: &str = r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::999999999999:assumed-role/outcrop/outcrop</Arn><AssumedRoleId>AROA:outcrop</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"#;
const MODELS: &str = r#"{"modelSummaries":[
  {"modelId":"amazon.nova-lite-v1:0","modelName":"Nova Lite","providerName":"Amazon","inputModalities":["TEXT"],"outputModalities":["TEXT"],"responseStreamingSupported":true,"inferenceTypesSupported":["INFERENCE_PROFILE"],"modelLifecycle":{"status":"ACTIVE"}},
  {"modelId":"anthropic.claude-opus-4-1-v1:0","modelName":"Claude","providerName":"Anthropic","inputModalities":["TEXT"],"outputModalities":["TEXT"],"responseStreamingSupported":true,"inferenceTypesSupported":["ON_DEMAND"],"modelLifecycle":{"status":"ACTIVE"}}]}"#;
const PROFILES: &str = r#"{"inferenceProfileSummaries":[{"inferenceProfileId":"us.amazon.nova-lite-v1:0","inferenceProfileArn":"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0","inferenceProfileName":"US Nova Lite","status":"ACTIVE","type":"SYSTEM_DEFINED","models":[
  {"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"},
  {"modelArn":"arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0"}]}]}"#;
const NO_PROFILES: &str = r#"{"inferenceProfileSummaries":[]}"#;
const COMPLETION: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"OK"}]}},"stopReason":"end_turn","usage":{"inputTokens":2,"outputTokens":1,"totalTokens":3}}"#;

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// A running AWS; it ends with the test's runtime.
pub(crate) struct Aws {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    replies: Mutex<HashMap<&'static str, Reply>>,
    first_replies: Mutex<HashMap<&'static str, Reply>>,
    /// On every answer, instead of the real one.
    date: Mutex<Option<String>>,
    received: Mutex<Vec<Received>>,
}

/// A request, by the name of its operation.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) operation: &'static str,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    /// An exception as Bedrock answers with it.
    pub(crate) fn exception(status: u16, name: &str, text: &str) -> Self {
        let body = serde_json::json!({ "message": text }).to_string();
        let mut reply = Self::json(status, &body);
        reply.headers.push(("x-amzn-errortype", name.to_owned()));
        reply
    }

    /// An error as STS answers with it.
    pub(crate) fn error(status: u16, code: &str, text: &str) -> Self {
        let error = serde_json::json!({ "Code": code, "Message": text, "Type": "Sender" });
        let body = serde_json::json!({ "Error": error, "RequestId": "1" }).to_string();
        Self::json(status, &body)
    }

    fn xml(body: &str) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "text/xml".to_owned())],
            body: body.as_bytes().to_vec(),
        }
    }

    /// A stream of these messages.
    pub(crate) fn stream(messages: &[Vec<u8>]) -> Self {
        let content_type = "application/vnd.amazon.eventstream".to_owned();
        Self {
            status: 200,
            headers: vec![("content-type", content_type)],
            body: messages.concat(),
        }
    }

    fn usual(operation: &str) -> Self {
        match operation {
            "GetCallerIdentity" => Self::json(200, IDENTITY),
            "AssumeRole" => Self::xml(ROLE),
            "ListFoundationModels" => Self::json(200, MODELS),
            "ListInferenceProfiles" => Self::json(200, PROFILES),
            "Converse" => Self::json(200, COMPLETION),
            "ConverseStream" => Self::stream(&[
                event("messageStart", r#"{"role":"assistant"}"#),
                event(
                    "contentBlockDelta",
                    r#"{"contentBlockIndex":0,"delta":{"text":"OK"}}"#,
                ),
                event("contentBlockStop", r#"{"contentBlockIndex":0}"#),
                event("messageStop", r#"{"stopReason":"end_turn"}"#),
                event(
                    "metadata",
                    r#"{"usage":{"inputTokens":2,"outputTokens":1,"totalTokens":3}}"#,
                ),
            ]),
            _ => Self::exception(404, "UnknownOperationException", ""),
        }
    }
}

impl Aws {
    pub(crate) async fn start() -> Self {
        Self::serve(None).await
    }

    /// The same with TLS, and the file of the authority that vouches for it.
    pub(crate) async fn start_encrypted() -> (Self, NamedTempFile) {
        let certified = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let mut bundle = NamedTempFile::new().unwrap();
        bundle.write_all(certified.cert.pem().as_bytes()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::serve(Some(acceptor)).await, bundle)
    }

    async fn serve(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        tokio::spawn(accept(listener, tls, Arc::clone(&state)));
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers `operation` with `reply` from now on.
    pub(crate) fn answer(&self, operation: &'static str, reply: Reply) {
        let mut replies = self.state.replies.lock().unwrap();
        replies.insert(operation, reply);
    }

    /// Answers `operation` with `reply` the first time.
    pub(crate) fn answer_once(&self, operation: &'static str, reply: Reply) {
        let mut replies = self.state.first_replies.lock().unwrap();
        replies.insert(operation, reply);
    }

    /// Dates every answer like this.
    pub(crate) fn date(&self, date: String) {
        *self.state.date.lock().unwrap() = Some(date);
    }

    /// What was asked so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }
}

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (tls, state) = (tls.clone(), Arc::clone(&state));
        tokio::spawn(async move {
            match tls {
                None => serve_connection(stream, state).await,
                // Who does not trust the certificate leaves during the handshake.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_connection(stream, state).await;
                    }
                }
            }
        });
    }
}

async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    state: Arc<State>,
) {
    let service = service_fn(|request| answer(request, Arc::clone(&state)));
    // The doctor leaves connections without a word.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let operation = operation(&head.method, head.uri.path(), &body);
    let authorization = head.headers.get("authorization");
    state.received.lock().unwrap().push(Received {
        operation,
        path: head.uri.path().to_owned(),
        authorization: authorization.map(|value| value.to_str().unwrap().to_owned()),
        body,
    });
    let first = state.first_replies.lock().unwrap().remove(operation);
    let reply = first.or_else(|| state.replies.lock().unwrap().get(operation).cloned());
    let is_of_applications = head
        .uri
        .query()
        .is_some_and(|query| query.contains("type=APPLICATION"));
    let reply = reply.unwrap_or_else(|| {
        if is_of_applications {
            Reply::json(200, NO_PROFILES)
        } else {
            Reply::usual(operation)
        }
    });
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    if let Some(date) = &*state.date.lock().unwrap() {
        response = response.header("date", date);
    }
    Ok(response.body(Full::from(reply.body)).unwrap())
}

fn operation(method: &Method, path: &str, body: &str) -> &'static str {
    match (method, path) {
        (&Method::POST, "/") if body.contains("Action=AssumeRole") => "AssumeRole",
        (&Method::POST, "/") => "GetCallerIdentity",
        (&Method::GET, "/foundation-models") => "ListFoundationModels",
        (&Method::GET, "/inference-profiles") => "ListInferenceProfiles",
        (&Method::POST, path) if path.ends_with("/converse") => "Converse",
        (&Method::POST, path) if path.ends_with("/converse-stream") => "ConverseStream",
        _ => "",
    }
}
