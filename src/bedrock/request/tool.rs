//! `ToolConfiguration`: the tools and the choice among them.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::value::RawValue;

use super::CachePointBlock;

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
    /// The end of a prefix that is worth caching.
    CachePoint(CachePointBlock),
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
