//! What a request says beside its conversation and tools.

use std::borrow::Cow;

use serde::Serialize;

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
    pub(super) fn is_empty(&self) -> bool {
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

/// `OutputConfig`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputConfiguration<'a> {
    /// The form of the text.
    pub text_format: TextFormat<'a>,
    /// How much to think, at most 16 characters: what `output_config.effort` is among Claude's own fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<Cow<'a, str>>,
}

/// `OutputFormat`.
#[derive(Debug, Serialize)]
pub struct TextFormat<'a> {
    /// `json_schema`
    pub r#type: &'static str,
    /// The schema.
    pub structure: TextStructure<'a>,
}

/// `OutputFormatStructure`, the member `jsonSchema`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TextStructure<'a> {
    /// The schema and what it is called.
    pub json_schema: JsonSchemaDefinition<'a>,
}

/// `JsonSchemaDefinition`.
#[derive(Debug, Serialize)]
pub struct JsonSchemaDefinition<'a> {
    /// JSON text: a string here, although tools hold their schemas as they are.
    pub schema: Cow<'a, str>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Cow<'a, str>>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'a, str>>,
}

/// `GuardrailConfiguration`, also ConverseStream's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GuardrailConfiguration<'a> {
    /// Id or ARN.
    pub guardrail_identifier: Cow<'a, str>,
    /// A number, or `DRAFT`.
    pub guardrail_version: Cow<'a, str>,
    /// `enabled`, `disabled` or `enabled_full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Cow<'a, str>>,
}
