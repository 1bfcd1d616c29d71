//! Settings that cannot be used stop the examination where they belong.

use std::fs;

use super::{CHECKS, doctor, run};
use crate::support::process::outcrop;

#[test]
fn its_help_can_be_read_alone() {
    let output = outcrop(&["doctor", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for name in [
        "[MODEL]",
        "--json",
        "--config",
        "--replay",
        "Examples:",
        "✗",
    ] {
        assert!(help.contains(name), "{name} is missing in\n{help}");
    }
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.toml");
    fs::write(&file, "lisen = 1\ngrace = \"soon\"\n").unwrap();
    let outcome = run(doctor(
        "http://127.0.0.1:9",
        &["--config", file.to_str().unwrap()],
    ))
    .await;
    assert_eq!(outcome.failed(), ["configuration"]);
    assert!(outcome.line("configuration").contains("2 mistakes"));
    for words in [
        "outcrop.toml:1:1: unknown key",
        "outcrop.toml:2:9: grace must be",
    ] {
        assert!(
            outcome.output.contains(words),
            "{words}\n{}",
            outcome.output
        );
    }
    assert_eq!(
        outcome.signs(),
        format!("✗{}", "–".repeat(CHECKS.len() - 1))
    );
}

#[tokio::test]
async fn a_setting_that_cannot_be_used_fails_in_its_place() {
    for (variable, value, place) in [
        ("AWS_REGION", "US EAST", "region"),
        ("AWS_ENDPOINT_URL", "ftp://aws", "endpoint"),
        ("AWS_CA_BUNDLE", "/absent/ca.pem", "connection"),
        ("HTTPS_PROXY", "socks5://user:hunter2@proxy", "connection"),
        ("AWS_BEARER_TOKEN_BEDROCK", "two\nlines", "credentials"),
    ] {
        let mut command = doctor("http://127.0.0.1:9", &[]);
        command.env(variable, value);
        let outcome = run(command).await;
        assert_eq!(outcome.failed(), [place], "{variable}");
        let mut expected = "✓".to_owned();
        let signs = CHECKS
            .iter()
            .skip(1)
            .map(|name| if *name == place { '✗' } else { '–' });
        expected.extend(signs);
        assert_eq!(outcome.signs(), expected, "{variable}");
        assert!(!outcome.output.contains("hunter2"), "{}", outcome.output);
    }
}

#[tokio::test]
async fn without_credentials_it_is_told_what_to_set() {
    let aws = super::Aws::start().await;
    let mut command = doctor(&aws.url(), &[]);
    command.env_remove("AWS_ACCESS_KEY_ID");
    let outcome = run(command).await;
    assert_eq!(outcome.failed(), ["credentials"], "{}", outcome.output);
    assert_eq!(outcome.signs(), "✓✓✓✓✓✓✗–––––");
    assert!(outcome.output.contains("AWS_PROFILE"), "{}", outcome.output);
}

#[tokio::test]
async fn what_instance_metadata_says_is_told_and_what_to_set_is_advice() {
    let aws = super::Aws::start().await;
    let mut command = doctor(&aws.url(), &[]);
    command
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env_remove("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url());
    let outcome = run(command).await;
    assert_eq!(outcome.failed(), ["credentials"], "{}", outcome.output);
    let line = outcome.line("credentials");
    assert!(line.contains("instance metadata"), "{line}");
    assert!(!line.contains("AWS_ACCESS_KEY_ID"), "{line}");
    for variable in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_BEARER_TOKEN_BEDROCK",
    ] {
        assert!(outcome.output.contains(variable), "{}", outcome.output);
    }
}

#[tokio::test]
async fn what_cannot_be_a_model_is_refused_before_aws_is_asked() {
    let aws = super::Aws::start().await;
    for model in ["", "a\nb"] {
        let outcome = super::examine(&aws, &["--json", model]).await;
        assert_eq!((outcome.code, outcome.output.as_str()), (2, ""));
        assert_eq!(outcome.error.lines().count(), 1, "{}", outcome.error);
        assert!(outcome.error.contains("model id"), "{}", outcome.error);
    }
    assert!(aws.received().is_empty());
}
