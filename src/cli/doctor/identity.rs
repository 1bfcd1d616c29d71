//! Credentials, whose they are, and the roles of other accounts.

use std::time::{Duration, Instant};

use super::advice;
use super::check::{Check, Finding, within};
use super::question::{Operation, Question};
use crate::bedrock::ExceptionKind;
use crate::config;
use crate::upstream::{Accounts, Bedrock, CallerIdentity, CredentialsError, Error};

/// How long each check here may take.
const LIMIT: Duration = Duration::from_secs(10);

/// Loads credentials.
pub(super) async fn credentials(bedrock: &Bedrock) -> Check {
    let begun = Instant::now();
    let source = &bedrock.describe().credential_source;
    let finding = match within(LIMIT, bedrock.credentials_resolve()).await {
        Ok(Ok(())) => Finding::good(format!("from {source}")),
        Ok(Err(error)) => {
            let advice = advice::no_credentials(&error, source);
            let detail = match error {
                // Their own texts are advice already.
                CredentialsError::Missing => "there are none".to_owned(),
                CredentialsError::InstanceMetadata(reason) => {
                    format!("there are none, also not from instance metadata: {reason}")
                }
                error => error.to_string(),
            };
            Finding::bad(detail, advice)
        }
        Err(finding) => finding,
    };
    Check::since(begun, "credentials", finding)
}

/// Asks STS whose they are. Calls need no STS, so that one out of reach is nothing that is missing; but what it does not
/// take, nobody else at AWS does.
pub(super) async fn identity(
    bedrock: &Bedrock,
    question: Question<'_>,
) -> (Check, Option<CallerIdentity>) {
    let begun = Instant::now();
    let question = Question {
        operation: Operation::GetCallerIdentity,
        ..question
    };
    let asked = within(LIMIT, bedrock.caller_identity()).await;
    let (finding, identity) = match asked {
        Ok(Ok(Some(identity))) => (Finding::good(shown(&identity)), Some(identity)),
        Ok(Ok(None)) => (
            Finding::skipped("a Bedrock API key says it to Bedrock alone"),
            None,
        ),
        Ok(Err(error)) if is_refusal(&error) => {
            let advice = advice::failed(&error, &question);
            (Finding::bad(of_sts(&error), advice), None)
        }
        Ok(Err(error)) => (unknown(&of_sts(&error)), None),
        Err(finding) => (unknown(&finding.detail), None),
    };
    (Check::since(begun, "identity", finding), identity)
}

/// Assumes the role of each account, side by side.
pub(super) async fn accounts(
    accounts: &Accounts,
    settings: &[config::Account],
    caller: Option<&CallerIdentity>,
) -> Vec<Check> {
    let mut examined = Vec::new();
    for account in settings {
        let (accounts, account) = (accounts.clone(), account.clone());
        let caller = caller.map(|caller| caller.arn.clone());
        examined.push(tokio::spawn(async move {
            let begun = Instant::now();
            let finding = within(LIMIT, assumed(&accounts, &account, caller.as_deref())).await;
            let finding = finding.unwrap_or_else(|finding| finding);
            Check::since(begun, format!("account {}", account.name), finding)
        }));
    }
    let mut checks = Vec::new();
    for check in examined {
        checks.extend(check.await);
    }
    checks
}

async fn assumed(accounts: &Accounts, account: &config::Account, caller: Option<&str>) -> Finding {
    let bedrock = match accounts.bedrock(Some(&account.name), None) {
        Ok(bedrock) => bedrock,
        Err(error) => return Finding::bad(error.to_string(), advice::unusable(&error)),
    };
    let in_force = bedrock.describe();
    let region = &in_force.region;
    if let Err(error) = bedrock.credentials_resolve().await {
        let advice = match &error {
            CredentialsError::Failed(_) => advice::role_not_assumed(account, caller),
            // Nobody has said no to the role.
            error => advice::no_credentials(error, &in_force.credential_source),
        };
        return Finding::bad(error.to_string(), advice);
    }
    match bedrock.caller_identity().await {
        Ok(Some(identity)) => Finding::good(format!("{}, {region}", shown(&identity))),
        _ => Finding::good(format!("has credentials, {region}")),
    }
}

fn shown(identity: &CallerIdentity) -> String {
    format!("{} (account {})", identity.arn, identity.account)
}

fn unknown(why: &str) -> Finding {
    Finding::skipped(format!("not known, which calls do not need: {why}"))
}

/// Errors speak of Bedrock, which they are mostly about.
fn of_sts(error: &Error) -> String {
    error.to_string().replacen("Bedrock", "STS", 1)
}

fn is_refusal(error: &Error) -> bool {
    let Error::Exception { exception, .. } = error else {
        return false;
    };
    exception.kind == ExceptionKind::Authentication
}
