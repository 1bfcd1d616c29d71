//! A ConverseStream answer becomes chat completion chunks: event-stream bytes in, server-sent events out.

use std::borrow::Cow;

use bytes::BytesMut;

use super::answer_error::AnswerError;
use super::request::Answer;
use super::response::{arguments_token, web_page};
use super::stop;
use crate::bedrock::Exception;
use crate::bedrock::event::{ContentBlockDelta, ContentBlockStart, Event, MessageStop, Metadata};
use crate::bedrock::event_stream::{Decoder, Kind, Message};
use crate::bedrock::response::{ConverseResponse, TokenUsage};
use crate::openai::ErrorObject;
use crate::openai::chunk::{ChunkWriter, ToolCallStart};

/// The most bytes of deltas that are held back while a call of another block is being sent.
const MAX_HELD_LENGTH: usize = 4 * 1024 * 1024;

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
/// stream ends in exactly one way: with `[DONE]` after `messageStop`, or with one error event before it.
#[derive(Debug)]
pub struct StreamTranslator {
    decoder: Decoder,
    progress: Progress,
}

/// How far the answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before `messageStop`: an end here is a failure.
    Open,
    /// After `messageStop`: only the usage is missing.
    Stopped,
    /// The last event is written.
    Done,
}

#[derive(Debug)]
struct Progress {
    writer: ChunkWriter,
    answer: Answer,
    phase: Phase,
    usage: Option<TokenUsage>,
    service_tier: Option<String>,
    /// Whether `messageStop` was seen.
    stopped: bool,
    stop_reason: String,
    calls: Calls,
    cited: CitedText,
}

/// The calls of the answer. While one is being sent nothing else may come between its chunks.
#[derive(Debug, Default)]
struct Calls {
    open: Option<OpenCall>,
    /// How many calls have begun: the next one's index. Blocks are counted separately by Bedrock.
    count: u32,
    held: Vec<Step<'static>>,
    held_length: usize,
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
struct CitedText {
    characters: usize,
    block: Option<u32>,
    block_start: usize,
    annotations: u32,
}

/// One thing that happens in one block.
#[derive(Debug)]
struct Step<'a> {
    block: u32,
    action: Action<'a>,
}

/// Tokens are JSON strings.
#[derive(Debug)]
enum Action<'a> {
    Text {
        token: Cow<'a, str>,
        characters: usize,
    },
    Reasoning {
        token: Cow<'a, str>,
    },
    Citation {
        url: Cow<'a, str>,
        title: Cow<'a, str>,
    },
    CallStart {
        id: Cow<'a, str>,
        name: Cow<'a, str>,
    },
    CallArguments {
        token: Cow<'a, str>,
    },
    BlockStop,
}

impl StreamTranslator {
    /// A translator for one answer.
    pub fn new(head: ChunkHead<'_>, answer: Answer) -> Self {
        let writer = ChunkWriter::new(head.id, head.created, head.model, answer.include_usage);
        Self {
            decoder: Decoder::default(),
            progress: Progress {
                writer,
                answer,
                phase: Phase::Open,
                usage: None,
                service_tier: None,
                stopped: false,
                stop_reason: String::new(),
                calls: Calls::default(),
                cited: CitedText::default(),
            },
        }
    }

    /// Translates the next bytes of the event stream and appends the events to `out`. Bytes after the
    /// answer's end are ignored.
    ///
    /// # Errors
    /// For an exception inside the stream and for bytes that are no event stream. What came before it is
    /// in `out`; [`fail`](Self::fail) must follow.
    pub fn push(&mut self, bytes: &[u8], out: &mut BytesMut) -> Result<(), AnswerError> {
        let Self { decoder, progress } = self;
        if progress.phase == Phase::Done {
            return Ok(());
        }
        decoder.push(bytes, |message| progress.message(&message, out))
    }

    /// Translates a whole Converse answer into the same events, for models that cannot stream it.
    ///
    /// # Errors
    /// When the answer is not one of Converse's, or the model produced something malformed.
    pub fn push_whole(&mut self, json: &[u8], out: &mut BytesMut) -> Result<(), AnswerError> {
        self.progress.whole(&serde_json::from_slice(json)?, out)
    }

    /// Says that the upstream ended.
    ///
    /// # Errors
    /// When it ended before `messageStop`, or inside a message before it.
    pub fn finish(&mut self, out: &mut BytesMut) -> Result<(), AnswerError> {
        match self.progress.phase {
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
        match self.progress.phase {
            Phase::Open => {
                ChunkWriter::error(error, out);
                self.progress.phase = Phase::Done;
            }
            Phase::Stopped => self.progress.done(out),
            Phase::Done => {}
        }
    }

    /// Writes a chunk that says nothing, for clients that give up on silent streams.
    pub fn keep_alive(&mut self, out: &mut BytesMut) {
        if self.progress.phase == Phase::Open {
            self.progress.writer.keep_alive(out);
        }
    }

    /// Whether `messageStop` was seen, so that the answer itself is whole.
    pub fn is_stopped(&self) -> bool {
        self.progress.stopped
    }

    /// Whether the last event is written.
    pub fn is_done(&self) -> bool {
        self.progress.phase == Phase::Done
    }

    /// What Bedrock counted, once it said so.
    pub fn usage(&self) -> Option<&TokenUsage> {
        self.progress.usage.as_ref()
    }

    /// Why the model stopped, in Bedrock's words; empty before it did.
    pub fn stop_reason(&self) -> &str {
        &self.progress.stop_reason
    }
}

impl Progress {
    fn message(&mut self, message: &Message<'_>, out: &mut BytesMut) -> Result<(), AnswerError> {
        match message.kind()? {
            _ if self.phase == Phase::Done => Ok(()),
            Kind::Event(name) if Exception::is_exception_name(name) => Err(AnswerError::Exception(
                Exception::from_message(name, "", message),
            )),
            Kind::Event(name) => self.event(Event::parse(name, message.payload())?, out),
            Kind::Exception(name) => Err(AnswerError::Exception(Exception::from_message(
                name, "", message,
            ))),
            Kind::Error {
                code,
                message: text,
            } => Err(AnswerError::Exception(Exception::from_message(
                code, text, message,
            ))),
        }
    }

    fn event(&mut self, event: Event<'_>, out: &mut BytesMut) -> Result<(), AnswerError> {
        match event {
            Event::ContentBlockStart(start) => self.start(start, out),
            Event::ContentBlockDelta(delta) => self.delta(&delta, out),
            Event::ContentBlockStop(stop) => self.step(
                Step {
                    block: stop.content_block_index,
                    action: Action::BlockStop,
                },
                out,
            ),
            Event::MessageStop(stop) => self.stop(&stop, out),
            Event::Metadata(metadata) => {
                self.metadata(metadata, out);
                Ok(())
            }
            Event::MessageStart | Event::Unknown => Ok(()),
        }
    }

    fn start(
        &mut self,
        event: ContentBlockStart<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        match event.start.tool_use {
            Some(call) if !call.is_server_tool() => {
                let action = Action::CallStart {
                    id: call.tool_use_id,
                    name: call.name,
                };
                self.step(
                    Step {
                        block: event.content_block_index,
                        action,
                    },
                    out,
                )
            }
            _ => Ok(()),
        }
    }

    fn delta(
        &mut self,
        event: &ContentBlockDelta<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        let block = event.content_block_index;
        let delta = &event.delta;
        if let Some(text) = delta.text {
            let action = Action::Text {
                token: Cow::Borrowed(text.token()),
                characters: text.character_count(),
            };
            self.step(Step { block, action }, out)?;
        }
        if let Some(text) = delta
            .reasoning_content
            .as_ref()
            .and_then(|reasoning| reasoning.text)
        {
            self.step(
                Step {
                    block,
                    action: Action::Reasoning {
                        token: Cow::Borrowed(text.token()),
                    },
                },
                out,
            )?;
        }
        if let Some(input) = delta.tool_use.as_ref().and_then(|call| call.input) {
            self.step(
                Step {
                    block,
                    action: Action::CallArguments {
                        token: Cow::Borrowed(input.token()),
                    },
                },
                out,
            )?;
        }
        if let Some((url, title)) = delta.citation.as_ref().and_then(web_page) {
            let action = Action::Citation {
                url: Cow::Borrowed(url),
                title: Cow::Borrowed(title),
            };
            self.step(Step { block, action }, out)?;
        }
        Ok(())
    }

    /// Sends a step, or holds it back while a call of another block is open.
    fn step(&mut self, step: Step<'_>, out: &mut BytesMut) -> Result<(), AnswerError> {
        if self
            .calls
            .open
            .as_ref()
            .is_some_and(|call| call.block != step.block)
        {
            return self.calls.hold(step);
        }
        match step.action {
            Action::Text { token, characters } => {
                self.cited.advance(step.block, characters);
                if characters > 0 {
                    self.writer.content(&token, out);
                }
            }
            Action::Reasoning { token } if token.len() > 2 => {
                self.writer.reasoning_content(&token, out)
            }
            Action::Reasoning { .. } => {}
            Action::Citation { url, title } => {
                let (index, range) = self.cited.annotation(step.block);
                self.writer.annotation(index, range, &url, &title, out);
            }
            Action::CallStart { id, name } => self.open_call(step.block, &id, &name, out),
            Action::CallArguments { token } if token.len() > 2 => self.send_arguments(&token, out),
            Action::CallArguments { .. } => {}
            Action::BlockStop => return self.close_call(out),
        }
        Ok(())
    }

    fn open_call(&mut self, block: u32, id: &str, name: &str, out: &mut BytesMut) {
        let index = self.calls.count;
        self.calls.count += 1;
        self.calls.open = Some(OpenCall {
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
        let Some(call) = &mut self.calls.open else {
            return;
        };
        call.empty = false;
        if !self.answer.legacy_functions {
            self.writer.tool_call_arguments(call.index, token, out);
        } else if call.index == 0 {
            self.writer.function_call_arguments(token, out);
        }
    }

    /// Ends the open call, if there is one, and sends what was held back for it.
    fn close_call(&mut self, out: &mut BytesMut) -> Result<(), AnswerError> {
        if self.calls.open.as_ref().is_some_and(|call| call.empty) {
            self.send_arguments(r#""{}""#, out);
        }
        self.calls.open = None;
        self.calls.held_length = 0;
        for step in std::mem::take(&mut self.calls.held) {
            self.step(step, out)?;
        }
        Ok(())
    }

    fn stop(&mut self, event: &MessageStop<'_>, out: &mut BytesMut) -> Result<(), AnswerError> {
        if self.phase != Phase::Open {
            return Ok(());
        }
        while self.calls.open.is_some() {
            self.close_call(out)?;
        }
        let calls = self.calls.count > 0;
        let reason = stop::finish_reason(&event.stop_reason, calls, self.answer.legacy_functions)?;
        self.writer
            .finish(reason, self.service_tier.as_deref(), out);
        event.stop_reason.as_ref().clone_into(&mut self.stop_reason);
        self.stopped = true;
        self.phase = Phase::Stopped;
        if self.usage.is_some() {
            self.done(out);
        }
        Ok(())
    }

    fn metadata(&mut self, event: Metadata<'_>, out: &mut BytesMut) {
        self.usage = event.usage;
        self.service_tier = event.service_tier.map(|tier| tier.kind.into_owned());
        if self.phase == Phase::Stopped {
            self.done(out);
        }
    }

    fn done(&mut self, out: &mut BytesMut) {
        if let Some(usage) = self.usage.as_ref().filter(|_| self.answer.include_usage) {
            self.writer
                .usage(&stop::usage(usage), self.service_tier.as_deref(), out);
        }
        ChunkWriter::done(out);
        self.phase = Phase::Done;
    }

    fn whole(
        &mut self,
        response: &ConverseResponse<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        let message = response
            .output
            .as_ref()
            .and_then(|output| output.message.as_ref());
        let message = message.ok_or(AnswerError::NoOutput)?;
        self.usage = response.usage;
        self.service_tier = response
            .service_tier
            .as_ref()
            .map(|tier| tier.kind.clone().into_owned());
        for (block, content) in (0..).zip(&message.content) {
            let cited = content.citations_content.as_ref();
            let mut actions = Vec::new();
            for text in content
                .text
                .into_iter()
                .chain(cited.iter().flat_map(|c| &c.content).filter_map(|c| c.text))
            {
                let token = Cow::Borrowed(text.token());
                actions.push(Action::Text {
                    token,
                    characters: text.character_count(),
                });
            }
            for (url, title) in cited
                .iter()
                .flat_map(|cited| &cited.citations)
                .filter_map(web_page)
            {
                actions.push(Action::Citation {
                    url: Cow::Borrowed(url),
                    title: Cow::Borrowed(title),
                });
            }
            if let Some(text) = content
                .reasoning_content
                .as_ref()
                .and_then(|r| r.reasoning_text.as_ref()?.text)
            {
                actions.push(Action::Reasoning {
                    token: Cow::Borrowed(text.token()),
                });
            }
            if let Some(call) = content
                .tool_use
                .as_ref()
                .filter(|call| !call.is_server_tool())
            {
                let (id, name) = (
                    Cow::Borrowed(call.tool_use_id.as_ref()),
                    Cow::Borrowed(call.name.as_ref()),
                );
                actions.push(Action::CallStart { id, name });
                actions.push(Action::CallArguments {
                    token: arguments_token(call.input),
                });
                actions.push(Action::BlockStop);
            }
            for action in actions {
                self.step(Step { block, action }, out)?;
            }
        }
        self.stop(
            &MessageStop {
                stop_reason: Cow::Borrowed(&response.stop_reason),
            },
            out,
        )?;
        self.finish_whole(out);
        Ok(())
    }

    fn finish_whole(&mut self, out: &mut BytesMut) {
        if self.phase == Phase::Stopped {
            self.done(out);
        }
    }
}

impl Calls {
    fn hold(&mut self, step: Step<'_>) -> Result<(), AnswerError> {
        let step = step.into_owned();
        self.held_length = self.held_length.saturating_add(step.length());
        if self.held_length > MAX_HELD_LENGTH {
            return Err(AnswerError::Interleaved);
        }
        self.held.push(step);
        Ok(())
    }
}

impl CitedText {
    fn advance(&mut self, block: u32, characters: usize) {
        if self.block != Some(block) {
            self.block = Some(block);
            self.block_start = self.characters;
        }
        self.characters += characters;
    }

    /// The number of the next annotation, and the range of the block's text so far.
    fn annotation(&mut self, block: u32) -> (u32, (usize, usize)) {
        self.advance(block, 0);
        let index = self.annotations;
        self.annotations += 1;
        (index, (self.block_start, self.characters))
    }
}

impl Step<'_> {
    fn into_owned(self) -> Step<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let action = match self.action {
            Action::Text { token, characters } => Action::Text {
                token: own(token),
                characters,
            },
            Action::Reasoning { token } => Action::Reasoning { token: own(token) },
            Action::Citation { url, title } => Action::Citation {
                url: own(url),
                title: own(title),
            },
            Action::CallStart { id, name } => Action::CallStart {
                id: own(id),
                name: own(name),
            },
            Action::CallArguments { token } => Action::CallArguments { token: own(token) },
            Action::BlockStop => Action::BlockStop,
        };
        Step {
            block: self.block,
            action,
        }
    }

    /// Bytes that holding the step back takes, its own size included.
    fn length(&self) -> usize {
        size_of::<Self>()
            + match &self.action {
                Action::Text { token, .. }
                | Action::Reasoning { token }
                | Action::CallArguments { token } => token.len(),
                Action::Citation { url, title } => url.len() + title.len(),
                Action::CallStart { id, name } => id.len() + name.len(),
                Action::BlockStop => 0,
            }
    }
}
