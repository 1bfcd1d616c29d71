//! Follows the store: what is changed in it counts here a moment later.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::registry::Shared;
use super::{Access, KeyStore, KnownKeys, StoreError};
use crate::config::StoreLocation;

/// How often changes are looked for: a revocation has to count within two seconds.
const INTERVAL: Duration = Duration::from_millis(500);

/// Follows the store until nobody uses the keys any more. Where there is none yet, it is looked for at `location`.
pub(super) fn begin(keys: &Arc<Shared>, location: Option<StoreLocation>) {
    tokio::spawn(follow(Arc::downgrade(keys), location));
}

async fn follow(keys: Weak<Shared>, location: Option<StoreLocation>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(keys) = keys.upgrade() else { return };
        match (keys.store(), &location) {
            (Some(store), _) => match catch_up(&keys, store).await {
                Ok(()) => keys.outage.heard(),
                Err(error) => keys.outage.unheard(&error),
            },
            (None, Some(location)) => look_for(&keys, location).await,
            (None, None) => return,
        }
    }
}

/// Takes what was changed since the last look.
async fn catch_up(keys: &Shared, store: &Arc<dyn KeyStore>) -> Result<(), StoreError> {
    let known = keys.known();
    let changes = store.changes(known.revision()).await?;
    if changes.revision < known.revision() {
        // It is not the store that it was: an older copy of it, or an empty one.
        warn!("the key store was replaced by an older one; its keys count from now on");
        let all = store.changes(0).await?;
        keys.set_known(KnownKeys::default().after(all));
    } else if changes.revision > known.revision() {
        keys.set_known(known.after(changes));
    }
    Ok(())
}

/// Opens the store once somebody has made it.
async fn look_for(keys: &Shared, location: &StoreLocation) {
    let found = match super::open(location, Access::Gateway).await {
        Ok(store) => keys.adopt(store).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(()) => info!("found the key store {location}: a key is needed from now on"),
        Err(StoreError::Missing(_)) => {}
        Err(error) => {
            if keys.block() {
                warn!("nobody may call until the key store can be used: {error}");
            }
        }
    }
}
