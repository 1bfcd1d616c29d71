//! Turns of a conversation for Bedrock.

use std::borrow::Cow;

use crate::bedrock::request::{ContentBlock, ConversationRole, Message as Turn};

/// What the assistant says between results and the words after them. Bedrock refuses blank text.
const RESULTS_SEEN: &str = "(I have seen the results.)";

/// A turn that still grows. Blocks are kept apart by kind, because Bedrock wants them in a fixed order: results
/// before the rest in a user turn, text before calls in an assistant turn.
pub(super) struct OpenTurn<'a> {
    pub(super) role: ConversationRole,
    first: Vec<ContentBlock<'a>>,
    second: Vec<ContentBlock<'a>>,
}

impl<'a> OpenTurn<'a> {
    pub(super) fn new(role: ConversationRole) -> Self {
        Self {
            role,
            first: Vec::new(),
            second: Vec::new(),
        }
    }

    /// Adds a result to a user turn, or text to an assistant turn.
    pub(super) fn push_first(&mut self, block: ContentBlock<'a>) {
        self.first.push(block);
    }

    /// Adds anything else to a user turn, or a call to an assistant turn.
    pub(super) fn push_second(&mut self, block: ContentBlock<'a>) {
        self.second.push(block);
    }

    /// Whether text and calls, or results and something else, stand in the turn.
    pub(super) fn is_mixed(&self) -> bool {
        !self.first.is_empty() && !self.second.is_empty()
    }

    /// Throws the text of an assistant turn away.
    pub(super) fn drop_text(&mut self) {
        self.first.clear();
    }

    /// Splits a user turn behind its results. Bedrock joins neighbours of one role again, so an assistant turn
    /// stands between the two.
    pub(super) fn split(self) -> [Turn<'a>; 3] {
        let user = |content| Turn {
            role: ConversationRole::User,
            content,
        };
        let between = Turn {
            role: ConversationRole::Assistant,
            content: vec![ContentBlock::Text(Cow::Borrowed(RESULTS_SEEN))],
        };
        [user(self.first), between, user(self.second)]
    }

    /// The turn as Bedrock takes it; one without blocks is none.
    pub(super) fn close(mut self) -> Option<Turn<'a>> {
        if self.role == ConversationRole::Assistant && self.second.is_empty() {
            trim_end(&mut self.first);
        }
        self.first.extend(self.second);
        (!self.first.is_empty()).then_some(Turn {
            role: self.role,
            content: self.first,
        })
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
fn trim_end(blocks: &mut [ContentBlock<'_>]) {
    if let Some(ContentBlock::Text(text)) = blocks.last_mut() {
        let length = text.trim_end().len();
        if length < text.len() {
            text.to_mut().truncate(length);
        }
    }
}
