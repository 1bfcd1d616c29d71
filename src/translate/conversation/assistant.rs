//! What an assistant thought, said and called, and what its calls returned.

use std::borrow::Cow;

use super::{Builder, Missing};
use crate::bedrock::request::{
    ContentBlock, ConversationRole, ToolResultBlock, ToolResultContentBlock, ToolUseBlock,
};
use crate::openai::InvalidRequest;
use crate::translate::history::PairedCall;
use crate::translate::replay::Restored;

/// The result of a call that has none, which Bedrock would refuse.
const NO_RESULT: &str = "No result provided";

impl<'a> Builder<'_, 'a> {
    pub(super) fn add_assistant(
        &mut self,
        index: usize,
        calls: bool,
    ) -> Result<(), InvalidRequest> {
        let texts = self.contents.texts(index)?;
        let mut marks = self.take_marks();
        if calls || !texts.is_empty() {
            self.add_reasoning(index, calls);
        } else if let Some(Restored::Blocks(_)) = self.reasoning.get(index) {
            // Bedrock refuses a turn of reasoning alone.
            self.notes.ignore(format!("messages[{index}]"));
        }
        if !texts.is_empty() {
            self.turn(ConversationRole::Assistant);
            self.spoken.push(index);
        }
        for (text, count) in texts.into_iter().zip(1..) {
            let turn = self.turn(ConversationRole::Assistant);
            turn.push_first(ContentBlock::Text(text));
            turn.mark_first(marks.take_after(count));
        }
        Ok(())
    }

    /// Adds what an assistant thought before it spoke or called.
    fn add_reasoning(&mut self, index: usize, calls: bool) {
        let place = self.reasoning.get_mut(index);
        let restored = place.map_or(Restored::Lost, |place| {
            std::mem::replace(place, Restored::Lost)
        });
        match restored {
            Restored::Blocks(blocks) => {
                let turn = self.turn(ConversationRole::Assistant);
                for block in blocks {
                    turn.push_reasoning(block);
                }
            }
            Restored::WithoutReasoning => {
                self.missing = self.missing.max(Some(Missing::NeverThere));
            }
            Restored::Lost if calls => self.missing = Some(Missing::Lost),
            Restored::Lost => {}
        }
    }

    /// Adds a call and what it returned.
    pub(super) fn add_call(&mut self, call: PairedCall<'a>) -> Result<(), InvalidRequest> {
        let name = self.names.register(call.function.name);
        if self.called.insert(name.to_string()) {
            self.conversation.called.push(name.clone());
        }
        let mut result = call.result;
        for (id, input) in call.uses {
            let content = match result.take() {
                Some(index) => self.take_result(index)?,
                None => vec![ToolResultContentBlock::Text(Cow::Borrowed(NO_RESULT))],
            };
            self.results.push(ContentBlock::ToolResult(ToolResultBlock {
                tool_use_id: id.clone(),
                content,
            }));
            let block = ToolUseBlock {
                tool_use_id: id,
                name: name.clone(),
                input: Cow::Owned(input),
            };
            self.turn(ConversationRole::Assistant)
                .push_second(ContentBlock::ToolUse(block));
        }
        Ok(())
    }

    fn take_result(
        &mut self,
        index: usize,
    ) -> Result<Vec<ToolResultContentBlock<'a>>, InvalidRequest> {
        let result = self.contents.result(index)?;
        self.after_results.extend(result.after);
        self.result_marks.extend(result.marks);
        Ok(result.content)
    }

    /// Opens the user turn after an assistant turn with the results of its calls.
    pub(super) fn close_assistant_turn(&mut self) -> Result<(), InvalidRequest> {
        if self.results.is_empty() {
            return Ok(());
        }
        let results = std::mem::take(&mut self.results);
        let after = std::mem::take(&mut self.after_results);
        let marks = std::mem::take(&mut self.result_marks);
        let told = std::mem::take(&mut self.told);
        let turn = self.turn(ConversationRole::User);
        turn.media = told;
        for block in results {
            turn.push_first(block);
        }
        turn.mark_first(marks);
        after
            .into_iter()
            .try_for_each(|block| self.push(block, Vec::new()))
    }
}
