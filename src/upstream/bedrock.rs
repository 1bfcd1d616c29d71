//! Bedrock in one account and one region, put together from what all share and what is this place's own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::account::Account;
use super::accounts::Accounts;
use super::authentication::Authentication;
use super::caller_identity::CallerIdentity;
use super::calls::{Calls, Effort};
use super::client::Client;
use super::clock::AwsClock;
use super::credential_source::CredentialSource;
use super::credentials_error::CredentialsError;
use super::endpoint::{Endpoint, Endpoints, Service};
use super::error::{Error, SetupError};
use super::inference_profile::{Asked, InferenceProfiles, foundation_model};
use super::reach::{Reached, Way};
use super::region::{Region, RegionSource};
use super::retry::Retry;
use super::signer::Signer;
use super::{Answer, Attempts, EventStream, lists};
use crate::bedrock::listing::{
    FoundationModelSummary, InferenceProfileSummary, InferenceProfileType,
};
use crate::config::{self, Environment};
use crate::metrics::Metrics;

/// How long a look-up on the control plane may take: a request waits for it.
pub(super) const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);

/// Amazon Bedrock in one account and one region; a clone is the same pool, credentials and memory.
#[derive(Clone)]
pub struct Bedrock {
    shared: Arc<Shared>,
    retry: Retry,
}

struct Shared {
    description: Description,
    security_token: Endpoint,
    calls: Calls,
    inference_profiles: InferenceProfiles,
}

/// What all accounts and regions have in common.
pub(super) struct Common {
    pub(super) endpoints: Endpoints,
    pub(super) client: Client,
    pub(super) retry: Retry,
    pub(super) metrics: Metrics,
    pub(super) clock: AwsClock,
}

/// What is in force, for the start-up lines and `doctor`.
#[derive(Clone, Debug)]
pub struct Description {
    /// The name of the account in `[[accounts]]`; `None` for the gateway's own.
    pub account: Option<String>,
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
    /// The gateway's own account in its own region: [`Accounts::new`] without further accounts.
    ///
    /// # Errors
    /// [`SetupError`] when a setting cannot be used.
    pub async fn new(
        settings: &config::Bedrock,
        environment: &Environment,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let accounts = Accounts::new(settings, &[], environment, metrics).await?;
        Ok(accounts.own().clone())
    }

    /// `account` in `region`, which `region_source` names.
    pub(super) fn in_region(
        common: &Common,
        account: &Account,
        region: Region,
        region_source: RegionSource,
    ) -> Self {
        let description = Description {
            account: account.name.clone(),
            endpoint: common.endpoints.of(Service::Runtime, &region),
            control_endpoint: common.endpoints.of(Service::Control, &region),
            credential_source: account.identity.source(),
            region: region.clone(),
            region_source,
        };
        let security_token = common.endpoints.of(Service::SecurityToken, &region);
        let calls = Calls {
            authentication: Authentication {
                identity: account.identity.clone(),
                signer: Signer::new(region),
                clock: common.clock.clone(),
            },
            client: common.client.clone(),
            retry: common.retry,
            metrics: common.metrics.clone(),
        };
        Self {
            shared: Arc::new(Shared {
                description,
                security_token,
                calls,
                inference_profiles: InferenceProfiles::default(),
            }),
            retry: common.retry,
        }
    }

    /// How many calls it makes at most for one request.
    pub fn max_attempts(&self) -> u32 {
        self.retry.max_attempts()
    }

    /// The same with at most `max_attempts` calls for one request.
    #[must_use]
    pub fn with_max_attempts(&self, max_attempts: u32) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            retry: Retry::new(max_attempts),
        }
    }

    /// How long to wait before the call is made once more that failed with `error`; `None` when it is not to be. `attempts`
    /// were made since `elapsed`.
    pub fn pause_after(&self, error: &Error, attempts: u32, elapsed: Duration) -> Option<Duration> {
        self.retry.after(error, attempts, elapsed, fastrand::f64())
    }

    /// Whether this is `account` in `region`.
    pub(super) fn is(&self, account: Option<&str>, region: &Region) -> bool {
        let description = self.describe();
        description.region == *region && description.account.as_deref() == account
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
        self.shared.calls.authentication.identity.resolve().await
    }

    /// How many seconds AWS's clock is ahead of this machine's, by the last answer of any call; negative when it is behind,
    /// `None` before the first answer.
    pub fn clock_difference(&self) -> Option<i64> {
        self.shared.calls.authentication.clock.difference()
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
        let uri = self.describe().endpoint.model(model, "converse")?;
        let effort = self.effort(attempts);
        self.shared.calls.converse(uri, &body, effort).await
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
        let uri = self.describe().endpoint.model(model, "converse-stream")?;
        let effort = self.effort(attempts);
        self.shared.calls.converse_stream(uri, &body, effort).await
    }

    fn effort<'a>(&self, attempts: &'a Attempts) -> Effort<'a> {
        Effort {
            attempts,
            retry: self.retry,
        }
    }

    /// Calls InvokeModel on `model` with the JSON `body`, which is the model's own, repeats what may be repeated, and
    /// counts in `attempts`.
    ///
    /// # Errors
    /// The [`Error`] of the last attempt.
    pub async fn invoke_model(
        &self,
        model: &str,
        body: Bytes,
        attempts: &Attempts,
    ) -> Result<Answer, Error> {
        let uri = self.describe().endpoint.model(model, "invoke")?;
        let effort = self.effort(attempts);
        self.shared.calls.invoke_model(uri, &body, effort).await
    }

    /// Whose credentials are in force, as STS says; `None` with a Bedrock API key, which says it to nobody.
    ///
    /// # Errors
    /// What kept STS from answering.
    pub async fn caller_identity(&self) -> Result<Option<CallerIdentity>, Error> {
        let shared = &*self.shared;
        shared.calls.caller_identity(&shared.security_token).await
    }

    /// How a host is reached.
    ///
    /// # Errors
    /// [`Error::Request`] when its endpoint cannot be an address.
    pub fn way(&self, service: Service) -> Result<Way, Error> {
        let connector = self.shared.calls.client.connector();
        Way::of(self.shared.endpoint(service), &connector)
    }

    /// Opens a connection of its own, on which nothing is sent.
    ///
    /// # Errors
    /// [`Error::Unreachable`] says what kept it from being made.
    pub async fn reach(&self, service: Service) -> Result<Reached, Error> {
        let connector = self.shared.calls.client.connector();
        Reached::open(self.shared.endpoint(service), connector).await
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
        lists::foundation_models(&shared.description.control_endpoint, &shared.calls).await
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
        lists::inference_profiles(&shared.description.control_endpoint, &shared.calls, kind).await
    }
}

impl Shared {
    fn endpoint(&self, service: Service) -> &Endpoint {
        match service {
            Service::Runtime => &self.description.endpoint,
            Service::Control => &self.description.control_endpoint,
            Service::SecurityToken => &self.security_token,
        }
    }

    async fn ask_inference_profile(&self, id: &str) -> Asked {
        let Ok(uri) = self.description.control_endpoint.inference_profile(id) else {
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
