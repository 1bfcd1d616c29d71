//! Why the model stopped and what it used, in OpenAI's words.

use super::answer_error::AnswerError;
use crate::bedrock::response::TokenUsage;
use crate::openai::completion::{FinishReason, PromptTokensDetails, Usage};

/// The finish reason for Bedrock's `stopReason`. An answer that holds calls and ended normally finishes with
/// them whatever the reason says: OpenClaw throws calls away that end with `stop`.
///
/// # Errors
/// When the model produced something malformed, which must not look like an answer.
pub(super) fn finish_reason(
    stop_reason: &str,
    calls: bool,
    legacy_functions: bool,
) -> Result<FinishReason, AnswerError> {
    Ok(match stop_reason {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "content_filtered" | "guardrail_intervened" | "refusal" => FinishReason::ContentFilter,
        "malformed_model_output" | "malformed_tool_use" => {
            return Err(AnswerError::Malformed(stop_reason.to_owned()));
        }
        _ if calls && legacy_functions => FinishReason::FunctionCall,
        _ if calls => FinishReason::ToolCalls,
        // end_turn, stop_sequence, and whatever a later version of the API adds.
        _ => FinishReason::Stop,
    })
}

/// OpenAI's prompt tokens include what caches read and wrote, Bedrock's input tokens do not. `cost` is in US dollars.
pub(super) fn usage(usage: &TokenUsage, cost: Option<f64>) -> Usage {
    let prompt_tokens = usage.prompt_tokens();
    Usage {
        prompt_tokens,
        completion_tokens: usage.output_tokens,
        total_tokens: prompt_tokens.saturating_add(usage.output_tokens),
        prompt_tokens_details: PromptTokensDetails {
            cached_tokens: usage.cache_read_input_tokens(),
            cache_write_tokens: usage.cache_write_input_tokens(),
        },
        cost,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stop_reason_has_its_finish_reason() {
        let finish = |reason, calls| finish_reason(reason, calls, false);
        assert_eq!(finish("end_turn", false), Ok(FinishReason::Stop));
        assert_eq!(finish("stop_sequence", false), Ok(FinishReason::Stop));
        assert_eq!(finish("tool_use", true), Ok(FinishReason::ToolCalls));
        assert_eq!(finish("end_turn", true), Ok(FinishReason::ToolCalls));
        assert_eq!(
            finish("tool_use", false),
            Ok(FinishReason::Stop),
            "only server tools were used"
        );
        assert_eq!(finish("max_tokens", true), Ok(FinishReason::Length));
        assert_eq!(
            finish("model_context_window_exceeded", false),
            Ok(FinishReason::Length)
        );
        for reason in ["content_filtered", "guardrail_intervened", "refusal"] {
            assert_eq!(finish(reason, false), Ok(FinishReason::ContentFilter));
        }
        for reason in ["malformed_model_output", "malformed_tool_use"] {
            assert!(finish(reason, true).is_err());
        }
        assert_eq!(finish("tomorrow", false), Ok(FinishReason::Stop));
        assert_eq!(
            finish_reason("tool_use", true, true),
            Ok(FinishReason::FunctionCall)
        );
    }

    #[test]
    fn cached_tokens_are_prompt_tokens() {
        let read = |json: &str| usage(&serde_json::from_str(json).unwrap(), None);
        let new = read(
            r#"{"inputTokens":3,"outputTokens":5,"totalTokens":38,"cacheReadInputTokens":10,"cacheWriteInputTokens":20}"#,
        );
        assert_eq!(
            (new.prompt_tokens, new.completion_tokens, new.total_tokens),
            (33, 5, 38)
        );
        assert_eq!(
            new.prompt_tokens_details,
            PromptTokensDetails {
                cached_tokens: 10,
                cache_write_tokens: 20
            }
        );
        let old = read(
            r#"{"inputTokens":3,"outputTokens":5,"cacheReadInputTokenCount":10,"serverToolUsage":{}}"#,
        );
        assert_eq!((old.prompt_tokens, old.total_tokens), (13, 18));
    }
}
