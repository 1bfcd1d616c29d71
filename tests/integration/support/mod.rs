//! What the tests of the whole gateway share: both of its neighbours, over sockets and under control.

pub(crate) mod bedrock;
pub(crate) mod client;
pub(crate) mod events;
pub(crate) mod gateway;
pub(crate) mod messages;
pub(crate) mod process;
