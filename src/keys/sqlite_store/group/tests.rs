use proptest::prelude::*;

use super::*;
use crate::bedrock::Money;
use crate::keys::UsageQuery;

const SCHEMA: &str = include_str!("../schema_1.sql");

/// What happens to one of a few requests, or to the groups that note it.
#[derive(Clone, Copy, Debug)]
enum Step {
    Reserve(u8),
    Settle(u8, Option<u16>),
    /// A group is written.
    Write,
    /// A group cannot be written, and is kept.
    Fail,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..12_u8).prop_map(Step::Reserve),
        4 => (0..12_u8, any::<Option<u16>>()).prop_map(|(id, cost)| Step::Settle(id, cost)),
        2 => Just(Step::Write),
        1 => Just(Step::Fail),
    ]
}

fn file() -> Connection {
    let file = Connection::open_in_memory().unwrap();
    file.execute_batch(SCHEMA).unwrap();
    file
}

/// One request's row. Requests have three keys, three days and three models between them.
fn row(id: u8, cost: u16) -> UsageRow {
    let third = |names: [&str; 3], number: u8| names[usize::from(number % 3)].to_owned();
    let key = third(["aaaaaaaaaaaa", "bbbbbbbbbbbb", "cccccccccccc"], id);
    UsageRow {
        key: KeyId::parse(&key).unwrap(),
        day: Timestamp::from_millis(86_400_000 * u64::from(id % 2)),
        model: third(["one", "two", "three"], id / 3),
        usage: Usage {
            requests: 1,
            calls: 2,
            input_tokens: 3,
            output_tokens: 4,
            cache_read_tokens: 5,
            cache_write_tokens: 6,
            cost: Money::from_billionths(cost.into()),
            unpriced_requests: u64::from(id % 2),
            estimated_requests: u64::from(id % 3),
        },
    }
}

fn reservations(file: &Connection) -> Vec<u8> {
    let mut ids = file
        .prepare("SELECT id FROM reservations ORDER BY id")
        .unwrap();
    let ids = ids.query_map([], |row| row.get::<_, [u8; 16]>(0)).unwrap();
    ids.map(|id| id.unwrap()[15]).collect()
}

proptest! {
    /// However requests are spread over groups, and whichever of these fail: the file has what one row for each
    /// request would add up to.
    #[test]
    fn groups_leave_what_their_requests_add_up_to(steps in prop::collection::vec(step(), 0..60)) {
        let (mut file, plain) = (file(), file());
        let (mut unwritten, mut group) = (Group::default(), Group::default());
        let mut open = Vec::new();
        for step in steps.into_iter().chain([Step::Write]) {
            match step {
                Step::Reserve(id) if !open.contains(&id) => {
                    group.reserve(ReservationId(id.into()), row(id, 99));
                    open.push(id);
                }
                Step::Settle(id, cost) if open.contains(&id) => {
                    open.retain(|other| *other != id);
                    let used = cost.map(|cost| row(id, cost));
                    if let Some(row) = &used {
                        booking::book(&plain, row).unwrap();
                    }
                    group.settle(ReservationId(id.into()), used);
                }
                Step::Write => {
                    unwritten.absorb(std::mem::take(&mut group));
                    unwritten.write(&mut file).unwrap();
                    unwritten = Group::default();
                    prop_assert!(unwritten.is_empty());
                }
                Step::Fail => unwritten.absorb(std::mem::take(&mut group)),
                Step::Reserve(_) | Step::Settle(..) => {}
            }
        }
        open.sort_unstable();
        prop_assert_eq!(reservations(&file), open.clone());
        let everything = UsageQuery::default();
        let used = booking::usage(&file, &everything).unwrap();
        prop_assert_eq!(&used, &booking::usage(&plain, &everything).unwrap());

        // What nobody settles is booked once, with what was reserved.
        for id in open {
            let mut estimate = row(id, 99);
            let unpriced = estimate.usage.unpriced_requests == 1;
            estimate.usage = Usage {
                estimated_requests: 1,
                cost: if unpriced { Money::ZERO } else { estimate.usage.cost },
                cache_read_tokens: 0,
                cache_write_tokens: 0,
                ..estimate.usage
            };
            booking::book(&plain, &estimate).unwrap();
        }
        booking::settle_all(&mut file).unwrap();
        prop_assert_eq!(booking::settle_all(&mut file).unwrap(), 0);
        prop_assert_eq!(
            booking::usage(&file, &everything).unwrap(),
            booking::usage(&plain, &everything).unwrap()
        );
        let mut sum = Money::ZERO;
        booking::spent_by_day(&file, |_, _, cost| sum += cost).unwrap();
        prop_assert_eq!(sum, booking::usage(&plain, &everything).unwrap().iter().map(|row| row.usage.cost).sum());
    }
}

#[test]
fn what_begins_and_ends_within_a_group_leaves_a_sum_alone() {
    let mut group = Group::default();
    for id in 0..1000_u16 {
        let id = ReservationId(id.into());
        group.reserve(id, row(1, 99));
        group.settle(id, Some(row(1, 7)));
    }
    assert!(group.reserved.is_empty() && group.settled.is_empty());
    let sums: Vec<Usage> = group
        .used
        .into_values()
        .flat_map(HashMap::into_values)
        .collect();
    assert_eq!(sums.len(), 1);
    assert_eq!(
        (sums[0].requests, sums[0].cost),
        (1000, Money::from_billionths(7000))
    );
}

#[test]
fn nothing_is_counted_beyond_what_can_be_added() {
    let file = file();
    let mut most = row(0, 0);
    most.usage.input_tokens = u64::MAX;
    most.usage.cost = Money::from_billionths(u64::MAX);
    for _ in 0..3 {
        booking::book(&file, &most).unwrap();
    }
    let used = booking::usage(&file, &UsageQuery::default()).unwrap();
    assert_eq!(used[0].usage.input_tokens, (1 << 53) - 1);
    assert_eq!(used[0].usage.cost, Money::from_billionths(u64::MAX));
    assert_eq!(used[0].usage.requests, 3);
}
