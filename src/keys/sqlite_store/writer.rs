//! The one thread that writes what keys use, in groups.

use std::fmt;
use std::mem::{replace, take};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::group::Group;
use crate::keys::{ReservationId, StoreError, UsageRow};
use crate::store::sqlite::Lock;

/// How long a group gathers before it is written. With the time that writing takes, a process that is killed loses
/// less than the last 100 milliseconds.
const GATHERING: Duration = Duration::from_millis(50);

/// The pause before a group is tried again that could not be written.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes behind. When it is dropped it writes the rest and waits for that.
pub(super) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    group: Group,
    /// Those who wait until everything is written.
    flushes: Vec<Flush>,
    /// Why the last group could not be written, until one can be.
    failure: Option<StoreError>,
    is_ending: bool,
}

/// What the thread has to do next.
struct Work {
    group: Group,
    flushes: Vec<Flush>,
    is_last: bool,
}

type Flush = oneshot::Sender<Result<(), StoreError>>;

impl Writer {
    /// Starts the thread, which holds `lock` until it ends.
    pub(super) fn start(file: Connection, lock: Lock) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("key-usage".to_owned())
            .spawn(move || {
                of_thread.write_all(file);
                drop(lock);
            })
            .map_err(|error| StoreError::Away(error.to_string()))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Notes a reservation, with what it is booked with if it is never settled.
    pub(super) fn reserve(&self, id: ReservationId, estimate: UsageRow) {
        self.shared.add(|group| group.reserve(id, estimate));
    }

    /// Notes the end of a reservation, with what the request took.
    pub(super) fn settle(&self, id: ReservationId, used: Option<UsageRow>) {
        self.shared.add(|group| group.settle(id, used));
    }

    /// Waits until everything that was noted before is written.
    ///
    /// # Errors
    /// When it could not be written. It is kept and tried again.
    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        let (flush, flushed) = oneshot::channel();
        self.shared.change(|state| state.flushes.push(flush));
        let ended = |_| Err(StoreError::Away("its writer has ended".to_owned()));
        flushed.await.unwrap_or_else(ended)
    }

    /// Whether what was noted can be written.
    ///
    /// # Errors
    /// Why it could not be, when that was tried last.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.shared.state().failure.clone().map_or(Ok(()), Err)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.change(|state| state.is_ending = true);
        if let Some(thread) = self.thread.take() {
            // It does not panic, and nothing could be done about it here.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    /// Leaves out what is not written yet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under the lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds to the group, and wakes the thread with the first of it.
    fn add(&self, note: impl FnOnce(&mut Group)) {
        let mut state = self.state();
        let is_first = state.group.is_empty();
        note(&mut state.group);
        drop(state);
        if is_first {
            self.woken.notify_one();
        }
    }

    /// Changes what the thread waits for.
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.woken.notify_one();
    }

    /// Writes group after group until the end. One that cannot be written is kept, and what comes later is added to it.
    fn write_all(&self, mut file: Connection) {
        let mut unwritten = Group::default();
        loop {
            let work = self.next(&unwritten);
            unwritten.absorb(work.group);
            let outcome = unwritten.write_if_any(&mut file);
            if outcome.is_ok() {
                unwritten = Group::default();
            }
            self.tell(outcome.as_ref().err(), work.is_last);
            for flush in work.flushes {
                // Whoever waited may have left.
                let _ = flush.send(outcome.clone());
            }
            if work.is_last {
                return;
            }
        }
    }

    /// Says once that groups cannot be written, and once that they can be again.
    fn tell(&self, failure: Option<&StoreError>, is_last: bool) {
        let before = replace(&mut self.state().failure, failure.cloned());
        match (failure, before) {
            (Some(error), _) if is_last => error!("what keys used last is lost: {error}"),
            (Some(error), None) => {
                warn!("what keys use cannot be written, and is kept in memory: {error}");
            }
            (None, Some(_)) => info!("what keys use is written again"),
            _ => {}
        }
    }

    /// Waits for what is to be written next, and lets it gather.
    fn next(&self, unwritten: &Group) -> Work {
        let is_urgent = |state: &State| state.is_ending || !state.flushes.is_empty();
        let mut state = self.state();
        let gathering = if unwritten.is_empty() {
            let is_idle = |state: &mut State| state.group.is_empty() && !is_urgent(state);
            state = self
                .woken
                .wait_while(state, is_idle)
                .unwrap_or_else(PoisonError::into_inner);
            GATHERING
        } else {
            PAUSE
        };
        let (mut state, _) = self
            .woken
            .wait_timeout_while(state, gathering, |state| !is_urgent(state))
            .unwrap_or_else(PoisonError::into_inner);
        Work {
            group: take(&mut state.group),
            flushes: take(&mut state.flushes),
            is_last: state.is_ending,
        }
    }
}

impl Group {
    fn write_if_any(&self, file: &mut Connection) -> Result<(), StoreError> {
        if self.is_empty() {
            return Ok(());
        }
        Ok(self.write(file)?)
    }
}
