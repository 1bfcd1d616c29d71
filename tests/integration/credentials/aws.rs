//! The servers of AWS that tests need: Bedrock, instance metadata, a container's endpoint and STS.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use crate::support::client::Answer;
use crate::support::gateway::{MODEL, whole_question};
use crate::support::process::{Process, outcrop};
use crate::upstream::server::{Received, Reply, Server, head, json};

/// What Bedrock answers.
pub(super) const ANSWER: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"Hi."}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1}}"#;
/// When the credentials of these servers expire.
pub(super) const FAR: &str = "2099-01-01T00:00:00Z";

/// A Bedrock that takes every key but those of `refused`.
pub(super) async fn bedrock_without(refused: &'static [&'static str]) -> Server {
    Server::answering(move |request| {
        let key = key_of(request);
        if refused.contains(&key.as_str()) {
            Reply::Bytes(refusal("UnrecognizedClientException"))
        } else {
            Reply::Bytes(json(200, &[], ANSWER))
        }
    })
    .await
}

/// A Bedrock that takes every key.
pub(super) async fn bedrock() -> Server {
    bedrock_without(&[]).await
}

/// A refusal of the credentials.
pub(super) fn refusal(name: &str) -> Vec<u8> {
    let body = r#"{"message":"The security token included in the request is invalid."}"#;
    json(403, &[("x-amzn-errortype", name)], body)
}

/// The id of the key that signed a request; empty without a signature.
pub(super) fn key_of(request: &Received) -> String {
    let authorization = request.header("authorization").unwrap_or_default();
    let credential = authorization.split_once("Credential=");
    let id = credential.and_then(|(_, rest)| rest.split('/').next());
    id.unwrap_or_default().to_owned()
}

/// The ids of the keys that signed the requests to `server`, in order.
pub(super) fn keys(server: &Server) -> Vec<String> {
    server.received().iter().map(key_of).collect()
}

/// The path of a request, without its query.
pub(super) fn path(request: &Received) -> &str {
    let target = request.line.split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default()
}

/// The JSON in which instance metadata and containers hand out credentials.
pub(super) fn credentials(key: &str, expiration: &str) -> String {
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{key}","SecretAccessKey":"secret","Token":"token-of-{key}","Expiration":"{expiration}"}}"#
    )
}

/// Instance metadata, version 2 alone: without a session token nothing is told. The keys are `IMDS0`, `IMDS1`, ….
pub(super) async fn instance_metadata() -> Server {
    let given = AtomicUsize::new(0);
    Server::answering(move |request| {
        Reply::Bytes(metadata(request, || {
            let number = given.fetch_add(1, Ordering::SeqCst);
            credentials(&format!("IMDS{number}"), FAR)
        }))
    })
    .await
}

/// What instance metadata answers, with the credentials of `keys`.
pub(super) fn metadata(request: &Received, keys: impl FnOnce() -> String) -> Vec<u8> {
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    if request.line.starts_with("PUT /latest/api/token ") {
        let seconds = request.header("x-aws-ec2-metadata-token-ttl-seconds");
        assert!(seconds.is_some(), "{request:?}");
        return text(200, "session");
    }
    if request.header("x-aws-ec2-metadata-token") != Some("session") {
        return text(401, "version 1 is off");
    }
    match path(request).strip_prefix(ROLES) {
        Some("") => text(200, "gateway-role"),
        Some("gateway-role") => text(200, &keys()),
        _ => text(404, "not found"),
    }
}

/// An answer in plain text.
pub(super) fn text(status: u16, body: &str) -> Vec<u8> {
    let ttl = ("x-aws-ec2-metadata-token-ttl-seconds", "21600");
    let mut answer = head(status, &[("content-type", "text/plain"), ttl]);
    let length = body.len();
    answer.extend(["content-length: ", &length.to_string(), "\r\n\r\n", body]);
    answer.into_bytes()
}

/// STS: a role's credentials for everybody but those whose key is in `refused`. The keys are `<action>0`, …, with the
/// account of the role.
pub(super) async fn sts(refused: &'static [&'static str]) -> Server {
    let given = AtomicUsize::new(0);
    Server::answering(move |request| {
        let form = form(request);
        let action = form_value(&form, "Action");
        if refused.contains(&key_of(request).as_str()) {
            return Reply::Bytes(xml(403, &sts_error("InvalidClientTokenId")));
        }
        let role = form_value(&form, "RoleArn");
        let account = role.split(':').nth(4).unwrap_or_default().to_owned();
        let number = given.fetch_add(1, Ordering::SeqCst);
        let key = format!("{action}-{account}-{number}");
        Reply::Bytes(xml(200, &sts_answer(&action, &role, &key)))
    })
    .await
}

/// The form that a request to STS is.
pub(super) fn form(request: &Received) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(&request.body).into_owned();
    pairs.collect()
}

pub(super) fn form_value(form: &[(String, String)], name: &str) -> String {
    let found = form.iter().find(|(key, _)| key == name);
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

pub(super) fn sts_answer(action: &str, role: &str, key: &str) -> String {
    format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>\
         <AssumedRoleUser><AssumedRoleId>AROA:outcrop</AssumedRoleId><Arn>{role}</Arn></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token-of-{key}</SessionToken><Expiration>{FAR}</Expiration></Credentials>\
         </{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
    )
}

/// An error of STS.
pub(super) fn sts_error(code: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
         <Code>{code}</Code><Message>refused</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
}

pub(super) fn xml(status: u16, body: &str) -> Vec<u8> {
    let mut answer = head(status, &[("content-type", "text/xml")]);
    let length = body.len();
    answer.extend(["content-length: ", &length.to_string(), "\r\n\r\n", body]);
    answer.into_bytes()
}

/// A home directory, and a gateway that lives there.
pub(super) struct Home {
    folder: TempDir,
}

impl Home {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".aws")).unwrap();
        Self { folder }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file below the home directory, instead of the one that is there, and tells where.
    pub(super) fn write(&self, name: &str, content: &str) -> String {
        let path = self.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// `outcrop serve` in front of `bedrock`, with this home and nothing of AWS but what is added.
    pub(super) fn gateway(&self, bedrock: &Server) -> Command {
        let mut command = outcrop(&["serve", "--listen", "127.0.0.1:0"]);
        command
            .current_dir(self.path())
            .env("HOME", self.path())
            .env("PATH", "/usr/bin:/bin")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url())
            .env("AWS_ENDPOINT_URL_BEDROCK", bedrock.url())
            .env("OUTCROP_DISCOVERY_ENABLED", "false");
        command
    }
}

/// The answer to a question to `model`.
pub(super) async fn ask(process: &Ready, model: &str) -> Answer {
    let mut connection = process.connect().await;
    connection.chat(&whole_question(model)).await;
    connection.answer().await
}

/// A gateway that listens.
pub(super) struct Ready {
    /// Kept so that it lives.
    pub(super) process: Process,
    address: std::net::SocketAddr,
}

impl Ready {
    pub(super) async fn start(command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let address = process.address().await;
        Self { process, address }
    }

    pub(super) async fn connect(&self) -> crate::support::client::Connection {
        crate::support::client::Connection::open(self.address).await
    }

    /// Asks, and expects an answer.
    pub(super) async fn works(&self) {
        let answer = ask(self, MODEL).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// The line at the start that says where credentials come from.
    pub(super) fn source(&self) -> &str {
        let lines = self.process.log.iter();
        let mut lines = lines.filter_map(|line| line.split_once("credentials from "));
        lines.next().unwrap().1
    }
}

/// The one line of a start that fails.
pub(super) async fn failing(command: &mut Command) -> String {
    let (status, log) = Process::start(command).ended().await;
    assert!(!status.success(), "{log:#?}");
    assert_eq!(log.len(), 1, "{log:#?}");
    log.join("")
}
