//! One account: who signs there, and which region is called unless somebody says otherwise.

use aws_credential_types::provider::SharedCredentialsProvider;

use super::assumed_role::AssumedRole;
use super::authentication::Identity;
use super::aws_sdk::SdkSettings;
use super::bedrock::Common;
use super::client::Client;
use super::clock::AwsClock;
use super::credential_source::CredentialSource;
use super::credentials::CredentialsCache;
use super::default_chain;
use super::endpoint::Endpoints;
use super::error::SetupError;
use super::profile::Profile;
use super::proxy;
use super::region::{Region, RegionSource};
use super::retry::Retry;
use super::tls::{self, CaBundle};
use crate::config::{self, Environment};
use crate::metrics::Metrics;

/// The gateway's own account, or one of `[[accounts]]`.
pub(super) struct Account {
    /// `None` for the gateway's own.
    pub(super) name: Option<String>,
    pub(super) identity: Identity,
    /// The region unless a target names another, and who named it.
    pub(super) region: (Region, RegionSource),
}

/// What accounts are made from.
pub(super) struct Setup<'a> {
    environment: &'a Environment,
    profile: Profile,
    ca_bundle: Option<CaBundle>,
    region: (Region, RegionSource),
    sdk: SdkSettings,
    /// Stands in for every source of credentials.
    provider: Option<SharedCredentialsProvider>,
    clock: AwsClock,
    /// Who signs for the gateway's own account, and assumes the roles of the others.
    base: CredentialsCache,
}

impl<'a> Setup<'a> {
    pub(super) async fn new(
        settings: &config::Bedrock,
        environment: &'a Environment,
        provider: Option<SharedCredentialsProvider>,
        clock: AwsClock,
    ) -> Result<Self, SetupError> {
        let profile = Profile::load(environment).await?;
        let region = Region::resolve(settings, environment, &profile).await?;
        let ca_bundle = CaBundle::load(environment, &profile)?;
        let sdk = SdkSettings::new(
            environment,
            &profile,
            &region.0,
            ca_bundle.as_ref(),
            clock.clone(),
        );
        let source = CredentialSource::of_signatures(environment, &profile);
        let base = CredentialsCache::new(
            provider
                .clone()
                .unwrap_or_else(|| default_chain::provider(environment, &sdk)),
            source,
            clock.clone(),
        );
        Ok(Self {
            environment,
            profile,
            ca_bundle,
            region,
            sdk,
            provider,
            clock,
            base,
        })
    }

    /// What all accounts share.
    pub(super) fn common(
        &self,
        settings: &config::Bedrock,
        metrics: &Metrics,
    ) -> Result<Common, SetupError> {
        let tls = tls::client_config(self.ca_bundle.as_ref())?;
        Ok(Common {
            endpoints: Endpoints::resolve(settings, self.environment, &self.profile)?,
            client: Client::new(
                settings,
                tls,
                proxy::matcher(self.environment)?,
                self.clock.clone(),
            ),
            retry: Retry::new(settings.max_attempts),
            metrics: metrics.clone(),
            clock: self.clock.clone(),
        })
    }

    /// The gateway's own account. A Bedrock API key makes all other credentials needless.
    pub(super) fn own(&self) -> Result<Account, SetupError> {
        let identity = match Identity::bearer_token(self.environment)? {
            Some(key) => key,
            None => Identity::Credentials(self.base()?),
        };
        Ok(Account {
            name: None,
            identity,
            region: self.region.clone(),
        })
    }

    /// One of `[[accounts]]`: a role that is assumed, or `own` in another region.
    pub(super) fn named(
        &self,
        settings: &config::Account,
        own: &Account,
    ) -> Result<Account, SetupError> {
        let region = match settings.region.as_deref() {
            Some(name) => {
                let source = RegionSource::Account;
                (Region::new(name, source)?, source)
            }
            None => self.region.clone(),
        };
        let identity = match &settings.role_arn {
            Some(role_arn) => Identity::Credentials(self.role(role_arn, settings)?),
            None => own.identity.clone(),
        };
        Ok(Account {
            name: Some(settings.name.clone()),
            identity,
            region,
        })
    }

    /// The credentials of a role. An API key cannot assume one: the credentials beside it do.
    fn role(
        &self,
        role_arn: &str,
        settings: &config::Account,
    ) -> Result<CredentialsCache, SetupError> {
        let base = self.base()?;
        let source = CredentialSource::Role {
            role_arn: role_arn.to_owned(),
            base: Box::new(base.source().clone()),
        };
        let provider = self.provider.clone().unwrap_or_else(|| {
            SharedCredentialsProvider::new(AssumedRole {
                role_arn: role_arn.to_owned(),
                external_id: settings.external_id.clone(),
                base,
                sdk: self.sdk.clone(),
            })
        });
        let clock = self.clock.clone();
        Ok(CredentialsCache::new(provider, source, clock))
    }

    /// The credentials that sign, where some are needed: only then is a wrong `AWS_PROFILE` a mistake.
    fn base(&self) -> Result<CredentialsCache, SetupError> {
        let is_needless = *self.base.source() == CredentialSource::Environment;
        if self.environment.get("AWS_PROFILE").is_some() && !self.profile.exists() && !is_needless {
            return Err(SetupError::UnknownProfile(self.profile.name().to_owned()));
        }
        Ok(self.base.clone())
    }
}
