//! What holds for every input, not only for those that somebody thought of.

mod answer;
mod conversations;
mod decoder;
mod embeddings;
mod listings;
mod media;
mod prompt_cache;
mod reasoning;
mod replay;
mod requests;
mod streams;
mod structured;
