//! An embeddings request becomes the InvokeModel calls of its model, and their answers become embeddings again.

mod request;
mod response;

pub use request::{EmbeddingCall, EmbeddingCalls};
pub use response::{Embeddings, embeddings};
