//! The models that can be called, asked of AWS in the background: whoever wants the list gets the last good one and
//! waits for nobody.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::debug;

use self::cache::Cache;
use self::schedule::pause;
use self::told::Told;
use super::Bedrock;
use crate::bedrock::catalog::{InvocableModel, Listing, merge};
use crate::config::{self, Environment};
use crate::metrics::Metrics;

pub use self::refresh::{ListFailure, Refreshed};

mod cache;
mod refresh;
mod schedule;
mod told;

/// How long somebody who wants a list waits for a new one.
const PATIENCE: Duration = Duration::from_secs(5);

/// What can be called, kept up to date; a clone is the same.
#[derive(Clone, Debug)]
pub struct Discovery {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// One Bedrock for each region; where several list the same id, the first wins.
    places: Vec<Bedrock>,
    settings: config::Discovery,
    cache: Option<Cache>,
    metrics: Metrics,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What each place lists, as far as it could be had.
    listings: Vec<Listing>,
    models: Arc<[InvocableModel]>,
    /// Whether there is a list to show, or was at least an attempt to get one.
    asked: bool,
    /// The refresh that is under way.
    flight: Option<Flight>,
    /// The failures that were told, until the list can be had again.
    told: Told,
}

/// A refresh under way, and then what came of it.
type Flight = watch::Receiver<Option<Result<Refreshed, Vec<ListFailure>>>>;

impl Discovery {
    /// Begins to ask `places`, the first of which wins where several list the same id, and returns at once. What the
    /// last process left in `cache_file` is the list until then.
    ///
    /// Must be called within a Tokio runtime. The background work ends when the last clone is gone.
    pub fn begin(
        places: Vec<Bedrock>,
        settings: &config::Discovery,
        cache_file: Option<PathBuf>,
        metrics: &Metrics,
    ) -> Self {
        let cache = cache_file.filter(|_| settings.enabled).map(Cache::new);
        let regions: Vec<_> = places.iter().map(region).collect();
        let kept = cache.as_ref().and_then(|cache| cache.read(&regions));
        let asked = kept.is_some();
        let listings = kept.unwrap_or_else(|| nothing(&regions));
        let state = State {
            models: merge(&listings, &settings.provider_filter).into(),
            listings,
            asked,
            flight: None,
            told: Told::default(),
        };
        let shared = Arc::new(Shared {
            places,
            settings: settings.clone(),
            cache,
            metrics: metrics.clone(),
            state: Mutex::new(state),
        });
        if settings.enabled {
            let first = shared.fly();
            let interval = settings.refresh_interval;
            tokio::spawn(keep(Arc::downgrade(&shared), first, interval));
        }
        Self { shared }
    }

    /// Where the list of `places` is kept across restarts: in `$XDG_CACHE_HOME`, else `~/.cache`, under a name that
    /// depends on regions, endpoints and where credentials come from. `None` without either folder.
    pub fn cache_file(environment: &Environment, places: &[Bedrock]) -> Option<PathBuf> {
        cache::file(environment, places)
    }

    /// The last good list; empty when there is none yet, or when discovery is switched off.
    pub fn models(&self) -> Arc<[InvocableModel]> {
        Arc::clone(&self.shared.state().models)
    }

    /// The list as a client shall see it: the last good one; the first one, for which it waits at most five seconds; or
    /// with a refresh interval of zero a new one, if that is there within five seconds.
    pub async fn current(&self) -> Arc<[InvocableModel]> {
        let settings = &self.shared.settings;
        let wanted = settings.refresh_interval.is_zero() || !self.shared.state().asked;
        if settings.enabled && wanted && timeout(PATIENCE, self.refresh()).await.is_err() {
            debug!("AWS has not listed its models within {PATIENCE:?}");
        }
        self.models()
    }

    /// Asks AWS now, or waits for the refresh that is under way. Part of the lists is better than none: what could not be
    /// had is in the answer, and counts as unchanged.
    ///
    /// # Errors
    /// Why each list failed, when none could be had.
    pub async fn refresh(&self) -> Result<Refreshed, Vec<ListFailure>> {
        if !self.shared.settings.enabled {
            return Ok(Refreshed::default());
        }
        let flight = self.shared.fly();
        landed(flight).await
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The refresh that is under way, else a new one. It is a task of its own: whoever waits for it may leave.
    fn fly(self: &Arc<Self>) -> Flight {
        let mut state = self.state();
        let under_way = |flight: &&Flight| flight.has_changed().is_ok();
        if let Some(flight) = state.flight.as_ref().filter(under_way) {
            return flight.clone();
        }
        let (sender, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let result = shared.ask().await;
            shared.state().flight = None;
            // Nobody may be waiting.
            let _ = sender.send(Some(result));
        });
        flight
    }
}

/// Waits for the end of a refresh; one that broke off counts as one without any list.
async fn landed(mut flight: Flight) -> Result<Refreshed, Vec<ListFailure>> {
    let result = flight.wait_for(Option::is_some).await;
    result
        .ok()
        .and_then(|result| result.clone())
        .unwrap_or_else(|| Err(Vec::new()))
}

/// Refreshes until nobody wants the list any more; with an interval of zero, until there is one.
async fn keep(shared: Weak<Shared>, first: Flight, interval: Duration) {
    let mut flight = first;
    let mut failures = 0_u32;
    loop {
        let complete =
            matches!(landed(flight).await, Ok(refreshed) if refreshed.failures.is_empty());
        failures = if complete {
            if interval.is_zero() {
                return;
            }
            0
        } else {
            failures.saturating_add(1)
        };
        sleep(pause(interval, failures, fastrand::f64())).await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        flight = shared.fly();
    }
}

fn region(place: &Bedrock) -> String {
    place.describe().region.to_string()
}

fn nothing(regions: &[String]) -> Vec<Listing> {
    let empty = |region: &String| Listing {
        region: region.clone(),
        ..Listing::default()
    };
    regions.iter().map(empty).collect()
}
