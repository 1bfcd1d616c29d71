//! What keys used and spent, as the server has booked it.

use std::collections::{BTreeMap, HashMap};

use redis::Pipeline;
use serde::Serialize;

use super::records;
use super::server::{Server, day_of, name_of, start_of};
use crate::bedrock::Money;
use crate::keys::{
    Key, KeyId, Period, Settlement, StoreError, Timestamp, Usage, UsageQuery, UsageRow,
};

/// How much is asked for at a time.
const PAGE: usize = 200;

/// The largest number that Lua computes exactly.
const MOST: u64 = (1 << 53) - 1;

/// What was used, as it is booked.
#[derive(Serialize)]
pub(super) struct Columns {
    requests: u64,
    calls: u64,
    input_tokens: u64,
    output_tokens: u64,
    cache_read_tokens: u64,
    cache_write_tokens: u64,
    /// In billionths of a dollar.
    cost: u64,
    unpriced_requests: u64,
    estimated_requests: u64,
}

impl Columns {
    /// What a settlement books.
    pub(super) fn of(settlement: &Settlement) -> Option<Self> {
        let usage = Usage::from(settlement.spent.as_ref()?);
        Some(Self {
            requests: usage.requests.min(MOST),
            calls: usage.calls.min(MOST),
            input_tokens: usage.input_tokens.min(MOST),
            output_tokens: usage.output_tokens.min(MOST),
            cache_read_tokens: usage.cache_read_tokens.min(MOST),
            cache_write_tokens: usage.cache_write_tokens.min(MOST),
            cost: usage.cost.billionths(),
            unpriced_requests: usage.unpriced_requests.min(MOST),
            estimated_requests: usage.estimated_requests.min(MOST),
        })
    }
}

/// What is spent of a key's budget in the period that is now, and what is reserved beside that.
pub(super) async fn spent(server: &Server, key: &Key) -> Result<(Money, Money), StoreError> {
    let Some(budget) = key.limits.budget else {
        return Ok((Money::ZERO, Money::ZERO));
    };
    let mut commands = Pipeline::new();
    commands.cmd("TIME");
    commands.cmd("HGETALL").arg(name_of("spent", key.id));
    commands
        .cmd("HGET")
        .arg(name_of("meter", key.id))
        .arg("reserved");
    let (time, booked, reserved): ((u64, u64), HashMap<String, u64>, Option<u64>) =
        server.pipeline(&commands).await?;
    let spent = spent_within(&booked, budget.per, server.time_of(time));
    let reserved = Money::from_billionths(reserved.unwrap_or_default());
    Ok((spent, reserved))
}

/// Adds up the days of a period.
fn spent_within(booked: &HashMap<String, u64>, period: Period, now: Timestamp) -> Money {
    let amount = |amount: Option<&u64>| Money::from_billionths(amount.copied().unwrap_or_default());
    let Some(end) = period.end(now) else {
        return amount(booked.get("total"));
    };
    let days = day_of(period.start(now))..day_of(end);
    days.map(|day| amount(booked.get(&day.to_string()))).sum()
}

/// What was used, by key, day and model in this order.
pub(super) async fn usage(
    server: &Server,
    query: &UsageQuery,
) -> Result<Vec<UsageRow>, StoreError> {
    let mut keys = match query.key {
        Some(key) => vec![key],
        None => records::ids(server).await?,
    };
    keys.sort_unstable();
    let mut days = Vec::new();
    for page in keys.chunks(PAGE) {
        days.append(&mut days_since(server, page, day_of(query.since)).await?);
    }
    let mut rows = Vec::new();
    for page in days.chunks(PAGE) {
        rows.append(&mut rows_of(server, page).await?);
    }
    Ok(rows)
}

/// The days on which keys used something.
async fn days_since(
    server: &Server,
    keys: &[KeyId],
    since: u64,
) -> Result<Vec<(KeyId, u64)>, StoreError> {
    let mut commands = Pipeline::new();
    for key in keys {
        let days = name_of("usage", *key);
        commands
            .cmd("ZRANGEBYSCORE")
            .arg(days)
            .arg(since)
            .arg("+inf");
    }
    let days: Vec<Vec<u64>> = server.pipeline(&commands).await?;
    let days = keys.iter().zip(days);
    Ok(days
        .flat_map(|(key, days)| days.into_iter().map(|day| (*key, day)))
        .collect())
}

/// What was used on each of these days, by model.
async fn rows_of(server: &Server, days: &[(KeyId, u64)]) -> Result<Vec<UsageRow>, StoreError> {
    let mut commands = Pipeline::new();
    for (key, day) in days {
        let row = format!("{}:{day}", name_of("usage", *key));
        commands.cmd("HGETALL").arg(row);
    }
    let booked: Vec<HashMap<String, u64>> = server.pipeline(&commands).await?;
    let mut rows = Vec::new();
    for ((key, day), booked) in days.iter().zip(booked) {
        let mut models = BTreeMap::<&str, Usage>::new();
        for (field, amount) in &booked {
            // A model may have a colon in its name as well.
            if let Some((column, model)) = field.split_once(':') {
                put(models.entry(model).or_default(), column, *amount);
            }
        }
        rows.extend(models.into_iter().map(|(model, usage)| UsageRow {
            key: *key,
            day: start_of(*day),
            model: model.to_owned(),
            usage,
        }));
    }
    Ok(rows)
}

/// Puts an amount where it belongs. What a later version may count beside these is left alone.
fn put(usage: &mut Usage, column: &str, amount: u64) {
    match column {
        "requests" => usage.requests = amount,
        "calls" => usage.calls = amount,
        "input_tokens" => usage.input_tokens = amount,
        "output_tokens" => usage.output_tokens = amount,
        "cache_read_tokens" => usage.cache_read_tokens = amount,
        "cache_write_tokens" => usage.cache_write_tokens = amount,
        "cost" => usage.cost = Money::from_billionths(amount),
        "unpriced_requests" => usage.unpriced_requests = amount,
        "estimated_requests" => usage.estimated_requests = amount,
        _ => {}
    }
}
