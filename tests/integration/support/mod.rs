//! What the tests of the whole gateway share: both of its neighbours, over sockets and under control.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

pub(crate) mod bedrock;
pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod gateway;
pub(crate) mod messages;
pub(crate) mod process;
