//! The client's own cache points, carried from the message they stand in to the block they follow.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use super::place::Place;
use crate::bedrock::request::{ConverseRequest, Tool};
use crate::openai::cache_control::CacheControl;

/// A cache point that the client asked for.
#[derive(Debug)]
pub(crate) struct Mark<'a> {
    /// The member that asked.
    pub(super) path: String,
    /// Its `ttl`, as it was sent.
    pub(super) ttl: Option<Cow<'a, str>>,
}

/// What a cache point of the client's follows.
#[derive(Debug)]
pub(crate) enum Anchor<'a> {
    /// The tool of this name at Bedrock.
    Tool(Cow<'a, str>),
    /// The system block of this index.
    System(usize),
    /// A block of a message. It is counted from the end, because reasoning at the beginning may be left out in
    /// the end.
    Block {
        /// The message's index.
        turn: usize,
        /// How many of its blocks come later.
        later: usize,
    },
}

impl Anchor<'_> {
    /// Makes it follow the same block once another message stands before all messages.
    pub(crate) fn move_by_a_turn(&mut self) {
        if let Self::Block { turn, .. } = self {
            *turn += 1;
        }
    }
}

/// Finds what cache points follow in a request that is complete.
pub(super) struct Finder<'r> {
    request: &'r ConverseRequest<'r>,
    tools: HashMap<&'r str, usize>,
}

impl<'r> Finder<'r> {
    pub(super) fn new(request: &'r ConverseRequest<'_>) -> Self {
        let tools = request.tool_config.iter().flat_map(|config| &config.tools);
        let names = tools.zip(0..).filter_map(|(tool, index)| match tool {
            Tool::ToolSpec(tool) => Some((tool.name.as_ref(), index)),
            Tool::CachePoint(_) => None,
        });
        Self {
            tools: names.collect(),
            request,
        }
    }

    /// The place that `anchor` means; none when the tool or block is not sent.
    pub(super) fn place(&self, anchor: &Anchor<'_>) -> Option<Place> {
        match anchor {
            Anchor::Tool(name) => self.tools.get(name.as_ref()).copied().map(Place::Tool),
            Anchor::System(index) => Some(Place::System(*index)),
            Anchor::Block { turn, later } => {
                let content = &self.request.messages.get(*turn)?.content;
                let block = content.len().checked_sub(later + 1)?;
                Some(Place::Block { turn: *turn, block })
            }
        }
    }
}

impl<'a> Mark<'a> {
    /// The mark of `control`, which stands in the message or tool at `path`.
    pub(crate) fn new(control: CacheControl<'a>, path: &str) -> Self {
        Self {
            path: format!("{path}.{}", control.path),
            ttl: control.ttl,
        }
    }

    /// The member that asked.
    pub(crate) fn into_path(self) -> String {
        self.path
    }
}

/// The client's cache points among the blocks of one message, in their order.
#[derive(Debug, Default)]
pub(crate) struct Marks<'a>(VecDeque<(usize, Mark<'a>)>);

impl<'a> Marks<'a> {
    /// Adds a point that follows the first `blocks` blocks of the message.
    pub(crate) fn push(&mut self, blocks: usize, mark: Mark<'a>) {
        self.0.push_back((blocks, mark));
    }

    /// Lets the points at the end of a message of so many `blocks` follow the one that is added there.
    pub(crate) fn pass_one_more(&mut self, blocks: usize) {
        for (before, _) in self.0.iter_mut().filter(|(before, _)| *before == blocks) {
            *before += 1;
        }
    }

    /// Takes the points out that follow the first `blocks` blocks, or fewer.
    pub(crate) fn take_after(&mut self, blocks: usize) -> Vec<Mark<'a>> {
        let count = self.0.partition_point(|(before, _)| *before <= blocks);
        self.0.drain(..count).map(|(_, mark)| mark).collect()
    }
}
