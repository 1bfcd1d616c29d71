//! How far an answer is, event by event.

use std::borrow::Cow;

use bytes::BytesMut;

use super::super::answer_error::AnswerError;
use super::super::request::Answer;
use super::super::response::{served_tier, web_page};
use super::super::stop;
use super::blocks::Blocks;
use super::step::{Action, Step};
use crate::bedrock::Exception;
use crate::bedrock::event::{ContentBlockDelta, ContentBlockStart, Event, Metadata};
use crate::bedrock::event_stream::{Kind, Message};
use crate::bedrock::response::TokenUsage;
use crate::openai::ErrorObject;
use crate::openai::chunk::ChunkWriter;

/// The part of an answer that is being translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Before `messageStop`: an end here is a failure.
    Open,
    /// After `messageStop`: only the usage is missing.
    Stopped,
    /// The last event is written.
    Done,
}

#[derive(Debug)]
pub(super) struct Progress {
    phase: Phase,
    blocks: Blocks,
    /// Whether a call must be a `function_call`.
    legacy_functions: bool,
    include_usage: bool,
    /// Whether the request named a tier.
    asked_tier: bool,
    usage: Option<TokenUsage>,
    service_tier: Option<String>,
    /// Set by `messageStop`.
    stop_reason: Option<String>,
}

impl Progress {
    pub(super) fn new(writer: ChunkWriter, answer: Answer) -> Self {
        Self {
            phase: Phase::Open,
            legacy_functions: answer.legacy_functions,
            include_usage: answer.include_usage,
            asked_tier: answer.service_tier,
            blocks: Blocks::new(writer, answer),
            usage: None,
            service_tier: None,
            stop_reason: None,
        }
    }

    /// Takes another answer's form; its usage and tier are asked for by the request itself and stay.
    pub(super) fn expect(&mut self, answer: Answer) {
        self.blocks.expect(answer);
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop_reason.is_some()
    }

    pub(super) fn stop_reason(&self) -> &str {
        self.stop_reason.as_deref().unwrap_or_default()
    }

    pub(super) fn usage(&self) -> Option<&TokenUsage> {
        self.usage.as_ref()
    }

    pub(super) fn message(
        &mut self,
        message: &Message<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        let (name, text) = match message.kind()? {
            _ if self.phase == Phase::Done => return Ok(()),
            Kind::Event(name) if !Exception::is_exception_name(name) => {
                return self.event(Event::parse(name, message.payload())?, out);
            }
            Kind::Event(name) | Kind::Exception(name) => (name, ""),
            Kind::Error { code, message } => (code, message),
        };
        let exception = Exception::from_message(name, text, message);
        Err(AnswerError::Exception(exception))
    }

    fn event(&mut self, event: Event<'_>, out: &mut BytesMut) -> Result<(), AnswerError> {
        match event {
            Event::Metadata(metadata) => {
                self.metadata(metadata, out);
                Ok(())
            }
            // The finish chunk is the last of its choice.
            _ if self.phase != Phase::Open => Ok(()),
            Event::ContentBlockStart(start) => self.start(start, out),
            Event::ContentBlockDelta(delta) => self.delta(&delta, out),
            Event::ContentBlockStop(end) => {
                let step = Step::new(end.content_block_index, Action::BlockStop);
                self.blocks.add(step, out)
            }
            Event::MessageStop(stop) => self.stop(&stop.stop_reason, out),
            Event::MessageStart | Event::Unknown => Ok(()),
        }
    }

    fn start(
        &mut self,
        event: ContentBlockStart<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        let block = event.content_block_index;
        match event.start.tool_use {
            Some(call) if !call.is_server_tool() => {
                let (id, name) = (call.tool_use_id, call.name);
                self.step(block, Action::CallStart { id, name }, out)
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
            self.step(block, action, out)?;
        }
        let reasoning = delta.reasoning_content.as_ref();
        if let Some(text) = reasoning.and_then(|reasoning| reasoning.text) {
            let token = Cow::Borrowed(text.token());
            self.step(block, Action::Reasoning { token }, out)?;
        }
        let call = delta.tool_use.as_ref();
        if let Some(input) = call.and_then(|call| call.input) {
            let token = Cow::Borrowed(input.token());
            self.step(block, Action::CallArguments { token }, out)?;
        }
        if let Some((url, title)) = delta.citation.as_ref().and_then(web_page) {
            let (url, title) = (Cow::Borrowed(url), Cow::Borrowed(title));
            self.step(block, Action::Citation { url, title }, out)?;
        }
        Ok(())
    }

    pub(super) fn step(
        &mut self,
        block: u32,
        action: Action<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        self.blocks.add(Step::new(block, action), out)
    }

    /// Ends the choice with its finish reason; the answer ends with its usage.
    pub(super) fn stop(&mut self, reason: &str, out: &mut BytesMut) -> Result<(), AnswerError> {
        self.blocks.close(out);
        let finish_reason =
            stop::finish_reason(reason, self.blocks.has_calls(), self.legacy_functions)?;
        let tier = self.service_tier.as_deref();
        self.blocks.writer.finish(finish_reason, tier, out);
        self.stop_reason = Some(reason.to_owned());
        self.phase = Phase::Stopped;
        if self.usage.is_some() {
            self.done(out);
        }
        Ok(())
    }

    fn metadata(&mut self, event: Metadata<'_>, out: &mut BytesMut) {
        self.count(event.usage, event.service_tier.map(|tier| tier.kind));
        if self.phase == Phase::Stopped {
            self.done(out);
        }
    }

    pub(super) fn count(&mut self, usage: Option<TokenUsage>, tier: Option<Cow<'_, str>>) {
        self.usage = usage;
        self.service_tier = tier.map(Cow::into_owned);
    }

    pub(super) fn done(&mut self, out: &mut BytesMut) {
        if let Some(usage) = self.usage.as_ref().filter(|_| self.include_usage) {
            let tier = served_tier(self.service_tier.as_deref(), self.asked_tier);
            self.blocks.writer.usage(&stop::usage(usage), tier, out);
        }
        ChunkWriter::done(out);
        self.phase = Phase::Done;
    }

    pub(super) fn error(&mut self, error: &ErrorObject, out: &mut BytesMut) {
        ChunkWriter::error(error, out);
        self.phase = Phase::Done;
    }

    pub(super) fn keep_alive(&mut self, out: &mut BytesMut) {
        self.blocks.writer.keep_alive(out);
    }
}
