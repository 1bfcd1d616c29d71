//! IAM statements, ready to be put into a policy.

use serde_json::{Value, json};

use crate::bedrock::model_id::foundation_model;
use crate::cli::doctor::question::{Question, Subject};

/// The look-ups that Outcrop makes; none of them can be allowed for single models.
const LISTS: [&str; 3] = [
    "bedrock:ListFoundationModels",
    "bedrock:ListInferenceProfiles",
    "bedrock:GetInferenceProfile",
];
/// The calls that Outcrop makes; Converse and ConverseStream have no actions of their own.
const CALLS: [&str; 2] = [
    "bedrock:InvokeModel",
    "bedrock:InvokeModelWithResponseStream",
];

/// What allows the operation of `question`.
pub(super) fn allowing(question: &Question<'_>) -> String {
    match question.model {
        Some(model) if question.operation.is_inference() => {
            statement(&CALLS, &json!(resources(model, question)))
        }
        _ => statement(&LISTS, &json!("*")),
    }
}

/// What allows to assume a role.
pub(super) fn assuming(role_arn: &str) -> String {
    statement(&["sts:AssumeRole"], &json!(role_arn))
}

/// What allows to make the agreements that models of other vendors need.
pub(super) fn subscribing() -> String {
    let actions = [
        "aws-marketplace:Subscribe",
        "aws-marketplace:ViewSubscriptions",
    ];
    statement(&actions, &json!("*"))
}

fn statement(actions: &[&str], resource: &Value) -> String {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource }).to_string()
}

/// The profile itself, and the foundation models behind it in every region: IAM asks for both.
fn resources(model: &Subject, question: &Question<'_>) -> Vec<String> {
    let Question {
        region, account, ..
    } = question;
    let partition = region.partition();
    let mut resources = Vec::new();
    let foundation = foundation_model(&model.id).ok().flatten();
    if let Some(arn) = &model.profile_arn {
        resources.push(arn.clone());
    } else if model.id.starts_with("arn:") {
        resources.push(model.id.clone());
    } else if foundation != Some(model.id.as_str()) {
        let account = account.unwrap_or("*");
        let id = &model.id;
        resources.push(format!(
            "arn:{partition}:bedrock:{region}:{account}:inference-profile/{id}"
        ));
    }
    if !model.behind.is_empty() {
        resources.extend_from_slice(&model.behind);
    } else if let Some(foundation) = foundation.filter(|_| !model.id.contains(":foundation-model/"))
    {
        // A profile sends to several regions; a bare id stays in one.
        let region = if resources.is_empty() {
            region.as_str()
        } else {
            "*"
        };
        resources.push(format!(
            "arn:{partition}:bedrock:{region}::foundation-model/{foundation}"
        ));
    }
    resources.dedup();
    resources
}
