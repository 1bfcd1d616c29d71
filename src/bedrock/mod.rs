//! Bedrock's wire format. Pure: no I/O, no clock, no randomness, no environment.

pub mod event_stream;
mod exception;

pub use exception::{Exception, ExceptionKind};
