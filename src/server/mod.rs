//! Towards the client: accept, route, authenticate, read, answer, drain.

mod admin;
mod aside;
mod authenticate;
mod beginning;
mod body;
mod cached_prefixes;
mod chat_completions;
mod choices_stream;
mod client_request;
mod connection;
mod drain;
mod embedding_targets;
mod embeddings;
mod exchange;
mod gateway;
mod guard;
mod images;
mod inference;
mod keeper;
mod models;
mod recording;
mod refusals;
mod request_body;
mod request_id;
mod route;
#[cfg(test)]
mod scripted;
mod stream;
mod translation;
mod upstream_failure;

pub use admin::Admin;
pub use authenticate::ApiKeys;
pub use drain::{Drained, run};
pub use gateway::Gateway;
