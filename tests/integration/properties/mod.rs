//! What holds for every input, not only for those that somebody thought of.

mod answer;
mod conversations;
mod decoder;
mod listings;
mod embeddings;
mod media;
mod prompt_cache;
mod reasoning;
mod replay;
mod requests;
mod streams;
mod structured;
