//! `[[accounts]]`: roles that are assumed with the gateway's own credentials, and its own in other regions.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use tokio::task::JoinSet;

use super::aws::{
    Home, Ready, ask, bedrock, bedrock_without, form, form_value, key_of, keys, sts, sts_answer,
    sts_error, xml,
};
use crate::support::gateway::{FIXTURES, MODEL};
use crate::support::process::outcrop;
use crate::support::soon;
use crate::upstream::server::{Received, Reply, Server, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/bedrock";
const CONFIGURATION: &str = r#"
[[accounts]]
name = "prod"
role_arn = "arn:aws:iam::111122223333:role/bedrock"
external_id = "shared:secret"
region = "eu-west-1"

[[accounts]]
name = "frankfurt"
region = "eu-central-1"

[[models]]
id = "in-prod"
targets = ["prod/us.anthropic.claude-sonnet-4-5-20250929-v1:0"]

[[models]]
id = "in-frankfurt"
targets = ["frankfurt/us.anthropic.claude-sonnet-4-5-20250929-v1:0"]
"#;

/// A gateway with the accounts, and with keys in its environment.
fn gateway(home: &Home, bedrock: &Server, sts: &Server) -> Command {
    home.write("outcrop.toml", CONFIGURATION);
    let mut command = home.gateway(bedrock);
    command
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .env("AWS_ACCESS_KEY_ID", "OWN0")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

/// A 200 for `model`.
async fn works(gateway: &Ready, model: &str) {
    let answer = ask(gateway, model).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The credential scope of each request to `server`: key and region.
fn scopes(server: &Server) -> Vec<(String, String)> {
    let received = server.received();
    let scopes = received.iter().map(|request| {
        let authorization = request.header("authorization").unwrap();
        let region = authorization.split('/').nth(2).unwrap();
        (key_of(request), region.to_owned())
    });
    scopes.collect()
}

#[tokio::test]
async fn a_target_in_another_account_is_called_with_the_role_that_is_assumed_there() {
    let (bedrock, sts, home) = (bedrock().await, sts(&[]).await, Home::new());
    let gateway = Ready::start(&mut gateway(&home, &bedrock, &sts)).await;
    assert!(
        sts.received().is_empty(),
        "nothing is assumed before it is used"
    );
    for model in ["in-prod", "in-prod", "in-frankfurt", MODEL] {
        works(&gateway, model).await;
    }
    let role = (
        "AssumeRole-111122223333-0".to_owned(),
        "eu-west-1".to_owned(),
    );
    let own = |region: &str| ("OWN0".to_owned(), region.to_owned());
    assert_eq!(
        scopes(&bedrock),
        [role.clone(), role, own("eu-central-1"), own("us-east-1")]
    );
    let token = bedrock.received()[0]
        .header("x-amz-security-token")
        .map(str::to_owned);
    assert_eq!(token.as_deref(), Some("token-of-AssumeRole-111122223333-0"));

    let [request] = &sts.received()[..] else {
        panic!("{:#?}", sts.received());
    };
    let form = form(request);
    assert_eq!(key_of(request), "OWN0");
    for (name, value) in [
        ("Action", "AssumeRole"),
        ("RoleArn", "arn:aws:iam::111122223333:role/bedrock"),
        ("ExternalId", "shared:secret"),
        ("RoleSessionName", "outcrop"),
    ] {
        assert_eq!(form_value(&form, name), value);
    }
}

#[tokio::test]
async fn each_account_has_its_line_at_the_start_without_its_external_id() {
    let (bedrock, sts, home) = (bedrock().await, sts(&[]).await, Home::new());
    let gateway = Ready::start(&mut gateway(&home, &bedrock, &sts)).await;
    let log = gateway.process.log.join("\n");
    for line in [
        "credentials from environment",
        "account prod: region eu-west-1, credentials from role arn:aws:iam::111122223333:role/bedrock, assumed with \
         those from environment",
        "account frankfurt: region eu-central-1, credentials from environment",
    ] {
        assert!(log.contains(line), "{log}");
    }
    assert!(!log.contains("shared:secret"), "{log}");
}

#[tokio::test]
async fn many_requests_to_a_new_account_assume_its_role_once() {
    let (bedrock, sts, home) = (bedrock().await, sts(&[]).await, Home::new());
    let gateway = Arc::new(Ready::start(&mut gateway(&home, &bedrock, &sts)).await);
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let gateway = Arc::clone(&gateway);
        calls.spawn(async move { works(&gateway, "in-prod").await });
    }
    soon(calls.join_all()).await;
    assert_eq!((sts.received().len(), bedrock.received().len()), (1, 50));
}

#[tokio::test]
async fn an_assumed_role_that_bedrock_refuses_is_assumed_anew() {
    let refused = &["AssumeRole-111122223333-0"];
    let (bedrock, sts, home) = (bedrock_without(refused).await, sts(&[]).await, Home::new());
    let gateway = Ready::start(&mut gateway(&home, &bedrock, &sts)).await;
    works(&gateway, "in-prod").await;
    let key = |number| format!("AssumeRole-111122223333-{number}");
    assert_eq!(keys(&bedrock), [key(0), key(1)]);
}

#[tokio::test]
async fn keys_that_were_rotated_are_read_again_when_sts_refuses_them() {
    let (bedrock, sts, home) = (bedrock().await, sts(&["FILE0"]).await, Home::new());
    let key = |id| format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = secret\n");
    home.write(".aws/credentials", &key("FILE0"));
    let mut command = gateway(&home, &bedrock, &sts);
    let gateway = Ready::start(command.env_remove("AWS_ACCESS_KEY_ID")).await;
    home.write(".aws/credentials", &key("FILE1"));
    works(&gateway, "in-prod").await;
    assert_eq!(keys(&sts), ["FILE0", "FILE1"]);
}

/// What STS answers when its clock is an hour ahead of this machine's.
fn an_hour_ahead(request: &Received) -> Vec<u8> {
    let now = DateTime::from(SystemTime::now() + Duration::from_hours(1));
    let date = now.fmt(Format::HttpDate).unwrap();
    let signed_at = request.header("x-amz-date").unwrap();
    // To the minute: `20260115T1230` instead of `2026-01-15T12:30`.
    let is_late = (-5..=5).all(|minutes| {
        let minute = DateTime::from_secs(now.secs() + 60 * minutes);
        let minute = minute.fmt(Format::DateTime).unwrap();
        let minute: String = minute.chars().filter(|c| !"-:".contains(*c)).collect();
        !signed_at.starts_with(&minute[..13])
    });
    let body = if is_late {
        sts_error("SignatureDoesNotMatch").replace("refused", "Signature expired: x (y - 5 min.)")
    } else {
        sts_answer("AssumeRole", ROLE, "ROLE0")
    };
    let status = if is_late { 403 } else { 200 };
    let answer = String::from_utf8(xml(status, &body)).unwrap();
    let answer = answer.replacen("\r\n", &format!("\r\ndate: {date}\r\n"), 1);
    answer.into_bytes()
}

#[tokio::test]
async fn a_role_is_assumed_on_a_machine_with_a_wrong_clock() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let sts = Server::answering(|request| Reply::Bytes(an_hour_ahead(request))).await;
    let gateway = Ready::start(&mut gateway(&home, &bedrock, &sts)).await;
    works(&gateway, "in-prod").await;
    assert_eq!(
        (keys(&bedrock), sts.received().len()),
        (vec!["ROLE0".to_owned()], 2)
    );
}

#[tokio::test]
async fn an_api_key_is_for_the_own_account_and_cannot_assume_a_role() {
    let (sts, home) = (sts(&[]).await, Home::new());
    let bedrock = Server::answering(|_| Reply::Bytes(json(200, &[], super::aws::ANSWER))).await;
    let mut command = gateway(&home, &bedrock, &sts);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env("AWS_BEARER_TOKEN_BEDROCK", "api-key");
    let mut gateway = Ready::start(&mut command).await;
    works(&gateway, MODEL).await;
    works(&gateway, "in-frankfurt").await;
    let answer = ask(&gateway, "in-prod").await;
    assert_eq!(answer.error().2.as_deref(), Some("upstream_auth"));
    let line = gateway
        .process
        .line_with("a Bedrock API key cannot assume a role")
        .await;
    assert!(
        line.contains("arn:aws:iam::111122223333:role/bedrock"),
        "{line}"
    );
    assert_eq!(bedrock.received().len(), 2);

    // With keys beside it, the role is assumed with them.
    command.env("AWS_ACCESS_KEY_ID", "OWN0");
    let gateway = Ready::start(&mut command).await;
    works(&gateway, MODEL).await;
    works(&gateway, "in-prod").await;
    assert_eq!(keys(&bedrock)[2..], ["", "AssumeRole-111122223333-0"]);
    assert_eq!(keys(&sts), ["OWN0"]);
}

#[tokio::test]
async fn a_role_that_may_not_be_assumed_fails_its_targets_alone() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let sts = Server::answering(|_| Reply::Bytes(xml(403, &sts_error("AccessDenied")))).await;
    let mut gateway = Ready::start(&mut gateway(&home, &bedrock, &sts)).await;
    let answer = ask(&gateway, "in-prod").await;
    assert_eq!(answer.error().2.as_deref(), Some("upstream_auth"));
    gateway.process.line_with("AccessDenied").await;
    works(&gateway, MODEL).await;
    assert_eq!(sts.received().len(), 1);
}

#[tokio::test]
async fn sts_is_asked_through_the_proxy() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let proxy = Server::answering(|_| Reply::Close(json(403, &[], "{}"))).await;
    let mut command = gateway(&home, &bedrock, &proxy);
    command
        .env_remove("AWS_ENDPOINT_URL_STS")
        .env("HTTPS_PROXY", proxy.url());
    let gateway = Ready::start(&mut command).await;
    assert_ne!(ask(&gateway, "in-prod").await.status, 200);
    assert_eq!(
        proxy.received()[0].line,
        "CONNECT sts.us-east-1.amazonaws.com:443 HTTP/1.1"
    );
}

#[tokio::test]
async fn a_replay_assumes_no_role_and_signs_for_each_region() {
    let home = Home::new();
    home.write(
        "outcrop.toml",
        &CONFIGURATION.replace(
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "replay.short-text",
        ),
    );
    let mut command = outcrop(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--speed",
        "0",
        "--replay",
        FIXTURES,
    ]);
    // Whoever is asked for credentials here does not answer.
    command
        .current_dir(home.path())
        .env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1");
    let gateway = Ready::start(&mut command).await;
    for model in ["in-prod", "in-frankfurt", "replay.short-text"] {
        works(&gateway, model).await;
    }
}
