//! The reasoning of an answer, collected while it passes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::answer::Answer;
use super::seal::StateKey;
use super::turn::{FinishedTurn, ReasonedTurn, Replay, call_ids};
use crate::bedrock::JsonString;
use crate::bedrock::event::ReasoningDelta;
use crate::bedrock::request::{ReasoningContentBlock, ReasoningTextBlock};
use crate::bedrock::response::ContentBlock;

/// The most bytes of reasoning and ids that are kept of one turn. The longest thinking of a model has a few
/// hundred thousand.
const MAX_LENGTH: usize = 1024 * 1024;

/// Collects the reasoning of one answer, if it can ever be sent back.
#[derive(Debug, Default)]
pub(in crate::translate) struct Collector {
    /// None: nothing is collected.
    replay: Option<Replay>,
    /// The tool whose calls are no calls to the client.
    answer_tool: Option<String>,
    blocks: Vec<GrowingBlock>,
    call_ids: Vec<String>,
    length: usize,
}

/// A block while it grows. Its texts are still escaped as in JSON.
#[derive(Debug, Default)]
struct GrowingBlock {
    block: u32,
    text: String,
    signature: String,
    redacted: String,
}

/// Reasoning that a client keeps for the gateway.
#[derive(Debug)]
pub(in crate::translate) struct Sealed {
    /// The id of the turn's first call, by which clients find the message that it belongs to.
    pub(in crate::translate) id: String,
    /// The reasoning, authenticated.
    pub(in crate::translate) data: String,
}

/// What an answer with calls leaves behind.
#[derive(Debug)]
pub(in crate::translate) struct Collected {
    /// For the memory.
    pub(in crate::translate) turn: FinishedTurn,
    /// For the client, if the gateway can authenticate it.
    pub(in crate::translate) sealed: Option<Sealed>,
}

impl Collector {
    /// A collector for one answer.
    pub(in crate::translate) fn of(answer: &Answer) -> Self {
        let json = answer.json.as_ref();
        Self {
            replay: answer.replay.clone(),
            answer_tool: json
                .and_then(|json| json.tool.as_ref())
                .map(|tool| tool.name.clone()),
            ..Self::default()
        }
    }

    /// Notes a call, unless the client never sees it.
    pub(in crate::translate) fn call(&mut self, id: &str, name: &str) {
        if self.answer_tool.as_deref() != Some(name) && self.takes(id.len()) {
            self.call_ids.push(id.to_owned());
        }
    }

    /// Adds a piece of reasoning to a block. A text may come in any number of pieces, and so may its signature.
    pub(in crate::translate) fn delta(&mut self, block: u32, delta: &ReasoningDelta<'_>) {
        self.add(block, delta.text, |growing| &mut growing.text);
        self.add(block, delta.signature, |growing| &mut growing.signature);
        self.add(block, delta.redacted_content, |growing| {
            &mut growing.redacted
        });
    }

    /// Notes a whole block of an answer.
    pub(in crate::translate) fn block(&mut self, block: u32, content: &ContentBlock<'_>) {
        if let Some(reasoning) = &content.reasoning_content {
            let text = reasoning.reasoning_text.as_ref();
            let delta = ReasoningDelta {
                text: text.and_then(|text| text.text),
                signature: text.and_then(|text| text.signature),
                redacted_content: reasoning.redacted_content,
            };
            self.delta(block, &delta);
        }
        let call = content.tool_use.as_ref();
        if let Some(call) = call.filter(|call| !call.is_server_tool()) {
            self.call(&call.tool_use_id, &call.name);
        }
    }

    /// The reasoning of a turn with calls, once its answer is whole. There is none when it was too long, or when
    /// part of it is unsigned and so would be refused.
    pub(in crate::translate) fn finish(&mut self) -> Option<Collected> {
        let replay = self.replay.take()?;
        let ids = call_ids(self.call_ids.iter().map(String::as_str))?;
        let mut blocks = std::mem::take(&mut self.blocks);
        blocks.sort_by_key(|block| block.block);
        let blocks = blocks.into_iter().map(GrowingBlock::finish);
        let blocks: Vec<_> = blocks.collect::<Option<_>>()?;
        if blocks.is_empty() && !replay.thinking {
            return None;
        }
        let turn = ReasonedTurn {
            signer: replay.signer,
            call_ids: ids,
            blocks,
        };
        let reasoning = turn.encode();
        let first = self.call_ids.first().cloned().unwrap_or_default();
        let seal = |key: &StateKey| Sealed {
            data: key.seal(&reasoning),
            id: first,
        };
        Some(Collected {
            sealed: replay.state_key.as_ref().map(seal),
            turn: FinishedTurn {
                call_ids: std::mem::take(&mut self.call_ids),
                reasoning,
            },
        })
    }

    fn add(
        &mut self,
        block: u32,
        piece: Option<JsonString<'_>>,
        place: impl FnOnce(&mut GrowingBlock) -> &mut String,
    ) {
        let Some(piece) = piece.map(JsonString::escaped) else {
            return;
        };
        if piece.is_empty() || !self.takes(piece.len()) {
            return;
        }
        let known = self
            .blocks
            .iter()
            .rposition(|growing| growing.block == block);
        let position = known.unwrap_or_else(|| {
            self.blocks.push(GrowingBlock {
                block,
                ..GrowingBlock::default()
            });
            self.blocks.len() - 1
        });
        if let Some(growing) = self.blocks.get_mut(position) {
            place(growing).push_str(piece);
        }
    }

    /// Whether there is room for so much more. Reasoning that is cut is worthless, so one piece too many ends it all.
    fn takes(&mut self, length: usize) -> bool {
        self.length = self.length.saturating_add(length);
        if self.length > MAX_LENGTH {
            *self = Self::default();
        }
        self.replay.is_some()
    }
}

impl GrowingBlock {
    fn finish(self) -> Option<ReasoningContentBlock<'static>> {
        let decode = |escaped: &str| serde_json::from_str(&format!("\"{escaped}\"")).ok();
        let (text, signature): (String, String) = (decode(&self.text)?, decode(&self.signature)?);
        let redacted: String = decode(&self.redacted)?;
        match (signature.is_empty(), redacted.is_empty()) {
            // A model that hides its thoughts signs an empty text.
            (false, true) => Some(ReasoningContentBlock::ReasoningText(ReasoningTextBlock {
                text: text.into(),
                signature: Some(signature.into()),
            })),
            (true, false) if text.is_empty() && STANDARD.decode(&redacted).is_ok() => {
                Some(ReasoningContentBlock::RedactedContent(redacted.into()))
            }
            _ => None,
        }
    }
}
