//! Keys in a Redis or Valkey that several gateways share. What limits count is there, and each reservation is one atomic
//! step of a script, so that they hold once over all gateways.

mod gateway;
mod limits;
mod records;
mod server;
mod settlements;
mod used;

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use gateway::Gateway;
pub use server::Clock;
use server::Server;

use super::{
    Access, Changes, Demand, Grant, Key, KeyStore, Pending, RateLimits, Refusal, Settlement,
    StoreError, UsageQuery, UsageRow,
};
use crate::bedrock::Money;
use crate::config::{Secret, StoreLocation};
use crate::store::Redis;

/// What this version keeps in a Redis, and how.
const SCHEMA: u32 = 1;

/// Keys in a Redis.
pub struct RedisStore {
    server: Server,
    /// What a gateway has to do there; a command has nothing.
    gateway: Option<Gateway>,
}

impl RedisStore {
    /// Reaches the Redis of a `redis://` or `rediss://` URL. A gateway is known there as long as it is heard; what one
    /// left unsettled that is not heard any more is booked by another as an estimate.
    ///
    /// # Errors
    /// When it does not answer, when the URL cannot be used, and when a later version keeps keys there.
    pub async fn connect(url: &Secret, access: Access) -> Result<Self, StoreError> {
        Self::open(url, access, None).await
    }

    /// The same by another clock than the server's: for tests.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn connect_by(
        clock: Clock,
        url: &Secret,
        access: Access,
    ) -> Result<Self, StoreError> {
        Self::open(url, access, Some(clock)).await
    }

    async fn open(url: &Secret, access: Access, clock: Option<Clock>) -> Result<Self, StoreError> {
        let location = StoreLocation::Redis(url.clone()).to_string();
        let redis = Redis::new(url)
            .map_err(|failure| StoreError::Unusable(location.clone(), failure.to_string()))?;
        let server = Server::new(redis, clock);
        let schema = server.schema(SCHEMA).await?;
        if schema > SCHEMA {
            return Err(StoreError::Newer(location, schema, SCHEMA));
        }
        let gateway = match access {
            Access::Gateway => Some(Gateway::join(&server).await?),
            Access::Command | Access::Create => None,
        };
        Ok(Self { server, gateway })
    }

    /// Says that this gateway lives, and books what dead ones left. A gateway does so every few seconds by itself.
    ///
    /// # Errors
    /// When the Redis does not answer, or when it is no gateway's.
    pub async fn beat(&self) -> Result<(), StoreError> {
        self.gateway()?.beat(&self.server).await
    }

    fn gateway(&self) -> Result<&Gateway, StoreError> {
        self.gateway.as_ref().ok_or_else(|| {
            StoreError::Away("it was opened by a command, which counts nothing".to_owned())
        })
    }
}

impl KeyStore for RedisStore {
    fn changes(&self, since: u64) -> Pending<'_, Changes> {
        Box::pin(records::changes(&self.server, since))
    }

    fn create<'s>(&'s self, key: &'s Key) -> Pending<'s, u64> {
        Box::pin(records::create(&self.server, key))
    }

    fn replace<'s>(&'s self, key: &'s Key) -> Pending<'s, u64> {
        Box::pin(records::replace(&self.server, key))
    }

    fn usage<'s>(&'s self, query: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>> {
        Box::pin(async move {
            // What is settled is what is shown.
            self.flush().await?;
            used::usage(&self.server, query).await
        })
    }

    fn spent<'s>(&'s self, key: &'s Key) -> Pending<'s, (Money, Money)> {
        Box::pin(used::spent(&self.server, key))
    }

    fn state_key(&self) -> Pending<'_, [u8; 32]> {
        Box::pin(records::state_key(&self.server))
    }

    fn reserve<'s>(
        &'s self,
        key: &'s Arc<Key>,
        demand: &'s Demand,
    ) -> Pending<'s, Result<Grant, Refusal>> {
        Box::pin(async move { self.gateway()?.reserve(&self.server, key, demand).await })
    }

    fn rate_limits<'s>(&'s self, key: &'s Arc<Key>) -> Pending<'s, RateLimits> {
        Box::pin(limits::rate_limits(&self.server, key))
    }

    fn settle(&self, settlement: Settlement) {
        if let Some(gateway) = &self.gateway {
            gateway.settle(&settlement);
        }
    }

    fn flush(&self) -> Pending<'_, ()> {
        match &self.gateway {
            Some(gateway) => Box::pin(gateway.flush()),
            None => Box::pin(ready(Ok(()))),
        }
    }
}

impl fmt::Debug for RedisStore {
    /// Leaves user and password out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("server", &self.server)
            .field("counts", &self.gateway.is_some())
            .finish()
    }
}
