//! What the operator and the caller's key lay down for a request, whatever it says.

use std::borrow::Cow;

use super::caller::Caller;
use super::client_request::ClientRequest;
use crate::bedrock::request::GuardrailConfiguration;
use crate::config;
use crate::translate::KeyRules;

/// What the caller's key lays down; `affordable` is what is left of its budget, in tokens of an answer.
pub(super) fn key_rules(caller: &Caller, affordable: Option<u32>) -> KeyRules<'_> {
    let Some(key) = caller.key() else {
        return KeyRules::default();
    };
    let limits = [key.limits.max_tokens, affordable];
    KeyRules {
        max_tokens: limits.into_iter().flatten().min(),
        tags: &key.tags,
        no_bedrock: key.limits.no_bedrock,
    }
}

/// The guardrail that is for this caller or this model alone, the caller's first. A key's is traced like everybody's.
pub(super) fn guardrail_of(
    request: &ClientRequest,
    everybodys: Option<&GuardrailConfiguration<'static>>,
) -> Option<GuardrailConfiguration<'static>> {
    let key = request.sources.caller.key();
    if let Some(named) = key.and_then(|key| key.limits.guardrail.as_deref()) {
        // An ARN has colons too.
        let (id, version) = named.rsplit_once(':').unwrap_or((named, "DRAFT"));
        return Some(GuardrailConfiguration {
            guardrail_identifier: id.to_owned().into(),
            guardrail_version: version.to_owned().into(),
            trace: everybodys.and_then(|guardrail| guardrail.trace.clone()),
        });
    }
    guardrail(request.target.settings()?.guardrail.as_ref()?)
}

/// The guardrail of a part of the configuration, if it names one.
pub(super) fn guardrail(settings: &config::Guardrail) -> Option<GuardrailConfiguration<'static>> {
    let config::Guardrail {
        id, version, trace, ..
    } = settings.clone();
    let (id, version) = id.zip(version)?;
    Some(GuardrailConfiguration {
        guardrail_identifier: id.into(),
        guardrail_version: version.into(),
        trace: trace.map(Cow::Owned),
    })
}
