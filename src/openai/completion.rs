//! `CreateChatCompletionResponse`.

use serde::Serialize;
use serde_json::value::RawValue;

/// `chat.completion`.
#[derive(Debug, Serialize)]
pub struct ChatCompletion<'a> {
    /// `chatcmpl-…`
    pub id: &'a str,
    /// `chat.completion`
    pub object: &'static str,
    /// Unix seconds.
    pub created: u64,
    /// What the client asked for.
    pub model: &'a str,
    /// One choice per answer.
    pub choices: Vec<Choice<'a>>,
    /// Tokens read and written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The tier that served the request, when the request or Bedrock names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<&'a str>,
    /// What Bedrock said beside it, when the request had a `bedrock` object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bedrock: Option<Box<RawValue>>,
}

/// One answer.
#[derive(Debug, Serialize)]
pub struct Choice<'a> {
    /// Its number.
    pub index: u32,
    /// What the model said.
    pub message: AssistantMessage<'a>,
    /// Always null: Bedrock has none.
    pub logprobs: Option<()>,
    /// Why it stopped.
    pub finish_reason: FinishReason,
}

/// The assistant's message.
#[derive(Debug, Serialize)]
pub struct AssistantMessage<'a> {
    /// `assistant`
    pub role: &'static str,
    /// All text; null when there is none.
    pub content: Option<Box<RawValue>>,
    /// Always null: a refusal is a `content_filter` finish with the text that came with it.
    pub refusal: Option<()>,
    /// All reasoning. The name is that of `DeepSeek`; OpenClaw, the AI SDK and LiteLLM read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<Box<RawValue>>,
    /// Reasoning to be sent back with the results of the calls. The shape is that of `OpenRouter`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasoning_details: Vec<ReasoningDetail<'a>>,
    /// The calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall<'a>>,
    /// The call, for a request with the deprecated `functions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function_call: Option<Function<'a>>,
    /// Web pages that the text cites.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Annotation<'a>>,
}

/// Reasoning that only the gateway can read.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ReasoningDetail<'a> {
    /// `reasoning.encrypted`
    pub r#type: &'static str,
    /// The id of a call of the same message.
    pub id: &'a str,
    /// What is to be sent back unchanged.
    pub data: &'a str,
    /// Its number; openai-python's stream accumulator fails on list items without one.
    pub index: u32,
}

impl<'a> ReasoningDetail<'a> {
    /// The only one of a message, beside the call `id`.
    pub fn encrypted(id: &'a str, data: &'a str) -> Self {
        Self {
            r#type: "reasoning.encrypted",
            id,
            data,
            index: 0,
        }
    }
}

/// One call.
#[derive(Debug, Serialize)]
pub struct ToolCall<'a> {
    /// Its id.
    pub id: &'a str,
    /// `function`
    pub r#type: &'static str,
    /// What is called.
    pub function: Function<'a>,
}

/// A called function.
#[derive(Debug, Serialize)]
pub struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// JSON text.
    pub arguments: &'a str,
}

/// A citation of a web page.
#[derive(Debug, Serialize)]
pub struct Annotation<'a> {
    /// `url_citation`
    pub r#type: &'static str,
    /// The page and the text that it supports.
    pub url_citation: UrlCitation<'a>,
}

/// The page, and the characters of the content that it supports.
#[derive(Debug, Serialize)]
pub struct UrlCitation<'a> {
    /// The first character.
    pub start_index: usize,
    /// The character after the last.
    pub end_index: usize,
    /// The page's address.
    pub url: &'a RawValue,
    /// The page's title.
    pub title: &'a RawValue,
}

/// Why the model stopped; OpenAI's values and no others, because clients throw on others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// A natural end or a stop sequence.
    Stop,
    /// A limit of tokens.
    Length,
    /// Calls that the client shall run.
    ToolCalls,
    /// A filter or guardrail.
    ContentFilter,
    /// A call, for a request with the deprecated `functions`.
    FunctionCall,
}

impl FinishReason {
    /// The value on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::FunctionCall => "function_call",
        }
    }
}

/// `CompletionUsage`, in tokens. `prompt_tokens` includes what was read from and written to a cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    /// All input.
    pub prompt_tokens: u64,
    /// All output, reasoning included.
    pub completion_tokens: u64,
    /// Their sum.
    pub total_tokens: u64,
    /// Parts of the input.
    pub prompt_tokens_details: PromptTokensDetails,
    /// What it cost in US dollars, where that is known and told. `OpenAI` has no such member; `OpenRouter` does, and
    /// OpenClaw reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// Parts of the input, in tokens. `completion_tokens_details.reasoning_tokens` has no counterpart in Bedrock and is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PromptTokensDetails {
    /// Read from the prompt cache.
    pub cached_tokens: u64,
    /// Written to the prompt cache, under the name that OpenClaw and the AI SDK read.
    pub cache_write_tokens: u64,
}
