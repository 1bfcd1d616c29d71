use std::collections::{BTreeMap, HashSet};
use std::sync::mpsc;
use std::thread;

use super::*;
use crate::bedrock::Rate;
use crate::keys::{Budget, KeyKind, KeyLimits, Spent};

const NOW: Timestamp = Timestamp::from_millis(1_795_200_000_000);

fn key(id: &str, limits: KeyLimits) -> Arc<Key> {
    Arc::new(Key {
        id: KeyId::parse(id).unwrap(),
        name: id.to_owned(),
        kind: KeyKind::Inference,
        secrets: Vec::new(),
        created: NOW,
        expires: None,
        revoked: None,
        limits,
        tags: BTreeMap::new(),
        revision: 0,
    })
}

/// A hundredth of a dollar at most.
fn cent() -> Demand {
    Demand {
        model: "a.model".to_owned(),
        input_tokens: 10_000,
        output_tokens: 0,
        choices: 1,
        rates: Some((Rate::per_million(1.0), Rate::per_million(1.0))),
    }
}

#[test]
fn two_hundred_requests_at_once_share_a_budget_for_fifty() {
    let amount = Money::from_usd(0.5).unwrap();
    let per = Period::Month;
    let key = key(
        "k3yK3yk3yK3y",
        KeyLimits {
            budget: Some(Budget { amount, per }),
            ..KeyLimits::default()
        },
    );
    let meters = Meters::new();
    let (sender, granted) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..8 {
            let (meters, key, sender) = (&meters, &key, sender.clone());
            scope.spawn(move || {
                for _ in 0..25 {
                    let grant = meters.reserve(key, &cent(), NOW);
                    let (spent, reserved) = meters.spent(key.id, per, NOW);
                    assert!(spent + reserved <= amount);
                    sender.send(grant).unwrap();
                }
            });
        }
    });
    drop(sender);
    let grants: Vec<Grant> = granted.iter().flatten().collect();
    assert_eq!(grants.len(), 50);
    let ids: HashSet<_> = grants.iter().map(|grant| grant.id).collect();
    assert_eq!(ids.len(), 50);

    for grant in grants {
        let cost = grant.cost;
        meters.settle(
            &Settlement {
                key: Arc::clone(&key),
                grant,
                model: "a.model".to_owned(),
                spent: Some(Spent {
                    cost,
                    ..Spent::default()
                }),
            },
            NOW,
        );
    }
    assert_eq!(meters.spent(key.id, per, NOW), (amount, Money::ZERO));
}

#[test]
fn no_key_waits_for_another() {
    let limits = KeyLimits {
        rpm: Some(1),
        ..KeyLimits::default()
    };
    let (one, two) = (
        key("oneOneOneOne", limits.clone()),
        key("twoTwoTwoTwo", limits),
    );
    let meters = Meters::new();
    let held = meters.meter(one.id);
    let guard = lock(&held);
    // If they shared a lock, this would never end.
    assert!(meters.reserve(&two, &cent(), NOW).is_ok());
    assert!(meters.reserve(&two, &cent(), NOW).is_err());
    drop(guard);
    assert!(meters.reserve(&one, &cent(), NOW).is_ok());
}
