//! What holds for every input, not only for those that somebody thought of.

mod conversations;
mod decoder;
mod requests;
mod streams;
