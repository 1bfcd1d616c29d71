//! What the shared files of `~/.aws` say, and that they are read again.

use super::aws::{
    FAR, Home, Ready, bedrock, bedrock_without, failing, form, form_value, key_of, keys, sts,
};
use crate::upstream::server::{Reply, Server, json};

fn key(profile: &str, id: &str) -> String {
    format!("[{profile}]\naws_access_key_id = {id}\naws_secret_access_key = secret\n")
}

/// A process that prints the credentials of a file.
fn process(home: &Home, id: &str) -> String {
    let printed = format!(
        r#"{{"Version":1,"AccessKeyId":"{id}","SecretAccessKey":"secret","SessionToken":"t","Expiration":"{FAR}"}}"#
    );
    home.write("printed.json", &printed)
}

#[tokio::test]
async fn keys_that_are_rotated_in_a_file_are_read_again_when_the_old_ones_are_refused() {
    let (bedrock, home) = (bedrock_without(&["FILE0"]).await, Home::new());
    home.write(".aws/credentials", &key("work", "FILE0"));
    let mut command = home.gateway(&bedrock);
    let gateway = Ready::start(command.env("AWS_PROFILE", "work")).await;
    assert_eq!(gateway.source(), "profile work (keys)");
    home.write(".aws/credentials", &key("work", "FILE1"));
    gateway.works().await;
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["FILE0", "FILE1", "FILE1"]);
}

#[tokio::test]
async fn keys_that_stay_in_their_file_are_not_sent_twice() {
    let (bedrock, home) = (bedrock_without(&["FILE0"]).await, Home::new());
    home.write(".aws/credentials", &key("default", "FILE0"));
    let gateway = Ready::start(&mut home.gateway(&bedrock)).await;
    let answer = super::aws::ask(&gateway, crate::support::gateway::MODEL).await;
    assert_eq!(
        (answer.status, answer.error().2.as_deref()),
        (502, Some("upstream_auth"))
    );
    assert_eq!(keys(&bedrock), ["FILE0"]);
}

#[tokio::test]
async fn a_credential_process_is_run_again_when_its_credentials_are_refused() {
    let (bedrock, home) = (bedrock_without(&["PROCESS0"]).await, Home::new());
    let printed = process(&home, "PROCESS0");
    let config = format!("[profile work]\ncredential_process = cat {printed}\n");
    home.write(".aws/config", &config);
    let mut command = home.gateway(&bedrock);
    let gateway = Ready::start(command.env("AWS_PROFILE", "work")).await;
    assert_eq!(gateway.source(), "profile work (credential_process)");
    process(&home, "PROCESS1");
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["PROCESS0", "PROCESS1"]);
}

#[tokio::test]
async fn a_credential_process_that_fails_or_hangs_is_one_line() {
    for (command, expected) in [
        ("sh -c 'echo log in first >&2; exit 3'", "log in first"),
        ("echo nonsense", "could not parse response"),
        (
            "sleep 30",
            "within 5 s; they come from profile default (credential_process)",
        ),
    ] {
        let (bedrock, home) = (bedrock().await, Home::new());
        let config = format!("[default]\ncredential_process = {command}\n");
        home.write(".aws/config", &config);
        let line = failing(&mut home.gateway(&bedrock)).await;
        assert!(line.contains(expected), "{line}");
    }
}

#[tokio::test]
async fn a_start_waits_for_a_credential_process_that_takes_its_time() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let printed = process(&home, "PROCESS0");
    let config = format!("[default]\ncredential_process = sh -c 'sleep 6; cat {printed}'\n");
    home.write(".aws/config", &config);
    let gateway = Ready::start(&mut home.gateway(&bedrock)).await;
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["PROCESS0"]);
}

#[tokio::test]
async fn a_session_of_aws_login_is_one_line_that_says_how_others_get_at_it() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let config = "[profile work]\nlogin_session = arn:aws:iam::111122223333:user/dev\n";
    home.write(".aws/config", config);
    let line = failing(home.gateway(&bedrock).env("AWS_PROFILE", "work")).await;
    let advice = "credential_process = aws configure export-credentials --profile work";
    assert!(line.contains(advice) && !line.contains("cargo"), "{line}");
}

#[tokio::test]
async fn a_profile_assumes_its_role_with_the_keys_of_another() {
    let (bedrock, sts, home) = (bedrock().await, sts(&[]).await, Home::new());
    home.write(".aws/credentials", &key("base", "BASE0"));
    home.write(
        ".aws/config",
        "[profile work]\nrole_arn = arn:aws:iam::111122223333:role/work\nsource_profile = base\nexternal_id = shared\n",
    );
    let gateway = Ready::start(&mut with_sts(&home, &bedrock, &sts)).await;
    assert_eq!(gateway.source(), "profile work (role)");
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["AssumeRole-111122223333-0"]);
    let request = &sts.received()[0];
    assert_eq!(key_of(request), "BASE0");
    assert_eq!(
        form_value(&form(request), "RoleArn"),
        "arn:aws:iam::111122223333:role/work"
    );
}

#[tokio::test]
async fn a_blank_name_of_a_profile_counts_as_none() {
    let (bedrock, home) = (bedrock().await, Home::new());
    home.write(".aws/credentials", &key("default", "FILE0"));
    let mut command = home.gateway(&bedrock);
    let gateway = Ready::start(command.env("AWS_PROFILE", "")).await;
    assert_eq!(gateway.source(), "profile default (keys)");
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["FILE0"]);
}

#[tokio::test]
async fn half_a_pair_of_keys_is_not_dropped_in_silence() {
    for (set, missing) in [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ] {
        let (bedrock, home) = (bedrock().await, Home::new());
        home.write(".aws/credentials", &key("default", "FILE0"));
        let gateway = Ready::start(home.gateway(&bedrock).env(set, "half")).await;
        assert_eq!(gateway.source(), "profile default (keys)");
        let warning = format!("{set} is not used, because {missing} is not set");
        let log = &gateway.process.log;
        assert!(log.iter().any(|line| line.contains(&warning)), "{log:#?}");
    }
}

#[tokio::test]
async fn a_profile_that_does_not_exist_is_one_line() {
    let (bedrock, home) = (bedrock().await, Home::new());
    let line = failing(home.gateway(&bedrock).env("AWS_PROFILE", "wrok")).await;
    assert!(
        line.contains("\"wrok\"") && line.contains("AWS_PROFILE"),
        "{line}"
    );
}

const SSO: &str = "[profile work]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = dev\n\
    [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.awsapps.com/start\n";

#[tokio::test]
async fn an_sso_session_that_nobody_began_is_one_line_that_says_what_to_run() {
    let (bedrock, home) = (bedrock().await, Home::new());
    home.write(".aws/config", SSO);
    let line = failing(home.gateway(&bedrock).env("AWS_PROFILE", "work")).await;
    assert!(line.contains("aws sso login --profile work"), "{line}");
}

#[tokio::test]
async fn an_sso_session_gives_credentials_and_a_newer_one_is_seen() {
    let (bedrock, home) = (bedrock_without(&["SSO-first"]).await, Home::new());
    let portal = Server::answering(|request| {
        assert!(request.line.contains("role_name=dev"), "{request:?}");
        let token = request.header("x-amz-sso_bearer_token").unwrap();
        let answer = format!(
            r#"{{"roleCredentials":{{"accessKeyId":"SSO-{token}","secretAccessKey":"secret","sessionToken":"t","expiration":4070908800000}}}}"#
        );
        Reply::Bytes(json(200, &[], &answer))
    })
    .await;
    home.write(".aws/config", SSO);
    std::fs::create_dir_all(home.path().join(".aws/sso/cache")).unwrap();
    let login = |token: &str| {
        let session = format!(r#"{{"accessToken":"{token}","expiresAt":"{FAR}"}}"#);
        // The name is the SHA-1 of the session's.
        home.write(
            ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json",
            &session,
        );
    };
    login("first");
    let mut command = home.gateway(&bedrock);
    command
        .env("AWS_PROFILE", "work")
        .env("AWS_ENDPOINT_URL_SSO", portal.url());
    let gateway = Ready::start(&mut command).await;
    assert_eq!(gateway.source(), "profile work (SSO)");
    login("second");
    gateway.works().await;
    assert_eq!(keys(&bedrock), ["SSO-first", "SSO-second"]);
}

fn with_sts(home: &Home, bedrock: &Server, sts: &Server) -> std::process::Command {
    let mut command = home.gateway(bedrock);
    command
        .env("AWS_PROFILE", "work")
        .env("AWS_ENDPOINT_URL_STS", sts.url());
    command
}
