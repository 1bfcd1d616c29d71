//! What to do about an exception of AWS's, told by its kind first and its text second.

use super::{CLOCK, credentials, statement};
use crate::bedrock::{Exception, ExceptionKind};
use crate::cli::doctor::question::{Operation, Question, Subject};
use crate::upstream::CredentialSource;

/// How many ids are proposed.
const MOST_PROPOSED: usize = 5;

const TRY_AGAIN: &str =
    "AWS's side fails at the moment: try again, or try another model or region.";
const CONSOLE: &str = "the Bedrock console's Model catalog";

/// What to do about `exception`.
pub(super) fn refused(exception: &Exception, question: &Question<'_>) -> String {
    let text = Text(exception.message.to_ascii_lowercase().replace('’', "'"));
    // Some of these come as 403, others as 404 or 400, and have changed between them.
    if let Some(advice) = account_lacks(&text, exception, question) {
        return advice;
    }
    match exception.kind {
        ExceptionKind::AccessDenied => denied(&text, exception, question),
        ExceptionKind::Authentication => credentials_refused(&text, exception, question),
        ExceptionKind::Validation => invalid(&text, exception, question),
        ExceptionKind::ResourceNotFound => not_found(&text, question),
        ExceptionKind::Throttling | ExceptionKind::ServiceQuotaExceeded => {
            throttled(exception, question)
        }
        ExceptionKind::ModelNotReady => {
            "The model is being loaded: try again in a minute.".to_owned()
        }
        ExceptionKind::RequestTooLarge => {
            "Something between here and AWS takes only very small requests: a proxy.".to_owned()
        }
        ExceptionKind::InternalServer
        | ExceptionKind::ModelError
        | ExceptionKind::ModelTimeout
        | ExceptionKind::Other
        | ExceptionKind::ServiceUnavailable => TRY_AGAIN.to_owned(),
    }
}

/// What AWS said, in small letters.
struct Text(String);

impl Text {
    fn says(&self, words: &str) -> bool {
        self.0.contains(words)
    }
}

/// What the AWS account has to agree to, fill in or pay before a model answers.
fn account_lacks(text: &Text, exception: &Exception, question: &Question<'_>) -> Option<String> {
    let model = model(question);
    let says = |words| text.says(words);
    let advice = if says("use case details") || exception.name == "FTUFormNotFilled" {
        format!(
            "Anthropic asks once for each account what it is for: open {model} in {CONSOLE}, fill in the use-case form, and \
             try again after 15 minutes."
        )
    } else if says("payment instrument") {
        "Add a valid payment method to the AWS account (Billing, Payment preferences), and try again after two minutes."
            .to_owned()
    } else if says("aws-marketplace:") {
        format!(
            "The first call of {model} makes an agreement in AWS Marketplace: call it once with an identity that has this \
             statement, then anybody may.\n{}",
            statement::subscribing()
        )
    } else if says("marketplace") || says("agreement") || exception.name.starts_with("MPAgreement")
    {
        format!(
            "The agreement for {model} in AWS Marketplace is being made, or failed: see it in {CONSOLE}, and try again after two minutes."
        )
    } else if says("have access to the model") {
        format!(
            "Request access to {model}: in {CONSOLE} of {}, or under Model access where the console still has that page.",
            question.region
        )
    } else if says("operation not allowed") {
        "AWS has not opened Bedrock for this account, as happens with new ones: ask AWS Support."
            .to_owned()
    } else if says("data retention mode") {
        format!(
            "{model} wants another data retention mode: set it in the Bedrock console's settings of the account."
        )
    } else {
        return None;
    };
    Some(advice)
}

/// IAM says no.
fn denied(text: &Text, exception: &Exception, question: &Question<'_>) -> String {
    let action = named_action(&exception.message).unwrap_or_else(|| question.operation.action());
    if text.says("explicit deny") {
        let policy = if text.says("service control policy") {
            "a service control policy of the organization"
        } else if text.says("resource control policy") {
            "a resource control policy of the organization"
        } else if text.says("permissions boundary") {
            "the identity's permissions boundary"
        } else if text.says("vpc endpoint policy") {
            "the policy of the VPC endpoint"
        } else if text.says("session policy") {
            "the policy of the session"
        } else {
            "a policy"
        };
        return format!(
            "{policy} denies {action} explicitly, and no statement that allows it helps: have the denial removed. Often it \
             denies regions; an inference profile needs every region that it may send to."
        );
    }
    if action == "bedrock:CallWithBearerToken" {
        return "Allow bedrock:CallWithBearerToken to the IAM identity that the Bedrock API key belongs to.".to_owned();
    }
    let statement = statement::allowing(question);
    if question.operation.is_inference() {
        return format!(
            "Allow {action}. IAM asks for it on the inference profile and on the foundation models behind it, in every \
             region that the profile may send to. This statement allows all that Outcrop needs for it:\n{statement}"
        );
    }
    format!("Allow {action}. This statement allows all that Outcrop looks up:\n{statement}")
}

/// The action in `… is not authorized to perform: bedrock:InvokeModel on resource: …`.
fn named_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("to perform: ")?;
    let action = rest.split([' ', ',']).next()?;
    action.contains(':').then_some(action)
}

/// AWS does not know who calls, or no longer.
fn credentials_refused(text: &Text, exception: &Exception, question: &Question<'_>) -> String {
    let name = exception.name.as_str();
    let source = question.source;
    if exception.is_about_time() {
        return CLOCK.to_owned();
    }
    if name.starts_with("ExpiredToken") || text.says("expired") {
        return credentials::expired(source);
    }
    if name.starts_with("InvalidSignature") || name.starts_with("SignatureDoesNotMatch") {
        return format!(
            "The secret access key does not belong to the access key id, or something on the way changes requests. \
             Copy both again; they come from {source}."
        );
    }
    if name.starts_with("MissingAuthenticationToken") || name.starts_with("IncompleteSignature") {
        return "Something on the way takes the authorization header out: a proxy, or a gateway at the endpoint URL.".to_owned();
    }
    if *source == CredentialSource::BearerToken {
        return "The Bedrock API key is not, or no longer, valid here: make a new one in the Bedrock console of this region."
            .to_owned();
    }
    format!(
        "AWS does not know these credentials (from {source}): the access key was deleted or belongs to another partition, \
         a session token is missing, or {} is a region that the account has to switch on first.",
        question.region
    )
}

fn invalid(text: &Text, exception: &Exception, question: &Question<'_>) -> String {
    let model = model(question);
    if text.says("with on-demand throughput isn") {
        let profiles = question.model.map_or(&[][..], |model| &model.profiles);
        if profiles.is_empty() {
            return format!(
                "{model} is called through an inference profile: put a geography such as us., eu., apac. or global. in \
                 front of its id, as ListInferenceProfiles has it."
            );
        }
        let proposed: Vec<&str> = profiles
            .iter()
            .take(MOST_PROPOSED)
            .map(String::as_str)
            .collect();
        return format!(
            "Ask for {} instead: {model} is called through an inference profile.",
            proposed.join(" or ")
        );
    }
    if exception.is_unknown_model() {
        return format!(
            "{} has no model {model}: `outcrop models` prints the ids that can be called from here.",
            question.region
        );
    }
    if text.says("for streaming") || text.says("doesn't support streaming") {
        return format!("{model} does not stream: clients must ask for it without stream.");
    }
    if text.says("doesn't support the model") {
        return format!(
            "{model} is no chat model, so that Converse does not take it: name another."
        );
    }
    if question.operation.is_inference() {
        return "AWS does not take this request of a few words; try another model.".to_owned();
    }
    "AWS does not take this request: see that the endpoint URL is that of Bedrock's control plane."
        .to_owned()
}

fn not_found(text: &Text, question: &Question<'_>) -> String {
    let model = model(question);
    if text.says("end of its life") {
        return format!(
            "{model} is no longer served: name a newer one; `outcrop models` prints those that are there."
        );
    }
    if question.operation.is_inference() {
        return format!(
            "{model} is not there in {}: another region has it, the profile was deleted, or it belongs to another account.",
            question.region
        );
    }
    format!(
        "What answers does not know {}: see that the endpoint URL is right.",
        question.operation.name()
    )
}

fn throttled(exception: &Exception, question: &Question<'_>) -> String {
    let model = model(question);
    if exception.is_daily_quota() {
        return format!(
            "The account's quota of {model} is used up until tomorrow: have it raised in Service Quotas (new accounts begin \
             with very little), or call another model or region."
        );
    }
    if question.operation == Operation::GetCallerIdentity || !question.operation.is_inference() {
        return "The account asks AWS too often: try again in a minute.".to_owned();
    }
    format!(
        "Try again in a minute. If it stays, the account's quota of {model} is low or used up: have it raised in Service \
         Quotas, or call it through a profile of more regions."
    )
}

fn model<'a>(question: &Question<'a>) -> &'a str {
    question.model.map_or("the model", |Subject { id, .. }| id)
}
