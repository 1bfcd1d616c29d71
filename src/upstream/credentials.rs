//! Credentials that are fetched once for everybody. The provider is asked by one task at a time, ahead of expiry, and
//! no request waits for it while there are credentials that still work: aws-config's own chain caches nothing and
//! would go to STS or the metadata service for every request.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::credential_source::CredentialSource;
use super::error::chain;

/// How long one load may take.
const LOAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long before expiry a refresh begins, plus up to [`REFRESH_JITTER`] so that a fleet does not refresh in step.
const REFRESH_AHEAD: Duration = Duration::from_mins(5);
const REFRESH_JITTER: Duration = Duration::from_mins(1);
/// The least time before expiry at which a refresh of short-lived credentials begins.
const MIN_REFRESH_AHEAD: Duration = Duration::from_mins(1);
/// The pause between two refreshes: after a failure, and for credentials that come nearly expired.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

/// What time it is; a function, so that tests turn the clock.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Why there are no credentials.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialsError {
    /// No source has any.
    #[error(
        "no AWS credentials were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE or \
         AWS_BEARER_TOKEN_BEDROCK, or run where an AWS role provides them"
    )]
    Missing,
    /// The source did not answer within five seconds.
    #[error("the AWS credentials did not arrive within {} s", LOAD_TIMEOUT.as_secs())]
    TimedOut,
    /// The source failed.
    #[error("the AWS credentials could not be loaded: {0}")]
    Failed(String),
}

type Loaded = Result<Credentials, CredentialsError>;
type Loading = watch::Receiver<Option<Loaded>>;

/// Credentials for everybody; a clone is the same cache.
#[derive(Clone)]
pub(super) struct CredentialsCache {
    shared: Arc<Shared>,
}

struct Shared {
    provider: SharedCredentialsProvider,
    source: CredentialSource,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    loading: Option<Loading>,
}

struct Current {
    credentials: Credentials,
    /// `None` when they never expire.
    refresh_at: Option<SystemTime>,
}

impl CredentialsCache {
    /// A cache in front of `provider`, which is first asked when credentials are first needed.
    pub(super) fn new(
        provider: SharedCredentialsProvider,
        source: CredentialSource,
        clock: Clock,
    ) -> Self {
        let state = Mutex::default();
        Self {
            shared: Arc::new(Shared {
                provider,
                source,
                clock,
                state,
            }),
        }
    }

    /// Where the credentials come from.
    pub(super) fn source(&self) -> &CredentialSource {
        &self.shared.source
    }

    /// Credentials that have not expired. Waits only when there are none; all who wait share one load and its failure.
    ///
    /// # Errors
    /// [`CredentialsError`] when there are none and none could be loaded.
    pub(super) async fn credentials(&self) -> Loaded {
        let mut loading = match self.shared.current_or_load() {
            Ok(credentials) => return Ok(credentials),
            Err(loading) => loading,
        };
        let loaded = loading.wait_for(Option::is_some).await;
        loaded
            .ok()
            .and_then(|loaded| loaded.clone())
            .unwrap_or_else(|| Err(CredentialsError::Failed("the load was given up".to_owned())))
    }

    /// Forgets `refused`, which AWS no longer takes, unless it has been replaced already.
    pub(super) fn forget(&self, refused: &Credentials) {
        let mut state = self.shared.state();
        state.current.take_if(|current| {
            current.credentials.access_key_id() == refused.access_key_id()
                && current.credentials.session_token() == refused.session_token()
        });
    }
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CredentialsCache")
            .field("source", self.source())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current credentials, with a refresh begun when it is due; without any, the load to wait for.
    fn current_or_load(self: &Arc<Self>) -> Result<Credentials, Loading> {
        let now = (self.clock)();
        let mut state = self.state();
        let Some(current) = state
            .current
            .as_ref()
            .filter(|current| !current.is_expired(now))
        else {
            return Err(self.load(&mut state));
        };
        let credentials = current.credentials.clone();
        if current.refresh_at.is_some_and(|at| at <= now) {
            self.load(&mut state);
        }
        Ok(credentials)
    }

    /// Joins the load that is under way, else begins one. It is a task of its own: a request that gives up must not end
    /// it for the others.
    fn load(self: &Arc<Self>, state: &mut State) -> Loading {
        // A sender that is gone without a result belongs to a load that panicked.
        if let Some(loading) = state
            .loading
            .as_ref()
            .filter(|loading| loading.has_changed().is_ok())
        {
            return loading.clone();
        }
        let (sender, loading) = watch::channel(None);
        state.loading = Some(loading.clone());
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let loaded = shared.ask_provider().await;
            shared.settle(&loaded);
            sender.send_replace(Some(loaded));
        });
        loading
    }

    async fn ask_provider(&self) -> Loaded {
        let loaded = timeout(LOAD_TIMEOUT, self.provider.provide_credentials()).await;
        let loaded =
            loaded.unwrap_or_else(|_| Err(ProviderError::provider_timed_out(LOAD_TIMEOUT)));
        loaded.map_err(|error| self.explain(&error))
    }

    /// Instance metadata is asked last, when nothing else is configured: whatever it says, off EC2 as on it, the cure is
    /// to configure credentials.
    fn explain(&self, error: &ProviderError) -> CredentialsError {
        let text = chain(error);
        if self.source == CredentialSource::InstanceMetadata {
            debug!(error = text, "instance metadata gave no credentials");
            return CredentialsError::Missing;
        }
        match error {
            ProviderError::CredentialsNotLoaded(_) => CredentialsError::Missing,
            ProviderError::ProviderTimedOut(_) => CredentialsError::TimedOut,
            _ => CredentialsError::Failed(text),
        }
    }

    fn settle(&self, loaded: &Loaded) {
        let now = (self.clock)();
        let mut state = self.state();
        state.loading = None;
        match loaded {
            Ok(credentials) => {
                debug!(expiry = ?credentials.expiry(), "loaded AWS credentials");
                state.current = Some(Current {
                    credentials: credentials.clone(),
                    refresh_at: credentials.expiry().map(|expiry| refresh_at(expiry, now)),
                });
            }
            Err(error) => {
                if let Some(current) = &mut state.current {
                    warn!(%error, source = %self.source, "AWS credentials were not refreshed");
                    current.refresh_at = Some(now + REFRESH_PAUSE);
                } else {
                    // Whoever waits for them tells.
                    debug!(%error, source = %self.source, "there are no AWS credentials");
                }
            }
        }
    }
}

impl Current {
    fn is_expired(&self, now: SystemTime) -> bool {
        self.credentials
            .expiry()
            .is_some_and(|expiry| expiry <= now)
    }
}

/// When credentials that expire at `expiry` are refreshed: five to six minutes ahead; half their life ahead when that is
/// less, but at least a minute.
fn refresh_at(expiry: SystemTime, now: SystemTime) -> SystemTime {
    let life = expiry.duration_since(now).unwrap_or_default();
    let ahead = REFRESH_AHEAD + REFRESH_JITTER.mul_f64(fastrand::f64());
    let ahead = ahead.min((life / 2).max(MIN_REFRESH_AHEAD));
    (now + life.saturating_sub(ahead)).max(now + REFRESH_PAUSE)
}

#[cfg(test)]
mod tests;
