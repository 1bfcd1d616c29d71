//! Calls and results that are told as text, because the model or the history leaves no other place for them.

use std::borrow::Cow;

use super::Builder;
use crate::bedrock::request::{ContentBlock, ConversationRole};
use crate::openai::InvalidRequest;
use crate::translate::contents::Placed;
use crate::translate::history::{PairedCall, repeatable};

impl<'a> Builder<'_, 'a> {
    /// Tells a call and what it returned as text, to a model that knows no tools.
    pub(super) fn tell_call(&mut self, call: PairedCall<'a>) -> Result<(), InvalidRequest> {
        let name = repeatable(call.function.name);
        let mut result = call.result;
        for (id, input) in call.uses {
            let text = format!("[Tool call {id}] {name}({input})");
            self.turn(ConversationRole::Assistant)
                .push_first(ContentBlock::Text(Cow::Owned(text)));
            if let Some(index) = result.take() {
                let told = self.contents.told_result(index, &id)?;
                let marks = self.contents.marks.take_after(usize::MAX);
                for Placed { block, place } in told {
                    self.told.add(&block, place, self.family)?;
                    self.results.push(block);
                }
                self.result_marks.extend(marks);
            }
        }
        Ok(())
    }

    /// A result without a call is told as text: what it says may matter.
    pub(super) fn add_orphan(&mut self, index: usize, id: &str) -> Result<(), InvalidRequest> {
        let told = self.contents.told_result(index, id)?;
        let marks = self.contents.marks.take_after(usize::MAX);
        for placed in told {
            self.push(placed, Vec::new())?;
        }
        self.turn.mark_second(marks);
        Ok(())
    }
}
