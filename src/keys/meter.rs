//! The limits of one key, counted: rates, requests at the same time, and the budget. It reads no clock.

use super::bucket::Bucket;
use super::spending::Spending;
use super::{
    Budget, Demand, Grant, KeyLimits, Period, RateLimits, Refusal, ReservationId, Spent, Timestamp,
};
use crate::bedrock::Money;

/// What one key has taken of its limits. The limits themselves come with each call, so that a change of them counts
/// from the next request on.
///
/// Everything that a request wants is reserved before it may pass, and what it took takes the place of that in the
/// end: requests that run at the same time never exceed a limit together. A request belongs to the day on which it was
/// reserved, also when it ends on the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    requests: Bucket,
    tokens: Bucket,
    /// How many reservations are not settled.
    open: u32,
    /// The money that they hold.
    reserved: Money,
    spending: Spending,
}

impl Meter {
    /// The meter of a key that has not been used.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what was spent on a day before: what a store has kept.
    pub fn book(&mut self, day: Timestamp, amount: Money) {
        self.spending.book(day, amount);
    }

    /// Reserves what a request wants, or says why not. Nothing is counted of a request that is refused.
    ///
    /// A limit that passes by itself is named before the budget: the client may come again then. A request without
    /// tokens takes a request and a place, and passes whatever is left of tokens and budget.
    ///
    /// # Errors
    /// With the limit that is in the way.
    pub fn reserve(
        &mut self,
        limits: &KeyLimits,
        demand: &Demand,
        id: ReservationId,
        now: Timestamp,
    ) -> Result<Grant, Refusal> {
        let tokens_wanted = demand.tokens_within(demand.output_tokens);
        let is_unpriced = demand.rates.is_none() && tokens_wanted > 0;
        if is_unpriced && limits.budget.is_some() && !limits.allow_unpriced {
            return Err(Refusal::Unpriced);
        }
        self.advance(limits, now);
        let affordable = self.affordable(limits, demand, now);
        let tokens = affordable
            .as_ref()
            .map_or(tokens_wanted, |output| demand.tokens_within(*output));
        self.check_rates(limits, tokens, now)?;
        let output_tokens = affordable?;

        if limits.rpm.is_some() {
            self.requests.take(1);
        }
        let tokens = limits.tpm.map_or(tokens, |limit| {
            let tokens = tokens.min(limit.into());
            self.tokens.take(tokens);
            tokens
        });
        let cost = demand.cost_within(output_tokens);
        self.open = self.open.saturating_add(1);
        self.reserved += cost.unwrap_or_default();
        Ok(Grant {
            id,
            output_tokens,
            tokens,
            cost,
            at: now,
            rate_limits: self.rate_limits(limits, now),
        })
    }

    /// Ends a reservation: what was reserved is given back, and what was spent is booked on the day of the
    /// reservation. Without anything spent only the request counts.
    pub fn settle(
        &mut self,
        limits: &KeyLimits,
        grant: &Grant,
        spent: Option<&Spent>,
        now: Timestamp,
    ) {
        self.open = self.open.saturating_sub(1);
        self.reserved = self.reserved.less(grant.cost.unwrap_or_default());
        self.advance(limits, now);
        if limits.tpm.is_some() {
            let used = spent.map_or(0, Spent::tokens);
            self.tokens.give_back(grant.tokens.saturating_sub(used));
            self.tokens.take(used.saturating_sub(grant.tokens));
        }
        if let Some(cost) = spent.and_then(|spent| spent.cost) {
            self.spending.book(grant.at, cost);
        }
    }

    /// How the rate limits stand. It counts nothing.
    pub fn rate_limits(&self, limits: &KeyLimits, now: Timestamp) -> RateLimits {
        let stand = |bucket: Bucket, limit: Option<u32>| {
            limit.map(|limit| bucket.at(limit, now).rate_limit())
        };
        RateLimits {
            requests: stand(self.requests, limits.rpm),
            tokens: stand(self.tokens, limits.tpm),
        }
    }

    /// What was spent in the period that holds `now`, and what is reserved beside that.
    pub fn spent(&self, period: Period, now: Timestamp) -> (Money, Money) {
        (self.spending.within(period, now), self.reserved)
    }

    /// Lets come back what comes back by `now`.
    fn advance(&mut self, limits: &KeyLimits, now: Timestamp) {
        if let Some(limit) = limits.rpm {
            self.requests = self.requests.at(limit, now);
        }
        if let Some(limit) = limits.tpm {
            self.tokens = self.tokens.at(limit, now);
        }
    }

    /// How many tokens each answer may have by what is left of the budget.
    fn affordable(
        &self,
        limits: &KeyLimits,
        demand: &Demand,
        now: Timestamp,
    ) -> Result<u32, Refusal> {
        let Some(Budget { amount, per }) = limits.budget else {
            return Ok(demand.output_tokens);
        };
        let (spent, reserved) = self.spent(per, now);
        demand
            .output_for(amount.less(spent + reserved))
            .ok_or_else(|| Refusal::Budget {
                amount,
                per,
                renewed: per.end(now),
                rate_limits: self.rate_limits(limits, now),
            })
    }

    /// Whether one more request of so many tokens may pass by all limits but the budget.
    fn check_rates(&self, limits: &KeyLimits, tokens: u64, now: Timestamp) -> Result<(), Refusal> {
        let rate_limits = self.rate_limits(limits, now);
        if limits.rpm.is_some()
            && let Some(retry_after) = self.requests.wait(1)
        {
            return Err(Refusal::Requests {
                retry_after,
                rate_limits,
            });
        }
        if limits.tpm.is_some()
            && tokens > 0
            && let Some(retry_after) = self.tokens.wait(tokens)
        {
            return Err(Refusal::Tokens {
                retry_after,
                rate_limits,
            });
        }
        match limits.concurrency {
            Some(limit) if self.open >= limit => Err(Refusal::Concurrency { limit, rate_limits }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
