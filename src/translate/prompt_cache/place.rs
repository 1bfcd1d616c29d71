//! Where a cache point may stand.

use crate::bedrock::PromptCache;
use crate::bedrock::request::{ContentBlock, ConverseRequest, Message as Turn};

/// A place for a cache point, in the order in which Bedrock builds the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// After the tool of this index.
    Tool(usize),
    /// After the system block of this index.
    System(usize),
    /// After a block of a message.
    Block {
        /// The message's index.
        turn: usize,
        /// The block's index in it.
        block: usize,
    },
}

impl Place {
    /// Whether it is in a message.
    pub(super) fn is_in_message(self) -> bool {
        matches!(self, Self::Block { .. })
    }

    /// Whether Bedrock takes a point here.
    pub(super) fn is_allowed(self, request: &ConverseRequest<'_>, rules: &Rules) -> bool {
        match self {
            Self::Tool(_) => rules.cache.tools,
            Self::System(_) => true,
            Self::Block { turn, block } => {
                let content = request.messages.get(turn).map(|turn| &turn.content);
                let block = content.and_then(|content| content.get(block));
                rules.takes_points(turn)
                    && !matches!(block, None | Some(ContentBlock::ReasoningContent(_)))
            }
        }
    }
}

/// What a model takes of points, and which messages of a request may have some.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) cache: PromptCache,
    turns: Vec<bool>,
}

impl Rules {
    /// The rules for the messages of `request`.
    pub(super) fn new(cache: PromptCache, request: &ConverseRequest<'_>) -> Self {
        let has_tools = |turn: &Turn<'_>| turn.content.iter().any(is_tool_block);
        // Nova refuses points beside calls and results: "extraneous key [cachePoint] is not permitted".
        let takes_points = |turn| cache.tool_turns || !has_tools(turn);
        Self {
            cache,
            turns: request.messages.iter().map(takes_points).collect(),
        }
    }

    /// Whether the message of this index may have a point.
    pub(super) fn takes_points(&self, turn: usize) -> bool {
        self.turns.get(turn).copied().unwrap_or_default()
    }
}

fn is_tool_block(block: &ContentBlock<'_>) -> bool {
    matches!(
        block,
        ContentBlock::ToolUse(_) | ContentBlock::ToolResult(_)
    )
}
