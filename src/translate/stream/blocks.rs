//! The blocks of an answer, written one after another: clients put a call together from chunks that follow
//! each other, so nothing may come between them.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::super::answer::Answer;
use super::super::answer_error::AnswerError;
use super::super::json_answer::JsonReader;
use super::step::{Action, Step};
use crate::openai::chunk::{ChunkWriter, ToolCallStart};

/// The most bytes of deltas that are held back while a call of another block is being sent. Bedrock was never
/// seen to interleave blocks.
const MAX_HELD_LENGTH: usize = 1024 * 1024;

/// What was written so far, and what waits.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) writer: ChunkWriter,
    /// How the answer must look. Deprecated `functions` have one `function_call` in an answer.
    pub(super) answer: Answer,
    /// What reads an answer in JSON.
    pub(super) json: Option<JsonReader>,
    open: Option<OpenCall>,
    /// How many calls have begun: the next one's index. Bedrock counts blocks, OpenAI counts calls.
    calls: u32,
    held: VecDeque<Step<'static>>,
    held_length: usize,
    pub(super) cited: CitedText,
    /// Citations of the block whose text is not over yet.
    citations: Vec<PageCitation>,
    citations_length: usize,
}

/// A citation of a web page; url and title are JSON strings.
#[derive(Debug)]
struct PageCitation {
    url: String,
    title: String,
}

#[derive(Debug)]
struct OpenCall {
    block: u32,
    index: u32,
    /// Whether no argument was sent yet: a call must not end so, because `""` is not JSON.
    empty: bool,
}

/// Where the text of the current block began, in characters of the whole content.
#[derive(Debug, Default)]
pub(super) struct CitedText {
    characters: usize,
    block: Option<u32>,
    block_start: usize,
    annotations: u32,
}

impl Blocks {
    pub(super) fn new(writer: ChunkWriter, answer: Answer) -> Self {
        Self {
            writer,
            json: answer.json.as_ref().map(JsonReader::new),
            answer,
            open: None,
            calls: 0,
            held: VecDeque::new(),
            held_length: 0,
            cited: CitedText::default(),
            citations: Vec::new(),
            citations_length: 0,
        }
    }

    pub(super) fn for_choice(self, index: u32) -> Self {
        Self {
            writer: self.writer.for_choice(index),
            ..self
        }
    }

    /// Takes another answer's form, before its first block.
    pub(super) fn expect(&mut self, answer: Answer) {
        self.json = answer.json.as_ref().map(JsonReader::new);
        self.answer = answer;
    }

    /// Whether the answer holds a call.
    pub(super) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    /// Sends a step, or holds it back while a call of another block is open.
    ///
    /// # Errors
    /// When too much would have to be held back.
    pub(super) fn add(&mut self, step: Step<'_>, out: &mut BytesMut) -> Result<(), AnswerError> {
        if self.must_wait(&step) {
            let step = step.into_owned();
            self.held_length = self.held_length.saturating_add(step.length());
            if self.held_length > MAX_HELD_LENGTH {
                return Err(AnswerError::Interleaved);
            }
            self.held.push_back(step);
            return Ok(());
        }
        self.send(step, out);
        if self.open_block().is_none() && !self.held.is_empty() {
            self.release(out);
        }
        Ok(())
    }

    /// Ends the calls that were left open, and sends all that was held back.
    pub(super) fn close(&mut self, out: &mut BytesMut) {
        self.annotate(out);
        while let Some(block) = self.open_block() {
            self.send(Step::new(block, Action::BlockStop), out);
            self.release(out);
            self.annotate(out);
        }
        self.finish_json(out);
    }

    /// The block of the call that is being sent: one of the client's, or the answer's, which is sent as content.
    fn open_block(&self) -> Option<u32> {
        let answers = || self.json.as_ref().and_then(JsonReader::open_block);
        self.open.as_ref().map(|call| call.block).or_else(answers)
    }

    fn must_wait(&self, step: &Step<'_>) -> bool {
        self.open_block().is_some_and(|block| block != step.block)
    }

    /// Sends what was held back, up to the next call that is not finished.
    fn release(&mut self, out: &mut BytesMut) {
        let mut waiting = std::mem::take(&mut self.held);
        self.held_length = 0;
        while let Some(step) = waiting.pop_front() {
            if self.must_wait(&step) {
                self.held_length += step.length();
                self.held.push_back(step);
                continue;
            }
            self.send(step, out);
            if self.open_block().is_none() {
                // What was passed over came first.
                self.held_length = 0;
                while let Some(step) = self.held.pop_back() {
                    waiting.push_front(step);
                }
            }
        }
    }

    fn send(&mut self, step: Step<'_>, out: &mut BytesMut) {
        let block = step.block;
        if self.cited.block != Some(block) {
            self.annotate(out);
        }
        let Some(step) = self.send_json(step, out) else {
            return;
        };
        match step.action {
            Action::Text { token, characters } => {
                self.cited.advance(block, characters);
                if characters > 0 {
                    self.writer.content(&token, out);
                }
            }
            Action::Reasoning { token } => {
                if !is_empty(&token) && !self.answer.exclude_reasoning {
                    self.writer.reasoning_content(&token, out);
                }
            }
            Action::Citation { url, title } => self.cite(block, &url, &title, out),
            Action::CallStart { id, name } => self.open_call(block, &id, &name, out),
            Action::CallArguments { token } => {
                if !is_empty(&token) {
                    self.send_arguments(&token, out);
                }
            }
            Action::BlockStop => {
                self.annotate(out);
                self.close_call(out);
            }
        }
    }

    /// Keeps a citation until its block is over: what it supports is the block's whole text, as in a whole answer.
    fn cite(&mut self, block: u32, url: &str, title: &str, out: &mut BytesMut) {
        self.cited.advance(block, 0);
        self.citations_length += size_of::<PageCitation>() + url.len() + title.len();
        self.citations.push(PageCitation {
            url: url.to_owned(),
            title: title.to_owned(),
        });
        if self.citations_length > MAX_HELD_LENGTH {
            self.annotate(out);
        }
    }

    /// Sends the citations of the block that is over.
    fn annotate(&mut self, out: &mut BytesMut) {
        for PageCitation { url, title } in self.citations.drain(..) {
            let (index, range) = self.cited.annotation();
            self.writer.annotation(index, range, &url, &title, out);
        }
        self.citations_length = 0;
    }

    fn open_call(&mut self, block: u32, id: &str, name: &str, out: &mut BytesMut) {
        self.close_call(out);
        let index = self.calls;
        self.calls += 1;
        self.open = Some(OpenCall {
            block,
            index,
            empty: true,
        });
        let name = self.answer.tool_names.restore(name);
        if !self.answer.legacy_functions {
            self.writer
                .tool_call(ToolCallStart { index, id, name }, out);
        } else if index == 0 {
            self.writer.function_call(name, out);
        }
    }

    fn send_arguments(&mut self, token: &str, out: &mut BytesMut) {
        let Some(call) = &mut self.open else {
            return;
        };
        call.empty = false;
        if !self.answer.legacy_functions {
            self.writer.tool_call_arguments(call.index, token, out);
        } else if call.index == 0 {
            self.writer.function_call_arguments(token, out);
        }
    }

    /// Ends the open call, if there is one.
    fn close_call(&mut self, out: &mut BytesMut) {
        if self.open.as_ref().is_some_and(|call| call.empty) {
            self.send_arguments(r#""{}""#, out);
        }
        self.open = None;
    }
}

impl CitedText {
    pub(super) fn advance(&mut self, block: u32, characters: usize) {
        if self.block != Some(block) {
            self.block = Some(block);
            self.block_start = self.characters;
        }
        self.characters += characters;
    }

    /// The number of the next annotation, and the range of the block's text so far.
    fn annotation(&mut self) -> (u32, (usize, usize)) {
        let index = self.annotations;
        self.annotations += 1;
        (index, (self.block_start, self.characters))
    }
}

/// Whether a JSON string has no characters between its quotes.
fn is_empty(token: &str) -> bool {
    token.len() <= 2
}
