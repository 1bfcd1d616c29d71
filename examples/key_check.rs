//! How long it takes to tell a key, and whether the time tells anything of the keys that there are; and how long its
//! limits take to be counted.
//!
//! Ten thousand keys are known. One of them, another text of the same id, and a text of an id that nobody has are asked
//! about in turns: `cargo run --release --example key_check -- 100000`.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use outcrop::bedrock::{Money, Rate};
use outcrop::keys::{
    ApiKey, Budget, Changes, Demand, Key, KeyId, KeyKind, KeyLimits, KeySecret, KnownKeys, Meters,
    Period, Settlement, Spent, Timestamp,
};

/// Keys that are known.
const KEYS: usize = 10_000;
/// Rounds that are measured unless the command line says otherwise.
const ROUNDS: usize = 100_000;

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = env::args()
        .nth(1)
        .map_or(Ok(ROUNDS), |rounds| rounds.parse())?;
    tell_keys(rounds);
    count_limits(rounds);
    Ok(())
}

fn tell_keys(rounds: usize) {
    let mut random = fastrand::Rng::with_seed(1);
    let keys: Vec<(ApiKey, Key)> = (0..KEYS)
        .map(|_| {
            let Ok(id) = KeyId::generate(filling(&mut random));
            let api_key = text_of(id, &mut random);
            let record = record_of(&api_key);
            (api_key, record)
        })
        .collect();
    let known = KnownKeys::default().after(Changes {
        revision: 1,
        keys: keys.iter().map(|(_, record)| record.clone()).collect(),
    });
    let Ok(nobody) = KeyId::generate(filling(&mut random));
    let now = Timestamp::now();
    let names = ["the key", "its id, another secret", "an id of nobody"];
    let mut times: [Vec<Duration>; 3] = Default::default();
    for round in 0..rounds {
        let Some((right, _)) = keys.get(round % KEYS) else {
            continue;
        };
        let wrong = text_of(right.id, &mut random);
        let stranger = text_of(nobody, &mut random);
        // All three are copied, so that none is further from the processor than another.
        let texts = [right, &wrong, &stranger].map(|key| key.text.expose().as_bytes().to_vec());
        // Each comes first, second and third as often.
        for turn in 0..texts.len() {
            let which = (round + turn) % texts.len();
            if let (Some(text), Some(times)) = (texts.get(which), times.get_mut(which)) {
                let begun = Instant::now();
                let _ = black_box(known.authenticate(black_box(text), now));
                times.push(begun.elapsed());
            }
        }
    }
    println!("{KEYS} keys known, {rounds} rounds");
    for (name, mut times) in names.into_iter().zip(times) {
        times.sort_unstable();
        let at = |share: usize| times.get(times.len() * share / 100).copied();
        println!(
            "{name:24} median {:?}, 99 % within {:?}",
            at(50).unwrap_or_default(),
            at(99).unwrap_or_default()
        );
    }
}

fn count_limits(rounds: usize) {
    let mut random = fastrand::Rng::with_seed(2);
    let Ok(id) = KeyId::generate(filling(&mut random));
    let mut key = record_of(&text_of(id, &mut random));
    key.limits = KeyLimits {
        rpm: Some(u32::MAX),
        tpm: Some(u32::MAX),
        concurrency: Some(10),
        budget: Money::from_usd(9_000_000.0).map(|amount| Budget {
            amount,
            per: Period::Month,
        }),
        ..KeyLimits::default()
    };
    let key = Arc::new(key);
    let demand = Demand {
        model: "amazon.nova-lite-v1:0".to_owned(),
        input_tokens: 10,
        output_tokens: 10,
        choices: 1,
        rates: Some((Rate::per_million(0.06), Rate::per_million(0.24))),
    };
    let meters = Meters::new();
    let mut granted = 0_usize;
    let begun = Instant::now();
    for _ in 0..rounds {
        let now = Timestamp::now();
        if let Ok(grant) = meters.reserve(&key, &demand, now) {
            granted += 1;
            let settlement = Settlement {
                key: Arc::clone(&key),
                model: String::new(),
                spent: Some(Spent {
                    calls: 1,
                    input_tokens: 10,
                    output_tokens: 5,
                    cost: grant.cost,
                    ..Spent::default()
                }),
                grant,
            };
            meters.settle(&settlement, now);
        }
    }
    let each = begun.elapsed().as_nanos() / u128::try_from(rounds.max(1)).unwrap_or(1);
    println!("rates, places and budget reserved and settled in {each} ns ({granted} granted)");
}

fn text_of(id: KeyId, random: &mut fastrand::Rng) -> ApiKey {
    let Ok(key) = ApiKey::generate(id, filling(random));
    key
}

/// What fills bytes; the same ones in each run.
fn filling(random: &mut fastrand::Rng) -> impl FnMut(&mut [u8]) -> Result<(), Infallible> {
    |bytes| {
        random.fill(bytes);
        Ok(())
    }
}

fn record_of(key: &ApiKey) -> Key {
    Key {
        id: key.id,
        name: key.id.to_string(),
        kind: KeyKind::Inference,
        secrets: vec![KeySecret {
            digest: ApiKey::digest_of(key.text.expose().as_bytes()),
            expires: None,
        }],
        created: Timestamp::now(),
        expires: None,
        revoked: None,
        limits: KeyLimits::default(),
        tags: BTreeMap::new(),
        revision: 0,
    }
}
