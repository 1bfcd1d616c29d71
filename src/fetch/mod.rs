//! Images that a request names by address: fetched from public https servers within bounds of place, size and time.

mod address;
mod connection;
mod error;
mod image_fetcher;
mod location;
mod network;

pub use address::is_public;
pub use error::Error;
pub use image_fetcher::{Failed, Fetched, ImageFetcher};
pub use network::{Addresses, Network, Resolve, SystemResolver};
