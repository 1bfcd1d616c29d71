//! A moment as people write it: a day, a date with a time, or so long from now.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::keys::Timestamp;

/// The longest time that is taken: a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// A moment, or how far away it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// This one.
    At(Timestamp),
    /// So long from now, or ago.
    Away(Duration),
}

impl Moment {
    /// Reads `2027-01-31`, RFC 3339, or a time such as `90d`.
    ///
    /// # Errors
    /// With what it must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let day = || Timestamp::parse(&format!("{text}T00:00:00Z"));
        let at = Timestamp::parse(text).or_else(day).map(Self::At);
        let away = || parse_time(text).ok().map(Self::Away);
        at.or_else(away)
            .ok_or("must be a day such as 2027-01-31, a moment as RFC 3339 writes it, or a time such as 90d or 12h")
    }

    /// The moment, taking a time to be one from now on.
    pub fn from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Away(time) => now.after(time),
        }
    }

    /// The moment, taking a time to be one ago.
    pub fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(moment) => moment,
            Self::Away(time) => {
                let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                Timestamp::from_millis(now.millis().saturating_sub(time))
            }
        }
    }
}

/// Reads a time: a whole number and `s`, `m`, `h`, `d` or `w` behind it, or `0`.
///
/// # Errors
/// With what it must be.
pub fn parse_time(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "must be a time such as 90d, 24h, 30m or 0, of a hundred years at most";
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or(EXPECTED)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        "w" => 7 * 24 * 60 * 60,
        _ => return Err(EXPECTED),
    };
    let number: u64 = number.parse().map_err(|_| EXPECTED)?;
    let time = number.checked_mul(seconds).map(Duration::from_secs);
    time.filter(|time| *time <= LONGEST).ok_or(EXPECTED)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(moment) => moment.fmt(f),
            Self::Away(time) => write!(f, "{}s", time.as_secs()),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_200_000_000);

    #[test]
    fn a_moment_is_a_day_a_date_with_a_time_or_so_long_from_now() {
        for (text, from, before) in [
            ("2027-01-31", "2027-01-31T00:00:00Z", "2027-01-31T00:00:00Z"),
            (
                "2027-01-31T12:00:00+02:00",
                "2027-01-31T10:00:00Z",
                "2027-01-31T10:00:00Z",
            ),
            ("90d", "2027-02-18T18:40:00Z", "2026-08-22T18:40:00Z"),
            ("2w", "2026-12-04T18:40:00Z", "2026-11-06T18:40:00Z"),
            ("12h", "2026-11-21T06:40:00Z", "2026-11-20T06:40:00Z"),
            ("30m", "2026-11-20T19:10:00Z", "2026-11-20T18:10:00Z"),
            ("45s", "2026-11-20T18:40:45Z", "2026-11-20T18:39:15Z"),
            ("0", "2026-11-20T18:40:00Z", "2026-11-20T18:40:00Z"),
        ] {
            let moment = Moment::parse(text).unwrap();
            assert_eq!(moment.from(NOW).to_string(), from, "{text}");
            assert_eq!(moment.before(NOW).to_string(), before, "{text}");
            assert_eq!(Moment::parse(&moment.to_string()), Ok(moment));
        }
    }

    #[test]
    fn anything_else_is_told_from_a_moment() {
        for text in [
            "",
            "d",
            "90",
            "-1d",
            "1.5h",
            "90 d",
            "90y",
            "never",
            "36501d",
            "99999999999999999999w",
            "18446744073709551615w",
            "2027-02-30",
            "2027-1-1",
            "1960-01-01",
            "٣d",
            "ü",
        ] {
            assert!(Moment::parse(text).is_err(), "{text}");
        }
    }
}
