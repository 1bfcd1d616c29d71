//! `ConverseRequest`, as it is written to the wire. ConverseStream takes the same body.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub use cache_point::{CachePointBlock, CachePointType, CacheTtl};
pub use media::{
    AudioBlock, CitationsConfiguration, DocumentBlock, ImageBlock, ImageFormat, MediaSource,
    S3Location, VideoBlock,
};
pub use settings::{
    GuardrailConfiguration, InferenceConfiguration, JsonSchemaDefinition, OutputConfiguration,
    PerformanceConfiguration, ServiceTier, TextFormat, TextStructure,
};
pub use tool::{Tool, ToolChoice, ToolConfiguration, ToolInputSchema, ToolSpecification};

mod cache_point;
mod media;
mod settings;
mod tool;

/// The body of Converse and ConverseStream.
///
/// Members stand in the order in which Bedrock builds its prompt cache's prefix: settings, tools, system,
/// messages. A longer conversation so begins with the very bytes of the shorter one.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConverseRequest<'a> {
    /// Length and sampling.
    #[serde(skip_serializing_if = "InferenceConfiguration::is_empty")]
    pub inference_config: InferenceConfiguration<'a>,
    /// What only one family takes, passed to the model as it stands.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub additional_model_request_fields: Map<String, Value>,
    /// Latency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_config: Option<PerformanceConfiguration<'a>>,
    /// Processing tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<ServiceTier<'a>>,
    /// The form that the answer's text must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_config: Option<OutputConfiguration<'a>>,
    /// The guardrail that checks what goes in and comes out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail_config: Option<GuardrailConfiguration<'a>>,
    /// Tags for AWS's invocation logs, at most 16.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub request_metadata: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    /// JSON Pointers into the model's own answer, whose values Bedrock adds to its answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub additional_model_response_field_paths: Vec<Cow<'a, str>>,
    /// Tools and the choice among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfiguration<'a>>,
    /// System prompt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<SystemContentBlock<'a>>,
    /// The conversation; user and assistant alternate.
    pub messages: Vec<Message<'a>>,
}

/// `SystemContentBlock`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SystemContentBlock<'a> {
    /// Text, never blank.
    Text(Cow<'a, str>),
    /// The end of a prefix that is worth caching.
    CachePoint(CachePointBlock),
}

/// `Message`.
#[derive(Debug, Serialize)]
pub struct Message<'a> {
    /// Whose turn it is.
    pub role: ConversationRole,
    /// The turn's blocks, at least one.
    pub content: Vec<ContentBlock<'a>>,
}

/// `ConversationRole`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ConversationRole {
    /// The client's side, tool results included.
    User,
    /// The model's side.
    Assistant,
}

/// `ContentBlock`, a union of exactly one member.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ContentBlock<'a> {
    /// Text, never blank.
    Text(Cow<'a, str>),
    /// An image.
    Image(ImageBlock<'a>),
    /// A call that the model made.
    ToolUse(ToolUseBlock<'a>),
    /// What a call returned.
    ToolResult(ToolResultBlock<'a>),
    /// A document.
    Document(DocumentBlock<'a>),
    /// A video.
    Video(VideoBlock<'a>),
    /// Sound.
    Audio(AudioBlock<'a>),
    /// What the model thought, exactly as it came.
    ReasoningContent(ReasoningContentBlock<'a>),
    /// New input that a guardrail checks.
    GuardContent(GuardContentBlock<'a>),
    /// The end of a prefix that is worth caching.
    CachePoint(CachePointBlock),
}

/// `ReasoningContentBlock`, a union.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ReasoningContentBlock<'a> {
    /// Readable reasoning, signed.
    ReasoningText(ReasoningTextBlock<'a>),
    /// Encrypted reasoning, standard base64.
    RedactedContent(Cow<'a, str>),
}

/// `ReasoningTextBlock`. Claude takes it back only with the signature that came with this very text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReasoningTextBlock<'a> {
    /// The reasoning; empty when the model hides it.
    pub text: Cow<'a, str>,
    /// What proves that the model wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<Cow<'a, str>>,
}

/// `GuardrailConverseContentBlock`, a union.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum GuardContentBlock<'a> {
    /// Text.
    Text(GuardText<'a>),
    /// An image, PNG or JPEG.
    Image(ImageBlock<'a>),
}

/// `GuardrailConverseTextBlock`.
#[derive(Debug, Serialize)]
pub struct GuardText<'a> {
    /// The text.
    pub text: Cow<'a, str>,
}

/// `ToolUseBlock`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolUseBlock<'a> {
    /// Unique in the conversation.
    pub tool_use_id: Cow<'a, str>,
    /// `[a-zA-Z0-9_-]{1,64}`.
    pub name: Cow<'a, str>,
    /// A JSON object, in the client's own bytes.
    pub input: Cow<'a, RawValue>,
}

/// `ToolResultBlock`. `status` is left unset: OpenAI's tool messages carry no error flag.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResultBlock<'a> {
    /// The call's id.
    pub tool_use_id: Cow<'a, str>,
    /// What it returned, at least one block.
    pub content: Vec<ToolResultContentBlock<'a>>,
}

/// `ToolResultContentBlock`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolResultContentBlock<'a> {
    /// Text, never blank.
    Text(Cow<'a, str>),
    /// An image.
    Image(ImageBlock<'a>),
    /// A document.
    Document(DocumentBlock<'a>),
    /// A video.
    Video(VideoBlock<'a>),
}
