//! How aws-config reaches AWS: through the gateway's proxies, trusting the gateway's certificates.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_types::region::Region as AwsRegion;
use aws_types::sdk_config::SharedHttpClient;

use super::clock::AwsClock;
use super::profile::Profile;
use super::proxy;
use super::region::Region;
use super::tls::CaBundle;
use crate::config::Environment;

/// What aws-config is told; the rest it reads from the process's variables and the profile files, as every AWS tool does.
#[derive(Clone)]
pub(super) struct SdkSettings {
    /// The profile that `AWS_PROFILE` names, else `default`: aws-config would look for one without a name when the
    /// variable is set but blank.
    pub(super) profile: String,
    region: String,
    https_proxy: Option<String>,
    no_proxy: Option<String>,
    ca_bundle: Option<Vec<u8>>,
    /// What time it is at AWS, also where this machine's clock is wrong.
    pub(super) clock: AwsClock,
}

impl SdkSettings {
    pub(super) fn new(
        environment: &Environment,
        profile: &Profile,
        region: &Region,
        ca_bundle: Option<&CaBundle>,
        clock: AwsClock,
    ) -> Self {
        Self {
            profile: profile.name().to_owned(),
            region: region.to_string(),
            https_proxy: proxy::https_proxy(environment),
            no_proxy: proxy::no_proxy(environment).map(str::to_owned),
            ca_bundle: ca_bundle.map(|bundle| bundle.pem().to_vec()),
            clock,
        }
    }

    /// The region whose STS is asked.
    pub(super) fn region(&self) -> AwsRegion {
        AwsRegion::new(self.region.clone())
    }

    /// A client with the proxy and the private CA, which aws-config alone would not know; `None` when there are neither.
    /// Plain http goes direct always: that is the metadata service or the container's endpoint, on this machine.
    #[expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the method's path would need aws-smithy-runtime-api as a dependency"
    )]
    pub(super) fn http_client(&self) -> Result<Option<SharedHttpClient>, ProviderError> {
        if self.https_proxy.is_none() && self.ca_bundle.is_none() {
            return Ok(None);
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
        Ok(Some(client))
    }
}

impl fmt::Debug for SdkSettings {
    /// Leaves out the proxy, whose URL may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SdkSettings")
            .field("profile", &self.profile)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}
