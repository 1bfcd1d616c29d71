//! `fetch` over real loopback sockets: a TLS server that is called public, and names that lead where a test says.

mod bounds;
mod places;
pub(crate) mod world;
