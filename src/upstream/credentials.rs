//! Credentials that are fetched once for everybody. The provider is asked by one task at a time, ahead of expiry, and
//! no request waits for it while there are credentials that still work: aws-config's own chain caches nothing and
//! would go to STS or the metadata service for every request.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::clock::AwsClock;
use super::credential_source::CredentialSource;
use super::credentials_error::CredentialsError;

/// How long a request waits for a load.
pub(super) const LOAD_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a load may go on when nobody waits any more. A credential process goes on when it is given up, and the next
/// load would run another beside it; what comes late is still good for the next request.
const MAX_LOAD: Duration = Duration::from_secs(30);
/// How long before expiry a refresh begins, plus up to [`REFRESH_JITTER`] so that a fleet does not refresh in step.
const REFRESH_AHEAD: Duration = Duration::from_mins(5);
const REFRESH_JITTER: Duration = Duration::from_mins(1);
/// The least time before expiry at which a refresh of short-lived credentials begins.
const MIN_REFRESH_AHEAD: Duration = Duration::from_mins(1);
/// The pause between two refreshes: after a failure, and for credentials that come nearly expired.
const REFRESH_PAUSE: Duration = Duration::from_secs(30);

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
    clock: AwsClock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    loading: Option<Loading>,
    /// When AWS refused the current ones and others were asked for.
    replaced_at: Option<SystemTime>,
}

/// All times are those of this machine's clock, be it right or wrong.
struct Current {
    credentials: Credentials,
    loaded_at: SystemTime,
    /// By how much the refresh begins earlier than it has to.
    jitter: Duration,
    /// When the last refresh failed.
    failed_at: Option<SystemTime>,
}

impl CredentialsCache {
    /// A cache in front of `provider`, which is first asked when credentials are first needed.
    pub(super) fn new(
        provider: SharedCredentialsProvider,
        source: CredentialSource,
        clock: AwsClock,
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
        match self.shared.current_or_load() {
            Ok(credentials) => Ok(credentials),
            Err(loading) => self.shared.end_of(loading).await,
        }
    }

    /// Asks for others than `refused`, which AWS no longer takes: keys may have been rotated, or a session ended early.
    /// Tells whether there are others now. They are asked for once in half a minute at most, because AWS refuses good ones
    /// in a region that the account has not enabled, and clients choose regions.
    pub(super) async fn replace(&self, refused: &Credentials) -> bool {
        let loading = match self.shared.replaced_or_load(refused) {
            Ok(is_replaced) => return is_replaced,
            Err(loading) => loading,
        };
        let loaded = self.shared.end_of(loading).await;
        loaded.is_ok_and(|loaded| !is_same(&loaded, refused))
    }
}

fn is_same(one: &Credentials, other: &Credentials) -> bool {
    one.access_key_id() == other.access_key_id()
        && one.secret_access_key() == other.secret_access_key()
        && one.session_token() == other.session_token()
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
        let now = self.clock.local();
        let mut state = self.state();
        let Some(current) = &state.current else {
            return Err(self.load(&mut state));
        };
        let expiry = self.local_expiry(&current.credentials);
        if current.is_expired(expiry, now) {
            return Err(self.load(&mut state));
        }
        let credentials = current.credentials.clone();
        if current.is_refresh_due(expiry, now) {
            self.load(&mut state);
        }
        Ok(credentials)
    }

    /// Whether there are others than `refused`, as far as is known without asking; else the load to wait for.
    fn replaced_or_load(self: &Arc<Self>, refused: &Credentials) -> Result<bool, Loading> {
        let now = self.clock.local();
        let mut state = self.state();
        if let Some(current) = &state.current
            && !is_same(&current.credentials, refused)
        {
            return Ok(true);
        }
        if state.loading.is_none() && is_recent(state.replaced_at, now) {
            return Ok(false);
        }
        state.replaced_at = Some(now);
        Err(self.load(&mut state))
    }

    /// When `credentials` expire by this machine's clock; never without an expiry.
    fn local_expiry(&self, credentials: &Credentials) -> Option<SystemTime> {
        Some(self.clock.to_local(credentials.expiry()?))
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

    /// Waits for a load, but not for ever.
    async fn end_of(&self, mut loading: Loading) -> Loaded {
        match timeout(LOAD_TIMEOUT, loading.wait_for(Option::is_some)).await {
            Ok(loaded) => loaded.ok().and_then(|loaded| loaded.clone()),
            Err(_) => Some(Err(self.timed_out())),
        }
        .unwrap_or_else(|| Err(CredentialsError::Failed("the load was given up".to_owned())))
    }

    async fn ask_provider(&self) -> Loaded {
        match timeout(MAX_LOAD, self.provider.provide_credentials()).await {
            Ok(loaded) => loaded.map_err(|error| CredentialsError::explain(&error, &self.source)),
            Err(_) => Err(self.timed_out()),
        }
    }

    fn timed_out(&self) -> CredentialsError {
        let error = ProviderError::provider_timed_out(LOAD_TIMEOUT);
        CredentialsError::explain(&error, &self.source)
    }

    fn settle(&self, loaded: &Loaded) {
        let now = self.clock.local();
        let mut state = self.state();
        state.loading = None;
        match loaded {
            Ok(credentials) => {
                debug!(expiry = ?credentials.expiry(), "loaded AWS credentials");
                state.current = Some(Current {
                    credentials: credentials.clone(),
                    loaded_at: now,
                    jitter: REFRESH_JITTER.mul_f64(fastrand::f64()),
                    failed_at: None,
                });
            }
            Err(error) => {
                if let Some(current) = &mut state.current {
                    warn!(%error, source = %self.source, "AWS credentials were not refreshed");
                    current.failed_at = Some(now);
                } else {
                    // Whoever waits for them tells.
                    debug!(%error, source = %self.source, "there are no AWS credentials");
                }
            }
        }
    }
}

impl Current {
    /// What has just been loaded counts as valid: where it looks expired it is the clock that is wrong, and AWS's answer
    /// will say by how much.
    fn is_expired(&self, expiry: Option<SystemTime>, now: SystemTime) -> bool {
        expiry.is_some_and(|expiry| expiry <= now) && !is_recent(Some(self.loaded_at), now)
    }

    fn is_refresh_due(&self, expiry: Option<SystemTime>, now: SystemTime) -> bool {
        let due = |expiry| refresh_at(expiry, self.loaded_at, self.jitter) <= now;
        expiry.is_some_and(due) && !is_recent(self.failed_at, now)
    }
}

/// Whether `at` is less than [`REFRESH_PAUSE`] ago. What lies in the future is not: the clock was set back.
fn is_recent(at: Option<SystemTime>, now: SystemTime) -> bool {
    at.and_then(|at| now.duration_since(at).ok())
        .is_some_and(|elapsed| elapsed < REFRESH_PAUSE)
}

/// When credentials that expire at `expiry` are refreshed: five minutes and the jitter ahead; half their life ahead when
/// that is less, but at least a minute.
fn refresh_at(expiry: SystemTime, loaded_at: SystemTime, jitter: Duration) -> SystemTime {
    let life = expiry.duration_since(loaded_at).unwrap_or_default();
    let ahead = (REFRESH_AHEAD + jitter).min((life / 2).max(MIN_REFRESH_AHEAD));
    (loaded_at + life.saturating_sub(ahead)).max(loaded_at + REFRESH_PAUSE)
}

#[cfg(test)]
mod tests;
