//! A ConverseStream answer becomes chat completion chunks: event-stream bytes in, server-sent events out.

mod blocks;
mod choices;
mod json;
mod progress;
mod seen;
mod step;
mod whole;

use bytes::BytesMut;

use super::answer::Answer;
use super::answer_error::AnswerError;
use super::consumption::Consumption;
use super::replay::FinishedTurn;
use crate::bedrock::event_stream::Decoder;
use crate::bedrock::response::TokenUsage;
use crate::openai::ErrorObject;
use crate::openai::chunk::ChunkWriter;
use progress::{Phase, Progress};

/// What is the same in every chunk of an answer.
#[derive(Clone, Copy, Debug)]
pub struct ChunkHead<'a> {
    /// `chatcmpl-…`
    pub id: &'a str,
    /// Unix seconds.
    pub created: u64,
    /// What the client asked for.
    pub model: &'a str,
}

/// Translates one answer.
///
/// Bytes may come in any split; whole messages are translated at once and nothing whole is held back. A
/// stream ends in exactly one way: with `[DONE]` after `messageStop`, or with one error event before it. One of
/// several choices ends in silence instead of with `[DONE]`: [`end_choices`](Self::end_choices) ends them all.
#[derive(Debug)]
pub struct StreamTranslator {
    decoder: Decoder,
    progress: Progress,
}

impl StreamTranslator {
    /// A translator for one answer.
    pub fn new(head: ChunkHead<'_>, answer: Answer) -> Self {
        let writer = ChunkWriter::new(head.id, head.created, head.model, answer.include_usage);
        Self {
            decoder: Decoder::default(),
            progress: Progress::new(writer, answer),
        }
    }

    /// The same for the choice with this number.
    #[must_use]
    pub fn for_choice(self, index: u32) -> Self {
        Self {
            progress: self.progress.for_choice(index),
            ..self
        }
    }

    /// Says that the answer must look otherwise than was thought, because the request was translated again. Only
    /// signs of life may have been written before.
    pub fn expect(&mut self, answer: Answer) {
        self.progress.expect(answer);
    }

    /// Translates the next bytes of the event stream and appends the events to `out`. Bytes after the
    /// answer's end are ignored.
    ///
    /// # Errors
    /// For an exception inside the stream and for bytes that are no event stream. What came before it is
    /// in `out`; [`fail`](Self::fail) must follow.
    pub fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<(), AnswerError> {
        let Self { decoder, progress } = self;
        if progress.phase() == Phase::Done {
            return Ok(());
        }
        let result = decoder.push(bytes, |message| progress.message(&message, out));
        // What comes after the answer's end cannot spoil it.
        if progress.phase() == Phase::Done {
            return Ok(());
        }
        result
    }

    /// Translates a whole Converse answer into the same events, for models that cannot stream it.
    ///
    /// # Errors
    /// When the answer is not one of Converse's, or the model produced something malformed.
    pub fn push_whole(&mut self, json: &[u8], out: &mut BytesMut) -> Result<(), AnswerError> {
        let response = serde_json::from_slice(json)?;
        self.progress.pass(json)?;
        self.progress.whole(&response, out)
    }

    /// Says that the upstream ended.
    ///
    /// # Errors
    /// When it ended before `messageStop`, or inside a message before it.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<(), AnswerError> {
        match self.progress.phase() {
            Phase::Open => {
                self.decoder.finish()?;
                Err(AnswerError::Unfinished)
            }
            Phase::Stopped => {
                self.progress.done(out);
                Ok(())
            }
            Phase::Done => Ok(()),
        }
    }

    /// Ends the answer after a failure: with `error` before `messageStop`, with `[DONE]` after it (only the
    /// usage is lost then), and not at all once it has ended.
    pub fn fail(&mut self, error: &ErrorObject, out: &mut BytesMut) {
        match self.progress.phase() {
            Phase::Open => self.progress.error(error, out),
            Phase::Stopped => self.progress.done(out),
            Phase::Done => {}
        }
    }

    /// Writes a chunk that says nothing, for clients that give up on silent streams.
    pub fn keep_alive(&mut self, out: &mut BytesMut) {
        if self.progress.phase() == Phase::Open {
            self.progress.keep_alive(out);
        }
    }

    /// Whether `messageStop` was seen, so that the answer itself is whole.
    pub fn is_stopped(&self) -> bool {
        self.progress.is_stopped()
    }

    /// Whether the last event is written.
    pub fn is_done(&self) -> bool {
        self.progress.phase() == Phase::Done
    }

    /// The answer's turn, if its reasoning will have to come back: once, and only after `messageStop`.
    pub fn take_turn(&mut self) -> Option<FinishedTurn> {
        self.progress.take_turn()
    }

    /// What Bedrock counted, once it said so.
    pub fn usage(&self) -> Option<&TokenUsage> {
        self.progress.usage()
    }

    /// What the call took: exact once Bedrock counted it, else an estimate from the prompt and from what was seen.
    pub fn consumption(&self) -> Consumption {
        self.progress.consumption()
    }

    /// Why the model stopped, in Bedrock's words; empty before it did.
    pub fn stop_reason(&self) -> &str {
        self.progress.stop_reason()
    }
}
