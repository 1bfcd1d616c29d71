//! Bedrock, put together from the settings.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::authentication::Authentication;
use super::calls::Calls;
use super::client::Client;
use super::credential_source::{self, CredentialSource};
use super::credentials::{Clock, CredentialsError};
use super::endpoint::{Endpoint, Service, Variant};
use super::error::{Error, SetupError};
use super::inference_profile::{Asked, InferenceProfiles, foundation_model};
use super::profile::Profile;
use super::region::{Region, RegionSource};
use super::retry::Retry;
use super::signer::Signer;
use super::tls::{self, CaBundle};
use super::{Answer, Attempts, EventStream, lists, proxy};
use crate::bedrock::listing::{
    FoundationModelSummary, InferenceProfileSummary, InferenceProfileType,
};
use crate::config::{self, Environment};
use crate::metrics::Metrics;

/// How long a look-up on the control plane may take: a request waits for it.
pub(super) const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);

/// Amazon Bedrock as the gateway sees it; a clone is the same pool and the same credentials.
#[derive(Clone)]
pub struct Bedrock {
    shared: Arc<Shared>,
}

struct Shared {
    description: Description,
    runtime: Endpoint,
    control: Endpoint,
    calls: Calls,
    inference_profiles: InferenceProfiles,
}

/// What is in force, for the start-up lines and `doctor`.
#[derive(Clone, Debug)]
pub struct Description {
    /// The region that is called and signed for.
    pub region: Region,
    /// Who named the region.
    pub region_source: RegionSource,
    /// Where Converse calls go.
    pub endpoint: Endpoint,
    /// Where look-ups go.
    pub control_endpoint: Endpoint,
    /// Where credentials come from.
    pub credential_source: CredentialSource,
}

impl Bedrock {
    /// Finds out region, endpoints and authentication and builds the connection pool. No call is made and no credentials
    /// are loaded; only instance metadata may be asked for the region, for at most a second.
    ///
    /// # Errors
    /// [`SetupError`] when a setting cannot be used.
    pub async fn new(
        settings: &config::Bedrock,
        environment: &Environment,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let clock = Arc::new(SystemTime::now);
        Self::with_provider(settings, environment, metrics, None, clock).await
    }

    /// The same with credentials from `provider` instead of the default chain, if it is given, and with another clock.
    ///
    /// # Errors
    /// [`SetupError`] when a setting cannot be used.
    pub async fn with_provider(
        settings: &config::Bedrock,
        environment: &Environment,
        metrics: &Metrics,
        provider: Option<SharedCredentialsProvider>,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let profile = Profile::load(environment).await?;
        let (region, region_source) = Region::resolve(settings, environment, &profile).await?;
        let variant = Variant::resolve(environment, &profile);
        let endpoint =
            |service| Endpoint::resolve(service, &region, variant, settings, environment, &profile);
        let (runtime, control) = (endpoint(Service::Runtime)?, endpoint(Service::Control)?);
        let ca_bundle = CaBundle::load(environment, &profile)?;
        let tls = tls::client_config(ca_bundle.as_ref())?;
        let client = Client::new(settings, tls, proxy::matcher(environment)?);
        let authentication = if let Some(key) = Authentication::bearer_token(environment)? {
            key
        } else {
            let source = CredentialSource::resolve(environment, &profile)?;
            let pem = ca_bundle.as_ref().map(CaBundle::pem);
            let provider = provider.unwrap_or_else(|| {
                credential_source::provider(environment, &profile, &region, pem)
            });
            Authentication::sigv4(Signer::new(region.clone()), provider, source, clock)
        };
        let description = Description {
            region,
            region_source,
            endpoint: runtime.clone(),
            control_endpoint: control.clone(),
            credential_source: authentication.source(),
        };
        let calls = Calls {
            authentication,
            client,
            retry: Retry::new(settings.max_attempts),
            metrics: metrics.clone(),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                description,
                runtime,
                control,
                calls,
                inference_profiles: InferenceProfiles::default(),
            }),
        })
    }

    /// What is in force.
    pub fn describe(&self) -> &Description {
        &self.shared.description
    }

    /// Loads credentials unless there are some.
    ///
    /// # Errors
    /// [`CredentialsError`] when there are none: its text says what to set.
    pub async fn credentials_resolve(&self) -> Result<(), CredentialsError> {
        self.shared.calls.authentication.resolve().await
    }

    /// Calls Converse on `model` with the JSON `body`, repeats what may be repeated, and counts in `attempts`.
    ///
    /// # Errors
    /// The [`Error`] of the last attempt.
    pub async fn converse(
        &self,
        model: &str,
        body: Bytes,
        attempts: &Attempts,
    ) -> Result<Answer, Error> {
        let uri = self.shared.runtime.model(model, "converse")?;
        self.shared.calls.converse(uri, &body, attempts).await
    }

    /// Calls ConverseStream on `model` with the JSON `body` and waits for its first message, so that an exception there is
    /// an error as a status is, and can be repeated. Counts in `attempts`.
    ///
    /// # Errors
    /// The [`Error`] of the last attempt.
    pub async fn converse_stream(
        &self,
        model: &str,
        body: Bytes,
        attempts: &Attempts,
    ) -> Result<EventStream, Error> {
        let uri = self.shared.runtime.model(model, "converse-stream")?;
        self.shared
            .calls
            .converse_stream(uri, &body, attempts)
            .await
    }

    /// The foundation model behind an inference profile's id or ARN. Asks `GetInferenceProfile`, at most five seconds, and
    /// remembers the answer for a day, a failure for a minute.
    pub async fn inference_profile(&self, id: &str) -> Option<String> {
        let shared = &*self.shared;
        shared
            .inference_profiles
            .model(id, || shared.ask_inference_profile(id))
            .await
    }
}

impl Bedrock {
    /// The foundation models of this region. Waits at most five seconds.
    ///
    /// # Errors
    /// The [`Error`] of the last attempt.
    pub async fn list_foundation_models(&self) -> Result<Vec<FoundationModelSummary>, Error> {
        let shared = &*self.shared;
        lists::foundation_models(&shared.control, &shared.calls).await
    }

    /// The inference profiles of one kind that this region lists, all pages of them. Waits at most five seconds for each.
    ///
    /// # Errors
    /// The [`Error`] of the last attempt for the first page that fails.
    pub async fn list_inference_profiles(
        &self,
        kind: InferenceProfileType,
    ) -> Result<Vec<InferenceProfileSummary>, Error> {
        let shared = &*self.shared;
        lists::inference_profiles(&shared.control, &shared.calls, kind).await
    }
}

impl Shared {
    async fn ask_inference_profile(&self, id: &str) -> Asked {
        let Ok(uri) = self.control.inference_profile(id) else {
            return Asked::Refused;
        };
        let answer = match timeout(CONTROL_TIMEOUT, self.calls.inference_profile(uri)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                warn!(%error, "the foundation model of an inference profile is not known");
                return match error {
                    Error::Unreachable(_) | Error::Timeout(_) => Asked::OutOfReach,
                    _ => Asked::Refused,
                };
            }
            Err(_) => {
                warn!("GetInferenceProfile did not answer within {CONTROL_TIMEOUT:?}");
                return Asked::OutOfReach;
            }
        };
        let model = foundation_model(&answer.body);
        debug!(
            ?model,
            "asked for the foundation model of an inference profile"
        );
        model.map_or(Asked::Refused, Asked::Model)
    }
}

impl fmt::Debug for Bedrock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Bedrock").field(self.describe()).finish()
    }
}
