//! What the tests of the whole gateway share: both of its neighbours, over sockets and under control.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::time::Duration;

use tokio::time::timeout;

pub(crate) mod bedrock;
pub(crate) mod cache;
pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod gateway;
pub(crate) mod keys;
pub(crate) mod messages;
pub(crate) mod process;
pub(crate) mod redis;

/// Longer than anything takes here: what hangs shall say so instead of hanging the whole run.
const PATIENCE: Duration = Duration::from_mins(2);

/// Waits for what must happen.
pub(crate) async fn soon<T>(event: impl Future<Output = T>) -> T {
    timeout(PATIENCE, event)
        .await
        .unwrap_or_else(|_| panic!("it did not happen within {PATIENCE:?}"))
}
