//! What outlives the process: how a SQLite file and a Redis are opened, for all rooms that keep something there.

mod redis;
pub mod sqlite;

pub use redis::{Redis, RedisFailure};
