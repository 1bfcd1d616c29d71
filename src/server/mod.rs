//! Towards the client: accept, route, authenticate, read, answer, drain.

mod admin;
mod admission;
mod aside;
mod authenticate;
mod beginning;
mod bill;
mod body;
mod cached_prefixes;
mod caller;
mod chat_completions;
mod choices_stream;
mod client_request;
mod connection;
mod drain;
mod embedder;
mod embedding_targets;
mod embeddings;
mod exchange;
mod gateway;
mod guard;
mod images;
mod inference;
mod keeper;
mod leaving;
mod limits;
mod models;
mod permitted;
mod recording;
mod refusals;
mod request_body;
mod request_id;
mod route;
mod rules;
#[cfg(test)]
mod scripted;
mod stream;
mod translation;
mod upstream_failure;

pub use admin::Admin;
pub use drain::{Drained, run};
pub use gateway::Gateway;
