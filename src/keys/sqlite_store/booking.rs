//! What was used and what is reserved, as rows of the file.

use rusqlite::{Connection, Row, ToSql, TransactionBehavior, params};

use crate::bedrock::Money;
use crate::keys::{
    Demand, Grant, Key, KeyId, Period, ReservationId, Settlement, StoreError, Timestamp, Usage,
    UsageQuery, UsageRow,
};

/// The largest number that is kept. Two of them are added without going beyond SQLite's integers.
const MOST: u64 = (1 << 53) - 1;

/// The request of a settlement as a row of its own, on the day of its reservation, where the meter has it too.
pub(super) fn row_of(settlement: &Settlement) -> Option<UsageRow> {
    let spent = settlement.spent.as_ref()?;
    Some(UsageRow {
        key: settlement.key.id,
        day: Period::Day.start(settlement.grant.at),
        model: settlement.model.clone(),
        usage: spent.into(),
    })
}

/// Whether a reservation is written down. One without tokens leaves nothing to estimate: it called no model.
pub(super) const fn is_kept(grant: &Grant) -> bool {
    grant.tokens > 0
}

/// What a request is booked with when nobody says what it took: everything that was reserved for it, as an estimate.
/// `None` for a request that calls no model.
pub(super) fn estimate_of(key: &Key, demand: &Demand, grant: &Grant) -> Option<UsageRow> {
    let output_tokens = u64::from(grant.output_tokens).saturating_mul(demand.choices.into());
    (is_kept(grant) && !demand.model.is_empty()).then(|| UsageRow {
        key: key.id,
        day: Period::Day.start(grant.at),
        model: demand.model.clone(),
        usage: Usage {
            requests: 1,
            calls: demand.choices.max(1).into(),
            input_tokens: demand.input_tokens,
            output_tokens,
            cost: grant.cost.unwrap_or_default(),
            unpriced_requests: grant.cost.is_none().into(),
            estimated_requests: 1,
            ..Usage::default()
        },
    })
}

/// Adds to what was used.
pub(super) fn book(file: &Connection, row: &UsageRow) -> rusqlite::Result<()> {
    let add = "\
        INSERT INTO usage VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (key, day, model) DO UPDATE SET
            requests = min(requests + excluded.requests, ?13),
            calls = min(calls + excluded.calls, ?13),
            input_tokens = min(input_tokens + excluded.input_tokens, ?13),
            output_tokens = min(output_tokens + excluded.output_tokens, ?13),
            cache_read_tokens = min(cache_read_tokens + excluded.cache_read_tokens, ?13),
            cache_write_tokens = min(cache_write_tokens + excluded.cache_write_tokens, ?13),
            cost = min(cost + excluded.cost, ?13),
            unpriced_requests = min(unpriced_requests + excluded.unpriced_requests, ?13),
            estimated_requests = min(estimated_requests + excluded.estimated_requests, ?13)";
    let used = &row.usage;
    file.prepare_cached(add)?.execute(params![
        row.key.as_str(),
        kept(row.day.millis()),
        row.model,
        kept(used.requests),
        kept(used.calls),
        kept(used.input_tokens),
        kept(used.output_tokens),
        kept(used.cache_read_tokens),
        kept(used.cache_write_tokens),
        kept(used.cost.billionths()),
        kept(used.unpriced_requests),
        kept(used.estimated_requests),
        kept(MOST),
    ])?;
    Ok(())
}

/// Writes down what a request is booked with if it is never settled.
pub(super) fn reserve(
    file: &Connection,
    id: ReservationId,
    estimate: &UsageRow,
) -> rusqlite::Result<()> {
    let add = "INSERT INTO reservations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let used = &estimate.usage;
    let cost = (used.unpriced_requests == 0).then(|| kept(used.cost.billionths()));
    file.prepare_cached(add)?.execute(params![
        id.0.to_be_bytes(),
        estimate.key.as_str(),
        kept(estimate.day.millis()),
        estimate.model,
        kept(used.calls),
        kept(used.input_tokens),
        kept(used.output_tokens),
        cost,
    ])?;
    Ok(())
}

/// Forgets a reservation, if it is there.
pub(super) fn release(file: &Connection, id: ReservationId) -> rusqlite::Result<()> {
    let remove = "DELETE FROM reservations WHERE id = ?1";
    file.prepare_cached(remove)?.execute([id.0.to_be_bytes()])?;
    Ok(())
}

/// Books all reservations as the estimates that they are, and says how many there were.
pub(super) fn settle_all(file: &mut Connection) -> Result<usize, StoreError> {
    // A transaction that begins with reading could not wait for a command that writes.
    let step = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let reserved =
        "SELECT key, day, model, calls, input_tokens, output_tokens, cost FROM reservations";
    let mut statement = step.prepare(reserved)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let cost: Option<i64> = row.get(6)?;
        let usage = Usage {
            requests: 1,
            calls: count(row, 3)?,
            input_tokens: count(row, 4)?,
            output_tokens: count(row, 5)?,
            cost: money(cost.unwrap_or_default()),
            unpriced_requests: cost.is_none().into(),
            estimated_requests: 1,
            ..Usage::default()
        };
        book(&step, &row_with(row, usage)?)?;
    }
    drop(rows);
    drop(statement);
    let settled = step.execute("DELETE FROM reservations", [])?;
    step.commit()?;
    Ok(settled)
}

/// What was used, by key, day and model in this order.
pub(super) fn usage(file: &Connection, query: &UsageQuery) -> Result<Vec<UsageRow>, StoreError> {
    let all = "SELECT * FROM usage WHERE day >= ?1 ORDER BY key, day, model";
    let of_one = "SELECT * FROM usage WHERE day >= ?1 AND key = ?2 ORDER BY key, day, model";
    let since = kept(Period::Day.start(query.since).millis());
    let key = query.key.map(|key| key.to_string());
    let (statement, parameters): (_, Vec<&dyn ToSql>) = match &key {
        Some(key) => (of_one, vec![&since, key]),
        None => (all, vec![&since]),
    };
    let mut statement = file.prepare_cached(statement)?;
    let mut rows = statement.query(&*parameters)?;
    let mut used = Vec::new();
    while let Some(row) = rows.next()? {
        let usage = Usage {
            requests: count(row, 3)?,
            calls: count(row, 4)?,
            input_tokens: count(row, 5)?,
            output_tokens: count(row, 6)?,
            cache_read_tokens: count(row, 7)?,
            cache_write_tokens: count(row, 8)?,
            cost: money(row.get(9)?),
            unpriced_requests: count(row, 10)?,
            estimated_requests: count(row, 11)?,
        };
        used.push(row_with(row, usage)?);
    }
    Ok(used)
}

/// Tells `book` what each key spent on each day.
pub(super) fn spent_by_day(
    file: &Connection,
    mut book: impl FnMut(KeyId, Timestamp, Money),
) -> Result<(), StoreError> {
    let sums = "SELECT key, day, sum(cost) FROM usage GROUP BY key, day";
    let mut statement = file.prepare(sums)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        book(key(row)?, day(row)?, money(row.get(2)?));
    }
    Ok(())
}

/// What a key spent from a day on, and what is reserved beside that.
pub(super) fn spent(
    file: &Connection,
    key: KeyId,
    since: Timestamp,
) -> Result<(Money, Money), StoreError> {
    let sums = "SELECT \
        (SELECT coalesce(sum(cost), 0) FROM usage WHERE key = ?1 AND day >= ?2), \
        (SELECT coalesce(sum(cost), 0) FROM reservations WHERE key = ?1)";
    let sums = file.query_row(sums, params![key.as_str(), kept(since.millis())], |row| {
        Ok((money(row.get(0)?), money(row.get(1)?)))
    });
    Ok(sums?)
}

/// A row that begins with key, day and model.
fn row_with(row: &Row<'_>, usage: Usage) -> Result<UsageRow, StoreError> {
    Ok(UsageRow {
        key: key(row)?,
        day: day(row)?,
        model: row.get(2)?,
        usage,
    })
}

fn key(row: &Row<'_>) -> Result<KeyId, StoreError> {
    let id = row.get_ref(0)?.as_str().ok().and_then(KeyId::parse);
    id.ok_or_else(|| StoreError::Away("a row of its usage has no key's id".to_owned()))
}

fn day(row: &Row<'_>) -> rusqlite::Result<Timestamp> {
    count(row, 1).map(Timestamp::from_millis)
}

/// SQLite's integers have a sign; below zero there is nothing here.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let count: i64 = row.get(column)?;
    Ok(u64::try_from(count).unwrap_or_default())
}

fn money(billionths: i64) -> Money {
    Money::from_billionths(u64::try_from(billionths).unwrap_or_default())
}

fn kept(number: u64) -> i64 {
    i64::try_from(number.min(MOST)).unwrap_or(i64::MAX)
}
