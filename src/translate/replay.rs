//! Reasoning goes out with the calls that it led to, and comes back with their results. Claude takes its own
//! reasoning back only whole, in order, and with the signatures that it came with.

mod collector;
mod restore;
mod seal;
mod turn;

pub(super) use collector::{Collected, Collector};
pub use restore::{Recalled, replayed_calls};
pub(super) use restore::{Restored, Restorer};
pub use seal::StateKey;
pub use turn::{FinishedTurn, Replay};

#[cfg(test)]
mod tests;
