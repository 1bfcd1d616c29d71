//! Bedrock's wire format. Pure: no I/O, no clock, no randomness, no environment.

pub mod catalog;
pub mod embedding;
mod embedding_model;
pub mod event;
pub mod event_stream;
mod exception;
mod family;
mod json_string;
pub mod listing;
pub mod model_id;
mod null;
mod price;
mod refusal;
pub mod request;
pub mod response;

pub use embedding_model::{Dimensions, EmbeddingForm, EmbeddingModel};
pub use exception::{Exception, ExceptionKind};
pub use family::{
    Adaptive, EffortField, Family, MediaRules, PromptCache, Reasoning, Sampling, StopSequences,
    ToolChoiceForms, ToolTurns, ToolUseIdForm, TopK, claude_version,
};
pub use json_string::JsonString;
pub use price::{Cost, LongPrompt, Money, Price, Rate, Terms};
pub use refusal::Refusal;
