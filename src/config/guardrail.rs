//! `[guardrail]`: the guardrail that every call to Bedrock has to pass.

use std::collections::BTreeMap;

use super::Guardrail;
use super::mistake::Origin;
use super::value::Value;

/// The longest id, in bytes, as the service model says.
const MAX_ID_LENGTH: usize = 2048;

/// What is wrong with the options together, and where it stands.
pub(super) fn mistake(
    guardrail: &Guardrail,
    origins: &BTreeMap<String, Origin>,
) -> Option<(Origin, String)> {
    let missing = |key: &str, other: &str| {
        let origin = origins.get(&format!("guardrail.{key}")).cloned();
        let problem = format!(
            "guardrail.{key} needs guardrail.{other} beside it: Bedrock wants a guardrail's id and its version"
        );
        Some((origin.unwrap_or_default(), problem))
    };
    match (&guardrail.id, &guardrail.version) {
        (Some(_), None) => missing("id", "version"),
        (None, Some(_)) => missing("version", "id"),
        (None, None) if guardrail.trace.is_some() => missing("trace", "id"),
        _ => None,
    }
}

impl Value<'_> {
    /// Reads a guardrail's id or ARN.
    pub(super) fn guardrail_id(&self) -> Result<String, String> {
        match self.text() {
            Some(text) if is_id(text) => Ok(text.to_owned()),
            _ => Err(self.mismatch("the id or the ARN of a guardrail such as \"gr0example12\"")),
        }
    }

    /// Reads a guardrail's version; in TOML it may be a number.
    pub(super) fn guardrail_version(&self) -> Result<String, String> {
        let text = self.text().or_else(|| self.number());
        let is_number = |text: &str| {
            (1..=8).contains(&text.len())
                && !text.starts_with('0')
                && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        match text {
            Some(text) if text == "DRAFT" || is_number(text) => Ok(text.to_owned()),
            _ => Err(self.mismatch("the number of a guardrail's version, or \"DRAFT\"")),
        }
    }

    /// Reads how much of a guardrail's work is traced.
    pub(super) fn guardrail_trace(&self) -> Result<String, String> {
        match self.text() {
            Some(text @ ("enabled" | "disabled" | "enabled_full")) => Ok(text.to_owned()),
            _ => Err(self.mismatch("\"enabled\", \"disabled\" or \"enabled_full\"")),
        }
    }
}

/// Whether `text` is `[a-z0-9]+` or an ARN that ends in it.
fn is_id(text: &str) -> bool {
    let id = match text.strip_prefix("arn:aws") {
        None => Some(text),
        Some(arn) => arn.split_once(":guardrail/").and_then(|(start, id)| {
            let parts: Vec<&str> = start.split(':').collect();
            matches!(parts.as_slice(), [_, "bedrock", region, account]
                if is_region(region) && is_account(account))
            .then_some(id)
        }),
    };
    text.len() <= MAX_ID_LENGTH
        && id.is_some_and(|id| {
            !id.is_empty()
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

fn is_region(text: &str) -> bool {
    (1..=20).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
