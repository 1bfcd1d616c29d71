//! What is written to the file in one step.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, TransactionBehavior};

use super::booking;
use crate::keys::{KeyId, ReservationId, Timestamp, Usage, UsageRow};

/// What was reserved and settled since the last group. It grows with requests under way, and with keys, days and
/// models, not with requests: what has begun and ended within it leaves one sum.
#[derive(Debug, Default)]
pub(super) struct Group {
    reserved: HashMap<ReservationId, UsageRow>,
    /// Those that an earlier group has reserved.
    settled: HashSet<ReservationId>,
    used: HashMap<(KeyId, Timestamp), HashMap<String, Usage>>,
}

impl Group {
    /// Notes a reservation, with what it is booked with if it is never settled.
    pub(super) fn reserve(&mut self, id: ReservationId, estimate: UsageRow) {
        self.reserved.insert(id, estimate);
    }

    /// Notes the end of a reservation, with what the request took.
    pub(super) fn settle(&mut self, id: ReservationId, used: Option<UsageRow>) {
        self.release(id);
        if let Some(UsageRow {
            key,
            day,
            model,
            usage,
        }) = used
        {
            self.book(key, day, model, usage);
        }
    }

    /// Adds what came after it.
    pub(super) fn absorb(&mut self, later: Self) {
        for id in later.settled {
            self.release(id);
        }
        self.reserved.extend(later.reserved);
        for ((key, day), models) in later.used {
            for (model, usage) in models {
                self.book(key, day, model, usage);
            }
        }
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.reserved.is_empty() && self.settled.is_empty() && self.used.is_empty()
    }

    /// Writes all of it, or nothing.
    pub(super) fn write(&self, file: &mut Connection) -> rusqlite::Result<()> {
        let step = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in &self.settled {
            booking::release(&step, *id)?;
        }
        for (id, estimate) in &self.reserved {
            booking::reserve(&step, *id, estimate)?;
        }
        for ((key, day), models) in &self.used {
            for (model, usage) in models {
                let row = UsageRow {
                    key: *key,
                    day: *day,
                    model: model.clone(),
                    usage: *usage,
                };
                booking::book(&step, &row)?;
            }
        }
        step.commit()
    }

    fn release(&mut self, id: ReservationId) {
        if self.reserved.remove(&id).is_none() {
            self.settled.insert(id);
        }
    }

    fn book(&mut self, key: KeyId, day: Timestamp, model: String, usage: Usage) {
        let models = self.used.entry((key, day)).or_default();
        *models.entry(model).or_default() += usage;
    }
}

#[cfg(test)]
mod tests;
