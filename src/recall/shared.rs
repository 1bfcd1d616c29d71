//! A memory that several gateways share, so that reasoning survives a load balancer: bounded in bytes and time like
//! that of one process, and kept in a Redis.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bytes::Bytes;
use redis::{Script, ScriptInvocation};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tracing::debug;

use super::{Found, Owner, Recall, Turn, alphanumerics};
use crate::config::Secret;
use crate::store::{Redis, RedisFailure};

/// What a turn takes in the Redis beside its bytes, and what each of its calls takes beside its id: a rough measure of
/// the worst case.
const OVERHEAD: usize = 512;

/// The most bytes that are on their way to the Redis. What comes beside that is not remembered.
const MOST_ON_THEIR_WAY: usize = 32 * 1024 * 1024;

/// How many calls are looked up at a time, because everybody waits for that.
const STEP: usize = 250;

/// The name of the list of turns; all other names have the same hash tag, so that a cluster keeps them together.
const TURNS: &str = "{outcrop}:recall:turns";

static REMEMBER: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("shared/common.lua"),
        include_str!("shared/remember.lua")
    ))
});
static FIND: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("shared/common.lua"),
        include_str!("shared/find.lua")
    ))
});

/// Turns remembered in a Redis.
pub struct SharedMemory {
    redis: Redis,
    max_bytes: usize,
    ttl: Duration,
    on_their_way: Arc<AtomicUsize>,
}

impl SharedMemory {
    /// A memory of at most `max_bytes` in the Redis of a `redis://` or `rediss://` URL, in which a turn stays for
    /// `ttl` after it was last used. With zero of either nothing is remembered.
    ///
    /// It has a connection of its own: what counts requests there does not wait behind long reasoning.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub fn new(url: &Secret, max_bytes: usize, ttl: Duration) -> Result<Self, RedisFailure> {
        Ok(Self {
            redis: Redis::new(url)?,
            max_bytes,
            ttl,
            on_their_way: Arc::default(),
        })
    }

    fn is_off(&self) -> bool {
        self.max_bytes == 0 || self.ttl.is_zero()
    }

    async fn look_up(&self, calls: &[String]) -> Result<Vec<Bytes>, RedisFailure> {
        let mut turns = HashSet::new();
        let mut found = Vec::new();
        for step in calls.chunks(STEP) {
            let mut script = self.prepare(&FIND);
            script.arg(step);
            let named: Vec<(String, Vec<u8>)> = self.redis.invoke(&script).await?;
            for (turn, reasoning) in named {
                if turns.insert(turn) {
                    found.push(reasoning.into());
                }
            }
        }
        Ok(found)
    }

    /// A script that is told how long turns stay.
    fn prepare(&self, script: &'static Script) -> ScriptInvocation<'static> {
        let mut script = script.key(TURNS);
        script.arg(u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX));
        script
    }
}

impl Recall for SharedMemory {
    fn remember(&self, owner: &Owner, turn: Turn) {
        let calls = calls(owner, &turn.call_ids);
        let ids: usize = calls.iter().map(|call| OVERHEAD + 2 * call.len()).sum();
        let length = OVERHEAD + turn.reasoning.len() + ids;
        let (Ok(runtime), false) = (Handle::try_current(), self.is_off()) else {
            return;
        };
        if calls.is_empty() || length > self.max_bytes {
            return;
        }
        let Some(place) = Place::take(&self.on_their_way, length) else {
            debug!("a turn is not remembered: too many are on their way already");
            return;
        };
        let mut script = self.prepare(&REMEMBER);
        script
            .arg(self.max_bytes)
            .arg(format!("{length}:{:032x}", fastrand::u128(..)))
            .arg(&*turn.reasoning)
            .arg(calls);
        let redis = self.redis.clone();
        runtime.spawn(async move {
            let _place = place;
            if let Err(failure) = redis.invoke::<()>(&script).await {
                debug!(%failure, "a turn is not remembered");
            }
        });
    }

    fn find<'r>(&'r self, owner: &'r Owner, call_ids: &'r [String]) -> Found<'r> {
        Box::pin(async move {
            if self.is_off() {
                return Vec::new();
            }
            match self.look_up(&calls(owner, call_ids)).await {
                Ok(found) => found,
                Err(failure) => {
                    debug!(%failure, "nothing is recalled");
                    Vec::new()
                }
            }
        })
    }
}

impl fmt::Debug for SharedMemory {
    /// Leaves out what is remembered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory")
            .field("redis", &self.redis)
            .field("max_bytes", &self.max_bytes)
            .field("ttl", &self.ttl)
            .finish_non_exhaustive()
    }
}

/// Bytes that are on their way.
struct Place {
    all: Arc<AtomicUsize>,
    length: usize,
}

impl Place {
    fn take(all: &Arc<AtomicUsize>, length: usize) -> Option<Self> {
        let all = Arc::clone(all);
        let place = Self { all, length };
        let before = place.all.fetch_add(length, Ordering::Relaxed);
        (before.saturating_add(length) <= MOST_ON_THEIR_WAY).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.fetch_sub(self.length, Ordering::Relaxed);
    }
}

/// What the calls of an owner are called in the Redis, each once.
fn calls(owner: &Owner, ids: &[String]) -> Vec<String> {
    let owner = name_of(owner);
    let mut seen = HashSet::new();
    let ids = ids.iter().map(|id| alphanumerics(id));
    ids.filter(|id| !id.is_empty() && seen.insert(id.clone()))
        .map(|id| format!("{owner}:{id}"))
        .collect()
}

/// What an owner is called there. The digest of a static key is digested once more: whoever compares it with those of
/// likely keys shall not find it there as it stands.
fn name_of(owner: &Owner) -> String {
    match owner {
        Owner::Anonymous => "anonymous".to_owned(),
        Owner::StaticKey(digest) => {
            let mut hash = Sha256::new_with_prefix("outcrop recall");
            hash.update(digest);
            let digest = Bytes::copy_from_slice(&hash.finalize());
            format!("static:{digest:x}")
        }
        Owner::ManagedKey(id) => format!("key:{id}"),
    }
}
