//! What the translation of an answer needs to know of its request.

use super::consumption::Billing;
use super::json_answer::JsonAnswer;
use super::replay::Replay;
use super::tool_names::ToolNames;
use crate::openai::ChatCompletionRequest;

/// How the answer to a request must look.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked for by a member of its own"
)]
pub struct Answer {
    /// The tools' names in both directions.
    pub tool_names: ToolNames,
    /// Whether a call must be a `function_call`, because the request had the deprecated `functions`.
    pub legacy_functions: bool,
    /// Whether the thoughts are left out.
    pub exclude_reasoning: bool,
    /// Whether a stream ends with a chunk of usage.
    pub include_usage: bool,
    /// How its reasoning can come back, where the model takes it.
    pub replay: Option<Replay>,
    /// Whether the request named a tier, so that the answer names the one that served it.
    pub service_tier: bool,
    /// Whether the answer must be JSON that the model was asked for with a tool or in words.
    pub json: Option<JsonAnswer>,
    /// Whether the request had a `bedrock` object, so that the answer has one.
    pub bedrock: bool,
    /// How many choices the answer has: each is one call's. 0 is 1.
    pub choices: u32,
    /// What must be known of the call to say what it took.
    pub billing: Billing,
}

impl Answer {
    /// The form of the answer to a request, whose tools and format are translated already.
    pub(super) fn to(
        request: &ChatCompletionRequest<'_>,
        tool_names: ToolNames,
        replay: Option<Replay>,
        json: Option<JsonAnswer>,
    ) -> Self {
        Self {
            tool_names,
            exclude_reasoning: request.reasoning.unified.exclude,
            legacy_functions: request.legacy_functions,
            include_usage: request.include_usage,
            replay,
            service_tier: request.service_tier.is_some(),
            json,
            bedrock: request.bedrock.is_some(),
            choices: request.n.unwrap_or(1),
            billing: Billing::default(),
        }
    }

    /// The same, with what must be known to say what it took.
    pub(super) fn billed(self, billing: Billing) -> Self {
        Self { billing, ..self }
    }
}
