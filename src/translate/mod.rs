//! One wire format into the other. Pure: no I/O, no clock, no randomness; ids and times come in as arguments.

mod answer_error;
mod choice;
mod contents;
mod context;
mod conversation;
mod failure;
mod history;
mod inference;
mod json_answer;
mod media;
mod notes;
mod prompt_cache;
mod reasoning;
mod request;
mod response;
mod response_format;
mod schema;
mod stop;
mod stream;
mod strict;
mod tool_input;
mod tool_names;
mod tool_use_id;
mod tools;
mod turn;

pub use answer_error::AnswerError;
pub use context::{Context, Elsewhere};
pub use failure::Failure;
pub use json_answer::JsonAnswer;
pub use notes::Notes;
pub use prompt_cache::PromptCaching;
pub use request::{Answer, Translation, converse_request};
pub use response::{Completion, chat_completion};
pub use stream::{ChunkHead, StreamTranslator};
pub use tool_names::ToolNames;
