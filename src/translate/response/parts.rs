//! The blocks of a whole answer, put together as OpenAI wants them.

use serde_json::value::RawValue;

use super::super::answer::Answer;
use super::super::json_answer::{JsonReader, Piece};
use super::{arguments, escaped, json_token, web_page};
use crate::bedrock::JsonString;
use crate::bedrock::response::{Citation, ContentBlock};
use crate::openai::completion::{
    Annotation, AssistantMessage, Choice, FinishReason, Function, ReasoningDetail, ToolCall,
    UrlCitation,
};

/// The blocks of an answer, each where OpenAI wants it.
#[derive(Default)]
pub(super) struct Parts<'a> {
    content: Concatenation,
    reasoning: Concatenation,
    pub(super) reasoning_details: Option<ReasoningDetail<'a>>,
    pub(super) tool_calls: Vec<ToolCall<'a>>,
    annotations: Vec<Annotation<'a>>,
}

/// JSON strings put together without decoding them, and without separators: a stream's deltas add up to the same.
#[derive(Default)]
struct Concatenation {
    escaped: String,
    characters: usize,
}

impl Concatenation {
    fn push(&mut self, text: JsonString<'_>) {
        self.escaped.push_str(text.escaped());
        self.characters += text.character_count();
    }

    fn push_escaped(&mut self, escaped: &str) {
        let token = format!("\"{escaped}\"");
        if let Ok(text) = serde_json::from_str(&token) {
            self.push(text);
        }
    }

    fn into_token(self) -> Option<Box<RawValue>> {
        if self.escaped.is_empty() {
            return None;
        }
        RawValue::from_string(format!("\"{}\"", self.escaped)).ok()
    }
}

impl<'a> Parts<'a> {
    pub(super) fn of(content: &'a [ContentBlock<'a>], answer: &'a Answer) -> Self {
        let mut parts = Self::default();
        let mut json = answer.json.as_ref().map(JsonReader::new);
        for (index, block) in (0..).zip(content) {
            if let Some(text) = block.text {
                parts.say(text, json.as_mut());
            }
            if let Some(text) = block
                .reasoning_content
                .as_ref()
                .and_then(|content| content.reasoning_text.as_ref()?.text)
                .filter(|_| !answer.exclude_reasoning)
            {
                parts.reasoning.push(text);
            }
            if let Some(cited) = &block.citations_content {
                let start = parts.content.characters;
                cited
                    .content
                    .iter()
                    .filter_map(|piece| piece.text)
                    .for_each(|text| parts.say(text, json.as_mut()));
                let range = (start, parts.content.characters);
                parts.annotations.extend(
                    cited
                        .citations
                        .iter()
                        .filter_map(|citation| annotation(citation, range)),
                );
            }
            if let Some(call) = block
                .tool_use
                .as_ref()
                .filter(|call| !call.is_server_tool())
            {
                let arguments = arguments(call.input);
                if let Some(json) = &mut json
                    && parts.answers(index, &call.name, arguments, json)
                {
                    continue;
                }
                let name = answer.tool_names.restore(&call.name);
                let function = Function { name, arguments };
                parts.tool_calls.push(ToolCall {
                    id: &call.tool_use_id,
                    r#type: "function",
                    function,
                });
            }
        }
        if let Some(mut json) = json {
            json.finish(&mut |piece| parts.add(piece));
            if answer.exclude_reasoning {
                parts.reasoning = Concatenation::default();
            }
        }
        parts
    }

    /// Adds a text, or what it is in an answer in JSON.
    fn say(&mut self, text: JsonString<'_>, json: Option<&mut JsonReader>) {
        match json {
            Some(json) => json.text(text.escaped(), &mut |piece| self.add(piece)),
            None => self.content.push(text),
        }
    }

    /// Adds a call's input to the content, and tells whether the call is the answer's.
    fn answers(&mut self, block: u32, name: &str, input: &str, json: &mut JsonReader) -> bool {
        let mut add = |piece: Piece<'_>| self.add(piece);
        let answers = json.call(block, name, &mut add);
        if answers {
            json.arguments(block, escaped(&json_token(input)), &mut add);
            json.stop(block, &mut add);
        }
        answers
    }

    fn add(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Content(escaped) => self.content.push_escaped(escaped),
            Piece::Reasoning(escaped) => self.reasoning.push_escaped(escaped),
        }
    }

    pub(super) fn into_choice(
        mut self,
        index: u32,
        finish_reason: FinishReason,
        legacy_functions: bool,
    ) -> Choice<'a> {
        let function_call = if legacy_functions {
            std::mem::take(&mut self.tool_calls)
                .into_iter()
                .next()
                .map(|call| call.function)
        } else {
            None
        };
        let message = AssistantMessage {
            role: "assistant",
            content: self.content.into_token(),
            refusal: None,
            reasoning_content: self.reasoning.into_token(),
            reasoning_details: self.reasoning_details.into_iter().collect(),
            tool_calls: self.tool_calls,
            function_call,
            annotations: self.annotations,
        };
        Choice {
            index,
            message,
            logprobs: None,
            finish_reason,
        }
    }
}

/// A citation of a web page; OpenAI has no place for other locations.
fn annotation<'a>(
    citation: &'a Citation<'a>,
    (start_index, end_index): (usize, usize),
) -> Option<Annotation<'a>> {
    let (url, title) = web_page(citation)?;
    let raw = |token: &'a str| serde_json::from_str::<&RawValue>(token).ok();
    Some(Annotation {
        r#type: "url_citation",
        url_citation: UrlCitation {
            start_index,
            end_index,
            url: raw(url)?,
            title: raw(title)?,
        },
    })
}
