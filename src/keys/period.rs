//! The stretches of the calendar that budgets are for.

use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month};

use super::Timestamp;

/// What a budget is for: a stretch of the calendar in UTC, or all time.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday on, as ISO 8601 counts weeks.
    Week,
    /// From the first on.
    Month,
    /// From the beginning, without end.
    Total,
}

impl Period {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Day, Self::Week, Self::Month, Self::Total];

    /// When the period that holds `now` began; 1970 for all time.
    pub fn start(self, now: Timestamp) -> Timestamp {
        let today = now.date_time().date();
        let first = match self {
            Self::Day => today,
            Self::Week => {
                let since_monday = today.weekday().number_days_from_monday();
                today.saturating_sub(Duration::days(since_monday.into()))
            }
            Self::Month => today.replace_day(1).unwrap_or(today),
            Self::Total => return Timestamp::default(),
        };
        midnight(first)
    }

    /// When it ends and the next begins; `None` for all time.
    pub fn end(self, now: Timestamp) -> Option<Timestamp> {
        let first = self.start(now).date_time().date();
        let next = match self {
            Self::Day => first.saturating_add(Duration::DAY),
            Self::Week => first.saturating_add(Duration::WEEK),
            Self::Month => {
                let month = first.month().next();
                let year = first.year() + i32::from(month == Month::January);
                Date::from_calendar_date(year, month, 1).unwrap_or(Date::MAX)
            }
            Self::Total => return None,
        };
        Some(midnight(next))
    }

    /// What it is called: `day`, `week`, `month` or `total`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Total => "total",
        }
    }
}

fn midnight(date: Date) -> Timestamp {
    Timestamp::from_date_time(date.midnight().assume_utc()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_follow_the_calendar_in_utc() {
        for (now, period, start, end) in [
            (
                "2026-11-20T18:40:00Z",
                Period::Day,
                "2026-11-20T00:00:00Z",
                "2026-11-21T00:00:00Z",
            ),
            (
                "2026-11-22T23:59:59.999Z",
                Period::Week,
                "2026-11-16T00:00:00Z",
                "2026-11-23T00:00:00Z",
            ),
            (
                "2026-11-23T00:00:00Z",
                Period::Week,
                "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z",
            ),
            (
                "2027-01-01T00:00:00Z",
                Period::Week,
                "2026-12-28T00:00:00Z",
                "2027-01-04T00:00:00Z",
            ),
            (
                "2026-12-31T23:59:59Z",
                Period::Month,
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                "2028-02-29T12:00:00Z",
                Period::Month,
                "2028-02-01T00:00:00Z",
                "2028-03-01T00:00:00Z",
            ),
            (
                "2028-02-29T12:00:00Z",
                Period::Day,
                "2028-02-29T00:00:00Z",
                "2028-03-01T00:00:00Z",
            ),
        ] {
            let now = Timestamp::parse(now).unwrap();
            assert_eq!(period.start(now).to_string(), start, "{now} {period:?}");
            assert_eq!(
                period.end(now).unwrap().to_string(),
                end,
                "{now} {period:?}"
            );
        }
        let now = Timestamp::from_millis(1_795_200_000_123);
        assert_eq!(Period::Total.start(now), Timestamp::default());
        assert_eq!(Period::Total.end(now), None);
    }
}
