//! `Model` and `ListModelsResponse`.

use serde::Serialize;

/// A model as `/v1/models` shows it. What OpenAI's object lacks is there under the names that generators of
/// configurations read: those of OpenRouter, LiteLLM and OpenClaw's discovery. What is not known is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Model {
    /// What a request asks for.
    pub id: String,
    /// `model`
    pub object: &'static str,
    /// Unix seconds.
    pub created: u64,
    /// Who made the model: `anthropic`, `amazon`.
    pub owned_by: String,
    /// The day on which the model ends, `2026-12-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown_date: Option<String>,
    /// What people call it.
    pub name: String,
    /// The context window, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u32>,
    /// The most output of one answer, in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The same under the name that OpenClaw reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// Of `text`, `image`, `file`, `video` and `audio`.
    pub input_modalities: Vec<&'static str>,
    /// `text` or `embeddings`.
    pub output_modalities: Vec<&'static str>,
    /// How many numbers an embedding can have; empty for all that make none, and where nobody knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<u64>,
    /// Whether the model thinks, unasked or asked.
    pub reasoning: bool,
    /// Whether the model calls tools.
    pub tools: bool,
    /// Whether the provider has announced its end; absent for all others.
    #[serde(skip_serializing_if = "is_false")]
    pub deprecated: bool,
    /// What tokens cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

/// USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// Input that no cache has.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Input that is read from the prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<f64>,
    /// Input that is written to the prompt cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
}

/// `ListModelsResponse`.
#[derive(Debug, Serialize)]
pub struct ModelList<'a> {
    /// `list`
    pub object: &'static str,
    /// All models; OpenAI's list has no pages.
    pub data: &'a [Model],
}

impl<'a> ModelList<'a> {
    /// The list of `models`.
    pub fn of(models: &'a [Model]) -> Self {
        Self {
            object: "list",
            data: models,
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}
