//! How the binary starts, and why it does not.

use std::net::TcpListener;
use std::process::Command;

use serde_json::Value;

use crate::support::gateway::{FIXTURES, question};
use crate::support::process::{Process, outcrop};

const ANY: &str = "127.0.0.1:0";

fn replay(more: &[&str]) -> Command {
    let mut command = outcrop(&[
        "serve", "--listen", ANY, "--speed", "0", "--replay", FIXTURES,
    ]);
    command.args(more);
    command
}

/// The one line of a start that fails, and its exit code.
async fn refusal(command: &mut Command) -> (i32, String) {
    let (status, log) = Process::start(command).ended().await;
    assert_eq!(log.len(), 1, "{log:#?}");
    assert!(log[0].starts_with("outcrop: "), "{log:?}");
    (status.code().unwrap(), log[0].clone())
}

#[tokio::test]
async fn each_thing_in_force_has_its_line() {
    let mut process = Process::start(&mut replay(&[]));
    let address = process.address().await;
    assert_ne!(address.port(), 0);
    assert_eq!(
        process.log.last(),
        Some(&format!("listening on http://{address}"))
    );
    for text in [
        "replaying ",
        "region us-east-1",
        "endpoint http://127.0.0.1:",
        "credentials made up for the replay",
        &format!("no keys are configured: everybody who reaches {address} can call"),
        "OUTCROP_STATE_KEY is not set: ",
    ] {
        let lines = process.log.iter().filter(|line| line.contains(text));
        assert_eq!(lines.count(), 1, "{text}: {:#?}", process.log);
    }
}

#[tokio::test]
async fn with_a_state_key_none_is_missed_and_a_wrong_one_stops_the_start() {
    let key = format!("{}=", "k".repeat(43));
    let mut process = Process::start(replay(&[]).env("OUTCROP_STATE_KEY", &key));
    process.address().await;
    let log = process.log.join("\n");
    assert!(
        !log.contains("OUTCROP_STATE_KEY") && !log.contains("kkk"),
        "{log}"
    );

    let wrong = Process::start(replay(&[]).env("OUTCROP_STATE_KEY", &key[4..]));
    let (status, log) = wrong.ended().await;
    let log = log.join("\n");
    assert!(
        !status.success() && log.contains("OUTCROP_STATE_KEY: must be 32 bytes"),
        "{log}"
    );
    assert!(!log.contains("kkk"), "{log}");
}

#[tokio::test]
async fn with_keys_none_are_missed() {
    let mut process = Process::start(replay(&[]).env("OUTCROP_API_KEY", "sk-marker"));
    process.address().await;
    let log = process.log.join("\n");
    assert!(
        !log.contains("no keys are configured") && !log.contains("sk-marker"),
        "{log}"
    );
}

#[tokio::test]
async fn the_listening_line_comes_whatever_the_filter() {
    let mut process = Process::start(replay(&[]).env("RUST_LOG", "off"));
    let mut client = process.connect().await;
    assert_eq!(process.log.len(), 1, "{:?}", process.log);
    client.chat(&question("replay.short-text")).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn more_can_be_logged_in_text_as_in_json() {
    for format in ["text", "json"] {
        let mut command = replay(&["--log-format", format]);
        let mut process = Process::start(command.env("RUST_LOG", "outcrop=debug"));
        process.line_with("loaded AWS credentials").await;
    }
}

#[tokio::test]
async fn json_logs_are_json_from_the_first_line_on() {
    let mut process = Process::start(&mut replay(&["--log-format", "json"]));
    let mut client = process.connect().await;
    client.send("GET", "/health", &[], "").await;
    client.answer().await;
    process.line_with("/health").await;
    for line in &process.log {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(
            line["message"].is_string() && line["level"].is_string(),
            "{line}"
        );
    }
    let is_listening =
        |line: &String| line.contains(r#""message":"listening on http://127.0.0.1:"#);
    assert_eq!(
        process.log.iter().filter(|line| is_listening(line)).count(),
        1
    );
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind(ANY).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = outcrop(&["serve", "--listen", &address, "--replay", FIXTURES]);
    let (code, line) = refusal(&mut command).await;
    assert_eq!(code, 1);
    assert!(
        line.contains(&format!("cannot listen on {address}")) && line.contains("--listen"),
        "{line}"
    );
}

#[tokio::test]
async fn no_credentials_is_one_clear_line() {
    let mut command = outcrop(&["serve", "--listen", ANY]);
    command
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "us-east-1");
    let (code, line) = refusal(&mut command).await;
    assert_eq!(code, 1);
    assert!(
        line.contains("credentials") && line.contains("AWS_ACCESS_KEY_ID"),
        "{line}"
    );
}

#[tokio::test]
async fn a_region_that_cannot_be_one_is_one_clear_line() {
    let mut command = outcrop(&["serve", "--listen", ANY]);
    command
        .env("AWS_REGION", "us-east-1.evil.example/")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
    command.env("AWS_SECRET_ACCESS_KEY", "marker");
    let (code, line) = refusal(&mut command).await;
    assert_eq!(code, 1);
    assert!(
        line.contains("region") && line.contains("AWS_REGION") && !line.contains("marker"),
        "{line}"
    );
}

#[tokio::test]
async fn a_folder_without_recordings_is_one_clear_line() {
    let mut command = outcrop(&["serve", "--listen", ANY, "--replay", "/nowhere"]);
    let (code, line) = refusal(&mut command).await;
    assert_eq!(code, 1);
    assert!(line.contains("/nowhere"), "{line}");
}

#[tokio::test]
async fn a_place_that_cannot_be_recorded_into_is_one_clear_line() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = replay(&["--record"]);
    command.arg(file.path().join("below"));
    let (code, line) = refusal(&mut command).await;
    assert_eq!(code, 1);
    assert!(line.contains("cannot record into"), "{line}");
}

#[tokio::test]
async fn off_loopback_it_needs_keys_or_to_be_told() {
    let everywhere = [
        "serve",
        "--listen",
        "0.0.0.0:0",
        "--speed",
        "0",
        "--replay",
        FIXTURES,
    ];
    let (code, line) = refusal(&mut outcrop(&everywhere)).await;
    assert_ne!(code, 0);
    assert!(
        line.contains("OUTCROP_API_KEY") && line.contains("--allow-anonymous"),
        "{line}"
    );
    let mut told = Process::start(outcrop(&everywhere).arg("--allow-anonymous"));
    assert_ne!(told.address().await.port(), 0);
    let mut keyed = Process::start(outcrop(&everywhere).env("OUTCROP_API_KEY", "sk-one"));
    assert_ne!(keyed.address().await.port(), 0);
}

#[tokio::test]
async fn a_replay_looks_at_no_variable_of_aws() {
    let mut command = replay(&[]);
    for (name, value) in [
        ("AWS_REGION", "eu-west-1"),
        ("AWS_PROFILE", "absent"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_BEARER_TOKEN_BEDROCK", "marker"),
        ("HTTP_PROXY", "http://127.0.0.1:1"),
    ] {
        command.env(name, value);
    }
    let mut process = Process::start(&mut command);
    let mut client = process.connect().await;
    client.chat(&question("replay.short-text")).await;
    assert_eq!(client.answer().await.status, 200);
}
