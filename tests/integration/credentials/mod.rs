//! Where credentials come from: the built binary with servers beside it that play the sources. aws-config reads the
//! variables of the process, so that only a process of its own shows what it does with them.

mod accounts;
mod aws;
mod expiry;
mod profiles;
mod sources;
