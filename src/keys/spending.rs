//! What a key has spent, day by day: enough to tell it for every period.

use std::collections::BTreeMap;

use super::{Period, Timestamp};
use crate::bedrock::Money;

/// What was spent on each day in UTC that a period may still hold, and in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spending {
    days: BTreeMap<Timestamp, Money>,
    total: Money,
}

impl Spending {
    /// Adds what was spent on the day that holds `day`.
    pub(super) fn book(&mut self, day: Timestamp, amount: Money) {
        if amount > Money::ZERO {
            *self.days.entry(Period::Day.start(day)).or_default() += amount;
            self.total += amount;
        }
    }

    /// What was spent in the period that holds `now`.
    pub(super) fn within(&self, period: Period, now: Timestamp) -> Money {
        let Some(end) = period.end(now) else {
            return self.total;
        };
        let days = self.days.range(period.start(now)..end);
        days.map(|(_, amount)| *amount).sum()
    }

    /// Forgets the days that are in no period any more that holds `now`; they stay in the total.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        let first = Period::Week.start(now).min(Period::Month.start(now));
        while let Some(day) = self.days.first_entry()
            && *day.key() < first
        {
            day.remove();
        }
    }
}
