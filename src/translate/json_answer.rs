//! Answers in JSON, from models that were asked for it with a tool or in words.
//!
//! The client sees content that is JSON, and nothing else beside it: the input of the answer's tool, or the JSON in
//! a text without the fence and the phrases around it. What the model says besides is not lost, it becomes
//! reasoning. A text without any JSON, and without a call, is the content as it stands: a refusal, for instance.
//! Streams and whole answers are read by the same code, so that both say the same.

mod call;
mod characters;
mod text;

use call::CallReader;
use characters::is_blank;
use text::TextReader;

/// The most bytes of text that are held back until a call or the text's end tells what it is.
const MAX_HELD_LENGTH: usize = 64 * 1024;

/// How an answer in JSON comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JsonAnswer {
    /// The tool whose input is the answer; without one the answer is in the text.
    pub(super) tool: Option<AnswerTool>,
}

/// The tool whose input is the answer. The client never sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AnswerTool {
    /// Its name, which no tool of the client's has.
    pub(super) name: String,
    /// Whether the answer cannot have a member `properties`: an input with one is then the answer inside a copy of
    /// the schema, as some models write it.
    pub(super) unwraps: bool,
}

/// A piece of an answer: what stands between the quotes of a JSON string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// A part of the JSON.
    Content(&'t str),
    /// What the model said beside it.
    Reasoning(&'t str),
}

impl<'t> Piece<'t> {
    /// The piece, whatever it is.
    pub(super) fn escaped(self) -> &'t str {
        let (Self::Content(escaped) | Self::Reasoning(escaped)) = self;
        escaped
    }
}

/// Reads one answer, piece by piece.
#[derive(Debug)]
pub(super) struct JsonReader {
    tool: Option<AnswerTool>,
    /// Text that came before any call, while a call may still come.
    spoken: Option<String>,
    text: TextReader,
    /// The call that is the answer.
    call: Option<CallReader>,
    /// The block of the call that is being read or, when there was an answer before it, passed over.
    open: Option<u32>,
    /// Whether there was a call of any tool.
    called: bool,
}

impl JsonReader {
    pub(super) fn new(answer: &JsonAnswer) -> Self {
        Self {
            tool: answer.tool.clone(),
            spoken: answer.tool.is_some().then(String::new),
            text: TextReader::default(),
            call: None,
            open: None,
            called: false,
        }
    }

    /// The block of the answer's call that has begun and not ended.
    pub(super) fn open_block(&self) -> Option<u32> {
        self.open
    }

    /// Reads a piece of text.
    pub(super) fn text(&mut self, escaped: &str, sink: &mut impl FnMut(Piece<'_>)) {
        match &mut self.spoken {
            Some(spoken) => {
                spoken.push_str(escaped);
                if spoken.len() > MAX_HELD_LENGTH {
                    let spoken = std::mem::take(spoken);
                    self.spoken = None;
                    self.text.push(&spoken, sink);
                }
            }
            None => self.text.push(escaped, sink),
        }
    }

    /// Reads the beginning of a call, and tells whether it is the answer's; any other is an ordinary call.
    pub(super) fn call(
        &mut self,
        block: u32,
        name: &str,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> bool {
        self.close(sink);
        if !self.called {
            self.called = true;
            if let Some(spoken) = self.spoken.take().filter(|spoken| !is_blank(spoken)) {
                sink(Piece::Reasoning(&spoken));
            }
            self.text.interrupt(sink);
        }
        let Some(tool) = self.tool.as_ref().filter(|tool| tool.name == name) else {
            return false;
        };
        if self.call.is_none() && !self.text.has_answer() {
            self.call = Some(CallReader::new(tool.unwraps));
        } else {
            // The first answer counts.
            self.call.get_or_insert_default().pass_over();
        }
        self.open = Some(block);
        true
    }

    /// Reads a piece of a call's arguments, and tells whether it is of the answer's call.
    pub(super) fn arguments(
        &mut self,
        block: u32,
        escaped: &str,
        sink: &mut impl FnMut(Piece<'_>),
    ) -> bool {
        let answers = self.open == Some(block);
        if let Some(call) = self.call.as_mut().filter(|_| answers) {
            call.push(escaped, sink);
        }
        answers
    }

    /// Reads the end of a block.
    pub(super) fn stop(&mut self, block: u32, sink: &mut impl FnMut(Piece<'_>)) {
        if self.open == Some(block) {
            self.close(sink);
        }
    }

    /// Reads the end of the answer.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        self.close(sink);
        if let Some(spoken) = self.spoken.take() {
            self.text.push(&spoken, sink);
        }
        self.text.finish(sink);
    }

    /// Ends the answer's call, if it is open.
    fn close(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        if self.open.take().is_some()
            && let Some(call) = &mut self.call
        {
            call.finish(sink);
        }
    }
}

#[cfg(test)]
mod tests;
