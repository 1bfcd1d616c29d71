//! What Bedrock refuses by name, so that the same request without it may pass.

use super::exception::{Exception, ExceptionKind};

/// A feature that Bedrock says a model does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `cachePoint`, wherever it stood.
    CachePoint,
    /// Every form of `toolConfig.toolChoice`.
    ToolChoice,
    /// `toolConfig.toolChoice.any`.
    ToolChoiceAny,
    /// `toolConfig.toolChoice.tool`.
    ToolChoiceTool,
    /// A forced choice while the model thinks. The model takes either of them.
    ForcedChoiceWithThinking,
    /// `toolSpec.strict`.
    StrictTools,
    /// Tools with ConverseStream.
    StreamingTools,
    /// `inferenceConfig.temperature`.
    Temperature,
    /// `inferenceConfig.topP`.
    TopP,
    /// Temperature and `topP` together.
    TemperatureWithTopP,
    /// `inferenceConfig.stopSequences`.
    StopSequences,
    /// The field that asks the model to think.
    Thinking,
    /// A member of that field, which may be the client's own. It says something about the request, not about the
    /// model.
    ThinkingMember,
    /// `thinking` of the type `disabled`.
    ThinkingDisabled,
    /// `thinking` of the type `enabled`, with a budget.
    ThinkingEnabled,
    /// A last turn of the assistant's.
    Prefill,
    /// `outputConfig`.
    StructuredOutput,
    /// The format in `outputConfig`: its grammar cannot be made, or it has a member that is none. It says something
    /// about the request, not about the model.
    OutputSchema,
    /// The reasoning in this conversation: it is not as the model signed it, or not where the model wants it.
    /// It says something about the request, not about the model.
    ReasoningReplay,
}

/// What stands before the words of the model's own service.
const MODEL_PREFIX: &str = "The model returned the following errors: ";
/// What an unknown field is refused with. The client's own fields are named in the same words.
const EXTRANEOUS_KEY: &str = "extraneous key [";

/// How refusals begin, once their prefix and path are cut off.
const BEGINNINGS: &[(&str, Refusal)] = &[
    (
        "You invoked an unsupported model or your request did not allow prompt caching",
        Refusal::CachePoint,
    ),
    (
        "This model doesn't support the toolConfig.toolChoice.any field",
        Refusal::ToolChoiceAny,
    ),
    (
        "This model doesn't support the toolConfig.toolChoice.tool field",
        Refusal::ToolChoiceTool,
    ),
    (
        "This model doesn't support the toolConfig.toolChoice field",
        Refusal::ToolChoice,
    ),
    (
        "This model doesn't support the toolConfig.toolChoice.auto field",
        Refusal::ToolChoice,
    ),
    (
        "Thinking may not be enabled when tool_choice forces tool use",
        Refusal::ForcedChoiceWithThinking,
    ),
    (
        "\"thinking.type.disabled\" is not supported for this model",
        Refusal::ThinkingDisabled,
    ),
    (
        "\"thinking.type.enabled\" is not supported for this model",
        Refusal::ThinkingEnabled,
    ),
    (
        "This model doesn't support tool use in streaming mode",
        Refusal::StreamingTools,
    ),
    (
        "`temperature` and `top_p` cannot both be specified for this model",
        Refusal::TemperatureWithTopP,
    ),
    (
        "`temperature` is deprecated for this model",
        Refusal::Temperature,
    ),
    (
        "This model doesn't support the temperature field",
        Refusal::Temperature,
    ),
    ("`top_p` is deprecated for this model", Refusal::TopP),
    ("This model doesn't support the topP field", Refusal::TopP),
    (
        "This model doesn't support the stopSequences field",
        Refusal::StopSequences,
    ),
    (
        "This model does not support assistant message prefill",
        Refusal::Prefill,
    ),
    (
        "This model doesn't support the outputConfig",
        Refusal::StructuredOutput,
    ),
    (
        "Invalid `signature` in `thinking` block",
        Refusal::ReasoningReplay,
    ),
    (
        "Invalid `data` in `redacted_thinking` block",
        Refusal::ReasoningReplay,
    ),
    (
        "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified",
        Refusal::ReasoningReplay,
    ),
    (
        "Expected `thinking` or `redacted_thinking`",
        Refusal::ReasoningReplay,
    ),
    (
        "This model doesn't support the reasoningContent",
        Refusal::ReasoningReplay,
    ),
];

/// Fields of ours, by the path that stands before "Extra inputs are not permitted".
const EXTRA_INPUTS: &[(&str, Refusal)] = &[
    ("thinking", Refusal::Thinking),
    ("output_config.effort", Refusal::Thinking),
    ("reasoning_effort", Refusal::Thinking),
    ("reasoning_config", Refusal::Thinking),
    ("reasoningConfig", Refusal::Thinking),
    ("output_config.format", Refusal::StructuredOutput),
    ("output_format", Refusal::StructuredOutput),
];

impl Refusal {
    /// The feature that an exception names. Only the texts that Bedrock is known to send count, and only where
    /// they stand in its own words: an exception can quote the client, who must not be able to teach anything.
    pub fn of(exception: &Exception) -> Option<Self> {
        if !matches!(
            exception.kind,
            ExceptionKind::Validation | ExceptionKind::AccessDenied
        ) {
            return None;
        }
        let text = exception.message.trim();
        let text = text.strip_prefix(MODEL_PREFIX).unwrap_or(text);
        if let Some(key) = extraneous_key(text) {
            return match key {
                "cachePoint" => Some(Self::CachePoint),
                "strict" => Some(Self::StrictTools),
                "toolChoice" => Some(Self::ToolChoice),
                "outputConfig" => Some(Self::StructuredOutput),
                "thinking" | "reasoning_effort" | "reasoning_config" | "reasoningConfig" => {
                    Some(Self::Thinking)
                }
                _ => None,
            };
        }
        let (path, said) = split_path(text);
        if said.starts_with("Extra inputs are not permitted") {
            if path.ends_with(".strict") {
                return Some(Self::StrictTools);
            }
            if let Some(refusal) = found(EXTRA_INPUTS, |known| path == known) {
                return Some(refusal);
            }
        }
        // What stands deeper may be a member that the client wrote.
        if path.starts_with("output_config.format.") {
            return Some(Self::OutputSchema);
        }
        if path == "thinking.type" {
            return Some(Self::Thinking);
        }
        if path.starts_with("thinking.") {
            return Some(Self::ThinkingMember);
        }
        found(BEGINNINGS, |beginning| said.starts_with(beginning))
    }

    /// Whether it is true of the model, and so of other requests as well.
    pub fn is_of_the_model(self) -> bool {
        !matches!(
            self,
            Self::ReasoningReplay
                | Self::ForcedChoiceWithThinking
                | Self::OutputSchema
                | Self::ThinkingMember
        )
    }
}

fn found(table: &[(&str, Refusal)], matches: impl Fn(&str) -> bool) -> Option<Refusal> {
    table
        .iter()
        .find(|(text, _)| matches(text))
        .map(|(_, refusal)| *refusal)
}

/// The key that a model's schema does not know. A key that quotes this very sentence is none of ours.
fn extraneous_key(text: &str) -> Option<&str> {
    let text = text.strip_prefix("Malformed input request: ")?;
    let (_, rest) = text.split_once(EXTRANEOUS_KEY)?;
    let (key, rest) = rest.split_once(']')?;
    (rest.starts_with(" is not permitted") && !rest.contains(EXTRANEOUS_KEY)).then_some(key)
}

/// Cuts the path off that Claude's service writes before its words: `messages.1.content.0: …`.
fn split_path(text: &str) -> (&str, &str) {
    let is_path = |path: &str| {
        !path.is_empty()
            && path
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_'))
    };
    match text.split_once(": ") {
        Some((path, said)) if is_path(path) => (path, said),
        _ => ("", text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, name: &str, message: &str) -> Option<Refusal> {
        Refusal::of(&Exception::from_answer(
            status,
            Some(name),
            Some(message),
            b"",
        ))
    }

    fn validation(message: &str) -> Option<Refusal> {
        of(400, "ValidationException", message)
    }

    #[test]
    fn each_text_names_its_feature() {
        for (message, refusal) in [
            (
                "Malformed input request: #/messages/2/content/1: extraneous key [cachePoint] is not permitted, please \
                 reformat your input and try again.",
                Refusal::CachePoint,
            ),
            (
                "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and \
                 try again.",
                Refusal::ToolChoiceAny,
            ),
            (
                "The model returned the following errors: `temperature` is deprecated for this model.",
                Refusal::Temperature,
            ),
            (
                "The model returned the following errors: `temperature` and `top_p` cannot both be specified for this \
                 model. Please use only one.",
                Refusal::TemperatureWithTopP,
            ),
            (
                "This model doesn't support tool use in streaming mode.",
                Refusal::StreamingTools,
            ),
            (
                "The model returned the following errors: messages.3.content.0: Invalid `signature` in `thinking` block",
                Refusal::ReasoningReplay,
            ),
            (
                "The model returned the following errors: messages.3.content.1: Invalid `data` in `redacted_thinking` \
                 block",
                Refusal::ReasoningReplay,
            ),
            (
                "The model returned the following errors: messages.5.content.0: `thinking` or `redacted_thinking` \
                 blocks in the latest assistant message cannot be modified. These blocks must remain as they were in \
                 the original response.",
                Refusal::ReasoningReplay,
            ),
            (
                "The model returned the following errors: messages.1.content.0.type: Expected `thinking` or \
                 `redacted_thinking`, but found `text`.",
                Refusal::ReasoningReplay,
            ),
            (
                "The model returned the following errors: output_config.format: Extra inputs are not permitted",
                Refusal::StructuredOutput,
            ),
            (
                "The model returned the following errors: output_config.format.schema: For 'integer' type, property \
                 'multipleOf' is not supported",
                Refusal::OutputSchema,
            ),
            (
                "The model returned the following errors: tools.0.custom.strict: Extra inputs are not permitted",
                Refusal::StrictTools,
            ),
            (
                "The model returned the following errors: thinking: Extra inputs are not permitted",
                Refusal::Thinking,
            ),
            (
                "The model returned the following errors: thinking.type: Input should be 'disabled' or 'enabled'",
                Refusal::Thinking,
            ),
            (
                "The model returned the following errors: \"thinking.type.disabled\" is not supported for this model.",
                Refusal::ThinkingDisabled,
            ),
            (
                "The model returned the following errors: \"thinking.type.enabled\" is not supported for this model. \
                 Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
                Refusal::ThinkingEnabled,
            ),
        ] {
            assert_eq!(validation(message), Some(refusal), "{message}");
        }
        let unsupported = "You invoked an unsupported model or your request did not allow prompt caching. See the \
                           documentation for more information.";
        assert_eq!(
            of(403, "AccessDeniedException", unsupported),
            Some(Refusal::CachePoint)
        );
    }

    #[test]
    fn members_that_may_be_the_clients_say_nothing_of_the_model() {
        for (message, refusal) in [
            (
                "thinking.enabled.frobnicate: Extra inputs are not permitted",
                Some(Refusal::ThinkingMember),
            ),
            (
                "thinking.adaptive.display: Input should be 'summarized' or 'omitted'",
                Some(Refusal::ThinkingMember),
            ),
            (
                "output_config.format.frobnicate: Extra inputs are not permitted",
                Some(Refusal::OutputSchema),
            ),
            (
                "output_config.effort.frobnicate: Extra inputs are not permitted",
                None,
            ),
        ] {
            let text = format!("The model returned the following errors: {message}");
            assert_eq!(validation(&text), refusal, "{message}");
            assert!(!refusal.is_some_and(Refusal::is_of_the_model), "{message}");
        }
    }

    #[test]
    fn what_the_client_wrote_teaches_nothing() {
        for message in [
            "Value 'This model doesn't support the temperature field' at 'toolConfig' failed to satisfy constraint",
            "Malformed input request: #: extraneous key [x: extraneous key [cachePoint] is not permitted, please \
             reformat your input and try again.",
            "Malformed input request: #: extraneous key [frobnicate] is not permitted, please reformat your input and \
             try again.",
            "messages.1.content.0: text `Invalid `signature` in `thinking` block` is too long",
            "The provided model identifier is invalid.",
            "",
        ] {
            assert_eq!(validation(message), None, "{message}");
        }
        let text = "This model doesn't support the temperature field.";
        assert_eq!(of(500, "InternalServerException", text), None);
        assert_eq!(
            of(
                403,
                "AccessDeniedException",
                "You don't have access to the model."
            ),
            None
        );
    }
}
