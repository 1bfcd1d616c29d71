//! Everything that needs a process or a socket, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it should be"
)]

mod accepted;
mod admin;
mod architecture;
mod command_line;
mod corpus;
mod credentials;
mod discovery;
mod doctor;
mod embeddings;
mod families;
mod fetch;
mod fuzz_corpus;
mod gateway;
mod golden;
mod keys;
mod listings;
mod models;
mod properties;
mod readme;
mod recall;
mod requests;
mod responses;
mod stand_in;
mod streams;
mod support;
mod upstream;
mod wire;
