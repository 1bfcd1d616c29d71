//! The credentials of the gateway's own account: the variables themselves, else aws-config's default chain.

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use tracing::warn;

use super::aws_sdk::SdkSettings;
use crate::config::Environment;

/// Off EC2 nobody takes the connection, and a start must not wait for it.
const METADATA_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// How long one question to instance metadata may take, repeats included: a second, as in aws-config, is little on a busy
/// machine. The whole load has its own limit.
const METADATA_TIMEOUT: Duration = Duration::from_secs(4);

/// The provider behind the cache: the keys of `environment` itself if it holds a pair, else aws-config's chain.
///
/// The pair is not left to the chain, because the chain reads the variables of the process and an embedded stand-in's
/// made-up keys are not there.
pub(super) fn provider(environment: &Environment, sdk: &SdkSettings) -> SharedCredentialsProvider {
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
    warn_of_half_a_pair(environment);
    SharedCredentialsProvider::new(DefaultChain { sdk: sdk.clone() })
}

/// What the chain finds instead may be another account's. `SECRET_ACCESS_KEY` is another name that it knows.
fn warn_of_half_a_pair(environment: &Environment) {
    let is_set = |name| environment.get(name).is_some();
    let is_secret_set = is_set("AWS_SECRET_ACCESS_KEY") || is_set("SECRET_ACCESS_KEY");
    match (is_set("AWS_ACCESS_KEY_ID"), is_secret_set) {
        (true, false) => {
            warn!("AWS_ACCESS_KEY_ID is not used, because AWS_SECRET_ACCESS_KEY is not set");
        }
        (false, true) => {
            warn!("AWS_SECRET_ACCESS_KEY is not used, because AWS_ACCESS_KEY_ID is not set");
        }
        _ => {}
    }
}

/// aws-config's default chain, built anew for every load: it keeps the profile files that it has once read, and keys that
/// somebody rotates in them would never be seen.
#[derive(Debug)]
struct DefaultChain {
    sdk: SdkSettings,
}

impl DefaultChain {
    async fn load(&self) -> provider::Result {
        let mut config = ProviderConfig::default()
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_time_source(self.sdk.clock.clone());
        if let Some(client) = self.sdk.http_client()? {
            config = config.with_http_client(client);
        }
        let metadata = imds::Client::builder()
            .configure(&config)
            .connect_timeout(METADATA_CONNECT_TIMEOUT)
            .read_timeout(METADATA_TIMEOUT)
            .operation_attempt_timeout(METADATA_TIMEOUT)
            .operation_timeout(METADATA_TIMEOUT)
            .build();
        let chain = DefaultCredentialsChain::builder()
            .imds_client(metadata)
            .configure(config)
            .region(self.sdk.region())
            .profile_name(&self.sdk.profile);
        chain.build().await.provide_credentials().await
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use super::*;
    use crate::upstream::clock::AwsClock;
    use crate::upstream::profile::Profile;
    use crate::upstream::region::{Region, RegionSource};

    #[tokio::test]
    async fn keys_of_the_environment_are_taken_as_they_are() {
        let pairs = [
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", " secret\n"),
            ("AWS_SESSION_TOKEN", " "),
        ];
        let environment = Environment::from_pairs(pairs);
        let profile = Profile::load(&environment).await.unwrap();
        let region = Region::new("us-east-1", RegionSource::Fallback).unwrap();
        let clock = AwsClock::new(Arc::new(SystemTime::now));
        let sdk = SdkSettings::new(&environment, &profile, &region, None, clock);
        let credentials = provider(&environment, &sdk)
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
