//! What becomes of an answer whose client left. Bedrock is paid for all of it either way; who wants the exact usage lets the
//! gateway read on, within bounds of time and number.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::debug;

use crate::config::OnDisconnect;

/// How many answers are read on at the same time. Each has a connection to Bedrock; what is beyond is ended.
const MAX_AT_ONCE: usize = 256;
/// How long one is read on.
const MAX_TIME: Duration = Duration::from_mins(10);

/// Answers that nobody waits for any more. A clone is the same.
#[derive(Clone, Debug)]
pub(super) struct Leaving {
    /// How many more may be read on; `None` where none is.
    places: Option<Arc<Semaphore>>,
    stopping: watch::Receiver<bool>,
}

/// Work that a client waits for. Dropped before it is done, because the client left, it goes on as far as that is
/// wanted.
pub(super) struct Awaited<T: Send + 'static> {
    work: JoinSet<T>,
    leaving: Leaving,
}

impl Leaving {
    /// What the configuration wants, until the gateway is `stopping`.
    pub(super) fn new(on_disconnect: OnDisconnect, stopping: watch::Receiver<bool>) -> Self {
        let places = match on_disconnect {
            OnDisconnect::Cancel => None,
            OnDisconnect::Drain => Some(Arc::new(Semaphore::new(MAX_AT_ONCE))),
        };
        Self { places, stopping }
    }

    /// Whether answers are read on.
    pub(super) fn reads_on(&self) -> bool {
        self.places.is_some()
    }

    /// Does `work` with nobody waiting, if there is a place for it; else, and when its time is up, it is dropped.
    pub(super) fn finish(&self, work: impl Future + Send + 'static) {
        let Some(places) = &self.places else { return };
        let (Ok(place), Ok(runtime)) = (
            Arc::clone(places).try_acquire_owned(),
            Handle::try_current(),
        ) else {
            debug!("an answer whose client left is not read on: there are too many");
            return;
        };
        let mut stopping = self.stopping.clone();
        runtime.spawn(async move {
            tokio::select! {
                _ = timeout(MAX_TIME, work) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
            drop(place);
        });
    }

    /// Waits until no answer is read on any more.
    pub(super) async fn over(&self) {
        if let Some(places) = &self.places {
            let all = u32::try_from(MAX_AT_ONCE).unwrap_or(u32::MAX);
            // Nobody closes it.
            let _ = places.acquire_many(all).await;
        }
    }
}

impl<T: Send + 'static> Awaited<T> {
    /// Begins `work`, for as long as somebody waits for it and as `leaving` has it after that.
    pub(super) fn begin(work: impl Future<Output = T> + Send + 'static, leaving: Leaving) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(work);
        Self {
            work: tasks,
            leaving,
        }
    }

    /// Waits until it is done.
    pub(super) async fn done(mut self) -> T {
        match self.work.join_next().await {
            Some(Ok(done)) => done,
            Some(Err(error)) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(_) => pending().await,
            },
            None => pending().await,
        }
    }
}

impl<T: Send + 'static> Drop for Awaited<T> {
    fn drop(&mut self) {
        if !self.work.is_empty() {
            let mut work = std::mem::take(&mut self.work);
            self.leaving
                .finish(async move { drop(work.join_next().await) });
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    /// Work without an end, as long as it is held.
    async fn held(by: Arc<()>) {
        pending::<()>().await;
        drop(by);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_read_on_is_bounded_in_number_and_time() {
        let stop = watch::Sender::new(false);
        let leaving = Leaving::new(OnDisconnect::Drain, stop.subscribe());
        let work = Arc::new(());
        for _ in 0..MAX_AT_ONCE + 10 {
            leaving.finish(held(Arc::clone(&work)));
        }
        assert_eq!(Arc::strong_count(&work), 1 + MAX_AT_ONCE);
        let begun = Instant::now();
        leaving.over().await;
        assert_eq!(Arc::strong_count(&work), 1);
        assert!(begun.elapsed() >= MAX_TIME && begun.elapsed() < 2 * MAX_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_gateway_that_stops_reads_nothing_on() {
        let stop = watch::Sender::new(false);
        let leaving = Leaving::new(OnDisconnect::Drain, stop.subscribe());
        let work = Arc::new(());
        leaving.finish(held(Arc::clone(&work)));
        stop.send_replace(true);
        let begun = Instant::now();
        leaving.over().await;
        assert_eq!(
            (Arc::strong_count(&work), begun.elapsed()),
            (1, Duration::ZERO)
        );
    }

    #[tokio::test]
    async fn nothing_is_read_on_where_that_is_not_wanted() {
        let stop = watch::Sender::new(false);
        let leaving = Leaving::new(OnDisconnect::Cancel, stop.subscribe());
        let work = Arc::new(());
        assert!(!leaving.reads_on());
        leaving.finish(held(Arc::clone(&work)));
        assert_eq!(Arc::strong_count(&work), 1);
    }
}
