//! AWS says no, in each of its ways.

use super::aws::{Aws, Reply};
use super::{CHECKS, doctor, examine, run};
use crate::upstream::server::{event, exception};

/// Which checks fail, and words of the output, when `operation` is answered with `reply`.
async fn refused(operation: &'static str, reply: Reply, failed: &[&str], words: &[&str]) {
    let aws = Aws::start().await;
    aws.answer(operation, reply);
    let outcome = examine(&aws, &[]).await;
    assert_eq!(outcome.failed(), failed, "{}", outcome.output);
    for word in words {
        assert!(
            outcome.output.contains(word),
            "{word} is missing in\n{}",
            outcome.output
        );
    }
}

#[tokio::test]
async fn a_missing_action_comes_with_the_statement_that_allows_it() {
    let text = "User: arn:aws:sts::123456789012:assumed-role/gateway/session is not authorized to perform: \
                bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:us-west-2::foundation-model/x";
    let reply = Reply::exception(403, "AccessDeniedException", text);
    let statement = r#"{"Effect":"Allow","Action":["bedrock:InvokeModel","bedrock:InvokeModelWithResponseStream"],"Resource":["arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0","arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0","arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0"]}"#;
    let words = ["Allow bedrock:InvokeModelWithResponseStream", statement];
    refused("ConverseStream", reply, &["ConverseStream"], &words).await;
}

#[tokio::test]
async fn lists_that_are_not_allowed_cost_no_call() {
    for operation in ["ListFoundationModels", "ListInferenceProfiles"] {
        let text = format!("User: u is not authorized to perform: bedrock:{operation}");
        let reply = Reply::exception(403, "AccessDeniedException", &text);
        let action = format!("Allow bedrock:{operation}.");
        let words = [
            &*action,
            r#""Resource":"*"}"#,
            "✓ Converse ",
            "✓ ConverseStream ",
        ];
        refused(operation, reply, &[operation], &words).await;
    }
}

#[tokio::test]
async fn what_the_account_has_to_do_is_told_apart() {
    for (status, name, text, word) in [
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model with the specified model ID.",
            "Request access",
        ),
        (
            403,
            "AccessDeniedException",
            "not authorized to perform the required AWS Marketplace actions (aws-marketplace:Subscribe)",
            "aws-marketplace:Subscribe",
        ),
        (
            404,
            "ResourceNotFoundException",
            "Model use case details have not been submitted for this account.",
            "use-case form",
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            "outcrop models",
        ),
    ] {
        let reply = Reply::exception(status, name, text);
        refused("Converse", reply, &["Converse"], &[text, word]).await;
    }
}

#[tokio::test]
async fn throttling_is_told_after_the_last_attempt() {
    let text = "Too many tokens per day, please wait before trying again.";
    let reply = Reply::exception(429, "ThrottlingException", text);
    refused(
        "Converse",
        reply,
        &["Converse"],
        &["Service Quotas", "tomorrow"],
    )
    .await;
}

const ON_DEMAND: &str = "Invocation of model ID amazon.nova-lite-v1:0 with on-demand throughput isn’t supported. Retry your \
                         request with the ID or ARN of an inference profile that contains this model.";

#[tokio::test]
async fn on_demand_is_answered_with_the_profiles_that_would_work() {
    let aws = Aws::start().await;
    for operation in ["Converse", "ConverseStream"] {
        let reply = Reply::exception(400, "ValidationException", ON_DEMAND);
        aws.answer(operation, reply);
    }
    let mut command = doctor(&aws.url(), &["amazon.nova-lite-v1:0"]);
    command.env("OUTCROP_BEDROCK_AUTO_PROFILE", "false");
    let outcome = run(command).await;
    assert_eq!(outcome.failed(), ["Converse", "ConverseStream"]);
    let advice = "Ask for us.amazon.nova-lite-v1:0 instead";
    assert_eq!(outcome.output.matches(advice).count(), 1);
    assert!(outcome.output.contains("→ The same."), "{}", outcome.output);
}

#[tokio::test]
async fn a_profile_that_the_gateway_chooses_by_itself_is_no_failure() {
    let aws = Aws::start().await;
    aws.answer_once(
        "Converse",
        Reply::exception(400, "ValidationException", ON_DEMAND),
    );
    let outcome = examine(&aws, &["bedrock/amazon.nova-lite-v1:0"]).await;
    assert!(outcome.failed().is_empty());
    let words = "amazon.nova-lite-v1:0 through us.amazon.nova-lite-v1:0 says";
    assert!(
        outcome.line("Converse").contains(words),
        "{}",
        outcome.output
    );
    assert!(
        outcome
            .line("ConverseStream")
            .contains("amazon.nova-lite-v1:0 sent")
    );
}

#[tokio::test]
async fn a_profile_that_is_denied_is_in_the_statement() {
    let aws = Aws::start().await;
    aws.answer_once(
        "Converse",
        Reply::exception(400, "ValidationException", ON_DEMAND),
    );
    aws.answer(
        "Converse",
        Reply::exception(403, "AccessDeniedException", ""),
    );
    let outcome = examine(&aws, &["amazon.nova-lite-v1:0"]).await;
    assert_eq!(outcome.failed(), ["Converse"]);
    for resource in [
        "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
        "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0",
    ] {
        assert!(
            outcome.output.contains(&format!("\"{resource}\"")),
            "{}",
            outcome.output
        );
    }
}

#[tokio::test]
async fn credentials_that_sts_does_not_take_spare_all_later_checks() {
    for (code, word) in [
        ("ExpiredToken", "AWS_SESSION_TOKEN has expired"),
        ("InvalidClientTokenId", "does not know these credentials"),
        ("SignatureDoesNotMatch", "secret access key does not belong"),
    ] {
        let aws = Aws::start().await;
        aws.answer("GetCallerIdentity", Reply::error(403, code, "no"));
        let outcome = examine(&aws, &[]).await;
        assert_eq!(outcome.failed(), ["identity"], "{code}");
        assert_eq!(outcome.signs(), "✓✓✓✓✓✓✓✗––––");
        assert!(outcome.output.contains(word), "{}", outcome.output);
        let received = aws.received();
        let asked: Vec<_> = received.iter().map(|asked| asked.operation).collect();
        assert_eq!(asked, ["", "GetCallerIdentity"]);
    }
}

#[tokio::test]
async fn an_expired_token_is_told_by_bedrock_too() {
    let text = "The security token included in the request is expired";
    let aws = Aws::start().await;
    for operation in CHECKS.iter().skip(8) {
        aws.answer(
            operation,
            Reply::exception(403, "ExpiredTokenException", text),
        );
    }
    let outcome = examine(&aws, &[]).await;
    assert_eq!(outcome.failed(), &CHECKS[8..]);
    assert!(outcome.output.contains("AWS_SESSION_TOKEN has expired"));
}

#[tokio::test]
async fn an_sts_that_does_not_answer_is_nothing_that_is_missing() {
    for reply in [
        Reply::error(403, "AccessDenied", "an endpoint policy"),
        Reply::exception(404, "UnknownOperationException", ""),
        Reply::json(200, "{}"),
    ] {
        let aws = Aws::start().await;
        aws.answer("GetCallerIdentity", reply);
        let outcome = examine(&aws, &[]).await;
        assert!(outcome.failed().is_empty());
        assert!(
            outcome.line("identity").starts_with("– "),
            "{}",
            outcome.output
        );
    }
}

#[tokio::test]
async fn a_stream_that_fails_or_ends_early_is_a_failure() {
    let start = event("messageStart", r#"{"role":"assistant"}"#);
    let denied = exception(
        "accessDeniedException",
        r#"{"message":"You don't have access to the model"}"#,
    );
    for (messages, word) in [
        (vec![start.clone()], "without messageStop"),
        (vec![start.clone(), denied.clone()], "Request access"),
        (vec![denied], "Request access"),
        (vec![start.get(..20).unwrap().to_vec()], "cuts"),
    ] {
        refused(
            "ConverseStream",
            Reply::stream(&messages),
            &["ConverseStream"],
            &[word],
        )
        .await;
    }
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_comes_with_what_it_needs() {
    let aws = Aws::start().await;
    let text = "User: arn:aws:sts::123456789012:assumed-role/gateway/session is not authorized to perform: sts:AssumeRole";
    aws.answer("AssumeRole", Reply::error(403, "AccessDenied", text));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.toml");
    let role = "arn:aws:iam::999999999999:role/outcrop";
    let account = format!(
        "[[accounts]]\nname = \"research\"\nrole_arn = \"{role}\"\nexternal_id = \"ticket-7654321\"\n"
    );
    std::fs::write(&file, account).unwrap();
    let outcome = examine(&aws, &["--config", file.to_str().unwrap()]).await;
    assert_eq!(outcome.failed(), ["account research"]);
    assert!(
        outcome.output.contains("trust policy"),
        "{}",
        outcome.output
    );
    assert!(
        outcome.output.contains(r#""Action":["sts:AssumeRole"]"#),
        "{}",
        outcome.output
    );
    assert!(
        !outcome.output.contains("ticket-7654321"),
        "{}",
        outcome.output
    );
}

#[tokio::test]
async fn a_bedrock_api_key_alone_assumes_no_role() {
    let aws = Aws::start().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.toml");
    let account = "[[accounts]]\nname = \"research\"\nrole_arn = \"arn:aws:iam::999999999999:role/outcrop\"\n";
    std::fs::write(&file, account).unwrap();
    let mut command = doctor(&aws.url(), &["--config", file.to_str().unwrap()]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_BEARER_TOKEN_BEDROCK", "bedrock-api-key-example");
    let outcome = run(command).await;
    assert_eq!(outcome.failed(), ["account research"]);
    let told = &outcome.output;
    assert!(told.contains("beside the Bedrock API key"), "{told}");
    assert!(!told.contains("trust policy"), "{told}");
}

#[tokio::test]
async fn as_json_a_failure_has_its_advice() {
    let aws = Aws::start().await;
    let text = "You don't have access to the model with the specified model ID.";
    aws.answer(
        "Converse",
        Reply::exception(403, "AccessDeniedException", text),
    );
    let outcome = examine(&aws, &["--json"]).await;
    assert_eq!(outcome.code, 1);
    assert_eq!(outcome.error, "outcrop: 1 check failed: Converse\n");
    let report: serde_json::Value = serde_json::from_str(&outcome.output).unwrap();
    assert_eq!(report["ok"], false);
    let check = outcome.check("Converse");
    assert_eq!(check["ok"], false);
    assert!(check["detail"].as_str().unwrap().contains(text));
    assert!(check["advice"].as_str().unwrap().contains("Request access"));
    assert_eq!(outcome.check("ConverseStream")["ok"], true);
}
