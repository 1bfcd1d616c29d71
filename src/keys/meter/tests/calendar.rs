//! Budgets, against days that are told apart by their date alone.

use super::*;

fn moment(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Spends a cent.
fn spend(key: &mut Asked, begun: &str, ended: &str) {
    let cent = demand(10_000, 0, 1);
    let grant = key.reserve(&cent, moment(begun)).unwrap();
    key.settle(&grant, Some(&spent(0, grant.cost)), moment(ended));
}

#[test]
fn a_budget_begins_anew_at_midnight_in_utc_also_in_leap_years() {
    for (per, last, first) in [
        (
            Period::Month,
            "2028-02-29T23:59:59.999Z",
            "2028-03-01T00:00:00Z",
        ),
        (
            Period::Month,
            "2027-02-28T23:59:59.999Z",
            "2027-03-01T00:00:00Z",
        ),
        (
            Period::Month,
            "2026-12-31T23:59:59.999Z",
            "2027-01-01T00:00:00Z",
        ),
        (
            Period::Day,
            "2028-02-28T23:59:59.999Z",
            "2028-02-29T00:00:00Z",
        ),
        (
            Period::Week,
            "2026-11-29T23:59:59.999Z",
            "2026-11-30T00:00:00Z",
        ),
    ] {
        let mut key = Asked::new(budget(usd(0.01), per));
        spend(&mut key, last, last);
        let Err(Refusal::Budget { renewed, .. }) = key.reserve(&demand(1, 0, 1), moment(last))
        else {
            panic!("it is spent: {last}");
        };
        assert_eq!(renewed, Some(moment(first)));
        spend(&mut key, first, first);
    }
}

#[test]
fn a_request_belongs_to_the_day_on_which_it_was_reserved() {
    let mut key = Asked::new(budget(usd(0.02), Period::Month));
    let (last, first) = ("2026-11-30T23:59:00Z", "2026-12-01T00:01:00Z");
    spend(&mut key, last, first);
    let spent = |per, now| key.meter.spent(per, moment(now));
    for per in [Period::Month, Period::Day] {
        assert_eq!(spent(per, first), (Money::ZERO, Money::ZERO), "{per:?}");
    }
    // Both days are in the week from Monday, the 30th, on.
    assert_eq!(spent(Period::Week, first), (usd(0.01), Money::ZERO));
    assert_eq!(spent(Period::Day, last), (usd(0.01), Money::ZERO));
}

#[test]
fn what_was_kept_from_before_counts() {
    let mut key = Asked::new(budget(usd(5.0), Period::Month));
    key.meter.book(moment("2026-10-31T00:00:00Z"), usd(4.0));
    key.meter.book(moment("2026-11-01T00:00:00Z"), usd(3.0));
    key.meter.book(moment("2026-11-19T12:00:00Z"), usd(1.5));
    let now = moment("2026-11-20T18:40:00Z");
    for (per, spent) in [
        (Period::Day, 0.0),
        (Period::Week, 1.5),
        (Period::Month, 4.5),
        (Period::Total, 8.5),
    ] {
        assert_eq!(key.meter.spent(per, now).0, usd(spent), "{per:?}");
    }
    let grant = key.reserve(&demand(0, 200_000, 1), now).unwrap();
    assert_eq!(grant.output_tokens, 100_000);
}

#[test]
fn a_clock_that_was_ahead_for_a_while_gives_no_budget_back() {
    let now = "2026-11-20T18:40:00Z";
    for per in [Period::Day, Period::Week, Period::Month, Period::Total] {
        let mut key = Asked::new(budget(usd(0.02), per));
        spend(&mut key, now, now);
        for ahead in ["2027-02-01T00:00:00Z", "2038-01-19T00:00:00Z"] {
            if per != Period::Total {
                spend(&mut key, ahead, ahead);
            }
        }
        spend(&mut key, now, now);
        let refused = key.reserve(&demand(1, 0, 1), moment(now)).unwrap_err();
        assert!(matches!(refused, Refusal::Budget { .. }), "{per:?}");
    }
}

proptest! {
    /// Days within two years, the leap day among them, in the order in which they come.
    #[test]
    fn every_period_holds_what_was_spent_on_its_dates(
        mut days in vec((0_i64..800, 0_i64..86_400_000, 1_u64..1000), 1..50),
    ) {
        days.sort_unstable();
        let first = moment("2027-01-01T00:00:00Z").date_time();
        let mut key = Asked::new(KeyLimits::default());
        let mut booked = Vec::new();
        for (day, millis, amount) in days {
            let moment = first + time::Duration::days(day) + time::Duration::milliseconds(millis);
            let now = Timestamp::from_date_time(moment).unwrap();
            let amount = Money::from_billionths(amount);
            let grant = key.reserve(&demand(1, 1, 1), now).unwrap();
            key.settle(&grant, Some(&spent(1, Some(amount))), now);
            let today = moment.date();
            booked.push((today, amount));
            let sum = |is_in: &dyn Fn(time::Date) -> bool| -> Money {
                let days = booked.iter().filter(|(date, _)| is_in(*date));
                days.map(|(_, amount)| *amount).sum()
            };
            let week = |date: time::Date| {
                let (year, week, _) = date.to_iso_week_date();
                (year, week)
            };
            let month = |date: time::Date| (date.year(), date.month());
            for (per, expected) in [
                (Period::Day, sum(&|date| date == today)),
                (Period::Week, sum(&|date| week(date) == week(today))),
                (Period::Month, sum(&|date| month(date) == month(today))),
                (Period::Total, sum(&|_| true)),
            ] {
                prop_assert_eq!(key.meter.spent(per, now), (expected, Money::ZERO), "{:?}", per);
            }
        }
    }
}
