//! How a model is told to think: every form is a field of `additionalModelRequestFields`.

/// The form in which a model takes a request to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reasoning {
    /// The model does not think, or no field is known that makes it.
    None,
    /// The model always thinks, and there is no field for it.
    Embedded,
    /// `thinking` with a budget of tokens (Claude 3.7 to 4.5).
    Budget {
        /// Whether thinking between calls needs the beta `interleaved-thinking-2025-05-14`.
        interleaved_beta: bool,
        /// Whether `output_config.effort` is taken with the beta `effort-2025-11-24`.
        effort_beta: bool,
    },
    /// `thinking` of the type `adaptive`, and `output_config.effort` (Claude 4.6 and newer).
    Adaptive(Adaptive),
    /// `reasoningConfig` with `maxReasoningEffort` of `low`, `medium` or `high` (Nova 2). With `high` there must
    /// be neither a limit nor sampling.
    ReasoningConfig,
    /// One word for the effort.
    Effort {
        /// Where the word stands.
        field: EffortField,
        /// The words that are taken, the least effort first.
        values: &'static [&'static str],
        /// Whether the model thinks unasked.
        on_by_default: bool,
        /// Whether `toolChoice` may force a call while the model was asked to think.
        forced_calls: bool,
    },
}

/// What differs between the Claudes that decide for themselves how long they think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent fact about a model"
)]
pub struct Adaptive {
    /// Whether the model thinks unasked.
    pub on_by_default: bool,
    /// Whether `thinking` of the type `disabled` is taken.
    pub can_be_disabled: bool,
    /// Whether the effort `xhigh` is taken; all take `low`, `medium`, `high` and `max`.
    pub xhigh: bool,
    /// Whether `thinking` of the type `enabled` is still taken, with a budget.
    pub budget: bool,
    /// Whether the text of the thinking is left out unless `thinking.display` is `summarized`.
    pub hides_text: bool,
}

/// Where a model looks for the word that says how much effort to spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffortField {
    /// `reasoning_effort` (gpt-oss, Grok, Kimi, DeepSeek).
    ReasoningEffort,
    /// `reasoning.effort` (GPT).
    Reasoning,
    /// `reasoning_config` (Qwen).
    ReasoningConfig,
}
