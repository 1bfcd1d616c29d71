//! Where credentials come from: what is configured, named for the start-up line, and aws-config's default chain.

use std::fmt;

use aws_config::BehaviorVersion;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_types::region::Region as AwsRegion;

use super::error::SetupError;
use super::profile::Profile;
use super::proxy;
use super::region::Region;
use crate::config::Environment;

/// The source that wins, judged by what is configured; nothing is asked to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialSource {
    /// A Bedrock API key, `AWS_BEARER_TOKEN_BEDROCK`.
    BearerToken,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`.
    Environment,
    /// A profile of `~/.aws`: static keys, SSO, a role or a process.
    Profile(String),
    /// `AWS_WEB_IDENTITY_TOKEN_FILE` with `AWS_ROLE_ARN`: IRSA on EKS, or another OIDC provider.
    WebIdentity,
    /// The container's endpoint: ECS tasks and EKS Pod Identity.
    Container,
    /// The metadata service of the EC2 instance, the last that is asked.
    InstanceMetadata,
}

impl CredentialSource {
    /// The source in force, in the order of aws-config's default chain; a bearer token wins over all, as in the SDKs.
    pub(super) fn resolve(
        environment: &Environment,
        profile: &Profile,
    ) -> Result<Self, SetupError> {
        let is_set = |name| environment.get(name).is_some();
        if is_set("AWS_BEARER_TOKEN_BEDROCK") {
            return Ok(Self::BearerToken);
        }
        if is_set("AWS_ACCESS_KEY_ID") && is_set("AWS_SECRET_ACCESS_KEY") {
            return Ok(Self::Environment);
        }
        if is_set("AWS_PROFILE") && !profile.exists() {
            return Err(SetupError::UnknownProfile(profile.name().to_owned()));
        }
        Ok(if profile.has_credentials() {
            Self::Profile(profile.name().to_owned())
        } else if is_set("AWS_WEB_IDENTITY_TOKEN_FILE") && is_set("AWS_ROLE_ARN") {
            Self::WebIdentity
        } else if is_set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
            || is_set("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        {
            Self::Container
        } else {
            Self::InstanceMetadata
        })
    }
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BearerToken => f.write_str("Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)"),
            Self::Environment => f.write_str("environment"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::WebIdentity => f.write_str("web identity"),
            Self::Container => f.write_str("container"),
            Self::InstanceMetadata => f.write_str("instance metadata"),
        }
    }
}

/// The provider behind the cache: the keys of `environment` itself if it holds a pair, else aws-config's chain.
///
/// The pair is not left to the chain, because the chain reads the variables of the process and an embedded stand-in's
/// made-up keys are not there.
pub(super) fn provider(
    environment: &Environment,
    profile: &Profile,
    region: &Region,
    ca_bundle: Option<&[u8]>,
) -> SharedCredentialsProvider {
    let key = environment
        .get("AWS_ACCESS_KEY_ID")
        .zip(environment.get("AWS_SECRET_ACCESS_KEY"));
    if let Some((id, secret)) = key {
        let token = environment
            .get("AWS_SESSION_TOKEN")
            .map(|token| token.trim().to_owned());
        let credentials = Credentials::new(id.trim(), secret.trim(), token, None, "Environment");
        return SharedCredentialsProvider::new(credentials);
    }
    SharedCredentialsProvider::new(DefaultChain {
        profile: environment
            .get("AWS_PROFILE")
            .map(|_| profile.name().to_owned()),
        region: region.to_string(),
        https_proxy: proxy::https_proxy(environment),
        no_proxy: proxy::no_proxy(environment).map(str::to_owned),
        ca_bundle: ca_bundle.map(<[u8]>::to_vec),
    })
}

/// aws-config's default chain, built anew for every load: it keeps the profile files that it has once read, and keys that
/// somebody rotates in them would never be seen.
struct DefaultChain {
    profile: Option<String>,
    region: String,
    https_proxy: Option<String>,
    no_proxy: Option<String>,
    ca_bundle: Option<Vec<u8>>,
}

impl DefaultChain {
    async fn load(&self) -> provider::Result {
        let mut chain = DefaultCredentialsChain::builder()
            .configure(self.provider_config()?)
            .region(AwsRegion::new(self.region.clone()));
        if let Some(profile) = &self.profile {
            chain = chain.profile_name(profile);
        }
        chain.build().await.provide_credentials().await
    }

    /// The proxy and the private CA hold for STS and SSO too, which aws-config alone would reach directly. Plain http goes
    /// direct always: that is the metadata service or the container's endpoint, on this machine.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method's path would need aws-smithy-runtime-api as a dependency"
    )]
    fn provider_config(&self) -> Result<ProviderConfig, ProviderError> {
        let config =
            ProviderConfig::default().with_behavior_version(Some(BehaviorVersion::latest()));
        if self.https_proxy.is_none() && self.ca_bundle.is_none() {
            return Ok(config);
        }
        let mut tls = TlsContext::builder();
        if let Some(bundle) = &self.ca_bundle {
            tls = tls.with_trust_store(TrustStore::empty().with_pem_certificate(bundle.clone()));
        }
        let tls = tls.build().map_err(ProviderError::invalid_configuration)?;
        let proxy = match &self.https_proxy {
            Some(url) => ProxyConfig::https(url.as_str()).map_err(|_| {
                ProviderError::invalid_configuration("the HTTPS proxy is not a URL")
            })?,
            None => ProxyConfig::disabled(),
        };
        let proxy = proxy.no_proxy(self.no_proxy.as_deref().unwrap_or_default());
        let client = Builder::new().build_with_connector_fn(move |settings, components| {
            let mut connector = Connector::builder().proxy_config(proxy.clone());
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(|components| components.sleep_impl()));
            connector
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .tls_context(tls.clone())
                .build()
        });
        Ok(config.with_http_client(client))
    }
}

impl ProvideCredentials for DefaultChain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.load())
    }
}

impl fmt::Debug for DefaultChain {
    /// Leaves out the proxy, whose URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefaultChain")
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::*;

    async fn source(pairs: &[(&str, &str)]) -> Result<String, SetupError> {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let profile = Profile::load(&environment).await.unwrap();
        Ok(CredentialSource::resolve(&environment, &profile)?.to_string())
    }

    #[tokio::test]
    async fn the_source_is_named_in_the_order_of_the_chain() {
        let mut file = NamedTempFile::new().unwrap();
        writeln!(file, "[default]\nsso_session = work").unwrap();
        let pairs = [
            ("AWS_BEARER_TOKEN_BEDROCK", "key"),
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
            (0, "Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)"),
            (1, "environment"),
            (2, "profile default"),
            (4, "web identity"),
            (5, "container"),
            (7, "instance metadata"),
        ];
        for (from, name) in names {
            assert_eq!(source(&pairs[from..]).await.unwrap(), name);
        }
    }

    #[tokio::test]
    async fn a_profile_that_does_not_exist_is_an_error_unless_keys_make_it_needless() {
        let profile = ("AWS_PROFILE", "absent");
        let error = source(&[profile]).await.unwrap_err().to_string();
        assert!(
            error.contains("\"absent\"") && error.contains("AWS_PROFILE"),
            "{error}"
        );
        let keys = [
            profile,
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
        ];
        assert_eq!(source(&keys).await.unwrap(), "environment");
    }

    #[tokio::test]
    async fn keys_of_the_environment_are_taken_as_they_are() {
        let pairs = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", " secret\n"),
            ("AWS_SESSION_TOKEN", " "),
        ];
        let environment = Environment::from_pairs(pairs);
        let profile = Profile::load(&environment).await.unwrap();
        let region = Region::new("us-east-1", crate::upstream::RegionSource::Fallback).unwrap();
        let credentials = provider(&environment, &profile, &region, None)
            .provide_credentials()
            .await
            .unwrap();
        assert_eq!(
            (credentials.access_key_id(), credentials.secret_access_key()),
            ("id", "secret")
        );
        assert_eq!(credentials.session_token(), None);
    }
}
