//! What clients may ask for, and what is known of it.

mod listing;

pub use listing::{ListedModel, Listing};
