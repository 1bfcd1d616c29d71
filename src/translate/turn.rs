//! Turns of a conversation for Bedrock.

use std::borrow::Cow;

use super::media::TurnMedia;
use super::prompt_cache::Mark;
use crate::bedrock::request::{
    ContentBlock, ConversationRole, Message as Turn, ReasoningContentBlock,
};

/// What the assistant says between results and the words after them. Bedrock refuses blank text.
pub(super) const RESULTS_SEEN: &str = "(I have seen the results.)";

/// A turn that still grows. Blocks are kept apart by kind, because Bedrock wants them in a fixed order: results
/// before the rest in a user turn; reasoning, text and calls in an assistant turn.
pub(super) struct OpenTurn<'a> {
    pub(super) role: ConversationRole,
    reasoning: Vec<Marked<'a>>,
    first: Vec<Marked<'a>>,
    second: Vec<Marked<'a>>,
    /// How many images and documents a user turn has outside of its results.
    pub(super) media: TurnMedia,
}

/// A block, and the client's cache points after it.
struct Marked<'a> {
    block: ContentBlock<'a>,
    marks: Vec<Mark<'a>>,
}

/// A turn as Bedrock takes it, and the client's cache points in it, each with the number of blocks after it.
pub(super) struct ClosedTurn<'a> {
    pub(super) turn: Turn<'a>,
    pub(super) marks: Vec<(usize, Mark<'a>)>,
}

impl<'a> OpenTurn<'a> {
    pub(super) fn new(role: ConversationRole) -> Self {
        Self {
            role,
            reasoning: Vec::new(),
            first: Vec::new(),
            second: Vec::new(),
            media: TurnMedia::default(),
        }
    }

    /// Adds reasoning to an assistant turn, where it comes first.
    pub(super) fn push_reasoning(&mut self, block: ReasoningContentBlock<'a>) {
        let block = ContentBlock::ReasoningContent(block);
        self.reasoning.push(block.into());
    }

    /// Adds a result to a user turn, or text to an assistant turn.
    pub(super) fn push_first(&mut self, block: ContentBlock<'a>) {
        self.first.push(block.into());
    }

    /// Adds anything else to a user turn, or a call to an assistant turn.
    pub(super) fn push_second(&mut self, block: ContentBlock<'a>) {
        self.second.push(block.into());
    }

    /// Sets the client's cache points after the result or text that was added last.
    pub(super) fn mark_first(&mut self, marks: Vec<Mark<'a>>) {
        if let Some(last) = self.first.last_mut() {
            last.marks.extend(marks);
        }
    }

    /// Sets the client's cache points after what else was added last.
    pub(super) fn mark_second(&mut self, marks: Vec<Mark<'a>>) {
        if let Some(last) = self.second.last_mut() {
            last.marks.extend(marks);
        }
    }

    /// Whether text and calls, or results and something else, stand in the turn.
    pub(super) fn is_mixed(&self) -> bool {
        !self.first.is_empty() && !self.second.is_empty()
    }

    /// Whether the turn begins with reasoning.
    pub(super) fn has_reasoning(&self) -> bool {
        !self.reasoning.is_empty()
    }

    /// Whether an assistant turn ends with calls.
    pub(super) fn has_calls(&self) -> bool {
        self.role == ConversationRole::Assistant && !self.second.is_empty()
    }

    /// Whether documents or videos stand in a user turn outside of its results.
    pub(super) fn holds_files(&self) -> bool {
        let is_file = |marked: &Marked<'_>| {
            matches!(
                marked.block,
                ContentBlock::Document(_) | ContentBlock::Video(_)
            )
        };
        self.second.iter().any(is_file)
    }

    /// Throws the text of an assistant turn away.
    pub(super) fn drop_text(&mut self) {
        self.first.clear();
    }

    /// Splits a user turn behind its results. Bedrock joins neighbours of one role again, so an assistant turn
    /// stands between the two.
    pub(super) fn split(self) -> [ClosedTurn<'a>; 3] {
        let user = |blocks| ClosedTurn::new(ConversationRole::User, blocks);
        let between = ContentBlock::Text(Cow::Borrowed(RESULTS_SEEN));
        let between = ClosedTurn::new(ConversationRole::Assistant, vec![between.into()]);
        [user(self.first), between, user(self.second)]
    }

    /// The turn as Bedrock takes it; one that has nothing but reasoning is none.
    pub(super) fn close(mut self) -> Option<ClosedTurn<'a>> {
        if self.role == ConversationRole::Assistant && self.second.is_empty() {
            trim_end(&mut self.first);
        }
        self.first.extend(self.second);
        if self.first.is_empty() {
            return None;
        }
        let mut blocks = self.reasoning;
        blocks.extend(self.first);
        Some(ClosedTurn::new(self.role, blocks))
    }
}

impl<'a> ClosedTurn<'a> {
    fn new(role: ConversationRole, blocks: Vec<Marked<'a>>) -> Self {
        let mut content = Vec::with_capacity(blocks.len());
        let mut marks = Vec::new();
        let later = (0..blocks.len()).rev();
        for (marked, later) in blocks.into_iter().zip(later) {
            marks.extend(marked.marks.into_iter().map(|mark| (later, mark)));
            content.push(marked.block);
        }
        let turn = Turn { role, content };
        Self { turn, marks }
    }
}

impl<'a> From<ContentBlock<'a>> for Marked<'a> {
    fn from(block: ContentBlock<'a>) -> Self {
        let marks = Vec::new();
        Self { block, marks }
    }
}

/// A user turn of one text.
pub(super) fn user_text<'a>(text: &'static str) -> Turn<'a> {
    Turn {
        role: ConversationRole::User,
        content: vec![ContentBlock::Text(Cow::Borrowed(text))],
    }
}

/// Claude refuses a prefill that ends with white space, and what is a prefill now is history in the next
/// request, where its bytes must be the same.
fn trim_end(blocks: &mut [Marked<'_>]) {
    if let Some(ContentBlock::Text(text)) = blocks.last_mut().map(|last| &mut last.block) {
        let length = text.trim_end().len();
        if length < text.len() {
            text.to_mut().truncate(length);
        }
    }
}
