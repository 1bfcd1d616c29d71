//! Settlements on their way to the server: sent in groups and in order, again when the server was away.

use std::collections::VecDeque;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redis::Script;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tracing::error;

use super::server::{Server, day_of, name};
use super::used::Columns;
use crate::keys::{KeyId, Settlement, Spent, StoreError};

/// The most settlements of one group, because everybody waits while the server books them.
const GROUP: usize = 64;
/// The most that wait while the server is away; about twenty megabytes.
const MOST_WAITING: usize = 65_536;
/// The time between two attempts.
const PAUSE: Duration = Duration::from_millis(250);

static SETTLE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("common.lua"),
        include_str!("settle.lua")
    ))
});

/// The end of a reservation, as the script reads it.
#[derive(Serialize)]
pub(super) struct Ending {
    id: String,
    key: KeyId,
    day: u64,
    model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<u32>,
    /// All that were taken.
    tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Columns>,
}

/// The settlements that wait.
pub(super) struct Settlements {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Waiting {
    endings: VecDeque<Ending>,
    /// How many have come so far, for which there was room.
    arrived: u64,
    /// How many had no room since the last group went through.
    lost: u64,
}

/// How far the server has been told.
#[derive(Clone, Default)]
struct Progress {
    settled: u64,
    failures: u64,
    failure: Option<StoreError>,
}

impl Ending {
    pub(super) fn of(settlement: &Settlement) -> Self {
        let tokens = settlement.spent.as_ref().map_or(0, Spent::tokens);
        Self {
            id: settlement.grant.id.to_string(),
            key: settlement.key.id,
            day: day_of(settlement.grant.at),
            model: settlement.model.clone(),
            rpm: settlement.key.limits.rpm,
            tpm: settlement.key.limits.tpm,
            tokens,
            usage: Columns::of(settlement),
        }
    }
}

impl Settlements {
    pub(super) fn new() -> Self {
        Self {
            waiting: Mutex::default(),
            arrived: Notify::new(),
            progress: watch::Sender::default(),
        }
    }

    /// Takes one more. It never waits.
    pub(super) fn push(&self, ending: Ending) {
        let mut waiting = self.waiting();
        if waiting.endings.len() >= MOST_WAITING {
            waiting.lost += 1;
            return;
        }
        waiting.endings.push_back(ending);
        waiting.arrived += 1;
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Whether there are any of which the server has not been told.
    pub(super) fn are_waiting(&self) -> bool {
        self.progress.borrow().settled < self.waiting().arrived
    }

    /// Waits until the server has been told of all that came before, or does not answer.
    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        let mut progress = self.progress.subscribe();
        let (target, failures) = (self.waiting().arrived, progress.borrow().failures);
        let reached = progress
            .wait_for(|now| now.settled >= target || now.failures > failures)
            .await;
        match reached {
            Ok(now) if now.settled >= target => Ok(()),
            Ok(now) => Err(now.failure.clone().unwrap_or_else(ended)),
            Err(_) => Err(ended()),
        }
    }

    /// Sends what comes, for ever. Groups are numbered, so that the server books none twice.
    pub(super) async fn send(&self, server: &Server, gateway: &str) {
        let mut number = 0;
        loop {
            let group = self.take();
            if group.is_empty() {
                self.arrived.notified().await;
                continue;
            }
            number += 1;
            while let Err(failure) = tell(server, gateway, number, &group).await {
                self.progress.send_modify(|progress| {
                    progress.failures += 1;
                    progress.failure = Some(failure);
                });
                sleep(PAUSE).await;
            }
            let settled = u64::try_from(group.len()).unwrap_or(u64::MAX);
            self.progress
                .send_modify(|progress| progress.settled += settled);
        }
    }

    fn take(&self) -> Vec<Ending> {
        let mut waiting = self.waiting();
        let lost = std::mem::take(&mut waiting.lost);
        if lost > 0 {
            error!(
                "{lost} requests ended while the key store was away and could not be kept: what they used is not booked"
            );
        }
        let count = waiting.endings.len().min(GROUP);
        waiting.endings.drain(..count).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done under the lock can panic half-way.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn tell(
    server: &Server,
    gateway: &str,
    number: u64,
    group: &[Ending],
) -> Result<(), StoreError> {
    let group =
        serde_json::to_string(group).map_err(|error| StoreError::Away(error.to_string()))?;
    let mut script = SETTLE.prepare_invoke();
    script.key(name(&format!("gateway:{gateway}")));
    script
        .arg(server.moment())
        .arg(gateway)
        .arg(number)
        .arg(group);
    server.invoke(&script).await
}

fn ended() -> StoreError {
    StoreError::Away("its gateway has ended".to_owned())
}
