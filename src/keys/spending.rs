//! What a key has spent, day by day: enough to tell it for every period.

use std::collections::BTreeMap;

use super::{Period, Timestamp};
use crate::bedrock::Money;

/// How many days with something spent are kept: those of two months. It goes by their number and not by the date, so
/// that a clock that was ahead for a while has not made the days of this month forgotten.
const MOST_DAYS: usize = 62;

/// What was spent on each of the last days in UTC, and in all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Spending {
    days: BTreeMap<Timestamp, Money>,
    total: Money,
}

impl Spending {
    /// Adds what was spent on the day that holds `day`. The oldest days are forgotten then; they stay in the total.
    pub(super) fn book(&mut self, day: Timestamp, amount: Money) {
        if amount > Money::ZERO {
            *self.days.entry(Period::Day.start(day)).or_default() += amount;
            self.total += amount;
        }
        while self.days.len() > MOST_DAYS {
            self.days.pop_first();
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
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn years_of_days_are_not_kept() {
        let mut spending = Spending::default();
        let day = |number: u64| Timestamp::default().after(Duration::from_hours(24 * number));
        for number in 0..4000 {
            spending.book(day(number), Money::from_billionths(1));
        }
        assert_eq!(spending.days.len(), MOST_DAYS);
        let all = spending.within(Period::Total, day(3999));
        assert_eq!(all, Money::from_billionths(4000));
    }
}
