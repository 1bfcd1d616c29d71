//! What managed keys may do: who they are, which models they reach, and where their limits are.

mod callers;
mod limits;
