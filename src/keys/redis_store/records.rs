//! Keys in the Redis, and the changes of them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use redis::{FromRedisValue as _, Pipeline, Script, Value, from_redis_value};
use rustls::crypto::aws_lc_rs;

use super::server::{Server, name};
use crate::keys::{Changes, Key, KeyId, StoreError};

/// How many keys are asked for at a time.
const PAGE: usize = 500;

static CHANGE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("change.lua")));
static CHANGES: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("changes.lua")));

/// The keys that were made or changed after the revision `since`.
pub(super) async fn changes(server: &Server, since: u64) -> Result<Changes, StoreError> {
    let mut changed = BTreeMap::new();
    let mut seen = since;
    loop {
        let (last, page) = page(server, seen).await?;
        if last < since {
            // The server lost what it had, or went back to what it had before: everything is to be looked at anew.
            return Box::pin(changes(server, 0)).await;
        }
        let is_last = page.len() < PAGE;
        for key in page {
            seen = key.revision;
            changed.insert(key.id, key);
        }
        if is_last {
            let mut keys: Vec<Key> = changed.into_values().collect();
            keys.sort_by_key(|key| key.revision);
            let revision = last;
            return Ok(Changes { revision, keys });
        }
    }
}

/// The last revision, and the keys that follow `since`.
async fn page(server: &Server, since: u64) -> Result<(u64, Vec<Key>), StoreError> {
    let mut script = CHANGES.prepare_invoke();
    script
        .key(name("keys"))
        .key(name("revisions"))
        .key(name("revision"));
    script.arg(since).arg(PAGE);
    let answer: Vec<Value> = server.invoke(&script).await?;
    let mut values = answer.into_iter();
    let last = values.next().unwrap_or(Value::Int(0));
    let mut keys = Vec::new();
    while let (Some(revision), Some(record)) = (values.next(), values.next()) {
        let record = Vec::<u8>::from_redis_value(record).map_err(unreadable)?;
        let mut key: Key = serde_json::from_slice(&record).map_err(unreadable)?;
        key.revision = from_redis_value(revision).map_err(unreadable)?;
        keys.push(key);
    }
    Ok((from_redis_value(last).map_err(unreadable)?, keys))
}

/// Adds a key, and says which revision it made.
pub(super) async fn create(server: &Server, key: &Key) -> Result<u64, StoreError> {
    change(server, key, String::new()).await
}

/// Replaces a key whose revision is still the one that is replaced, and says which revision it made.
pub(super) async fn replace(server: &Server, key: &Key) -> Result<u64, StoreError> {
    change(server, key, key.revision.to_string()).await
}

async fn change(server: &Server, key: &Key, replaced: String) -> Result<u64, StoreError> {
    let name_held = if key.revoked.is_none() { &key.name } else { "" };
    let mut script = CHANGE.prepare_invoke();
    script
        .key(name("keys"))
        .key(name("revisions"))
        .key(name("names"))
        .key(name("revision"));
    script
        .arg(replaced)
        .arg(key.id.as_str())
        .arg(name_held)
        .arg(serde_json::to_vec(key).map_err(unreadable)?);
    match server.invoke(&script).await? {
        Value::Int(revision) => Ok(u64::try_from(revision).unwrap_or_default()),
        Value::BulkString(verdict) => Err(refusal(&verdict, key)),
        _ => Err(unreadable("")),
    }
}

/// Why a change was not made.
fn refusal(verdict: &[u8], key: &Key) -> StoreError {
    match verdict {
        b"taken" => StoreError::NameTaken(key.name.clone()),
        b"unknown" => StoreError::UnknownKey(key.id.to_string()),
        _ => StoreError::Changed(key.id),
    }
}

/// The ids of all keys.
pub(super) async fn ids(server: &Server) -> Result<Vec<KeyId>, StoreError> {
    let mut commands = Pipeline::new();
    commands.cmd("HKEYS").arg(name("keys"));
    let (ids,): (Vec<String>,) = server.pipeline(&commands).await?;
    Ok(ids.iter().filter_map(|id| KeyId::parse(id)).collect())
}

/// The key that authenticates what clients keep, made when it is first asked for.
pub(super) async fn state_key(server: &Server) -> Result<[u8; 32], StoreError> {
    let mut fresh = [0; 32];
    let source = aws_lc_rs::default_provider().secure_random;
    source
        .fill(&mut fresh)
        .map_err(|_| StoreError::Away("there is no randomness for its state key".to_owned()))?;
    let mut commands = Pipeline::new();
    let name = name("state_key");
    commands
        .cmd("SET")
        .arg(&name)
        .arg(&fresh)
        .arg("NX")
        .ignore();
    commands.cmd("GET").arg(&name);
    let (kept,): (Vec<u8>,) = server.pipeline(&commands).await?;
    kept.try_into().map_err(unreadable)
}

/// What is there is not as it should be. The reason is left out: it may repeat what stands there.
fn unreadable<E>(_: E) -> StoreError {
    StoreError::Away("what it holds of a key cannot be read".to_owned())
}
