use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::bedrock::Rate;
use crate::keys::FEWEST_TOKENS;

use std::time::Duration;

mod calendar;
mod rates;

/// 2026-11-20T18:40:00Z.
const BEGUN: u64 = 1_795_200_000_000;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(BEGUN + millis)
}

fn usd(amount: f64) -> Money {
    Money::from_usd(amount).unwrap()
}

fn budget(amount: Money, per: Period) -> KeyLimits {
    KeyLimits {
        budget: Some(Budget { amount, per }),
        ..KeyLimits::default()
    }
}

/// A demand whose prompts cost a dollar per million tokens, and its answers five.
fn demand(input_tokens: u64, output_tokens: u32, choices: u32) -> Demand {
    Demand {
        model: "us.anthropic.claude-haiku-4-5-20251001-v1:0".to_owned(),
        input_tokens,
        output_tokens,
        choices,
        rates: Some((Rate::per_million(1.0), Rate::per_million(5.0))),
    }
}

fn spent(output_tokens: u64, cost: Option<Money>) -> Spent {
    Spent {
        calls: 1,
        output_tokens,
        cost,
        ..Spent::default()
    }
}

/// A meter with its limits, asked as a store asks it.
struct Asked {
    meter: Meter,
    limits: KeyLimits,
}

impl Asked {
    fn new(limits: KeyLimits) -> Self {
        Self {
            meter: Meter::new(),
            limits,
        }
    }

    fn reserve(&mut self, demand: &Demand, now: Timestamp) -> Result<Grant, Refusal> {
        let before = self.counted(now);
        let id = ReservationId(1);
        let answer = self.meter.reserve(&self.limits, demand, id, now);
        if answer.is_err() {
            assert_eq!(self.counted(now), before, "a refusal counts nothing");
        }
        answer
    }

    fn counted(&self, now: Timestamp) -> (RateLimits, u32, (Money, Money)) {
        let Self { meter, limits } = self;
        let spent = meter.spent(Period::Total, now);
        (meter.rate_limits(limits, now), meter.open, spent)
    }

    fn settle(&mut self, grant: &Grant, spent: Option<&Spent>, now: Timestamp) {
        self.meter.settle(&self.limits, grant, spent, now);
    }
}

#[test]
fn places_are_free_again_when_a_request_is_settled() {
    let mut key = Asked::new(KeyLimits {
        concurrency: Some(2),
        ..KeyLimits::default()
    });
    let one = demand(10, 10, 1);
    let first = key.reserve(&one, at(0)).unwrap();
    key.reserve(&one, at(0)).unwrap();
    let refused = Refusal::Concurrency {
        limit: 2,
        rate_limits: RateLimits::default(),
    };
    assert_eq!(key.reserve(&one, at(90_000)), Err(refused));
    key.settle(&first, None, at(90_000));
    assert!(key.reserve(&one, at(90_000)).is_ok());
}

#[test]
fn an_answer_is_cut_to_what_is_left_of_the_budget() {
    // A prompt of 100 tokens, and an answer of 16, cost 180 millionths of a dollar.
    for (amount, wanted, choices, granted) in [
        (0.001, 100, 1, Some(100)),
        (0.000_6, 100, 1, Some(100)),
        (0.000_599, 100, 1, Some(99)),
        (0.000_599, 100, 2, Some(49)),
        (0.000_18, 100, 1, Some(16)),
        (0.000_179, 100, 1, None),
        (0.000_1, 100, 1, None),
        (0.000_099, 100, 1, None),
        (0.000_125, 5, 1, Some(5)),
        (0.000_124, 5, 1, None),
        // Embeddings have no answer.
        (0.000_1, 0, 1, Some(0)),
        (0.000_099, 0, 1, None),
        (0.0, 100, 1, None),
    ] {
        let mut key = Asked::new(budget(usd(amount), Period::Total));
        let grant = key.reserve(&demand(100, wanted, choices), at(0));
        let output = grant.as_ref().map(|grant| grant.output_tokens).ok();
        assert_eq!(output, granted, "{amount} {wanted} {choices}");
        if let Ok(grant) = grant {
            let (_, reserved) = key.meter.spent(Period::Total, at(0));
            assert_eq!(Some(reserved), grant.cost);
            assert!(reserved <= usd(amount), "{reserved}");
        }
    }
}

#[test]
fn a_budgeted_key_refuses_what_has_no_price_unless_it_may() {
    let unpriced = Demand {
        rates: None,
        ..demand(100, 100, 1)
    };
    let mut key = Asked::new(budget(usd(1.0), Period::Day));
    assert_eq!(key.reserve(&unpriced, at(0)), Err(Refusal::Unpriced));
    key.limits.allow_unpriced = true;
    let grant = key.reserve(&unpriced, at(0)).unwrap();
    assert_eq!(grant.cost, None);
    key.settle(&grant, Some(&spent(50, None)), at(0));
    let nothing = (Money::ZERO, Money::ZERO);
    assert_eq!(key.meter.spent(Period::Day, at(0)), nothing);

    let mut free = Asked::new(KeyLimits::default());
    assert!(free.reserve(&unpriced, at(0)).is_ok());
}

#[test]
fn what_is_not_used_is_given_back_and_what_is_used_more_is_taken() {
    let mut key = Asked::new(KeyLimits {
        tpm: Some(1000),
        ..budget(usd(1.0), Period::Month)
    });
    let remaining = |key: &Asked| {
        let tokens = key.meter.rate_limits(&key.limits, at(0)).tokens.unwrap();
        (tokens.remaining, tokens.reset)
    };
    let grant = key.reserve(&demand(100, 300, 1), at(0)).unwrap();
    assert_eq!((grant.tokens, grant.cost), (400, Some(usd(0.001_6))));
    assert_eq!(remaining(&key), (600, Duration::from_secs(24)));
    key.settle(&grant, Some(&spent(150, Some(usd(0.000_75)))), at(0));
    assert_eq!(remaining(&key), (850, Duration::from_secs(9)));

    let grant = key.reserve(&demand(100, 300, 1), at(0)).unwrap();
    key.settle(&grant, Some(&spent(1450, Some(usd(0.5)))), at(0));
    assert_eq!(remaining(&key), (0, Duration::from_secs(96)));
    assert_eq!(
        key.meter.spent(Period::Month, at(0)),
        (usd(0.500_75), Money::ZERO)
    );
    let Err(Refusal::Tokens { retry_after, .. }) = key.reserve(&demand(50, 50, 1), at(0)) else {
        panic!("it is 600 tokens below zero");
    };
    assert_eq!(retry_after, Duration::from_secs(42));
}

#[test]
fn a_request_that_calls_no_model_needs_a_request_and_a_place() {
    let mut key = Asked::new(KeyLimits {
        rpm: Some(2),
        tpm: Some(1),
        ..budget(Money::ZERO, Period::Total)
    });
    let nothing = Demand::default();
    let grant = key.reserve(&nothing, at(0)).unwrap();
    assert_eq!((grant.tokens, grant.output_tokens), (0, 0));
    // It passes also when the tokens are used up.
    key.settle(&grant, Some(&spent(500, None)), at(0));
    key.reserve(&nothing, at(0)).unwrap();
    assert!(matches!(
        key.reserve(&nothing, at(0)),
        Err(Refusal::Requests { .. })
    ));
}

#[test]
fn what_passes_by_itself_is_named_before_the_budget() {
    let mut key = Asked::new(KeyLimits {
        concurrency: Some(1),
        ..budget(usd(0.000_6), Period::Total)
    });
    let one = demand(100, 100, 1);
    let grant = key.reserve(&one, at(0)).unwrap();
    assert!(matches!(
        key.reserve(&one, at(0)),
        Err(Refusal::Concurrency { .. })
    ));
    key.settle(&grant, Some(&spent(100, grant.cost)), at(0));
    assert!(matches!(
        key.reserve(&one, at(0)),
        Err(Refusal::Budget { renewed: None, .. })
    ));
}

/// One step of many requests at a time on a key with a budget.
#[derive(Clone, Debug)]
enum Step {
    Reserve {
        input: u64,
        output: u32,
        choices: u32,
    },
    /// Settles one of the open reservations, with this share of what was reserved in percent.
    Settle { which: usize, share: u64 },
    /// As a break of the stream before anything was spent.
    GiveUp { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let place = 0_usize..8;
    prop_oneof![
        3 => (0_u64..3000, 0_u32..3000, 1_u32..4).prop_map(|(input, output, choices)| Step::Reserve {
            input,
            output,
            choices
        }),
        2 => (place.clone(), 0_u64..=100).prop_map(|(which, share)| Step::Settle { which, share }),
        1 => place.prop_map(|which| Step::GiveUp { which }),
    ]
}

proptest! {
    /// Against a list of all that was granted and settled, added up anew each time.
    #[test]
    fn a_budget_is_never_exceeded_and_never_kept_back(amount in 0_u64..200_000_000, steps in vec(step(), 1..60)) {
        let amount = Money::from_billionths(amount);
        let mut key = Asked::new(budget(amount, Period::Total));
        let mut open: Vec<Grant> = Vec::new();
        let mut booked: Vec<Money> = Vec::new();
        for step in steps {
            let reserved: Money = open.iter().filter_map(|grant| grant.cost).sum();
            let spent_before: Money = booked.iter().copied().sum();
            let left = amount.less(reserved + spent_before);
            match step {
                Step::Reserve { input, output, choices } => {
                    let wanted = demand(input, output, choices);
                    // A dollar per million tokens is a thousand billionths for each.
                    let cost = |output: u32| 1000 * input + 5000 * u64::from(output) * u64::from(choices);
                    let most = (0..=output).rev().find(|output| cost(*output) <= left.billionths());
                    let expected = most.filter(|most| *most == output || *most >= FEWEST_TOKENS);
                    let granted = key.reserve(&wanted, at(0));
                    prop_assert_eq!(granted.as_ref().ok().map(|grant| grant.output_tokens), expected);
                    open.extend(granted);
                }
                Step::Settle { which, share } if which < open.len() => {
                    let grant = open.swap_remove(which);
                    let cost = Money::from_billionths(grant.cost.unwrap().billionths() * share / 100);
                    key.settle(&grant, Some(&spent(1, Some(cost))), at(0));
                    booked.push(cost);
                }
                Step::GiveUp { which } if which < open.len() => {
                    let grant = open.swap_remove(which);
                    key.settle(&grant, None, at(0));
                }
                Step::Settle { .. } | Step::GiveUp { .. } => {}
            }
            let (spent, reserved) = key.meter.spent(Period::Total, at(0));
            prop_assert_eq!(spent, booked.iter().copied().sum());
            prop_assert_eq!(reserved, open.iter().filter_map(|grant| grant.cost).sum());
            prop_assert!(spent + reserved <= amount);
        }
    }
}
