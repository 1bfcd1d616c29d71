//! Limits and sampling, shaped to what the model takes.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::notes::Notes;
use super::reasoning::Limit;
use crate::bedrock::request::InferenceConfiguration;
use crate::bedrock::{Family, Sampling, StopSequences, TopK};
use crate::openai::ChatCompletionRequest;

/// The most tokens that are asked for when the client names no limit: enough not to cut answers, and far
/// less quota than the model's maximum, which Bedrock would reserve.
const DEFAULT_MAX_TOKENS: u32 = 32_000;
/// The most stop sequences that Converse takes.
const MAX_STOP_SEQUENCES: usize = 2500;

/// `inferenceConfig` for a request; `limit` is what thinking makes of `maxTokens`. `top_k` goes to `additional`,
/// where the model takes it.
pub(super) fn inference_configuration<'a>(
    request: &mut ChatCompletionRequest<'a>,
    family: &Family,
    limit: Limit,
    additional: &mut Map<String, Value>,
    notes: &mut Notes,
) -> InferenceConfiguration<'a> {
    let (temperature, top_p) = sampling(request, family, notes);
    if let Some(asked) = request.top_k {
        let range = match family.top_k {
            TopK::TopK | TopK::K => 0..=500,
            TopK::InferenceConfig => 1..=128,
            TopK::Nowhere => 0..=u64::MAX,
        };
        let top_k = asked.clamp(*range.start(), *range.end());
        if top_k != asked {
            notes.adjust("top_k", &top_k);
        }
        match family.top_k {
            TopK::TopK => drop(additional.insert("top_k".to_owned(), json!(top_k))),
            TopK::K => drop(additional.insert("k".to_owned(), json!(top_k))),
            TopK::InferenceConfig => {
                drop(additional.insert("inferenceConfig".to_owned(), json!({"topK": top_k})));
            }
            TopK::Nowhere => notes.ignore("top_k"),
        }
    }
    InferenceConfiguration {
        max_tokens: max_tokens(request, family, limit, notes),
        temperature,
        top_p,
        stop_sequences: stop_sequences(std::mem::take(&mut request.stop), family, notes),
    }
}

/// The limit that the client names, and the member that names it.
pub(super) fn asked_limit(request: &ChatCompletionRequest<'_>) -> Option<(&'static str, u64)> {
    request
        .max_completion_tokens
        .map(|limit| ("max_completion_tokens", limit))
        .or_else(|| request.max_tokens.map(|limit| ("max_tokens", limit)))
}

/// The limit in tokens when the client names none; none for a model whose own is not known.
pub(super) fn default_limit(family: &Family) -> Option<u32> {
    family
        .max_output_tokens
        .map(|most| most.min(DEFAULT_MAX_TOKENS))
}

fn max_tokens(
    request: &ChatCompletionRequest<'_>,
    family: &Family,
    limit: Limit,
    notes: &mut Notes,
) -> Option<u32> {
    if request.max_completion_tokens.is_some()
        && request
            .max_tokens
            .is_some_and(|limit| Some(limit) != request.max_completion_tokens)
    {
        notes.ignore("max_tokens");
    }
    let asked = asked_limit(request);
    let taken = match (limit, asked) {
        (Limit::Unset, Some((member, _))) => {
            notes.ignore(member);
            return None;
        }
        (Limit::Unset, None) => return None,
        (Limit::Tokens(tokens), _) => tokens,
        (Limit::AsAsked, None) => return default_limit(family),
        (Limit::AsAsked, Some((_, asked))) => {
            let most = family.max_output_tokens.unwrap_or(i32::MAX.unsigned_abs());
            u32::try_from(asked)
                .unwrap_or(u32::MAX)
                .clamp(family.min_output_tokens, most)
        }
    };
    if let Some((member, asked)) = asked
        && u64::from(taken) != asked
    {
        notes.adjust(member, &taken);
    }
    Some(taken)
}

/// Temperature and `top_p`. A value of 1 is the default of both at OpenAI, so it is given up silently where the
/// model does not take it.
fn sampling(
    request: &ChatCompletionRequest<'_>,
    family: &Family,
    notes: &mut Notes,
) -> (Option<f64>, Option<f64>) {
    let asked = |value: Option<f64>| value.filter(|value| (*value - 1.0).abs() > f64::EPSILON);
    let mut ignore = |member: &str, value: Option<f64>| {
        if asked(value).is_some() {
            notes.ignore(member);
        }
    };
    match family.sampling {
        Sampling::Refused => {
            ignore("temperature", request.temperature);
            ignore("top_p", request.top_p);
            (None, None)
        }
        Sampling::Temperature => {
            ignore("top_p", request.top_p);
            (clamped(request.temperature, notes), None)
        }
        Sampling::TopP => {
            ignore("temperature", request.temperature);
            (None, request.top_p)
        }
        Sampling::EitherOne if request.temperature.is_some() && request.top_p.is_some() => {
            if asked(request.temperature).is_none() && asked(request.top_p).is_some() {
                return (None, request.top_p);
            }
            ignore("top_p", request.top_p);
            (clamped(request.temperature, notes), None)
        }
        Sampling::Free | Sampling::EitherOne => {
            (clamped(request.temperature, notes), request.top_p)
        }
    }
}

/// Converse's temperature ends at 1, OpenAI's at 2.
fn clamped(temperature: Option<f64>, notes: &mut Notes) -> Option<f64> {
    let temperature = temperature?;
    if temperature > 1.0 {
        notes.adjust("temperature", &1);
    }
    Some(temperature.min(1.0))
}

fn stop_sequences<'a>(
    mut stop: Vec<Cow<'a, str>>,
    family: &Family,
    notes: &mut Notes,
) -> Vec<Cow<'a, str>> {
    let before = stop.len();
    match family.stop_sequences {
        StopSequences::Any => {}
        StopSequences::NotBlank => stop.retain(|text| !text.trim().is_empty()),
        StopSequences::Refused => stop.clear(),
    }
    stop.truncate(MAX_STOP_SEQUENCES);
    if stop.len() < before {
        notes.ignore("stop");
    }
    stop
}
