//! What OpenClaw has to know of this gateway and its models.

use std::cmp::Reverse;

use serde::Serialize;
use serde_json::{Value, json};

use super::address::is_variable;
use crate::bedrock::catalog::Purpose;
use crate::bedrock::{Family, Reasoning, claude_version, model_id};
use crate::config;
use crate::models::ListedModel;
use crate::openai::model::{Cost, Model};

/// The name under which OpenClaw knows the gateway: models are `outcrop/<id>` there.
const PROVIDER: &str = "outcrop";

/// The most output that OpenClaw asks for, in tokens, where the operator says nothing else. It sends the limit with every
/// request, and Bedrock takes the whole of it from the account's quota of tokens until the answer is there.
const MOST_OUTPUT: u32 = 32_000;

/// Why the entries are as they are.
pub const COMMENTS: &[&str] = &[
    "OpenClaw's configuration for Outcrop, written by `outcrop openclaw`: save it as ~/.openclaw/openclaw.json, or",
    "take what you need of it over into the one that is there.",
    "- supportsUsageInStreaming: without it OpenClaw asks only servers on its own host how many tokens an answer took; with 0",
    "  tokens it shows no costs and never compacts a conversation.",
    "- supportsReasoningEffort: without it OpenClaw does not send its level of thinking.",
    "- maxTokens: OpenClaw asks for so much with each request, and Bedrock counts it against the window and the account's",
    "  quota; so it is at most 32000 and half the window here. `outcrop models` shows what a model can do.",
    "- cacheControlFormat is not needed: Outcrop sets cache points by itself.",
];

/// How OpenClaw reaches the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// Where it is, `/v1` included.
    pub base_url: &'a str,
    /// The environment variable with the key for it.
    pub key_env: &'a str,
}

/// An entry of `models.providers.outcrop.models`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelDefinition {
    id: String,
    name: String,
    reasoning: bool,
    input: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<ModelCost>,
    compat: Compat,
}

/// USD per million tokens.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelCost {
    input: f64,
    output: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Compat {
    supports_usage_in_streaming: bool,
    supports_reasoning_effort: bool,
}

/// OpenClaw's configuration with every model of `listed` that an agent can use, which takes tools; none without such a model.
/// What `configured` says of limits holds as it stands.
pub fn configuration(
    provider: &Provider<'_>,
    listed: &[ListedModel],
    configured: &[config::Model],
) -> Option<Value> {
    let usable: Vec<&ListedModel> = listed
        .iter()
        .filter(|listed| listed.purpose == Purpose::Chat && listed.model.tools)
        .collect();
    let primary = format!("{PROVIDER}/{}", primary(&usable)?.model.id);
    let models: Vec<ModelDefinition> = usable
        .into_iter()
        .map(|listed| definition(listed, configured))
        .collect();
    Some(json!({
        "agents": {"defaults": {"model": {"primary": literal(&primary)}}},
        "models": {"providers": {PROVIDER: {
            "baseUrl": literal(provider.base_url),
            "apiKey": format!("${{{}}}", provider.key_env),
            "api": "openai-completions",
            "models": models,
        }}},
    }))
}

fn definition(listed: &ListedModel, configured: &[config::Model]) -> ModelDefinition {
    let model = &listed.model;
    let chosen = configured
        .iter()
        .find(|configured| configured.id == model.id)
        .and_then(|configured| configured.max_tokens);
    let input = ["text", "image"].into_iter();
    ModelDefinition {
        id: literal(&model.id),
        name: literal(&model.name),
        reasoning: model.reasoning,
        // OpenClaw knows no others.
        input: input
            .filter(|input| model.input_modalities.contains(input))
            .collect(),
        context_window: model.context_window,
        max_tokens: chosen.or_else(|| model.max_tokens.map(|most| most.min(room(model)))),
        cost: model.cost.map(ModelCost::from),
        compat: Compat {
            supports_usage_in_streaming: true,
            supports_reasoning_effort: takes_effort(&listed.family),
        },
    }
}

/// How much output is worth asking for beside a prompt: many a model's limit is its whole window.
fn room(model: &Model) -> u32 {
    let half = model
        .context_window
        .map_or(MOST_OUTPUT, |window| window / 2);
    half.min(MOST_OUTPUT)
}

/// Whether `reasoning_effort` makes a difference.
fn takes_effort(family: &Family) -> bool {
    !matches!(family.reasoning, Reasoning::None | Reasoning::Embedded)
}

/// The model to begin with: the newest Claude Sonnet that is not about to end, through the profile of the geography rather than
/// anywhere in the world, else the first.
fn primary<'a>(usable: &[&'a ListedModel]) -> Option<&'a ListedModel> {
    let sonnets = usable.iter().copied().filter_map(|listed| {
        let id = listed.model.id.as_str();
        let named = model_id::foundation_model(id).ok().flatten()?;
        let version = claude_version(named).filter(|_| named.contains("sonnet"))?;
        let rank = (
            listed.model.deprecated,
            Reverse(version),
            reach(id),
            Reverse(id),
        );
        Some((rank, listed))
    });
    let newest = sonnets.min_by_key(|(rank, _)| *rank);
    newest.map_or_else(|| usable.first().copied(), |(_, listed)| Some(listed))
}

/// From where an id is answered, the best first: from a geography, from anywhere in the world, from one region.
fn reach(id: &str) -> u8 {
    match id.split('.').next() {
        Some("global") => 1,
        Some("anthropic") => 2,
        _ => 0,
    }
}

/// A text in which OpenClaw puts in no variable: it takes `$${NAME}` for the text `${NAME}`.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        literal.push_str(before);
        let name = after.split_once('}').map(|(name, _)| name);
        literal.push_str(if name.is_some_and(is_variable) {
            "$${"
        } else {
            "${"
        });
        rest = after;
    }
    literal.push_str(rest);
    literal
}

impl From<Cost> for ModelCost {
    fn from(cost: Cost) -> Self {
        Self {
            input: cost.input,
            output: cost.output,
            cache_read: cost.cache_read,
            cache_write: cost.cache_write,
        }
    }
}
