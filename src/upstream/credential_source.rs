//! Where credentials come from, judged by what is configured: the name for the start-up line.

use std::fmt;

use super::profile::{Profile, ProfileCredentials};
use crate::config::Environment;

/// The source that wins, judged by what is configured; nothing is asked to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// A Bedrock API key, `AWS_BEARER_TOKEN_BEDROCK`.
    BearerToken,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Environment,
    /// A profile of `~/.aws`.
    Profile {
        /// Its name.
        name: String,
        /// What it says about credentials.
        credentials: ProfileCredentials,
    },
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` with `AWS_ROLE_ARN`: IRSA on EKS, or another OIDC provider.
    WebIdentity,
    /// The container's endpoint: ECS tasks and EKS Pod Identity.
    Container,
    /// The metadata service of the EC2 instance, the last that is asked.
    InstanceMetadata,
    /// A role of `[[accounts]]`.
    Role {
        /// Its ARN.
        role_arn: String,
        /// Where the credentials come from that assume it.
        base: Box<Self>,
    },
}

impl CredentialSource {
    /// The source of the credentials that sign, in the order of aws-config's default chain.
    pub(super) fn of_signatures(environment: &Environment, profile: &Profile) -> Self {
        let is_set = |name| environment.get(name).is_some();
        if is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY") {
            Self::Environment
        } else if let Some(credentials) = profile.credentials() {
            let name = profile.name().to_owned();
            Self::Profile { name, credentials }
        } else if is_set("AWS_WEB_IDENTITY_TOKEN_FILE") && is_set("AWS_ROLE_ARN") {
            Self::WebIdentity
        } else if is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            || is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        {
            Self::Container
        } else {
            Self::InstanceMetadata
        }
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BearerToken => f.write_str("Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)"),
            Self::Environment => f.write_str("environment"),
            Self::Profile { name, credentials } => write!(f, "profile {name} ({credentials})"),
            Self::WebIdentity => f.write_str("web identity"),
            Self::Container => f.write_str("container"),
            Self::InstanceMetadata => f.write_str("instance metadata"),
            Self::Role { role_arn, base } => {
                write!(f, "role {role_arn}, assumed with those from {base}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::*;

    async fn source(pairs: &[(&str, &str)]) -> String {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let profile = Profile::load(&environment).await.unwrap();
        CredentialSource::of_signatures(&environment, &profile).to_string()
    }

    #[tokio::test]
    async fn the_source_is_named_in_the_order_of_the_chain() {
        let mut file = NamedTempFile::new().unwrap();
        writeln!(file, "[default]\nsso_session = work").unwrap();
        let pairs = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_CONFIG_FILE", file.path().to_str().unwrap()),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::1:role/a"),
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://169.254.170.23/v1/credentials",
            ),
        ];
        let names = [
            (0, "environment"),
            (1, "profile default (SSO)"),
            (3, "web identity"),
            (4, "container"),
            (6, "instance metadata"),
        ];
        for (from, name) in names {
            assert_eq!(source(&pairs[from..]).await, name);
        }
    }
}
