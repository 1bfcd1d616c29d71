//! What a request takes of its key's limits, decided by the server.

use std::sync::LazyLock;

use redis::{Pipeline, Script};
use serde::Serialize;

use super::server::{Server, name_of};
use crate::keys::bucket::Bucket;
use crate::keys::{
    Demand, Grant, Key, KeyId, KeyLimits, Period, RateLimits, Refusal, ReservationId, StoreError,
    Timestamp,
};

/// The largest number that Lua computes exactly.
const MOST: u64 = (1 << 53) - 1;

static RESERVE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(concat!(
        include_str!("common.lua"),
        include_str!("reserve.lua")
    ))
});

/// What a request wants, as the script reads it. Whatever is left out is no limit.
#[derive(Serialize)]
struct Wanted<'d> {
    key: KeyId,
    model: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rpm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tpm: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    /// In billionths of a dollar, like all money here.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    per: Option<Period>,
    input_tokens: u64,
    output_tokens: u32,
    choices: u32,
    cost: u64,
    input_cost: u64,
    output_rate: u64,
    is_priced: bool,
}

/// The verdict, the moment, the tokens that each answer may have, and both buckets as they are kept.
type Answer = (String, u64, u32, KeptBucket, KeptBucket);
/// The limit, the missing parts, and the moment of a bucket.
type KeptBucket = (u32, u64, u64);

/// Reserves what a request wants, or says why not.
pub(super) async fn reserve(
    server: &Server,
    reservations: &str,
    key: &Key,
    demand: &Demand,
    id: ReservationId,
) -> Result<Result<Grant, Refusal>, StoreError> {
    let limits = &key.limits;
    let is_unpriced = demand.rates.is_none() && demand.tokens() > 0;
    if is_unpriced && limits.budget.is_some() && !limits.allow_unpriced {
        return Ok(Err(Refusal::Unpriced));
    }
    let wanted = serde_json::to_string(&Wanted::of(key, demand))
        .map_err(|error| StoreError::Away(error.to_string()))?;
    let mut script = RESERVE.prepare_invoke();
    script.key(reservations);
    script.arg(server.moment()).arg(id.to_string()).arg(wanted);
    let answer: Answer = server.invoke(&script).await?;
    read(limits, demand, id, answer)
}

/// How the rate limits of a key stand.
pub(super) async fn rate_limits(server: &Server, key: &Key) -> Result<RateLimits, StoreError> {
    let mut commands = Pipeline::new();
    commands.cmd("TIME");
    commands
        .cmd("HMGET")
        .arg(name_of("meter", key.id))
        .arg(&["requests.limit", "requests.missing", "requests.at"])
        .arg(&["tokens.limit", "tokens.missing", "tokens.at"]);
    let (time, kept): ((u64, u64), [Option<u64>; 6]) = server.pipeline(&commands).await?;
    let [requests_limit, requests_missing, requests_at, rest @ ..] =
        kept.map(Option::unwrap_or_default);
    let [tokens_limit, tokens_missing, tokens_at] = rest;
    let bucket = |limit, missing, at| {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        Bucket::of(limit, missing, Timestamp::from_millis(at))
    };
    let requests = bucket(requests_limit, requests_missing, requests_at);
    let tokens = bucket(tokens_limit, tokens_missing, tokens_at);
    Ok(stand(&key.limits, requests, tokens, server.time_of(time)))
}

impl<'d> Wanted<'d> {
    fn of(key: &Key, demand: &'d Demand) -> Self {
        let limits = &key.limits;
        let cost = demand.cost_within(demand.output_tokens);
        let input_cost = demand.input_cost();
        let output_rate = demand.rates.map(|(_, output)| output);
        Self {
            key: key.id,
            model: &demand.model,
            rpm: limits.rpm,
            tpm: limits.tpm,
            concurrency: limits.concurrency,
            budget: limits.budget.map(|budget| budget.amount.billionths()),
            per: limits.budget.map(|budget| budget.per),
            input_tokens: demand.input_tokens.min(MOST),
            output_tokens: demand.output_tokens,
            choices: demand.choices,
            cost: cost.unwrap_or_default().billionths(),
            input_cost: input_cost.unwrap_or_default().billionths(),
            output_rate: output_rate.unwrap_or_default().millionths_of_millionths(),
            is_priced: cost.is_some(),
        }
    }
}

/// What the script's answer means.
fn read(
    limits: &KeyLimits,
    demand: &Demand,
    id: ReservationId,
    (verdict, now, output_tokens, requests, tokens): Answer,
) -> Result<Result<Grant, Refusal>, StoreError> {
    let now = Timestamp::from_millis(now);
    let bucket = |(limit, missing, at)| Bucket::of(limit, missing, Timestamp::from_millis(at));
    let (requests, tokens) = (bucket(requests), bucket(tokens));
    let rate_limits = stand(limits, requests, tokens, now);
    let wait = |bucket: Bucket, limit: Option<u32>, amount| {
        let wait = bucket.at(limit.unwrap_or_default(), now).wait(amount);
        wait.unwrap_or_default()
    };
    let wanted = demand.tokens_within(output_tokens);
    Ok(
        match (verdict.as_str(), limits.concurrency, limits.budget) {
            ("granted", ..) => Ok(Grant {
                id,
                output_tokens,
                tokens: limits.tpm.map_or(wanted, |limit| wanted.min(limit.into())),
                cost: demand.cost_within(output_tokens),
                at: now,
                rate_limits,
            }),
            ("requests", ..) => Err(Refusal::Requests {
                retry_after: wait(requests, limits.rpm, 1),
                rate_limits,
            }),
            ("tokens", ..) => Err(Refusal::Tokens {
                retry_after: wait(tokens, limits.tpm, wanted),
                rate_limits,
            }),
            ("concurrency", Some(limit), _) => Err(Refusal::Concurrency { limit, rate_limits }),
            ("budget", _, Some(budget)) => Err(Refusal::Budget {
                amount: budget.amount,
                per: budget.per,
                renewed: budget.per.end(now),
                rate_limits,
            }),
            _ => {
                return Err(StoreError::Away(
                    "it answered with an unknown verdict".to_owned(),
                ));
            }
        },
    )
}

fn stand(limits: &KeyLimits, requests: Bucket, tokens: Bucket, now: Timestamp) -> RateLimits {
    let stand =
        |bucket: Bucket, limit: Option<u32>| limit.map(|limit| bucket.at(limit, now).rate_limit());
    RateLimits {
        requests: stand(requests, limits.rpm),
        tokens: stand(tokens, limits.tpm),
    }
}
