//! What each model family takes on Converse: one table, keyed on the foundation model's id.
//!
//! The rows follow AWS's model cards, the `converse` metadata of ListFoundationModels, and the refusals that
//! Bedrock answers with. A model that no row knows gets the newest known rule of its provider and keeps its tools.

mod amazon;
mod claude;
mod forms;
mod media;
mod meta;
mod mistral;
mod openai;
mod reasoning;
mod table;
mod without;

pub use forms::{
    PromptCache, Sampling, StopSequences, ToolChoiceForms, ToolTurns, ToolUseIdForm, TopK,
};
pub use media::MediaRules;
pub use reasoning::{Adaptive, EffortField, Reasoning};

/// What a model takes, as far as a request must be shaped for it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about a model"
)]
pub struct Family {
    /// Whether there is a `system` member; without it system text becomes a user turn.
    pub system: bool,
    /// Whether the model sees images.
    pub image: bool,
    /// Whether `toolResult.content` may hold an image.
    pub image_in_tool_result: bool,
    /// Whether the model reads documents.
    pub document: bool,
    /// Whether `toolResult.content` may hold a document.
    pub document_in_tool_result: bool,
    /// Whether the model sees videos.
    pub video: bool,
    /// Whether the model hears audio.
    pub audio: bool,
    /// How much of media is taken, and from where.
    pub media: MediaRules,
    /// Whether there are tools at all.
    pub tools: bool,
    /// Whether tools work with ConverseStream; otherwise Converse is called and the stream is made from its answer.
    pub streaming_tools: bool,
    /// Which forms of `toolChoice` are taken beside its absence.
    pub tool_choice: ToolChoiceForms,
    /// Whether `tool_choice.disable_parallel_tool_use` may be sent among the additional fields.
    pub parallel_tool_switch: bool,
    /// How the model is told to think.
    pub reasoning: Reasoning,
    /// Whether the model's reasoning blocks are sent back, whole and signed; all others refuse them.
    pub replays_reasoning: bool,
    /// Where cache points may stand, if they are taken at all.
    pub prompt_cache: Option<PromptCache>,
    /// Whether `outputConfig.textFormat` is taken.
    pub structured_output: bool,
    /// Whether `toolSpec.strict` is taken.
    pub strict_tools: bool,
    /// Whether the root of a tool's schema may be an `anyOf`, `oneOf` or `allOf`.
    pub schema_combinations: bool,
    /// Whether a schema's `pattern` may look ahead and behind.
    pub pattern_look_around: bool,
    /// What may stand in one turn with calls or results.
    pub tool_turns: ToolTurns,
    /// What a replayed `toolUseId` must look like.
    pub tool_use_id: ToolUseIdForm,
    /// Whether a conversation may begin with an assistant turn.
    pub leading_assistant: bool,
    /// Whether a conversation may end with an assistant turn, which the model then continues.
    pub prefill: bool,
    /// Which of temperature and `top_p` are taken.
    pub sampling: Sampling,
    /// Which stop sequences are taken.
    pub stop_sequences: StopSequences,
    /// Where `top_k` goes.
    pub top_k: TopK,
    /// The least `maxTokens` that is accepted, in tokens.
    pub min_output_tokens: u32,
    /// The most output tokens the model can produce, where known.
    pub max_output_tokens: Option<u32>,
    /// The context window in tokens, where known.
    pub context_window: Option<u32>,
}

impl Family {
    /// The rule for a foundation model's id (without geography), or for a model that nobody could resolve.
    pub fn of(foundation_model: Option<&str>) -> Self {
        let Some(id) = foundation_model else {
            return table::UNKNOWN;
        };
        if let Some(name) = id.strip_prefix("anthropic.") {
            return claude::rule(name);
        }
        let rows = [
            amazon::ROWS,
            meta::ROWS,
            mistral::ROWS,
            openai::ROWS,
            table::ROWS,
        ];
        rows.into_iter()
            .flatten()
            .find(|(start, _)| id.starts_with(start))
            .map_or(table::UNKNOWN, |(_, family)| *family)
    }
}

/// The version of a Claude by its foundation model's id: 4.5 of `anthropic.claude-sonnet-4-5-20250929-v1:0`.
pub fn claude_version(foundation_model: &str) -> Option<(u32, u32)> {
    claude::version_of(foundation_model.strip_prefix("anthropic.claude-")?)
}

#[cfg(test)]
mod tests;
