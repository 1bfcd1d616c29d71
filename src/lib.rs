//! Outcrop: Amazon Bedrock behind OpenAI's API. The library has no API promise; it lets the binary,
//! tests, benches and fuzz targets call the code. Reading order is the order of the data:
//! `server` → `openai` → `translate` → `bedrock` → `upstream`, and back.

/// Bedrock's wire format, event-stream messages included. Pure.
pub mod bedrock;
/// One file per subcommand.
pub mod cli;
/// What was typed → what is in force.
pub mod config;
/// What went wrong: its HTTP status and its OpenAI error object.
pub mod error;
/// Images that a request names by address, fetched within bounds.
pub mod fetch;
/// Recorded streams: the format, the recorder, and the stand-in Bedrock that replays them.
pub mod fixture;
/// Managed keys, their limits, budgets and usage, and the stores of all that.
pub mod keys;
/// Names and buckets of every metric in one place.
pub mod metrics;
/// What clients may ask for, what is known of it, and where it is called.
pub mod models;
/// The client's wire format: OpenAI's. Pure.
pub mod openai;
/// Reasoning remembered by the ids of the calls that it led to.
pub mod recall;
/// Towards the client: accept, route, authenticate, body limits, the streaming body, drain.
pub mod server;
/// How the SQLite file and the Redis are opened that outlive the process.
pub mod store;
/// One wire format into the other. Pure.
pub mod translate;
/// Towards Bedrock: endpoint, credentials, signer, client, retries.
pub mod upstream;
