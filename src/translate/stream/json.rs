//! An answer in JSON: what a client sees of it is not what the model's blocks are.

use bytes::BytesMut;

use super::super::json_answer::Piece;
use super::super::response::escaped;
use super::blocks::Blocks;
use super::step::{Action, Step};
use crate::bedrock::JsonString;

impl Blocks {
    /// Sends a step of an answer in JSON, and gives back what is sent as in any other answer.
    pub(super) fn send_json<'s>(&mut self, step: Step<'s>, out: &mut BytesMut) -> Option<Step<'s>> {
        let exclude = self.answer.exclude_reasoning;
        let Self {
            json: Some(json),
            writer,
            cited,
            ..
        } = self
        else {
            return Some(step);
        };
        let block = step.block;
        let whole = match &step.action {
            Action::Text { token, .. } | Action::CallArguments { token } => token.as_ref(),
            _ => "",
        };
        let mut sink = |piece: Piece<'_>| {
            let quoted;
            let token = if escaped(whole) == piece.escaped() {
                whole
            } else {
                quoted = format!("\"{}\"", piece.escaped());
                &quoted
            };
            match piece {
                Piece::Content(_) => {
                    cited.advance(block, character_count(token));
                    writer.content(token, out);
                }
                Piece::Reasoning(_) if exclude => {}
                Piece::Reasoning(_) => writer.reasoning_content(token, out),
            }
        };
        match &step.action {
            Action::Text { token, .. } => {
                json.text(escaped(token), &mut sink);
                None
            }
            Action::CallStart { name, .. } => {
                let answers = json.call(block, name, &mut sink);
                (!answers).then_some(step)
            }
            Action::CallArguments { token } => {
                let answers = json.arguments(block, escaped(token), &mut sink);
                (!answers).then_some(step)
            }
            Action::BlockStop => {
                json.stop(block, &mut sink);
                Some(step)
            }
            Action::Reasoning { .. } | Action::Citation { .. } => Some(step),
        }
    }

    /// Sends what was held back until the answer's end.
    pub(super) fn finish_json(&mut self, out: &mut BytesMut) {
        let Some(mut json) = self.json.take() else {
            return;
        };
        json.finish(&mut |piece| {
            let token = format!("\"{}\"", piece.escaped());
            match piece {
                Piece::Content(_) => self.writer.content(&token, out),
                Piece::Reasoning(_) if self.answer.exclude_reasoning => {}
                Piece::Reasoning(_) => self.writer.reasoning_content(&token, out),
            }
        });
    }
}

fn character_count(token: &str) -> usize {
    serde_json::from_str(token).map_or(0, JsonString::character_count)
}
