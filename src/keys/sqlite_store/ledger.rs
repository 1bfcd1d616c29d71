//! What a gateway counts: in memory for every request, and behind that in the file.

use rusqlite::Connection;
use tracing::info;

use super::booking;
use super::writer::Writer;
use crate::bedrock::Money;
use crate::keys::{
    Demand, Grant, Key, KeyId, Meters, Period, RateLimits, Refusal, Settlement, StoreError,
    Timestamp,
};
use crate::store::sqlite::Lock;

/// The limits of all keys, and the writer of what they use.
#[derive(Debug)]
pub(super) struct Ledger {
    meters: Meters,
    writer: Writer,
}

impl Ledger {
    /// Counts on from what the file has. `lock` is held until the last of it is written.
    pub(super) fn open(mut file: Connection, lock: Lock) -> Result<Self, StoreError> {
        let unsettled = booking::settle_all(&mut file)?;
        if unsettled > 0 {
            info!(
                "{unsettled} requests were under way when the last gateway ended; they are booked with estimates"
            );
        }
        let meters = Meters::new();
        booking::spent_by_day(&file, |key, day, amount| meters.book(key, day, amount))?;
        Ok(Self {
            meters,
            writer: Writer::start(file, lock)?,
        })
    }

    pub(super) fn reserve(
        &self,
        key: &Key,
        demand: &Demand,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let grant = self.meters.reserve(key, demand, now)?;
        if let Some(estimate) = booking::estimate_of(key, demand, &grant) {
            self.writer.reserve(grant.id, estimate);
        }
        Ok(grant)
    }

    pub(super) fn settle(&self, settlement: &Settlement, now: Timestamp) {
        self.meters.settle(settlement, now);
        let used = booking::row_of(settlement);
        // What was never written has no end to write, or a disk that is full would have lists of models pile up.
        if used.is_some() || booking::is_kept(&settlement.grant) {
            self.writer.settle(settlement.grant.id, used);
        }
    }

    pub(super) fn rate_limits(&self, key: &Key, now: Timestamp) -> RateLimits {
        self.meters.rate_limits(key, now)
    }

    pub(super) fn spent(&self, key: KeyId, period: Period, now: Timestamp) -> (Money, Money) {
        self.meters.spent(key, period, now)
    }

    /// Whether what is counted is kept as well.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.writer.check()
    }

    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        self.writer.flush().await
    }
}
