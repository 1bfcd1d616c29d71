//! The whole gateway over real loopback sockets: a raw client in front of it, behind it the stand-in with our fixtures or a
//! Bedrock that a test scripts byte by byte.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

mod access_log;
mod agents;
mod answers;
mod bodies;
mod broken_streams;
mod choices;
mod commitment;
mod conversations;
mod corpus;
mod embeddings;
mod errors;
mod failover;
mod flow;
mod headers;
mod hostile;
mod images;
mod keys;
mod managed_keys;
mod measures;
mod models;
mod passing;
mod profiles;
mod prompt_cache;
mod readiness;
mod reasoning;
mod recording;
mod refusals;
mod requests;
mod retries;
mod start;
mod stop;
mod structured;
mod targets;
mod truncation;
