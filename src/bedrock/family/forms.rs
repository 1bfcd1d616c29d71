//! The forms in which a model takes something, where there is more to say than yes and no.

/// The forms of `toolChoice` that force a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolChoiceForms {
    /// Only its absence, which is `auto`.
    Auto,
    /// `any` as well.
    AutoAny,
    /// `any` and `tool`.
    All,
}

/// What may stand in one turn with calls or results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolTurns {
    /// Text, and images beside results.
    Mixed,
    /// Nothing beside results: "Conversation blocks and tool result blocks cannot be provided in the same turn."
    ResultsAlone,
    /// Nothing beside calls: "Conversation blocks and tool use blocks cannot be provided in the same turn."
    CallsAlone,
}

/// What a replayed `toolUseId` must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolUseIdForm {
    /// `[a-zA-Z0-9_.:-]{1,64}`, as the service model says.
    Declared,
    /// `[a-zA-Z0-9]{9}`, which Mistral's models insist on.
    NineAlphanumerics,
}

/// Which sampling parameters a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// temperature and `top_p`.
    Free,
    /// Either, not both: "`temperature` and `top_p` cannot both be specified for this model."
    EitherOne,
    /// Temperature alone.
    Temperature,
    /// `top_p` alone.
    TopP,
    /// Neither: "`temperature` is deprecated for this model."
    Refused,
}

/// Which stop sequences a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSequences {
    /// Any that is not empty.
    Any,
    /// Any that is not blank.
    NotBlank,
    /// None: "This model doesn't support the stopSequences field."
    Refused,
}

/// Where `top_k` goes among `additionalModelRequestFields`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TopK {
    /// `top_k` (Claude).
    TopK,
    /// `k` (Cohere).
    K,
    /// `inferenceConfig.topK` (Nova).
    InferenceConfig,
    /// Nowhere.
    Nowhere,
}

/// Where a cache point may stand, and from where on it counts.
///
/// The minimums are those of AWS's page on prompt caching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PromptCache {
    /// Whether a point may stand in `toolConfig.tools`.
    pub tools: bool,
    /// Whether a point may stand in a message with calls or results.
    pub tool_turns: bool,
    /// The tokens before a point below which it is ignored.
    pub min_tokens: u32,
    /// Whether a point may last for one hour, not only for five minutes.
    pub one_hour: bool,
}

impl PromptCache {
    /// What is assumed of a model that the operator says caches prompts, and of which nothing else is known: the rules
    /// of most Claude models.
    pub const ASSUMED: Self = Self {
        tools: true,
        tool_turns: true,
        min_tokens: 1024,
        one_hour: false,
    };
}
