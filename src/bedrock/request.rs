//! `ConverseRequest`, as it is written to the wire. ConverseStream takes the same body.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

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
    /// Tools and the choice among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_config: Option<ToolConfiguration<'a>>,
    /// System prompt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub system: Vec<SystemContentBlock<'a>>,
    /// The conversation; user and assistant alternate.
    pub messages: Vec<Message<'a>>,
}

/// `InferenceConfiguration`.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InferenceConfiguration<'a> {
    /// The most output tokens, at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Texts at which the model stops, none of them empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_sequences: Vec<Cow<'a, str>>,
}

impl InferenceConfiguration<'_> {
    fn is_empty(&self) -> bool {
        *self == InferenceConfiguration::default()
    }
}

/// `PerformanceConfiguration`.
#[derive(Debug, Serialize)]
pub struct PerformanceConfiguration<'a> {
    /// `standard` or `optimized`.
    pub latency: Cow<'a, str>,
}

/// `ServiceTier`.
#[derive(Debug, Serialize)]
pub struct ServiceTier<'a> {
    /// `priority`, `default`, `flex` or `reserved`.
    pub r#type: Cow<'a, str>,
}

/// `SystemContentBlock`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SystemContentBlock<'a> {
    /// Text, never blank.
    Text(Cow<'a, str>),
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
}

/// `ImageBlock`.
#[derive(Clone, Debug, Serialize)]
pub struct ImageBlock<'a> {
    /// The image's real format.
    pub format: ImageFormat,
    /// Its bytes.
    pub source: ImageSource<'a>,
}

/// `ImageFormat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}

/// `ImageSource`, the member `bytes`.
#[derive(Clone, Debug, Serialize)]
pub struct ImageSource<'a> {
    /// Standard base64 with padding.
    pub bytes: Cow<'a, str>,
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
}

/// `ToolConfiguration`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolConfiguration<'a> {
    /// The tools in the client's order, at least one.
    pub tools: Vec<Tool<'a>>,
    /// Absent is `auto`, the one form that every family takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<ToolChoice<'a>>,
}

/// `Tool`, a union.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Tool<'a> {
    /// A tool of the client's.
    ToolSpec(ToolSpecification<'a>),
}

/// `ToolSpecification`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolSpecification<'a> {
    /// `[a-zA-Z0-9_-]{1,64}`.
    pub name: Cow<'a, str>,
    /// Absent rather than blank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'a, str>>,
    /// A JSON Schema whose root is an object.
    pub input_schema: ToolInputSchema<'a>,
    /// Only ever `true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

/// `ToolInputSchema`, the member `json`.
#[derive(Debug, Serialize)]
pub struct ToolInputSchema<'a> {
    /// The schema, in the client's own bytes unless it had to be adapted.
    pub json: Cow<'a, RawValue>,
}

/// `ToolChoice`, a union.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ToolChoice<'a> {
    /// Some tool must be called.
    Any {},
    /// This tool must be called.
    Tool {
        /// Its name.
        name: Cow<'a, str>,
    },
}
