//! What a request holds of its key's limits until it is settled.

use std::fmt;
use std::mem::take;
use std::sync::Arc;

use super::{Grant, Key, Keys, Settlement, Spent};

/// A reservation. When it is dropped without being settled, nothing was spent.
pub struct Reservation {
    keys: Keys,
    settlement: Settlement,
    by: Grantor,
    is_settled: bool,
}

/// Who counted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grantor {
    /// The store.
    Store,
    /// This gateway alone, while the store did not answer.
    Gateway,
}

impl Reservation {
    pub(super) const fn new(keys: Keys, settlement: Settlement, by: Grantor) -> Self {
        Self {
            keys,
            settlement,
            by,
            is_settled: false,
        }
    }

    /// What is reserved.
    pub const fn grant(&self) -> &Grant {
        &self.settlement.grant
    }

    /// Whose limits it counts for.
    pub const fn key(&self) -> &Arc<Key> {
        &self.settlement.key
    }

    /// Ends it: the rest is given back, and what was spent is booked as used of `model`. Without anything spent only
    /// the request counts. It never waits.
    pub fn settle(mut self, model: String, spent: Option<Spent>) {
        self.end(model, spent);
    }

    fn end(&mut self, model: String, spent: Option<Spent>) {
        self.is_settled = true;
        let Settlement { key, grant, .. } = &self.settlement;
        let settlement = Settlement {
            key: Arc::clone(key),
            grant: grant.clone(),
            model,
            spent,
        };
        self.keys.settle(settlement, self.by);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.is_settled {
            let model = take(&mut self.settlement.model);
            self.end(model, None);
        }
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("key", &self.key().id)
            .field("grant", self.grant())
            .finish_non_exhaustive()
    }
}
