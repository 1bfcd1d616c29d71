//! Amounts of money, exact enough for single tokens.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How many parts a dollar has here.
const PARTS: f64 = 1e9;

/// The largest amount: ten million dollars. It is exact as a 64-bit float too, as Redis computes.
const MOST: u64 = 9_007_199_254_740_991;

/// An amount in billionths of a US dollar. In JSON it is a number of dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

/// What one token costs, in millionths of a millionth of a US dollar. A price per million tokens has that many in a
/// millionth: USD 3 per million are 3,000,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// This many billionths of a dollar, or the largest amount.
    pub const fn from_billionths(billionths: u64) -> Self {
        if billionths > MOST {
            Self(MOST)
        } else {
            Self(billionths)
        }
    }

    /// An amount in US dollars; `None` when it is negative, no number, or above the largest.
    pub fn from_usd(usd: f64) -> Option<Self> {
        let parts = (usd * PARTS).round();
        (0.0..=9e15).contains(&parts).then(|| Self(whole(parts)))
    }

    /// In billionths of a dollar.
    pub const fn billionths(self) -> u64 {
        self.0
    }

    /// In US dollars.
    #[expect(
        clippy::cast_precision_loss,
        clippy::as_conversions,
        reason = "at most 2^53"
    )]
    pub fn usd(self) -> f64 {
        self.0 as f64 / PARTS
    }

    /// What is left of it after `other` was taken away; zero when that is more.
    #[must_use]
    pub const fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Rate {
    /// A price in US dollars per million tokens. One that is no number or above a million is taken for the highest.
    pub fn per_million(usd: f64) -> Self {
        // A price that was computed has digits behind those that are meant.
        let parts = ((usd * 1e9).round() / 1e3).ceil();
        if (0.0..=1e12).contains(&parts) {
            Self(whole(parts))
        } else {
            Self(1_000_000_000_000)
        }
    }

    /// In millionths of a millionth of a US dollar for one token.
    pub const fn millionths_of_millionths(self) -> u64 {
        self.0
    }

    /// What this many tokens cost, rounded up.
    pub const fn of(self, tokens: u64) -> Money {
        Money::from_billionths(self.0.saturating_mul(tokens).div_ceil(1000))
    }

    /// How many tokens can be had for `money`; `None` when they cost nothing.
    pub fn tokens_for(self, money: Money) -> Option<u64> {
        money.0.saturating_mul(1000).checked_div(self.0)
    }
}

/// A float without a fraction as an integer; within the ranges that are checked before.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::as_conversions,
    reason = "it is in range"
)]
fn whole(parts: f64) -> u64 {
    parts as u64
}

impl Add for Money {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::from_billionths(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

impl fmt::Display for Money {
    /// In dollars with as many digits as it has, at least two: `0.0034`, `12.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:09}", self.0 % 1_000_000_000);
        let significant = fraction.trim_end_matches('0').len().max(2);
        write!(
            f,
            "{}.{}",
            self.0 / 1_000_000_000,
            fraction.get(..significant).unwrap_or_default()
        )
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd())
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let usd = f64::deserialize(deserializer)?;
        Self::from_usd(usd)
            .ok_or_else(|| de::Error::custom("no amount in US dollars from 0 to 9000000"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cost_what_the_price_list_says_rounded_up() {
        let rate = Rate::per_million(3.0);
        assert_eq!(rate.of(1_000_000), Money::from_usd(3.0).unwrap());
        assert_eq!(rate.of(1).billionths(), 3000);
        assert_eq!(Rate::per_million(0.000_001).of(1).billionths(), 1);
        assert_eq!(Rate::per_million(0.0).of(u64::MAX), Money::ZERO);
        assert_eq!(rate.tokens_for(Money::from_usd(0.0001).unwrap()), Some(33));
        assert_eq!(Rate::per_million(0.0).tokens_for(Money::ZERO), None);
        assert_eq!(Rate::per_million(f64::NAN).of(1).to_string(), "1.00");
    }

    #[test]
    fn amounts_show_in_dollars() {
        for (usd, shown) in [
            (0.0, "0.00"),
            (12.5, "12.50"),
            (0.0034, "0.0034"),
            (50.0, "50.00"),
        ] {
            assert_eq!(Money::from_usd(usd).unwrap().to_string(), shown);
        }
        for usd in [-0.01, f64::NAN, f64::INFINITY, 1e8] {
            assert_eq!(Money::from_usd(usd), None, "{usd}");
        }
        let most = Money::from_billionths(u64::MAX);
        assert_eq!(most + most, most);
    }
}
