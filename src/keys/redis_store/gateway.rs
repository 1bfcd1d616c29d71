//! A gateway's part in the shared store: it reserves and settles, says that it lives, and looks after what dead ones
//! left.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use redis::Script;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, warn};

use super::limits;
use super::server::{Server, name};
use super::settlements::{Ending, Settlements};
use crate::keys::{
    Demand, Grant, Key, RateLimits, Refusal, ReservationId, ReservationIds, Settlement, StoreError,
    Timestamp,
};

/// How often a gateway says that it lives.
const BEAT: Duration = Duration::from_secs(5);
/// How long a gateway counts as alive after it was heard.
const LEASE: Duration = Duration::from_secs(30);
/// How long is known of a gateway what it did, after it was heard: it may come back.
const MEMORY: Duration = Duration::from_hours(24);
/// How many reservations of a dead gateway are booked in one step, because everybody waits for it.
const STEP: usize = 100;
/// How often a reservation is given back again whose answer was lost: its request may reach the server late.
const REPEATS: u8 = 6;
/// The most of those that are remembered.
const MOST_DOUBTFUL: usize = 4096;

static BEATING: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("common.lua"),
        include_str!("beat.lua")
    ))
});
static BURYING: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("common.lua"),
        include_str!("bury.lua")
    ))
});

/// A gateway as the server knows it. What it does in the background ends with it.
pub(super) struct Gateway {
    part: Arc<Part>,
    ids: ReservationIds,
    _background: JoinSet<()>,
}

/// What a gateway's background knows of it.
struct Part {
    /// What tells it from all others.
    id: String,
    settlements: Settlements,
    /// Reservations that nobody holds, though they may have been made.
    doubtful: Mutex<VecDeque<Doubt>>,
}

struct Doubt {
    settlement: Settlement,
    repeats: u8,
}

impl Gateway {
    /// Takes part from now on.
    pub(super) async fn join(server: &Server) -> Result<Self, StoreError> {
        let ids = ReservationIds::new();
        let part = Arc::new(Part {
            id: ids.next().to_string(),
            settlements: Settlements::new(),
            doubtful: Mutex::default(),
        });
        part.beat(server).await?;
        let mut background = JoinSet::new();
        background.spawn({
            let (part, server) = (Arc::clone(&part), server.clone());
            async move { part.settlements.send(&server, &part.id).await }
        });
        background.spawn({
            let (part, server) = (Arc::clone(&part), server.clone());
            async move { part.live(&server).await }
        });
        Ok(Self {
            part,
            ids,
            _background: background,
        })
    }

    /// Reserves what a request wants, or says why not. A client that asks again at once may overtake the end of its last
    /// request on the way to the server, so nobody is refused before the server knows of all that ended here.
    pub(super) async fn reserve(
        &self,
        server: &Server,
        key: &Arc<Key>,
        demand: &Demand,
    ) -> Result<Result<Grant, Refusal>, StoreError> {
        let settlements = &self.part.settlements;
        let were_waiting = settlements.are_waiting();
        let answer = self.ask(server, key, demand).await?;
        let may_pass_now = matches!(
            answer,
            Err(Refusal::Tokens { .. } | Refusal::Concurrency { .. } | Refusal::Budget { .. })
        );
        if may_pass_now && were_waiting && settlements.flush().await.is_ok() {
            return self.ask(server, key, demand).await;
        }
        Ok(answer)
    }

    /// Asks the server once. When nobody waits for the answer any more, or when it is lost, what was reserved is given
    /// back.
    async fn ask(
        &self,
        server: &Server,
        key: &Arc<Key>,
        demand: &Demand,
    ) -> Result<Result<Grant, Refusal>, StoreError> {
        let id = self.ids.next();
        let mut unanswered = Unanswered {
            part: &self.part,
            key,
            id: Some(id),
        };
        let reservations = name(&format!("open:{}", self.part.id));
        let answer = limits::reserve(server, &reservations, key, demand, id).await?;
        unanswered.id = None;
        Ok(answer)
    }

    pub(super) fn settle(&self, settlement: &Settlement) {
        self.part.settlements.push(Ending::of(settlement));
    }

    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        self.part.settlements.flush().await
    }

    pub(super) async fn beat(&self, server: &Server) -> Result<(), StoreError> {
        self.part.beat(server).await
    }
}

impl Part {
    /// Says that the gateway lives, for ever.
    async fn live(&self, server: &Server) {
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            if let Err(failure) = self.beat(server).await {
                debug!(%failure, "the key store was not told that this gateway lives");
            }
        }
    }

    /// Says once that the gateway lives, and books what dead ones left.
    async fn beat(&self, server: &Server) -> Result<(), StoreError> {
        let mut script = BEATING.prepare_invoke();
        script
            .key(name("gateways"))
            .key(name(&format!("gateway:{}", self.id)));
        script
            .arg(server.moment())
            .arg(&self.id)
            .arg(millis(LEASE))
            .arg(MEMORY.as_secs());
        let dead: Vec<String> = server.invoke(&script).await?;
        self.repeat_doubtful();
        for gateway in dead {
            bury(server, &gateway).await?;
        }
        Ok(())
    }

    /// Gives back what may have been reserved for nobody.
    fn doubt(&self, settlement: Settlement) {
        self.settlements.push(Ending::of(&settlement));
        let mut doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner);
        if doubtful.len() >= MOST_DOUBTFUL {
            doubtful.pop_front();
        }
        doubtful.push_back(Doubt {
            settlement,
            repeats: REPEATS,
        });
    }

    fn repeat_doubtful(&self) {
        let mut doubtful = self.doubtful.lock().unwrap_or_else(PoisonError::into_inner);
        doubtful.retain_mut(|doubt| {
            self.settlements.push(Ending::of(&doubt.settlement));
            doubt.repeats -= 1;
            doubt.repeats > 0
        });
    }
}

/// Books all that a dead gateway left, in steps.
async fn bury(server: &Server, gateway: &str) -> Result<(), StoreError> {
    let mut booked = 0;
    let mut place = "0".to_owned();
    loop {
        let mut script = BURYING.prepare_invoke();
        script.key(name("gateways"));
        script
            .arg(server.moment())
            .arg(gateway)
            .arg(millis(LEASE))
            .arg(MEMORY.as_secs())
            .arg(STEP)
            .arg(&place);
        let (next, step): (String, usize) = server.invoke(&script).await?;
        booked += step;
        if next == "0" {
            break;
        }
        place = next;
    }
    if booked > 0 {
        warn!(
            "{booked} requests of a gateway that is not heard any more are booked with estimates"
        );
    }
    Ok(())
}

/// A reservation whose answer did not come yet.
struct Unanswered<'g> {
    part: &'g Part,
    key: &'g Arc<Key>,
    id: Option<ReservationId>,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id else { return };
        self.part.doubt(Settlement {
            key: Arc::clone(self.key),
            grant: Grant {
                id,
                output_tokens: 0,
                tokens: 0,
                cost: None,
                at: Timestamp::default(),
                rate_limits: RateLimits::default(),
            },
            model: String::new(),
            spent: None,
        });
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
