//! What managed keys may do: who they are, which models they reach, and where their limits are.

mod accounts;
mod bookings;
mod budgets;
mod callers;
mod limits;
mod models;
mod shared;
