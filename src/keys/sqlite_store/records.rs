//! Keys in the file, and the changes of them.

use rusqlite::{
    Connection, OptionalExtension as _, Transaction, TransactionBehavior, named_params,
};
use rustls::crypto::aws_lc_rs;

use crate::keys::{Changes, Key, KeyId, StoreError};

/// The keys that were made or changed after the revision `since`.
pub(super) fn changes(file: &mut Connection, since: u64) -> Result<Changes, StoreError> {
    let last = "SELECT revision FROM store";
    let newer = "SELECT id, revision, record FROM keys WHERE revision > ?1 ORDER BY revision";
    // Both from the same moment.
    let moment = file.transaction()?;
    let revision: i64 = moment
        .prepare_cached(last)?
        .query_row([], |row| row.get(0))?;
    let mut changes = Changes {
        revision: u64::try_from(revision).unwrap_or_default(),
        keys: Vec::new(),
    };
    if changes.revision == since {
        return Ok(changes);
    }
    let mut statement = moment.prepare_cached(newer)?;
    let mut rows = statement.query([i64::try_from(since).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        let id: String = row.get(0)?;
        let mut key: Key = serde_json::from_str(row.get_ref(2)?.as_str().map_err(unreadable(&id))?)
            .map_err(unreadable(&id))?;
        key.revision = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
        changes.keys.push(key);
    }
    Ok(changes)
}

/// Adds a key, and says which revision it made.
pub(super) fn create(file: &mut Connection, key: &Key) -> Result<u64, StoreError> {
    let insert = "INSERT INTO keys (id, name, is_revoked, revision, record) \
                  VALUES (:id, :name, :is_revoked, :revision, :record)";
    change(file, key, |_| Ok(insert))
}

/// Replaces a key whose revision is still the one that is replaced, and says which revision it made.
pub(super) fn replace(file: &mut Connection, key: &Key) -> Result<u64, StoreError> {
    let update = "UPDATE keys SET name = :name, is_revoked = :is_revoked, revision = :revision, \
                  record = :record WHERE id = :id";
    change(file, key, |change| {
        let found = "SELECT revision FROM keys WHERE id = ?1";
        let found = change
            .query_row(found, [key.id.as_str()], |row| row.get::<_, i64>(0))
            .optional()?;
        match found.map(u64::try_from) {
            None => Err(StoreError::UnknownKey(key.id.to_string())),
            Some(Ok(revision)) if revision == key.revision => Ok(update),
            Some(_) => Err(StoreError::Changed(key.id)),
        }
    })
}

/// Writes a key as the next revision, with the statement that `prepare` chooses when it has looked.
fn change(
    file: &mut Connection,
    key: &Key,
    prepare: impl FnOnce(&Transaction<'_>) -> Result<&'static str, StoreError>,
) -> Result<u64, StoreError> {
    let record = serde_json::to_string(key).map_err(unreadable(key.id.as_str()))?;
    let change = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let statement = prepare(&change)?;
    if key.revoked.is_none() {
        refuse_name_of_another(&change, &key.name, key.id)?;
    }
    let next = "UPDATE store SET revision = revision + 1 RETURNING revision";
    let revision: i64 = change.query_row(next, [], |row| row.get(0))?;
    change.execute(
        statement,
        named_params! {
            ":id": key.id.as_str(),
            ":name": key.name,
            ":is_revoked": key.revoked.is_some(),
            ":revision": revision,
            ":record": record,
        },
    )?;
    change.commit()?;
    Ok(u64::try_from(revision).unwrap_or_default())
}

fn refuse_name_of_another(
    change: &Transaction<'_>,
    name: &str,
    id: KeyId,
) -> Result<(), StoreError> {
    let other = "SELECT 1 FROM keys WHERE name = ?1 AND is_revoked = 0 AND id <> ?2";
    if change.prepare(other)?.exists([name, id.as_str()])? {
        return Err(StoreError::NameTaken(name.to_owned()));
    }
    Ok(())
}

/// The key that authenticates what clients keep, made when it is first asked for.
pub(super) fn state_key(file: &mut Connection) -> Result<[u8; 32], StoreError> {
    let kept = "SELECT state_key FROM store WHERE state_key IS NOT NULL";
    let keep = "UPDATE store SET state_key = coalesce(state_key, ?1) RETURNING state_key";
    let kept = file.query_row(kept, [], |row| row.get(0)).optional()?;
    if let Some(key) = kept {
        return Ok(key);
    }
    let mut fresh = [0; 32];
    let source = aws_lc_rs::default_provider().secure_random;
    source
        .fill(&mut fresh)
        .map_err(|_| StoreError::Away("there is no randomness for its state key".to_owned()))?;
    Ok(file.query_row(keep, [fresh], |row| row.get(0))?)
}

/// A record that is not as it should be. The reason is left out: it may repeat what stands there.
fn unreadable<E>(id: &str) -> impl Fn(E) -> StoreError + use<'_, E> {
    move |_| StoreError::Away(format!("the record of the key {id} cannot be read"))
}
