//! How far an answer is, event by event.

use std::borrow::Cow;

use bytes::BytesMut;

use super::super::answer::Answer;
use super::super::answer_error::AnswerError;
use super::super::consumption::Consumption;
use super::super::passed::{Passed, PassedEvents};
use super::super::replay::{Collector, FinishedTurn};
use super::super::response::{served_tier, web_page};
use super::super::stop;
use super::blocks::Blocks;
use super::seen::Seen;
use super::step::{Action, Step};
use crate::bedrock::event::{
    ContentBlockDelta, ContentBlockStart, Event, Metadata, ReasoningDelta,
};
use crate::bedrock::event_stream::{Kind, Message};
use crate::bedrock::response::{ContentBlock, PerformanceConfiguration, ServiceTier, TokenUsage};
use crate::bedrock::{Exception, Terms};
use crate::openai::ErrorObject;
use crate::openai::chunk::ChunkWriter;
use crate::openai::completion::ReasoningDetail;

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
    collector: Collector,
    /// Set by `messageStop`, after an answer whose reasoning will have to come back.
    turn: Option<FinishedTurn>,
    /// What the client gets of Bedrock's own words; none unless it asked for them.
    passed: Option<PassedEvents>,
    usage: Option<TokenUsage>,
    service_tier: Option<String>,
    /// On which terms the call was processed, once Bedrock said so.
    terms: Option<Terms>,
    /// What was seen of the answer.
    seen: Seen,
    /// Set by `messageStop`.
    stop_reason: Option<String>,
}

impl Progress {
    pub(super) fn new(writer: ChunkWriter, answer: Answer) -> Self {
        Self {
            phase: Phase::Open,
            collector: Collector::of(&answer),
            turn: None,
            passed: answer.bedrock.then(PassedEvents::default),
            blocks: Blocks::new(writer, answer),
            usage: None,
            service_tier: None,
            terms: None,
            seen: Seen::default(),
            stop_reason: None,
        }
    }

    pub(super) fn for_choice(self, index: u32) -> Self {
        Self {
            blocks: self.blocks.for_choice(index),
            ..self
        }
    }

    /// Takes another answer's form; what the request itself asks for is the same.
    pub(super) fn expect(&mut self, answer: Answer) {
        self.collector = Collector::of(&answer);
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

    pub(super) fn take_turn(&mut self) -> Option<FinishedTurn> {
        self.turn.take()
    }

    pub(super) fn usage(&self) -> Option<&TokenUsage> {
        self.usage.as_ref()
    }

    /// What the call took, or an estimate before Bedrock counted it.
    pub(super) fn consumption(&self) -> Consumption {
        let billing = &self.blocks.answer.billing;
        let terms = self.terms.unwrap_or(billing.terms);
        billing.consumption(self.usage.as_ref(), terms, self.seen.bytes())
    }

    /// The cost to tell the client, in US dollars.
    pub(super) fn shown(&self, consumption: &Consumption) -> Option<f64> {
        self.blocks.answer.billing.shown(consumption)
    }

    pub(super) fn message(
        &mut self,
        message: &Message<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        let (name, text) = match message.kind()? {
            _ if self.phase == Phase::Done => return Ok(()),
            Kind::Event(name) if !Exception::is_exception_name(name) => {
                let event = Event::parse(name, message.payload())?;
                if let Some(passed) = &mut self.passed {
                    passed.event(name, message.payload());
                }
                return self.event(event, out);
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
        if let Some(reasoning) = &event.start.reasoning_content {
            self.reasoning(block, reasoning, out)?;
        }
        match event.start.tool_use {
            Some(call) if !call.is_server_tool() => {
                let (id, name) = (call.tool_use_id, call.name);
                self.collector.call(&id, &name);
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
        if let Some(reasoning) = &delta.reasoning_content {
            self.reasoning(block, reasoning, out)?;
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

    /// Notes what of a whole block will have to come back.
    pub(super) fn collect(&mut self, block: u32, content: &ContentBlock<'_>) {
        self.collector.block(block, content);
    }

    fn reasoning(
        &mut self,
        block: u32,
        reasoning: &ReasoningDelta<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        self.collector.delta(block, reasoning);
        self.seen.seal(reasoning);
        let Some(text) = reasoning.text else {
            return Ok(());
        };
        let token = Cow::Borrowed(text.token());
        self.step(block, Action::Reasoning { token }, out)
    }

    pub(super) fn step(
        &mut self,
        block: u32,
        action: Action<'_>,
        out: &mut BytesMut,
    ) -> Result<(), AnswerError> {
        self.seen.add(&action);
        self.blocks.add(Step::new(block, action), out)
    }

    /// Ends the choice with its finish reason; the answer ends with its usage.
    pub(super) fn stop(&mut self, reason: &str, out: &mut BytesMut) -> Result<(), AnswerError> {
        self.blocks.close(out);
        let finish_reason = stop::finish_reason(
            reason,
            self.blocks.has_calls(),
            self.blocks.answer.legacy_functions,
        )?;
        // Here all blocks are whole, and nothing comes between the deltas of a call.
        if let Some(collected) = self.collector.finish() {
            if let Some(sealed) = &collected.sealed {
                let detail = ReasoningDetail::encrypted(&sealed.id, &sealed.data);
                self.blocks.writer.reasoning_details(&[detail], out);
            }
            self.turn = Some(collected.turn);
        }
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
        let tier = event.service_tier;
        self.served(tier.as_ref(), event.performance_config.as_ref());
        self.count(event.usage, tier.map(|tier| tier.kind));
        if self.phase == Phase::Stopped {
            self.done(out);
        }
    }

    /// Notes on which terms the call was processed.
    pub(super) fn served(
        &mut self,
        tier: Option<&ServiceTier<'_>>,
        performance: Option<&PerformanceConfiguration<'_>>,
    ) {
        self.terms = Some(self.blocks.answer.billing.served(tier, performance));
    }

    pub(super) fn count(&mut self, usage: Option<TokenUsage>, tier: Option<Cow<'_, str>>) {
        self.usage = usage;
        self.service_tier = tier.map(Cow::into_owned);
    }

    pub(super) fn done(&mut self, out: &mut BytesMut) {
        self.phase = Phase::Done;
        // One of several choices: their end is written for all of them together.
        if self.blocks.answer.choices > 1 {
            return;
        }
        let usage = self.usage.as_ref().filter(|_| self.includes_usage());
        let cost = self.shown(&self.consumption());
        let usage = usage.map(|usage| stop::usage(usage, cost));
        let passed = self.take_passed().map(Passed::into_object);
        if usage.is_some() || passed.is_some() {
            let writer = &self.blocks.writer;
            writer.end(usage.as_ref(), self.service_tier(), passed.as_deref(), out);
        }
        ChunkWriter::done(out);
    }

    /// What Bedrock said beside the answer, if the client asked for it; it is there once.
    pub(super) fn take_passed(&mut self) -> Option<Passed> {
        self.passed.take().map(PassedEvents::finish)
    }

    /// Takes what is passed on of a whole answer.
    pub(super) fn pass(&mut self, json: &[u8]) -> Result<(), AnswerError> {
        if let Some(passed) = &mut self.passed {
            *passed = Passed::of_answer(json)?.into();
        }
        Ok(())
    }

    pub(super) fn writer(&self) -> &ChunkWriter {
        &self.blocks.writer
    }

    pub(super) fn includes_usage(&self) -> bool {
        self.blocks.answer.include_usage
    }

    /// The tier to name at the answer's end.
    pub(super) fn service_tier(&self) -> Option<&str> {
        served_tier(
            self.service_tier.as_deref(),
            self.blocks.answer.service_tier,
        )
    }

    pub(super) fn error(&mut self, error: &ErrorObject, out: &mut BytesMut) {
        ChunkWriter::error(error, out);
        self.phase = Phase::Done;
    }

    pub(super) fn keep_alive(&mut self, out: &mut BytesMut) {
        self.blocks.writer.keep_alive(out);
    }
}
