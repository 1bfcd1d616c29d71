//! The scripts count exactly what a meter counts in memory.

use std::sync::Arc;
use std::time::Duration;

use outcrop::bedrock::{Money, Rate};
use outcrop::keys::{
    Budget, Demand, Grant, Key, KeyLimits, KeyStore as _, Meter, Period, RedisStore, ReservationId,
    Settlement, Spent, Timestamp,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use super::super::MODEL;
use super::{Hand, NOW, gateway_by, limited};
use crate::support::redis::RedisServer;

/// One thing that happens to a key.
#[derive(Clone, Debug)]
enum Step {
    /// Time passes.
    Pass(Duration),
    /// The clock is set back.
    SetBack(Duration),
    /// An operator changes what the key may.
    Change(KeyLimits),
    /// A request comes.
    Ask(Demand),
    /// One of those under way ends.
    End(usize, Option<Spent>),
}

fn limits() -> impl Strategy<Value = KeyLimits> {
    let rpm = prop_oneof![Just(0_u32), 1..5_u32, 1..10_000_u32];
    let tpm = prop_oneof![Just(0_u32), 1..5000_u32, 1..2_000_000_u32];
    let amount = prop_oneof![0..20_000_000_u64, 0..50_000_000_000_u64];
    let per = select(Period::ALL.to_vec());
    (
        prop::option::of(rpm),
        prop::option::of(tpm),
        prop::option::of(0..4_u32),
        prop::option::of((amount, per)),
        any::<bool>(),
    )
        .prop_map(
            |(rpm, tpm, concurrency, budget, allow_unpriced)| KeyLimits {
                rpm,
                tpm,
                concurrency,
                budget: budget.map(|(amount, per)| Budget {
                    amount: Money::from_billionths(amount),
                    per,
                }),
                allow_unpriced,
                ..KeyLimits::default()
            },
        )
}

fn demands() -> impl Strategy<Value = Demand> {
    let price = prop_oneof![Just(0.0), 0.000_001..0.01, 0.01..100.0];
    let rates = prop::option::weighted(0.9, (price.clone(), price));
    (0..20_000_u64, 0..20_000_u32, 0..4_u32, rates).prop_map(
        |(input_tokens, output_tokens, choices, rates)| Demand {
            model: MODEL.to_owned(),
            input_tokens,
            output_tokens,
            choices,
            rates: rates
                .map(|(input, output)| (Rate::per_million(input), Rate::per_million(output))),
        },
    )
}

fn spendings() -> impl Strategy<Value = Spent> {
    let cost = prop::option::of(0..40_000_000_u64);
    (0..20_000_u64, 0..20_000_u64, 0..5000_u64, cost).prop_map(
        |(input_tokens, output_tokens, cache_read_tokens, cost)| Spent {
            calls: 1,
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cost: cost.map(Money::from_billionths),
            ..Spent::default()
        },
    )
}

fn steps() -> impl Strategy<Value = Step> {
    let moments = prop_oneof![
        4 => 0..2000_u64,
        4 => 0..120_000_u64,
        2 => 0..200_000_000_u64,
        1 => 0..4_000_000_000_u64,
    ];
    prop_oneof![
        3 => moments.prop_map(|millis| Step::Pass(Duration::from_millis(millis))),
        1 => (0..100_000_u64).prop_map(|millis| Step::SetBack(Duration::from_millis(millis))),
        1 => limits().prop_map(Step::Change),
        6 => demands().prop_map(Step::Ask),
        4 => (any::<usize>(), prop::option::of(spendings()))
            .prop_map(|(which, spent)| Step::End(which, spent)),
    ]
}

/// A key that is counted twice, by a Redis and by a meter.
struct Twice<'s> {
    store: &'s RedisStore,
    hand: &'s Hand,
    meter: Meter,
    key: Arc<Key>,
    under_way: Vec<Grant>,
}

impl Twice<'_> {
    async fn take(&mut self, step: Step) {
        let now = self.hand.now();
        match step {
            Step::Pass(time) => self.hand.advance(time),
            Step::SetBack(time) => self.hand.set(Timestamp::from_millis(
                now.millis() - u64::try_from(time.as_millis()).unwrap(),
            )),
            Step::Change(limits) => {
                self.key = Arc::new(Key {
                    limits,
                    ..Key::clone(&self.key)
                });
            }
            Step::Ask(demand) => self.ask(&demand).await,
            Step::End(which, spent) => self.end(which, spent).await,
        }
        self.compare().await;
    }

    async fn ask(&mut self, demand: &Demand) {
        let answer = self.store.reserve(&self.key, demand).await.unwrap();
        let id = answer.as_ref().map_or(ReservationId(0), |grant| grant.id);
        let now = self.hand.now();
        let expected = self.meter.reserve(&self.key.limits, demand, id, now);
        assert_eq!(answer, expected, "{demand:?} of {:?}", self.key.limits);
        self.under_way.extend(answer);
    }

    async fn end(&mut self, which: usize, spent: Option<Spent>) {
        if self.under_way.is_empty() {
            return;
        }
        let grant = self.under_way.remove(which % self.under_way.len());
        let now = self.hand.now();
        self.meter
            .settle(&self.key.limits, &grant, spent.as_ref(), now);
        self.store.settle(Settlement {
            key: Arc::clone(&self.key),
            grant,
            model: MODEL.to_owned(),
            spent,
        });
        self.store.flush().await.unwrap();
    }

    /// What is shown of both is the same.
    async fn compare(&self) {
        let now = self.hand.now();
        assert_eq!(
            self.store.rate_limits(&self.key).await.unwrap(),
            self.meter.rate_limits(&self.key.limits, now)
        );
        let spent = match self.key.limits.budget {
            Some(budget) => self.meter.spent(budget.per, now),
            None => Default::default(),
        };
        assert_eq!(self.store.spent(&self.key).await.unwrap(), spent);
    }
}

#[test]
fn the_scripts_count_what_a_meter_counts() {
    let runtime = Runtime::new().unwrap();
    let Some(server) = runtime.block_on(RedisServer::start()) else {
        return;
    };
    let hand = Hand::new();
    let store = runtime.block_on(gateway_by(&hand, &server));
    let mut runner = TestRunner::new(Config {
        cases: 150,
        failure_persistence: None,
        ..Config::default()
    });
    let histories = (limits(), prop::collection::vec(steps(), 1..60));
    runner
        .run(&histories, |(limits, steps)| {
            hand.set(Timestamp::from_millis(NOW));
            let mut twice = Twice {
                store: &store,
                hand: &hand,
                meter: Meter::new(),
                key: limited(limits),
                under_way: Vec::new(),
            };
            runtime.block_on(async {
                for step in steps {
                    twice.take(step).await;
                }
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn budgets_follow_the_calendar() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let hand = Hand::new();
    let store = gateway_by(&hand, &server).await;
    // A token of the prompt for a thousand billionths; twice a day is more than any of the budgets has.
    let demand = Demand {
        input_tokens: 1,
        rates: Some((Rate::per_million(1.0), Rate::default())),
        ..Demand::default()
    };
    let spent = Spent {
        cost: Some(Money::from_billionths(1000)),
        ..Spent::default()
    };
    for (per, amount) in [
        (Period::Day, 1000),
        (Period::Week, 10_000),
        (Period::Month, 40_000),
        (Period::Total, 150_000),
    ] {
        let amount = Money::from_billionths(amount);
        let mut twice = Twice {
            store: &store,
            hand: &hand,
            meter: Meter::new(),
            key: limited(KeyLimits {
                budget: Some(Budget { amount, per }),
                ..KeyLimits::default()
            }),
            under_way: Vec::new(),
        };
        // The ends of two years, a leap day, one that a century does not have, and one that it has after all.
        for first in [
            "1999-12-20",
            "2027-12-20",
            "2000-02-20",
            "2028-02-20",
            "2100-02-20",
        ] {
            hand.set(Timestamp::parse(&format!("{first}T00:00:00Z")).unwrap());
            for _ in 0..80 {
                twice.take(Step::Ask(demand.clone())).await;
                twice.take(Step::End(0, Some(spent))).await;
                twice.take(Step::Pass(Duration::from_hours(12))).await;
            }
        }
    }
}
