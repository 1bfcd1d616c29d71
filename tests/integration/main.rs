//! Everything that needs a process or a socket, in one binary.
#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it should be"
)]

mod accepted;
mod command_line;
mod corpus;
mod golden;
mod properties;
mod requests;
mod responses;
mod stand_in;
mod streams;
mod upstream;
mod wire;
