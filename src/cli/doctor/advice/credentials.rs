//! What to do about credentials that are not there, or no longer hold.

use crate::upstream::{CredentialSource, CredentialsError, ProfileCredentials};

/// What to do when `source` gives none.
pub(in crate::cli::doctor) fn absent(
    error: &CredentialsError,
    source: &CredentialSource,
) -> String {
    match error {
        CredentialsError::Missing => {
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or AWS_BEARER_TOKEN_BEDROCK, or run where an AWS \
             role provides them. In a container on EC2, let the instance's metadata answer over two hops \
             (HttpPutResponseHopLimit 2)."
                .to_owned()
        }
        CredentialsError::InstanceMetadata(_) => {
            "Give the instance an IAM role (an instance profile), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (both), \
             AWS_PROFILE (to a profile that holds credentials), or AWS_BEARER_TOKEN_BEDROCK."
                .to_owned()
        }
        CredentialsError::NothingToAssumeWith(_) => {
            "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE beside the Bedrock API key.".to_owned()
        }
        CredentialsError::NotLoggedIn { profile, .. } => {
            format!("Sign in again: `aws sso login --profile {profile}`.")
        }
        CredentialsError::LoginSession(profile) => exported(profile),
        CredentialsError::TimedOut(_) | CredentialsError::Failed(_) => failing(source),
    }
}

/// Sessions of `aws login` are for the AWS CLI, which prints their credentials for others.
fn exported(profile: &str) -> String {
    format!(
        "Let AWS_PROFILE name a profile with credential_process = aws configure export-credentials --profile {profile} \
         --format process."
    )
}

fn failing(source: &CredentialSource) -> String {
    match source {
        CredentialSource::Profile { name, credentials } => match credentials {
            ProfileCredentials::SingleSignOn => {
                format!("Sign in again: `aws sso login --profile {name}`.")
            }
            ProfileCredentials::LoginSession => exported(name),
            ProfileCredentials::Process => {
                format!("Run the credential_process of the profile {name} by hand: it must print JSON within seconds.")
            }
            ProfileCredentials::Role => format!(
                "See that what the profile {name} starts from may do sts:AssumeRole on its role_arn, and that the role's trust \
                 policy lets it."
            ),
            ProfileCredentials::WebIdentity => format!(
                "See that the token file of the profile {name} can be read, and that the role's trust policy names its \
                 provider and subject."
            ),
            ProfileCredentials::Keys => format!("See that both keys of the profile {name} are in its file."),
        },
        CredentialSource::WebIdentity => {
            "See that AWS_WEB_IDENTITY_TOKEN_FILE can be read, that the trust policy of AWS_ROLE_ARN names its provider and \
             subject, and that STS can be reached."
                .to_owned()
        }
        CredentialSource::Container => {
            "See that the task or pod has a role, and that nothing stands between it and the credentials endpoint."
                .to_owned()
        }
        _ => "See that the source of the credentials answers; the line above says what it said.".to_owned(),
    }
}

/// What to do when AWS calls those of `source` expired.
pub(super) fn expired(source: &CredentialSource) -> String {
    match source {
        CredentialSource::BearerToken => {
            "The Bedrock API key has expired, short-term ones after twelve hours at most: make a new one.".to_owned()
        }
        CredentialSource::Environment => {
            "The session token in AWS_SESSION_TOKEN has expired: set new credentials, or use AWS_PROFILE or a role, whose \
             credentials are renewed."
                .to_owned()
        }
        CredentialSource::Profile {
            name,
            credentials: ProfileCredentials::Keys,
        } => format!("The session token of the profile {name} has expired: write new credentials into its file."),
        _ => format!(
            "The credentials from {source} have expired and newer ones did not come. {}",
            failing(source)
        ),
    }
}
