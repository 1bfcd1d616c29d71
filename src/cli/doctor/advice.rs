//! What to do about a failure: from what AWS said and what it was asked, without asking anybody.

pub(super) use self::credentials::absent as no_credentials;
use self::refused::refused;
use super::question::Question;
use crate::config;
use crate::upstream::{Error, SetupError, Way};

mod credentials;
mod refused;
mod statement;

/// What to do about a clock that is wrong.
pub(super) const CLOCK: &str = "Set this machine's clock, best with NTP (chrony, systemd-timesyncd): AWS refuses signatures that are five minutes off.";

/// What to do about a call that failed.
pub(super) fn failed(error: &Error, question: &Question<'_>) -> String {
    match error {
        Error::Exception { exception, .. } => refused(exception, question),
        Error::Credentials(error) => no_credentials(error, question.source),
        Error::Unreachable(text) => unconnected(text).to_owned(),
        Error::Interrupted(_) | Error::Stream(_) => {
            "Try again; if it stays, something between here and AWS cuts connections: a proxy, a firewall, a load balancer."
                .to_owned()
        }
        Error::Timeout(_) if !question.operation.is_inference() => {
            "Try again; if it stays, a firewall, a proxy or a VPC endpoint swallows what is sent.".to_owned()
        }
        Error::Timeout(_) => {
            "Try again; if it stays, a firewall swallows what is sent, or bedrock.head_timeout is too short for this model."
                .to_owned()
        }
        Error::Protocol { .. } => {
            "Correct the endpoint URL: what answers there is not Bedrock, perhaps a proxy's own page.".to_owned()
        }
        Error::ModelId => "Give the id of a model or inference profile, or an ARN.".to_owned(),
        Error::Request(_) => "Report this as a bug, with the line above.".to_owned(),
    }
}

/// What to do about a setting that cannot be used.
pub(super) fn unusable(error: &SetupError) -> &'static str {
    match error {
        SetupError::Region { .. } => {
            "Set AWS_REGION, or region in [bedrock], to a region's name such as us-east-1."
        }
        SetupError::Endpoint { .. } => {
            "Correct that setting, or leave it out to call the region's own host."
        }
        SetupError::Profile(_) => {
            "Correct ~/.aws/config and ~/.aws/credentials, or the files that AWS_CONFIG_FILE and \
             AWS_SHARED_CREDENTIALS_FILE name."
        }
        SetupError::UnknownProfile(_) => {
            "Correct AWS_PROFILE; `aws configure list-profiles` lists those that are there."
        }
        SetupError::UnknownAccount(_) => "Correct the account's name.",
        SetupError::CaBundle { .. } => {
            "Let AWS_CA_BUNDLE name a file of certificates in PEM form, or unset it to trust the system's authorities."
        }
        SetupError::Proxy { .. } => "Correct that variable, or unset it to connect directly.",
        SetupError::BearerToken => {
            "Copy the Bedrock API key again, without blanks and line ends within it."
        }
        SetupError::Tls(_) => "Report this as a bug, with the line above.",
    }
}

/// What to do about a name without an address.
pub(super) fn unresolved(name: &str) -> String {
    format!(
        "See that the region or the endpoint is spelled right (Bedrock is not in every region) and that this machine's \
         name server knows {name}; in a VPC without internet, make interface endpoints for bedrock and bedrock-runtime \
         with private DNS."
    )
}

/// What to do about a host that cannot be connected to.
pub(super) fn unreachable(text: &str, way: &Way) -> String {
    match &way.proxy {
        Some(proxy) if !is_certificate(text) => format!(
            "The way goes through the proxy {}:{}: correct HTTPS_PROXY with its user and password, let the proxy pass \
             CONNECT to {}:{}, or except the host with NO_PROXY.",
            proxy.name, proxy.port, way.host.name, way.host.port
        ),
        _ => unconnected(text).to_owned(),
    }
}

fn unconnected(text: &str) -> &'static str {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if is_certificate(&text) {
        "If a proxy or a gateway of yours opens TLS, let AWS_CA_BUNDLE name a PEM file with its authority; if AWS_CA_BUNDLE \
         is set already, that file lacks the authority of this host."
    } else if says(&["dns error", "failed to lookup", "name or service"]) {
        "See that the region or the endpoint is spelled right, and that the name server works."
    } else if says(&["proxy", "tunnel"]) {
        "Correct HTTPS_PROXY with its user and password, or except the host with NO_PROXY."
    } else if says(&["refused"]) {
        "Nothing listens there: correct the endpoint URL, or start what should listen."
    } else {
        "See that a firewall, a security group or a missing route does not keep this machine from the host; behind a proxy, \
         set HTTPS_PROXY."
    }
}

fn is_certificate(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("certificate") || text.contains("unknownissuer")
}

/// What to do when the role of an account cannot be assumed with what `caller` has.
pub(super) fn role_not_assumed(account: &config::Account, caller: Option<&str>) -> String {
    let Some(role) = &account.role_arn else {
        return "It uses the gateway's own credentials: mend those.".to_owned();
    };
    let caller = caller.unwrap_or("the identity above");
    let external_id = if account.external_id.is_some() {
        " with the external id of the configuration"
    } else {
        ", without an external id, as none is configured"
    };
    format!(
        "The trust policy of {role} must let {caller} do sts:AssumeRole{external_id}, and {caller} needs this statement:\n{}",
        statement::assuming(role)
    )
}

#[cfg(test)]
mod tests;
