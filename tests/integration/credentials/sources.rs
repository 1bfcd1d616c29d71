//! What a machine offers by itself: variables, web identity, containers, instance metadata.

use std::process::Command;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::aws::{
    ANSWER, FAR, Home, Ready, bedrock, bedrock_without, credentials, failing, form, form_value,
    instance_metadata, key_of, keys, metadata, path, refusal, sts, sts_error, text, xml,
};
use crate::support::soon;
use crate::upstream::server::{Reply, Server, json};

const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

/// A gateway on an EC2 instance, with nothing set.
fn on_instance(home: &Home, bedrock: &Server, metadata: &Server) -> Command {
    let mut command = home.gateway(bedrock);
    command
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
        .env_remove("AWS_EC2_METADATA_DISABLED");
    command
}

/// A gateway in a pod of EKS or a task of ECS.
fn in_container(home: &Home, bedrock: &Server, endpoint: &Server) -> Command {
    let token = home.write("token", "Bearer pod");
    let mut command = home.gateway(bedrock);
    command
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/v1/credentials", endpoint.url()),
        )
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token);
    command
}

#[tokio::test]
async fn an_instance_needs_no_setting_at_all() {
    let (bedrock, metadata, home) = (bedrock().await, instance_metadata().await, Home::new());
    let gateway = Ready::start(&mut on_instance(&home, &bedrock, &metadata)).await;
    assert_eq!(gateway.source(), "instance metadata");
    gateway.works().await;
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["IMDS0", "IMDS0"]);
    assert_eq!(
        bedrock.received()[0].header("x-amz-security-token"),
        Some("token-of-IMDS0")
    );
    let asked: Vec<_> = metadata
        .received()
        .into_iter()
        .map(|request| request.line)
        .collect();
    assert_eq!(
        asked,
        [
            "PUT /latest/api/token HTTP/1.1".to_owned(),
            format!("GET {ROLES} HTTP/1.1"),
            format!("GET {ROLES}gateway-role HTTP/1.1"),
        ]
    );
}

#[tokio::test]
async fn the_region_of_an_instance_is_where_bedrock_is_called() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let metadata = Server::answering(|request| match path(request) {
        "/latest/meta-data/placement/region" => Reply::Bytes(text(200, "eu-north-1")),
        _ => Reply::Bytes(metadata(request, || credentials("IMDS0", FAR))),
    })
    .await;
    let mut command = on_instance(&home, &bedrock, &metadata);
    let mut gateway = Ready::start(command.env_remove("AWS_REGION")).await;
    gateway.works().await;
    let log = std::mem::take(&mut gateway.process.log).join("\n");
    assert!(
        log.contains("region eu-north-1 (from instance metadata)"),
        "{log}"
    );
    let authorization = bedrock.received()[0]
        .header("authorization")
        .unwrap()
        .to_owned();
    assert!(
        authorization.contains("/eu-north-1/bedrock/"),
        "{authorization}"
    );
}

#[tokio::test]
async fn refused_credentials_of_an_instance_are_fetched_anew_once_for_all_who_wait() {
    const CALLS: usize = 100;
    let (metadata, home) = (instance_metadata().await, Home::new());
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let bedrock = Server::answering(move |request| match key_of(request).as_str() {
        "IMDS0" => Reply::Held(Arc::clone(&held), refusal("ExpiredTokenException")),
        _ => Reply::Bytes(json(200, &[], ANSWER)),
    })
    .await;
    let gateway = Ready::start(&mut on_instance(&home, &bedrock, &metadata)).await;
    let gateway = Arc::new(gateway);
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let gateway = Arc::clone(&gateway);
        calls.spawn(async move { gateway.works().await });
    }
    soon(bedrock.asked(CALLS)).await;
    gate.add_permits(CALLS);
    soon(calls.join_all()).await;
    let keys = keys(&bedrock);
    let signed_with = |id: &str| keys.iter().filter(|key| *key == id).count();
    assert_eq!((signed_with("IMDS0"), signed_with("IMDS1")), (CALLS, CALLS));
    let fetches = metadata.received();
    let fetches = fetches
        .iter()
        .filter(|request| path(request).ends_with("/gateway-role"));
    assert_eq!(fetches.count(), 2, "one at the start and one for all");
}

#[tokio::test]
async fn an_instance_whose_metadata_do_not_answer_is_one_clear_line() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let metadata = Server::answering(|_| Reply::Stall(Vec::new())).await;
    let line = failing(&mut on_instance(&home, &bedrock, &metadata)).await;
    assert!(line.contains("no AWS credentials were found"), "{line}");
    assert!(line.contains("AWS_ACCESS_KEY_ID"), "{line}");
}

#[tokio::test]
async fn an_instance_without_a_role_or_with_a_broken_one_is_one_line_that_says_so() {
    let error = r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"EC2 cannot assume it"}"#;
    for (role, expected) in [
        (text(404, "not found"), "received 404"),
        (text(200, error), "AssumeRoleUnauthorizedAccess"),
        (text(403, "off"), "403"),
    ] {
        let (bedrock, home) = (bedrock().await, Home::new());
        let metadata = Server::answering(move |request| match path(request) {
            "/latest/api/token" => Reply::Bytes(metadata(request, String::new)),
            ROLES if expected.starts_with("Assume") => Reply::Bytes(text(200, "gateway-role")),
            _ => Reply::Bytes(role.clone()),
        })
        .await;
        let line = failing(&mut on_instance(&home, &bedrock, &metadata)).await;
        assert!(line.contains("give the instance an IAM role"), "{line}");
        assert!(line.contains(expected), "{line}");
    }
}

#[tokio::test]
async fn a_pod_or_task_gets_its_credentials_with_the_token_of_its_file() {
    let (bedrock, home) = (bedrock_without(&["POD0"]).await, Home::new());
    let endpoint = Server::answering(|request| {
        let key = match request.header("authorization") {
            Some("Bearer pod") => "POD0",
            Some("Bearer newer") => "POD1",
            _ => return Reply::Bytes(json(401, &[], "{}")),
        };
        assert_eq!(path(request), "/v1/credentials");
        Reply::Bytes(json(200, &[], &credentials(key, FAR)))
    })
    .await;
    let mut command = in_container(&home, &bedrock, &endpoint);
    let gateway = Ready::start(&mut command).await;
    assert_eq!(gateway.source(), "container");
    // Kubernetes writes a new token into the file before the old one ends.
    home.write("token", "Bearer newer");
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["POD0", "POD1"]);
}

#[tokio::test]
async fn a_container_endpoint_that_fails_or_is_slow_is_one_line_with_its_reason() {
    let cases = [
        (Reply::Bytes(json(403, &[], "{}")), "403"),
        (Reply::Bytes(json(200, &[], "{\"AccessKeyId\":")), "JSON"),
        (Reply::Stall(Vec::new()), "within 5 s"),
    ];
    for (reply, expected) in cases {
        let (bedrock, home) = (bedrock().await, Home::new());
        let endpoint = Server::answering(move |_| reply.clone()).await;
        let line = failing(&mut in_container(&home, &bedrock, &endpoint)).await;
        assert!(line.contains(expected), "{line}");
    }
}

#[tokio::test]
async fn web_identity_is_exchanged_at_sts_with_the_token_of_its_file() {
    let (bedrock, sts, home) = (
        bedrock_without(&["AssumeRoleWithWebIdentity-123456789012-0"]).await,
        sts(&[]).await,
        Home::new(),
    );
    let token = home.write("token", "eyJ.first.sig");
    let mut command = home.gateway(&bedrock);
    command
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
        .env("AWS_ENDPOINT_URL_STS", sts.url());
    let gateway = Ready::start(&mut command).await;
    assert_eq!(gateway.source(), "web identity");
    home.write("token", "eyJ.second.sig");
    gateway.works().await;
    let key = |number| format!("AssumeRoleWithWebIdentity-123456789012-{number}");
    assert_eq!(keys(&bedrock), [key(0), key(1)]);
    let forms: Vec<_> = sts.received().iter().map(form).collect();
    let tokens = forms
        .iter()
        .map(|form| form_value(form, "WebIdentityToken"));
    assert_eq!(
        tokens.collect::<Vec<_>>(),
        ["eyJ.first.sig", "eyJ.second.sig"]
    );
    assert_eq!(
        form_value(&forms[0], "RoleArn"),
        "arn:aws:iam::123456789012:role/pod"
    );
}

#[tokio::test]
async fn a_web_identity_that_sts_refuses_is_one_line_and_no_other_source_is_tried() {
    let (bedrock, metadata, home) = (bedrock().await, instance_metadata().await, Home::new());
    let sts = Server::answering(|_| Reply::Bytes(xml(400, &sts_error("InvalidIdentityToken"))));
    let mut command = on_instance(&home, &bedrock, &metadata);
    command
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", home.write("token", "eyJ"))
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
        .env("AWS_ENDPOINT_URL_STS", sts.await.url());
    let line = failing(&mut command).await;
    assert!(line.contains("InvalidIdentityToken"), "{line}");
    assert!(metadata.received().is_empty());
}

#[tokio::test]
async fn the_documented_order_decides_between_sources() {
    let (bedrock, metadata, sts) = (bedrock().await, instance_metadata().await, sts(&[]).await);
    let container =
        Server::answering(|_| Reply::Bytes(json(200, &[], &credentials("POD0", FAR)))).await;
    let home = Home::new();
    home.write(
        ".aws/credentials",
        "[default]\naws_access_key_id = FILE0\naws_secret_access_key = secret\n",
    );
    let mut command = in_container(&home, &bedrock, &container);
    command
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url())
        .env_remove("AWS_EC2_METADATA_DISABLED")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", home.write("identity", "eyJ"))
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
        .env("AWS_ENDPOINT_URL_STS", sts.url())
        .env("AWS_ACCESS_KEY_ID", "ENV0")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_BEARER_TOKEN_BEDROCK", "api-key");
    let steps: [(&[&str], &str, &str); 6] = [
        (&[], "Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)", ""),
        (&["AWS_BEARER_TOKEN_BEDROCK"], "environment", "ENV0"),
        (&["AWS_ACCESS_KEY_ID"], "profile default (keys)", "FILE0"),
        (
            &["HOME"],
            "web identity",
            "AssumeRoleWithWebIdentity-123456789012-0",
        ),
        (&["AWS_WEB_IDENTITY_TOKEN_FILE"], "container", "POD0"),
        (
            &["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
            "instance metadata",
            "IMDS0",
        ),
    ];
    for (removed, source, key) in steps {
        for name in removed {
            command.env_remove(name);
        }
        let gateway = Ready::start(&mut command).await;
        assert_eq!(gateway.source(), source);
        gateway.works().await;
        assert_eq!(keys(&bedrock).last().unwrap(), key);
    }
}
