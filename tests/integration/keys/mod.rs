//! Managed keys in the stores where they are kept.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use outcrop::bedrock::{Money, Rate};
use outcrop::config::Secret;
use outcrop::keys::{
    ApiKey, Budget, Demand, Grant, Key, KeyId, KeyKind, KeyLimits, KeySecret, KeyStore, Period,
    Settlement, Spent, Timestamp,
};

mod balanced;
mod command;
mod killed;
mod mistakes;
mod outage;
mod redis;
mod sqlite;
mod store;

/// The model that is asked for.
const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A new key without limits.
fn key(name: &str) -> Key {
    key_with_text(name).0
}

/// The same, with what its owner presents.
fn key_with_text(name: &str) -> (Key, Secret) {
    let fill = |bytes: &mut [u8]| {
        fastrand::fill(bytes);
        Ok::<(), Infallible>(())
    };
    let id = KeyId::generate(fill).unwrap();
    let text = ApiKey::generate(id, fill).unwrap().text;
    let key = Key {
        id,
        name: name.to_owned(),
        kind: KeyKind::Inference,
        secrets: vec![KeySecret {
            digest: ApiKey::digest_of(text.expose().as_bytes()),
            expires: None,
        }],
        created: Timestamp::now(),
        expires: None,
        revoked: None,
        limits: KeyLimits::default(),
        tags: BTreeMap::from([("team".to_owned(), "search".to_owned())]),
        revision: 0,
    };
    (key, text)
}

/// Adds a key of these limits, and returns it as the store has it.
async fn add(store: &dyn KeyStore, name: &str, limits: KeyLimits) -> Arc<Key> {
    let mut key = Key {
        limits,
        ..key(name)
    };
    key.revision = store.create(&key).await.unwrap();
    Arc::new(key)
}

fn usd(amount: f64) -> Money {
    Money::from_usd(amount).unwrap()
}

fn budget(amount: f64, per: Period) -> KeyLimits {
    KeyLimits {
        budget: Some(Budget {
            amount: usd(amount),
            per,
        }),
        ..KeyLimits::default()
    }
}

/// One answer of 1,000 tokens at most to a prompt of 1,000: USD 0.01 together.
fn demand() -> Demand {
    Demand {
        model: MODEL.to_owned(),
        input_tokens: 1000,
        output_tokens: 1000,
        choices: 1,
        rates: Some((Rate::per_million(2.0), Rate::per_million(8.0))),
    }
}

/// One request that calls no model.
fn listing() -> Demand {
    Demand::default()
}

/// What a call took, for so many dollars.
fn spent(amount: f64) -> Spent {
    Spent {
        calls: 1,
        input_tokens: 900,
        output_tokens: 50,
        cache_read_tokens: 30,
        cache_write_tokens: 20,
        cost: Some(usd(amount)),
        estimated: false,
    }
}

/// The end of a request.
fn settlement(key: &Arc<Key>, grant: Grant, spent: Option<Spent>) -> Settlement {
    Settlement {
        key: Arc::clone(key),
        grant,
        model: MODEL.to_owned(),
        spent,
    }
}

/// Reserves and settles one request.
async fn use_once(store: &dyn KeyStore, key: &Arc<Key>, spent: Spent) {
    let grant = store.reserve(key, &demand()).await.unwrap().unwrap();
    store.settle(settlement(key, grant, Some(spent)));
}
