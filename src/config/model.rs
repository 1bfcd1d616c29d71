//! `[[models]]`: what clients may ask for beside what the account has, and what is known of it.

use super::Guardrail;
use super::cost::{self, Cost};
use super::entry::Entry;
use super::target::{self, Target};
use super::value::Value;

/// The longest id, in bytes, as Bedrock's service model declares for `modelId`.
const MAX_ID_LENGTH: usize = 2048;
/// No model of today has a window of a hundred million tokens.
const MAX_TOKENS: u32 = 100_000_000;
/// The keys of one table.
pub(super) const KEYS: &[&str] = &[
    "id",
    "targets",
    "base_model",
    "context_window",
    "max_tokens",
    "cost",
    "prompt_cache",
    "guardrail",
];

/// A model of the configuration: an alias, a correction of what is known of a model, or both.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// What clients ask for.
    pub id: String,
    /// Where it is called, in order; none means that Bedrock knows the id.
    pub targets: Vec<Target>,
    /// The foundation model whose rules hold, for an ARN that does not say.
    pub base_model: Option<String>,
    /// The context window in tokens.
    pub context_window: Option<u32>,
    /// The most tokens of an answer.
    pub max_tokens: Option<u32>,
    /// What it costs.
    pub cost: Option<Cost>,
    /// Whether the model caches prompts, where that is not what its family is known for.
    pub prompt_cache: Option<bool>,
    /// The guardrail that its conversations have to pass instead of everybody's; id and version are there.
    pub guardrail: Option<Guardrail>,
}

/// Reads one table. What is wrong in it is noted, and then there is no model.
pub(super) fn read(mut entry: Entry<'_, '_, '_>) -> Option<Model> {
    let model = Model {
        id: entry.required("id", model_id).unwrap_or_default(),
        targets: entry.list("targets", target::read),
        base_model: entry.optional("base_model", base_model),
        context_window: entry.optional("context_window", tokens),
        max_tokens: entry.optional("max_tokens", tokens),
        cost: entry.table("cost", cost::KEYS, |mut entry| cost::read(&mut entry)),
        prompt_cache: entry.optional("prompt_cache", Value::boolean),
        guardrail: entry.table("guardrail", &["id", "version", "trace"], guardrail),
    };
    let weighted = model
        .targets
        .iter()
        .filter(|target| target.weight.is_some());
    let all_or_none = [0, model.targets.len()].contains(&weighted.count());
    // A weight that is wrong is not missing.
    if entry.is_right() && !all_or_none {
        entry.mistake("targets", "must have a weight each, or none at all");
    }
    entry.is_right().then_some(model)
}

fn guardrail(mut entry: Entry<'_, '_, '_>) -> Option<Guardrail> {
    let guardrail = Guardrail {
        id: entry.required("id", Value::guardrail_id),
        version: entry.required("version", Value::guardrail_version),
        trace: entry.optional("trace", Value::guardrail_trace),
        only_new_input: false,
    };
    entry.is_right().then_some(guardrail)
}

fn tokens(value: &Value<'_>) -> Result<u32, String> {
    value.whole(&(1..=MAX_TOKENS))
}

/// Reads the id of a foundation model, with or without a geography: a name that people use says nothing of a family, nor
/// does the ARN of an application profile.
fn base_model(value: &Value<'_>) -> Result<String, String> {
    let id = model_id(value).ok().filter(|id| id.contains('.'));
    id.ok_or_else(|| {
        value.mismatch(
            "the id of a foundation model such as \"anthropic.claude-sonnet-4-5-20250929-v1:0\"",
        )
    })
}

/// Reads what can be a model's id: text without blanks and control characters.
pub(super) fn model_id(value: &Value<'_>) -> Result<String, String> {
    let is_id = |text: &&str| {
        let mut characters = text.chars();
        (1..=MAX_ID_LENGTH).contains(&text.len())
            && characters.all(|character| !character.is_control() && !character.is_whitespace())
    };
    let id = value.text().filter(is_id);
    id.map(str::to_owned)
        .ok_or_else(|| value.mismatch("the id of a model, without blanks"))
}
