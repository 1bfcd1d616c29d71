//! A Converse answer becomes a chat completion.

mod parts;

use std::ops::Add;

use serde_json::value::{RawValue, to_raw_value};

use super::answer::Answer;
use super::answer_error::AnswerError;
use super::consumption::Consumption;
use super::passed::Passed;
use super::replay::{Collected, Collector, FinishedTurn};
use super::stop;
use crate::bedrock::JsonString;
use crate::bedrock::response::{Citation, ContentBlock, ConverseResponse, TokenUsage};
use crate::openai::completion::{ChatCompletion, Choice, ReasoningDetail};
use parts::Parts;

/// A whole answer in OpenAI's words.
#[derive(Debug)]
pub struct Completion {
    /// The JSON body.
    pub body: Vec<u8>,
    /// The answers' turns, as far as their reasoning will have to come back.
    pub turns: Vec<FinishedTurn>,
    /// What Bedrock counted.
    pub usage: Option<TokenUsage>,
    /// What all calls took together.
    pub consumption: Consumption,
    /// Why the model stopped, in Bedrock's words.
    pub stop_reason: String,
}

/// Translates a Converse answer. `created` is in Unix seconds; `model` is what the client asked for.
///
/// # Errors
/// When the answer is not one of Converse's, or the model produced something malformed.
pub fn chat_completion(
    json: &[u8],
    id: &str,
    created: u64,
    model: &str,
    answer: &Answer,
) -> Result<Completion, AnswerError> {
    chat_completion_of(&[(json, answer)], id, created, model)
}

/// The same for several answers to one request: each is a choice, and their usage is summed.
///
/// # Errors
/// When one of the answers is not one of Converse's, or the model produced something malformed.
pub fn chat_completion_of(
    answers: &[(&[u8], &Answer)],
    id: &str,
    created: u64,
    model: &str,
) -> Result<Completion, AnswerError> {
    let read = answers
        .iter()
        .map(|(json, answer)| Read::of(json, answer))
        .collect::<Result<Vec<_>, _>>()?;
    let usages = read.iter().map(|read| read.response.usage);
    let usage = usages.reduce(|sum, usage| Some(sum? + usage?)).flatten();
    let consumption = read.iter().map(|read| read.consumption).reduce(Add::add);
    let consumption = consumption.unwrap_or_default();
    let first = read.first().map(|read| &read.answer.billing);
    let cost = first.and_then(|billing| billing.shown(&consumption));
    let choices = (0..).zip(&read).map(|(index, read)| read.choice(index));
    let completion = ChatCompletion {
        id,
        object: "chat.completion",
        created,
        model,
        choices: choices.collect::<Result<_, _>>()?,
        usage: usage.as_ref().map(|usage| stop::usage(usage, cost)),
        service_tier: read.iter().find_map(Read::service_tier),
        bedrock: passed(answers)?,
    };
    let body = serde_json::to_vec(&completion)?;
    let stop_reason = read.first().map(|read| &read.response.stop_reason);
    Ok(Completion {
        body,
        usage,
        consumption,
        stop_reason: stop_reason.map(ToString::to_string).unwrap_or_default(),
        turns: read.into_iter().filter_map(Read::into_turn).collect(),
    })
}

/// What several answers to one request took together, also where none of them can be told. `None` when one is no JSON of
/// Converse's.
pub fn consumption_of(answers: &[(&[u8], &Answer)]) -> Option<Consumption> {
    let taken = answers.iter().map(|(json, answer)| {
        let response: ConverseResponse<'_> = serde_json::from_slice(json).ok()?;
        Some(consumption(&response, answer, json))
    });
    let taken: Option<Vec<_>> = taken.collect();
    taken?.into_iter().reduce(Add::add)
}

fn consumption(response: &ConverseResponse<'_>, answer: &Answer, json: &[u8]) -> Consumption {
    let billing = &answer.billing;
    let terms = billing.served(
        response.service_tier.as_ref(),
        response.performance_config.as_ref(),
    );
    let length = u64::try_from(json.len()).unwrap_or(u64::MAX);
    billing.consumption(response.usage.as_ref(), terms, length)
}

/// One answer that was read.
struct Read<'a> {
    response: ConverseResponse<'a>,
    answer: &'a Answer,
    collected: Option<Collected>,
    consumption: Consumption,
}

impl<'a> Read<'a> {
    fn of(json: &'a [u8], answer: &'a Answer) -> Result<Self, AnswerError> {
        let response: ConverseResponse<'_> = serde_json::from_slice(json)?;
        let mut collector = Collector::of(answer);
        for (index, block) in (0..).zip(content(&response)?) {
            collector.block(index, block);
        }
        Ok(Self {
            consumption: consumption(&response, answer, json),
            response,
            answer,
            collected: collector.finish(),
        })
    }

    fn choice(&'a self, index: u32) -> Result<Choice<'a>, AnswerError> {
        let legacy_functions = self.answer.legacy_functions;
        let mut parts = Parts::of(content(&self.response)?, self.answer);
        let collected = self.collected.as_ref();
        let sealed = collected.and_then(|collected| collected.sealed.as_ref());
        parts.reasoning_details =
            sealed.map(|sealed| ReasoningDetail::encrypted(&sealed.id, &sealed.data));
        let calls = !parts.tool_calls.is_empty();
        let stop_reason = &self.response.stop_reason;
        let finish_reason = stop::finish_reason(stop_reason, calls, legacy_functions)?;
        Ok(parts.into_choice(index, finish_reason, legacy_functions))
    }

    fn service_tier(&self) -> Option<&str> {
        let tier = self.response.service_tier.as_ref();
        served_tier(
            tier.map(|tier| tier.kind.as_ref()),
            self.answer.service_tier,
        )
    }

    fn into_turn(self) -> Option<FinishedTurn> {
        self.collected.map(|collected| collected.turn)
    }
}

fn content<'r, 'a>(
    response: &'r ConverseResponse<'a>,
) -> Result<&'r [ContentBlock<'a>], AnswerError> {
    let output = response.output.as_ref();
    let message = output.and_then(|output| output.message.as_ref());
    Ok(&message.ok_or(AnswerError::NoOutput)?.content)
}

/// What Bedrock said beside its answers: an object for one, a list of objects for several.
fn passed(answers: &[(&[u8], &Answer)]) -> Result<Option<Box<RawValue>>, AnswerError> {
    let asked = answers.iter().filter(|(_, answer)| answer.bedrock);
    let mut passed = asked
        .map(|(json, _)| Passed::of_answer(json))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(match passed.len() {
        0 => None,
        1 => passed.pop().map(Passed::into_object),
        _ => Some(to_raw_value(&passed)?),
    })
}

/// The address and title of a cited web page, as JSON strings; the address stands in for a missing title.
pub(super) fn web_page<'a>(citation: &Citation<'a>) -> Option<(&'a str, &'a str)> {
    let url = citation.location.as_ref()?.web.as_ref()?.url?.token();
    Some((url, citation.title.map_or(url, JsonString::token)))
}

/// The arguments of a call as the text that OpenAI's clients parse, never empty.
pub(super) fn arguments(input: Option<&RawValue>) -> &str {
    match input.map(RawValue::get) {
        None | Some(r#""""#) => "{}",
        Some(json) => json,
    }
}

/// The JSON string that holds `text`.
pub(super) fn json_token(text: &str) -> String {
    // A string always has JSON text.
    serde_json::to_string(text).unwrap_or_default()
}

/// What stands between a token's quotes.
pub(super) fn escaped(token: &str) -> &str {
    token
        .get(1..token.len().saturating_sub(1))
        .unwrap_or_default()
}

/// The tier to name in an answer: what Bedrock says, else its default when the request named one.
pub(super) fn served_tier(served: Option<&str>, asked: bool) -> Option<&str> {
    served
        .filter(|tier| !tier.is_empty())
        .or_else(|| asked.then_some("default"))
}
