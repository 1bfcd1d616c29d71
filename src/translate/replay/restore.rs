//! Reasoning that comes back, each turn's from the source that can be trusted most.

use std::borrow::Cow;
use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::super::notes::Notes;
use super::seal::StateKey;
use super::turn::{ReasonedTurn, call_ids};
use crate::bedrock::request::{ReasoningContentBlock, ReasoningTextBlock};
use crate::openai::ChatCompletionRequest;
use crate::openai::content::{Content, ContentPart};
use crate::openai::message::{Message, Role};
use crate::openai::replayed_reasoning::{ReplayedReasoning, ThinkingBlock};

/// The most bytes that are recalled for one request. Claude refuses 9 MB of text.
const MAX_LENGTH: usize = 16 * 1024 * 1024;

/// The ids of all calls that a request replays, under which their turns may be remembered.
pub fn replayed_calls(request: &ChatCompletionRequest<'_>) -> Vec<String> {
    let assistants = request.messages.iter();
    assistants
        .filter(|message| message.role == Role::Assistant)
        .flat_map(|message| &message.tool_calls)
        .map(|call| call.id.to_string())
        .collect()
}

/// What was remembered of a conversation's turns: the bytes of [`FinishedTurn`](super::FinishedTurn)s.
#[derive(Clone, Debug, Default)]
pub struct Recalled(Vec<Bytes>);

impl Recalled {
    /// What a memory finds that remembers nothing.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// How many bytes there are to read.
    pub fn length(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// The turns that a memory found; none of them when they are more than any model reads, because a few ids could
    /// else make a request of all that is remembered.
    pub fn new(turns: Vec<Bytes>) -> Self {
        let found = Self(turns);
        if found.length() > MAX_LENGTH {
            return Self::none();
        }
        found
    }
}

/// What is known of one message's reasoning.
#[derive(Debug, PartialEq)]
pub(in crate::translate) enum Restored<'a> {
    /// Its blocks, at least one.
    Blocks(Vec<ReasoningContentBlock<'a>>),
    /// The model did not think before its calls.
    WithoutReasoning,
    /// Nothing.
    Lost,
}

/// Restores the reasoning of a conversation, or leaves it out.
#[derive(Debug, Default)]
pub(in crate::translate) struct Restorer<'r> {
    /// The foundation model that shall have its own reasoning back; without one nobody has.
    signer: Option<&'r str>,
    state_key: Option<&'r StateKey>,
    /// What was remembered and not yet given back: a turn stands in a conversation once. However often a client
    /// repeats the ids of its calls, no more is sent than was remembered.
    recalled: HashMap<Vec<String>, ReasonedTurn>,
    /// Whether what the client brought is not noted when it is left out.
    silent: bool,
}

impl<'r> Restorer<'r> {
    /// Restores the reasoning of a conversation with the foundation model `signer`.
    pub(in crate::translate) fn of(
        signer: &'r str,
        state_key: Option<&'r StateKey>,
        recalled: &Recalled,
    ) -> Self {
        let turns = recalled.0.iter();
        let turns = turns.filter_map(|turn| ReasonedTurn::decode(turn));
        Self {
            signer: Some(signer),
            state_key,
            recalled: turns
                .filter(|turn| turn.signer == signer)
                .map(|turn| (turn.call_ids.clone(), turn))
                .collect(),
            silent: false,
        }
    }

    /// Leaves all reasoning out, because Bedrock has just refused what there is. That is told in another way.
    pub(in crate::translate) fn after_refusal() -> Self {
        Self {
            silent: true,
            ..Self::default()
        }
    }

    /// Takes the reasoning out of an assistant's message, whose calls must still be there. What the client
    /// brought of its own accord is noted when it is not used; what the gateway gave it never is.
    pub(in crate::translate) fn restore<'a>(
        &mut self,
        message: &mut Message<'a>,
        index: usize,
        notes: &mut Notes,
    ) -> Restored<'a> {
        let sent = take(message);
        let paths = sent.paths(index);
        let restored = match self.signer {
            Some(signer) => self.choose(signer, sent, message),
            None => Restored::Lost,
        };
        if restored == Restored::Lost && !self.silent {
            for path in paths {
                notes.ignore(path);
            }
        }
        restored
    }

    fn choose<'a>(&mut self, signer: &str, sent: Sent<'a>, message: &Message<'a>) -> Restored<'a> {
        let ids = message.tool_calls.iter().map(|call| call.id.as_ref());
        let ids = call_ids(ids).unwrap_or_default();
        if let Some(turn) = self.kept(signer, &sent.reasoning.encrypted, &ids) {
            return turn.restored();
        }
        let blocks = sent.blocks();
        if !blocks.is_empty() {
            return Restored::Blocks(blocks);
        }
        let turn = self.recalled.remove(&ids);
        turn.map_or(Restored::Lost, ReasonedTurn::restored)
    }

    /// The turn of these calls among what the gateway gave the client to keep.
    fn kept(
        &self,
        signer: &str,
        encrypted: &[Cow<'_, str>],
        call_ids: &[String],
    ) -> Option<ReasonedTurn> {
        let key = self.state_key?;
        encrypted.iter().find_map(|data| {
            let turn = ReasonedTurn::decode(&key.open(data)?)?;
            (turn.signer == signer && turn.call_ids == call_ids).then_some(turn)
        })
    }
}

impl ReasonedTurn {
    fn restored<'a>(self) -> Restored<'a> {
        if self.blocks.is_empty() {
            Restored::WithoutReasoning
        } else {
            Restored::Blocks(self.blocks)
        }
    }
}

/// What a message says of its reasoning.
struct Sent<'a> {
    reasoning: ReplayedReasoning<'a>,
    /// Parts of the content, with their places.
    parts: Vec<(usize, ThinkingBlock<'a>)>,
}

fn take<'a>(message: &mut Message<'a>) -> Sent<'a> {
    let mut parts = Vec::new();
    if let Content::Parts(content) = &mut message.content {
        for (place, part) in content.iter_mut().enumerate() {
            if let ContentPart::Thinking(block) = part {
                parts.extend(block.take().map(|block| (place, block)));
            }
        }
    }
    Sent {
        reasoning: std::mem::take(&mut message.reasoning),
        parts,
    }
}

impl<'a> Sent<'a> {
    /// Where the blocks that the client brought of its own accord stand in the request.
    fn paths(&self, index: usize) -> Vec<String> {
        let mut paths = Vec::new();
        if !self.reasoning.thinking_blocks.is_empty() {
            paths.push(format!("messages[{index}].thinking_blocks"));
        }
        let parts = self.parts.iter();
        paths.extend(parts.map(|(place, _)| format!("messages[{index}].content[{place}]")));
        paths
    }

    /// What can be sent of it: Bedrock refuses a block of Claude's without a signature, and cannot even read redacted
    /// content that is no base64.
    fn blocks(self) -> Vec<ReasoningContentBlock<'a>> {
        let ReplayedReasoning {
            thinking_blocks,
            content,
            signature,
            ..
        } = self.reasoning;
        let parts = self.parts.into_iter().map(|(_, block)| block);
        for source in [thinking_blocks, parts.collect()] {
            let blocks: Vec<_> = source.into_iter().filter_map(signed).collect();
            if !blocks.is_empty() {
                return blocks;
            }
        }
        let whole = ThinkingBlock::Thinking {
            thinking: content.unwrap_or_default(),
            signature: signature.unwrap_or_default(),
        };
        signed(whole).into_iter().collect()
    }
}

fn signed(block: ThinkingBlock<'_>) -> Option<ReasoningContentBlock<'_>> {
    match block {
        ThinkingBlock::Thinking {
            thinking,
            signature,
        } => (!signature.is_empty()).then_some(ReasoningContentBlock::ReasoningText(
            ReasoningTextBlock {
                text: thinking,
                signature: Some(signature),
            },
        )),
        ThinkingBlock::Redacted(data) => (!data.is_empty() && STANDARD.decode(&*data).is_ok())
            .then_some(ReasoningContentBlock::RedactedContent(data)),
    }
}
