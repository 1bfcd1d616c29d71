//! `ConverseResponse`, as it is read from the wire. Unknown members and enum values are no errors.

use std::borrow::Cow;
use std::ops::Add;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::json_string::JsonString;
use super::null::or_default;

/// The body of a Converse answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseResponse<'a> {
    /// The answer's message. Absent when something other than Converse answered.
    #[serde(borrow)]
    pub output: Option<Output<'a>>,
    /// Why the model stopped.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub stop_reason: Cow<'a, str>,
    /// Tokens read and written.
    pub usage: Option<TokenUsage>,
    /// The tier that served the request.
    #[serde(borrow)]
    pub service_tier: Option<ServiceTier<'a>>,
    /// The latency that it was served with.
    #[serde(borrow)]
    pub performance_config: Option<PerformanceConfiguration<'a>>,
}

/// `ConverseOutput`, the member `message`.
#[derive(Debug, Deserialize)]
pub struct Output<'a> {
    /// The assistant's message.
    #[serde(borrow)]
    pub message: Option<Message<'a>>,
}

/// `Message` of an answer.
#[derive(Debug, Deserialize)]
pub struct Message<'a> {
    /// Its blocks in order.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub content: Vec<ContentBlock<'a>>,
}

/// `ContentBlock` of an answer: at most one member is there; a block of an unknown kind has none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContentBlock<'a> {
    /// Text.
    #[serde(borrow)]
    pub text: Option<JsonString<'a>>,
    /// A call.
    #[serde(borrow)]
    pub tool_use: Option<ToolUse<'a>>,
    /// Reasoning.
    #[serde(borrow)]
    pub reasoning_content: Option<ReasoningContent<'a>>,
    /// Text with the places it was taken from.
    #[serde(borrow)]
    pub citations_content: Option<CitationsContent<'a>>,
}

/// `ToolUseBlock` of an answer.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUse<'a> {
    /// The call's id.
    #[serde(borrow)]
    pub tool_use_id: Cow<'a, str>,
    /// The tool's name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// The arguments, a JSON object.
    #[serde(borrow)]
    pub input: Option<&'a RawValue>,
    /// `server_tool_use` for a tool that Bedrock runs by itself; `tool_use` or absent for the client's.
    #[serde(borrow, rename = "type", default, deserialize_with = "or_default")]
    pub kind: Cow<'a, str>,
}

impl ToolUse<'_> {
    /// Whether Bedrock runs this tool by itself, so that no client may see it as a call of its own.
    pub fn is_server_tool(&self) -> bool {
        self.kind == "server_tool_use"
    }
}

/// `ReasoningContentBlock` of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReasoningContent<'a> {
    /// Readable reasoning; absent when it is redacted.
    #[serde(borrow)]
    pub reasoning_text: Option<ReasoningText<'a>>,
    /// Encrypted reasoning, base64.
    #[serde(borrow)]
    pub redacted_content: Option<JsonString<'a>>,
}

/// `ReasoningTextBlock` of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ReasoningText<'a> {
    /// The reasoning.
    #[serde(borrow)]
    pub text: Option<JsonString<'a>>,
    /// What proves that the model wrote it.
    #[serde(borrow)]
    pub signature: Option<JsonString<'a>>,
}

/// `CitationsContentBlock` of an answer.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CitationsContent<'a> {
    /// The text, which is part of the answer.
    #[serde(borrow, deserialize_with = "or_default")]
    pub content: Vec<CitedText<'a>>,
    /// Where it was taken from.
    #[serde(borrow, deserialize_with = "or_default")]
    pub citations: Vec<Citation<'a>>,
}

/// A piece of cited text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CitedText<'a> {
    /// The text.
    #[serde(borrow)]
    pub text: Option<JsonString<'a>>,
}

/// `Citation`, in answers and in streams.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Citation<'a> {
    /// The source's title.
    #[serde(borrow)]
    pub title: Option<JsonString<'a>>,
    /// Where it is.
    #[serde(borrow)]
    pub location: Option<CitationLocation<'a>>,
}

/// `CitationLocation`: only the web has a place in OpenAI's annotations.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CitationLocation<'a> {
    /// A web page.
    #[serde(borrow)]
    pub web: Option<WebLocation<'a>>,
}

/// `WebLocation`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WebLocation<'a> {
    /// Its address.
    #[serde(borrow)]
    pub url: Option<JsonString<'a>>,
}

/// `ServiceTier` of an answer.
#[derive(Debug, Deserialize)]
pub struct ServiceTier<'a> {
    /// `priority`, `default`, `flex` or `reserved`.
    #[serde(borrow, rename = "type", default, deserialize_with = "or_default")]
    pub kind: Cow<'a, str>,
}

/// `PerformanceConfiguration` of an answer.
#[derive(Debug, Deserialize)]
pub struct PerformanceConfiguration<'a> {
    /// `standard` or `optimized`.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub latency: Cow<'a, str>,
}

/// `TokenUsage`: how many tokens were read and written. `input_tokens` leaves the cached ones out.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct TokenUsage {
    /// Input tokens that no cache was involved in.
    #[serde(deserialize_with = "or_default")]
    pub input_tokens: u64,
    /// Output tokens, reasoning included.
    #[serde(deserialize_with = "or_default")]
    pub output_tokens: u64,
    cache_read_input_tokens: Option<u64>,
    cache_read_input_token_count: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    cache_write_input_token_count: Option<u64>,
    #[serde(rename = "cacheDetails", deserialize_with = "for_an_hour")]
    cache_write_1h_input_tokens: u64,
}

/// `CacheDetail`: how many of the written tokens have one lifetime.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CacheDetail<'a> {
    #[serde(borrow, deserialize_with = "or_default")]
    ttl: Cow<'a, str>,
    #[serde(deserialize_with = "or_default")]
    input_tokens: u64,
}

impl TokenUsage {
    /// The usage of a call that only reads.
    pub fn of_input(input_tokens: u64) -> Self {
        Self::uncached(input_tokens, 0)
    }

    /// The usage of a call that no cache has a part in.
    pub fn uncached(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input_tokens,
            output_tokens,
            ..Self::default()
        }
    }

    /// Input tokens read from the prompt cache. Older answers call the member `cacheReadInputTokenCount`.
    pub fn cache_read_input_tokens(&self) -> u64 {
        self.cache_read_input_tokens
            .or(self.cache_read_input_token_count)
            .unwrap_or(0)
    }

    /// Input tokens written to the prompt cache. Older answers call the member `cacheWriteInputTokenCount`.
    pub fn cache_write_input_tokens(&self) -> u64 {
        self.cache_write_input_tokens
            .or(self.cache_write_input_token_count)
            .unwrap_or(0)
    }

    /// Those of them that the cache keeps for an hour, as `cacheDetails` tells.
    pub fn cache_write_1h_input_tokens(&self) -> u64 {
        self.cache_write_1h_input_tokens
            .min(self.cache_write_input_tokens())
    }

    /// All tokens of the prompt, wherever they came from.
    pub fn prompt_tokens(&self) -> u64 {
        self.input_tokens
            .saturating_add(self.cache_read_input_tokens())
            .saturating_add(self.cache_write_input_tokens())
    }
}

/// Adds up what is written for an hour.
fn for_an_hour<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let details: Option<Vec<CacheDetail<'de>>> = Option::deserialize(deserializer)?;
    let details = details.iter().flatten();
    let written = details.filter(|detail| detail.ttl == "1h");
    Ok(written.fold(0, |sum, detail| sum.saturating_add(detail.input_tokens)))
}

impl Add for TokenUsage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let read = self.cache_read_input_tokens();
        let written = self.cache_write_input_tokens();
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cache_read_input_tokens: Some(read.saturating_add(other.cache_read_input_tokens())),
            cache_write_input_tokens: Some(
                written.saturating_add(other.cache_write_input_tokens()),
            ),
            cache_read_input_token_count: None,
            cache_write_input_token_count: None,
            cache_write_1h_input_tokens: self
                .cache_write_1h_input_tokens()
                .saturating_add(other.cache_write_1h_input_tokens()),
        }
    }
}
