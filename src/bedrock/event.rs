//! `ConverseStreamOutput`: the events of a ConverseStream answer, borrowed from their frames.

use std::borrow::Cow;

use serde::Deserialize;

use super::json_string::JsonString;
use super::null::or_default;
use super::response::{Citation, PerformanceConfiguration, ServiceTier, TokenUsage};

/// One event. Members that are not known (every event carries a padding member `p`) are skipped.
#[derive(Debug)]
pub enum Event<'a> {
    /// `messageStart`.
    MessageStart,
    /// `contentBlockStart`.
    ContentBlockStart(ContentBlockStart<'a>),
    /// `contentBlockDelta`.
    ContentBlockDelta(ContentBlockDelta<'a>),
    /// `contentBlockStop`.
    ContentBlockStop(ContentBlockStop),
    /// `messageStop`.
    MessageStop(MessageStop<'a>),
    /// `metadata`.
    Metadata(Metadata<'a>),
    /// An event of a later version of the API.
    Unknown,
}

/// `ContentBlockStartEvent`: sent for calls, not for text or reasoning.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentBlockStart<'a> {
    /// What begins.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub start: Start<'a>,
    /// The block's index among all blocks.
    #[serde(default, deserialize_with = "or_default")]
    pub content_block_index: u32,
}

/// `ContentBlockStart`, a union.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Start<'a> {
    /// A call.
    #[serde(borrow)]
    pub tool_use: Option<ToolUseStart<'a>>,
    /// Reasoning that comes at once. No recording has it here, some descriptions do.
    #[serde(borrow)]
    pub reasoning_content: Option<ReasoningDelta<'a>>,
}

/// `ToolUseBlockStart`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUseStart<'a> {
    /// The call's id.
    #[serde(borrow)]
    pub tool_use_id: Cow<'a, str>,
    /// The tool's name.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// `server_tool_use` for a tool that Bedrock runs by itself.
    #[serde(borrow, rename = "type", default, deserialize_with = "or_default")]
    pub kind: Cow<'a, str>,
}

impl ToolUseStart<'_> {
    /// Whether Bedrock runs this tool by itself, so that no client may see it as a call of its own.
    pub fn is_server_tool(&self) -> bool {
        self.kind == "server_tool_use"
    }
}

/// `ContentBlockDeltaEvent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentBlockDelta<'a> {
    /// What is added.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub delta: Delta<'a>,
    /// The block's index among all blocks.
    #[serde(default, deserialize_with = "or_default")]
    pub content_block_index: u32,
}

/// `ContentBlockDelta`, a union; a delta of an unknown kind has no member.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Delta<'a> {
    /// Text.
    #[serde(borrow)]
    pub text: Option<JsonString<'a>>,
    /// A piece of a call's arguments.
    #[serde(borrow)]
    pub tool_use: Option<ToolUseDelta<'a>>,
    /// A piece of reasoning.
    #[serde(borrow)]
    pub reasoning_content: Option<ReasoningDelta<'a>>,
    /// Where the block's text was taken from.
    #[serde(borrow)]
    pub citation: Option<Citation<'a>>,
}

/// `ToolUseBlockDelta`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ToolUseDelta<'a> {
    /// A piece of JSON text, split anywhere.
    #[serde(borrow)]
    pub input: Option<JsonString<'a>>,
}

/// `ReasoningContentBlockDelta`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReasoningDelta<'a> {
    /// Readable reasoning.
    #[serde(borrow)]
    pub text: Option<JsonString<'a>>,
    /// A piece of what proves that the model wrote the block's text.
    #[serde(borrow)]
    pub signature: Option<JsonString<'a>>,
    /// Encrypted reasoning, base64.
    #[serde(borrow)]
    pub redacted_content: Option<JsonString<'a>>,
}

/// `ContentBlockStopEvent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContentBlockStop {
    /// The block's index among all blocks.
    #[serde(default, deserialize_with = "or_default")]
    pub content_block_index: u32,
}

/// `MessageStopEvent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageStop<'a> {
    /// Why the model stopped.
    #[serde(borrow, default, deserialize_with = "or_default")]
    pub stop_reason: Cow<'a, str>,
}

/// `ConverseStreamMetadataEvent`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata<'a> {
    /// Tokens read and written.
    pub usage: Option<TokenUsage>,
    /// The tier that served the request.
    #[serde(borrow)]
    pub service_tier: Option<ServiceTier<'a>>,
    /// The latency that it was served with.
    #[serde(borrow)]
    pub performance_config: Option<PerformanceConfiguration<'a>>,
}

impl<'a> Event<'a> {
    /// Reads the event that `:event-type` names.
    ///
    /// # Errors
    /// When the payload of a known event is not JSON or a known member has the wrong type.
    pub fn parse(event_type: &str, payload: &'a [u8]) -> serde_json::Result<Self> {
        Ok(match event_type {
            "messageStart" => Self::MessageStart,
            "contentBlockStart" => Self::ContentBlockStart(serde_json::from_slice(payload)?),
            "contentBlockDelta" => Self::ContentBlockDelta(serde_json::from_slice(payload)?),
            "contentBlockStop" => Self::ContentBlockStop(serde_json::from_slice(payload)?),
            "messageStop" => Self::MessageStop(serde_json::from_slice(payload)?),
            "metadata" => Self::Metadata(serde_json::from_slice(payload)?),
            _ => Self::Unknown,
        })
    }
}
