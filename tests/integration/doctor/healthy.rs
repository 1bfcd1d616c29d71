//! Nothing is missing.

use serde_json::Value;

use super::aws::{ARN, Aws};
use super::{CHECKS, doctor, examine, run};
use crate::support::process::outcrop;

#[tokio::test]
async fn every_check_is_a_line_in_its_order() {
    let aws = Aws::start().await;
    let outcome = examine(&aws, &[]).await;
    assert_eq!((outcome.code, outcome.error.as_str()), (0, ""));
    assert_eq!(outcome.signs(), "✓".repeat(CHECKS.len()));
    let names = outcome
        .output
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap());
    assert_eq!(names.collect::<Vec<_>>(), CHECKS);
    assert!(!outcome.output.contains('\u{1b}'), "no colour in a pipe");
    for (name, words) in [
        ("configuration", "no file"),
        ("region", "us-east-1 (from AWS_REGION)"),
        ("endpoint", &aws.url()),
        ("connection", "plain TCP to 127.0.0.1"),
        ("clock", "the same as AWS's"),
        ("credentials", "from environment"),
        ("identity", ARN),
        ("identity", "(account 123456789012)"),
        ("ListFoundationModels", "2 foundation models"),
        (
            "ListInferenceProfiles",
            "1 inference profiles, 0 of them your own",
        ),
        (
            "Converse",
            "us.amazon.nova-lite-v1:0 says \"OK\", 2 tokens in, 1 out",
        ),
        ("ConverseStream", "sent 5 events"),
        ("ConverseStream", "stopped with end_turn"),
    ] {
        assert!(
            outcome.line(name).contains(words),
            "{name}: {words}\n{}",
            outcome.output
        );
    }
}

#[tokio::test]
async fn sts_is_asked_with_a_signature_of_its_own() {
    let aws = Aws::start().await;
    examine(&aws, &[]).await;
    let received = aws.received();
    let asked = received
        .iter()
        .find(|asked| asked.operation == "GetCallerIdentity")
        .unwrap();
    assert_eq!(asked.body, "Action=GetCallerIdentity&Version=2011-06-15");
    let authorization = asked.authorization.as_deref().unwrap();
    assert!(
        authorization.contains("/us-east-1/sts/aws4_request"),
        "{authorization}"
    );
    // What asks for the time is not signed.
    let unsigned = received
        .iter()
        .filter(|asked| asked.authorization.is_none());
    assert_eq!(
        unsigned
            .map(|asked| asked.path.as_str())
            .collect::<Vec<_>>(),
        ["/"]
    );
}

#[tokio::test]
async fn a_model_that_is_named_is_called() {
    let aws = Aws::start().await;
    let outcome = examine(&aws, &["acme.model-1[1m]"]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.output);
    assert!(outcome.line("Converse").contains("acme.model-1 says"));
    let received = aws.received();
    let called = received
        .iter()
        .filter(|asked| asked.operation.starts_with("Converse"));
    for call in called {
        assert!(
            call.path.starts_with("/model/acme.model-1/converse"),
            "{}",
            call.path
        );
        let body: Value = serde_json::from_str(&call.body).unwrap();
        assert!(body["inferenceConfig"]["maxTokens"].as_u64().unwrap() <= 16);
    }
}

#[tokio::test]
async fn every_target_of_an_alias_is_called_and_told_by_its_place() {
    let aws = Aws::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.toml");
    let id = "us.amazon.nova-lite-v1:0";
    let model = format!("[[models]]\nid = \"fast\"\ntargets = [\"{id}\", \"us-west-2/{id}\"]\n");
    std::fs::write(&file, model).unwrap();
    let outcome = examine(&aws, &["--config", file.to_str().unwrap(), "fast"]).await;
    assert!(outcome.failed().is_empty(), "{}", outcome.error);
    let lines = outcome.output.lines();
    let lines: Vec<_> = lines.filter(|line| line.contains("Converse")).collect();
    let [own, _, other, streamed] = lines.as_slice() else {
        panic!("{}", outcome.output);
    };
    assert!(own.contains(&format!(" {id} says")), "{own}");
    assert!(other.contains(&format!(" us-west-2: {id} says")), "{other}");
    assert!(
        streamed.contains(&format!(" us-west-2: {id} sent")),
        "{streamed}"
    );
}

#[tokio::test]
async fn as_json_each_check_is_an_object() {
    let aws = Aws::start().await;
    let outcome = examine(&aws, &["--json"]).await;
    assert_eq!((outcome.code, outcome.error.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&outcome.output).unwrap();
    assert_eq!(report["ok"], true);
    let checks = report["checks"].as_array().unwrap();
    for (check, name) in checks.iter().zip(CHECKS) {
        let members: Vec<&str> = check
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(members, ["name", "ok", "detail", "advice", "milliseconds"]);
        assert_eq!((&check["name"], &check["ok"]), (&name.into(), &true.into()));
        assert!(check["milliseconds"].is_u64() && check["advice"].is_null());
    }
    assert_eq!(checks.len(), CHECKS.len());
}

#[tokio::test]
async fn a_bedrock_api_key_needs_no_identity() {
    let aws = Aws::start().await;
    let mut command = doctor(&aws.url(), &[]);
    command.env("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-1234");
    let outcome = run(command).await;
    assert_eq!(outcome.code, 0, "{}", outcome.output);
    assert!(
        outcome.line("identity").starts_with("– "),
        "{}",
        outcome.output
    );
    assert!(outcome.line("credentials").contains("Bedrock API key"));
    let received = aws.received();
    assert!(
        received
            .iter()
            .all(|asked| asked.operation != "GetCallerIdentity")
    );
}

#[tokio::test]
async fn the_roles_of_other_accounts_are_assumed() {
    let aws = Aws::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.toml");
    let role = "arn:aws:iam::999999999999:role/outcrop";
    let accounts = format!("[[accounts]]\nname = \"research\"\nrole_arn = \"{role}\"\n");
    std::fs::write(&file, accounts).unwrap();
    let outcome = examine(&aws, &["--config", file.to_str().unwrap()]).await;
    assert_eq!(outcome.code, 0, "{}", outcome.output);
    assert_eq!(outcome.signs().chars().count(), CHECKS.len() + 1);
    assert!(
        outcome.output.contains("✓ account research "),
        "{}",
        outcome.output
    );
    let line = outcome.line("configuration");
    assert!(
        line.contains("outcrop.toml with 0 [[models]] and 1 [[accounts]]"),
        "{line}"
    );
    let received = aws.received();
    assert!(received.iter().any(|asked| asked.operation == "AssumeRole"));
}

#[test]
fn with_replay_nothing_outside_is_needed() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    let output = outcrop(&["doctor", "--replay", fixtures]).output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{shown}");
    for name in ["DNS", "connection", "clock", "identity"] {
        let line = shown.lines().find(|line| line.contains(name)).unwrap();
        assert!(
            line.starts_with("– ") && line.contains("none is needed"),
            "{line}"
        );
    }
    for name in [
        "ListFoundationModels",
        "ListInferenceProfiles",
        "Converse ",
        "ConverseStream",
    ] {
        let line = shown.lines().find(|line| line.contains(name)).unwrap();
        assert!(line.starts_with("✓ "), "{line}");
    }
    let output = outcrop(&["doctor", "--replay", fixtures, "replay.error-on-demand"]).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("\n✗ Converse ") && shown.contains("inference profile"),
        "{shown}"
    );
}
