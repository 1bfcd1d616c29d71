//! How much of an answer was seen, for when Bedrock never comes to count it.

use super::step::Action;
use crate::bedrock::event::ReasoningDelta;

/// The bytes of an answer that were seen so far.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Text and calls.
    answer: u64,
    /// Reasoning that can be read. It may be a summary.
    reasoning: u64,
    /// Reasoning that is encrypted, and signatures, in which Claude encrypts its reasoning in full.
    sealed: u64,
}

impl Seen {
    /// Adds a step of the answer.
    pub(super) fn add(&mut self, action: &Action<'_>) {
        let (sum, bytes) = match action {
            Action::Text { token, .. } | Action::CallArguments { token } => {
                (&mut self.answer, token.len())
            }
            Action::Reasoning { token } => (&mut self.reasoning, token.len()),
            Action::CallStart { name, .. } => (&mut self.answer, name.len()),
            Action::Citation { .. } | Action::BlockStop => return,
        };
        // What stands between the quotes.
        add(sum, bytes.saturating_sub(2));
    }

    /// Adds what is sealed of a piece of reasoning.
    pub(super) fn seal(&mut self, reasoning: &ReasoningDelta<'_>) {
        let sealed = [reasoning.signature, reasoning.redacted_content];
        for piece in sealed.into_iter().flatten() {
            add(&mut self.sealed, piece.token().len());
        }
    }

    /// All bytes; of the reasoning those that are more.
    pub(super) fn bytes(&self) -> u64 {
        self.answer.saturating_add(self.reasoning.max(self.sealed))
    }
}

fn add(sum: &mut u64, bytes: usize) {
    *sum = sum.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
}
