//! The client's wire format: OpenAI's Chat Completions, Embeddings and Models. Pure: no I/O, no clock, no randomness.

pub mod bedrock_object;
pub mod cache_control;
pub mod chunk;
pub mod completion;
pub mod content;
pub mod embedding;
pub mod embedding_list;
pub mod error;
pub(crate) mod json;
pub mod media;
pub mod message;
pub mod metadata;
pub mod model;
pub mod reasoning;
pub mod replayed_reasoning;
pub mod request;
pub mod response_format;
pub mod tool;
pub mod tool_call;

pub use bedrock_object::BedrockObject;
pub use embedding::EmbeddingRequest;
pub use embedding_list::EmbeddingList;
pub use error::{ErrorObject, InvalidRequest};
pub use json::replace_lone_surrogates;
pub use request::ChatCompletionRequest;
