//! The credentials of a role in another account: `AssumeRole` of STS, asked with credentials that are cached already.

use aws_config::BehaviorVersion;
use aws_config::sts::AssumeRoleProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{self, ProvideCredentials, future};

use super::aws_sdk::SdkSettings;
use super::credentials::CredentialsCache;
use super::error::chain;

/// The name of the session, as the log of the other account shows it.
const SESSION_NAME: &str = "outcrop";

/// A role and the credentials that may assume it. STS's endpoint is that of the gateway's region, or the one that
/// `AWS_ENDPOINT_URL_STS` and the like name.
#[derive(Debug)]
pub(super) struct AssumedRole {
    pub(super) role_arn: String,
    pub(super) external_id: Option<String>,
    pub(super) base: CredentialsCache,
    pub(super) sdk: SdkSettings,
}

impl AssumedRole {
    /// Keys that STS no longer takes are replaced once: somebody may have rotated them since they were loaded.
    async fn load(&self) -> provider::Result {
        let base = self.base().await?;
        let assumed = self.assume(base.clone()).await;
        match assumed {
            Err(error) if is_about_credentials(&error) && self.base.replace(&base).await => {
                self.assume(self.base().await?).await
            }
            assumed => assumed,
        }
    }

    async fn base(&self) -> provider::Result {
        let base = self.base.credentials().await;
        base.map_err(ProviderError::not_loaded)
    }

    async fn assume(&self, base: Credentials) -> provider::Result {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(self.sdk.region())
            .time_source(self.sdk.clock.clone())
            .profile_name(&self.sdk.profile)
            .credentials_provider(base);
        if let Some(client) = self.sdk.http_client()? {
            loader = loader.http_client(client);
        }
        let mut role = AssumeRoleProvider::builder(&self.role_arn)
            .configure(&loader.load().await)
            .session_name(SESSION_NAME);
        if let Some(id) = &self.external_id {
            role = role.external_id(id);
        }
        role.build().await.provide_credentials().await
    }
}

/// Whether STS said that the credentials are expired or unknown. The error's type is not in reach, its text names the code.
fn is_about_credentials(error: &ProviderError) -> bool {
    const CODES: [&str; 3] = ["ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient"];
    let text = chain(error);
    CODES.iter().any(|code| text.contains(code))
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}
