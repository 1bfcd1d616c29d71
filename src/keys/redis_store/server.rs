//! The server as all parts of the store see it: what things are called there, and what time it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{FromRedisValue, Pipeline, ScriptInvocation};

use crate::keys::{KeyId, StoreError, Timestamp};
use crate::store::{Redis, RedisFailure};

/// How long a day has, in milliseconds.
const DAY: u64 = 86_400_000;

/// Says what time it is, in place of the server.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The server, and the clock that counts.
#[derive(Clone)]
pub(super) struct Server {
    redis: Redis,
    clock: Option<Clock>,
}

impl Server {
    pub(super) fn new(redis: Redis, clock: Option<Clock>) -> Self {
        Self { redis, clock }
    }

    /// Which schema is kept there; `ours` from now on where there was none.
    pub(super) async fn schema(&self, ours: u32) -> Result<u32, StoreError> {
        let name = name("schema");
        let mut commands = Pipeline::new();
        commands.cmd("SET").arg(&name).arg(ours).arg("NX").ignore();
        commands.cmd("GET").arg(&name);
        let (schema,) = self.pipeline(&commands).await?;
        Ok(schema)
    }

    pub(super) async fn pipeline<T: FromRedisValue>(
        &self,
        commands: &Pipeline,
    ) -> Result<T, StoreError> {
        Ok(self.redis.pipeline(commands).await?)
    }

    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        Ok(self.redis.invoke(script).await?)
    }

    /// The moment as scripts are told it: nothing, so that they ask their server, but for tests.
    pub(super) fn moment(&self) -> String {
        let told = self
            .clock
            .as_ref()
            .map(|clock| clock().millis().to_string());
        told.unwrap_or_default()
    }

    /// The moment that `TIME` answered, in seconds and microseconds, or the one of a test.
    pub(super) fn time_of(&self, (seconds, micros): (u64, u64)) -> Timestamp {
        match &self.clock {
            Some(clock) => clock(),
            None => Timestamp::default()
                .after(Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros))),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.redis.fmt(f)
    }
}

impl From<RedisFailure> for StoreError {
    fn from(failure: RedisFailure) -> Self {
        Self::Away(failure.to_string())
    }
}

/// What something is called there. The braces keep all of it together in a cluster.
pub(super) fn name(what: &str) -> String {
    format!("{{outcrop}}:{what}")
}

/// The same for what every key has.
pub(super) fn name_of(what: &str, key: KeyId) -> String {
    format!("{{outcrop}}:{what}:{key}")
}

/// The day of a moment, counted from 1970.
pub(super) fn day_of(moment: Timestamp) -> u64 {
    moment.millis() / DAY
}

/// When a day began.
pub(super) fn start_of(day: u64) -> Timestamp {
    Timestamp::from_millis(day.saturating_mul(DAY))
}
