//! A Converse answer becomes a chat completion.

use serde_json::value::RawValue;

use super::answer_error::AnswerError;
use super::json_answer::{JsonReader, Piece};
use super::passed::Passed;
use super::replay::{Collected, Collector, FinishedTurn};
use super::request::Answer;
use super::stop;
use crate::bedrock::JsonString;
use crate::bedrock::response::{Citation, ContentBlock, ConverseResponse, TokenUsage};
use crate::openai::completion::{
    Annotation, AssistantMessage, ChatCompletion, Choice, FinishReason, Function, ReasoningDetail,
    ToolCall, UrlCitation,
};

/// A whole answer in OpenAI's words.
#[derive(Debug)]
pub struct Completion {
    /// The JSON body.
    pub body: Vec<u8>,
    /// The answer's turn, if its reasoning will have to come back.
    pub turn: Option<FinishedTurn>,
    /// What Bedrock counted.
    pub usage: Option<TokenUsage>,
    /// Why the model stopped, in Bedrock's words.
    pub stop_reason: String,
}

/// Translates a Converse answer. `created` is in Unix seconds; `model` is what the client asked for.
///
/// # Errors
/// When the answer is not one of Converse's, or the model produced something malformed.
pub fn chat_completion(
    json: &[u8],
    id: &str,
    created: u64,
    model: &str,
    answer: &Answer,
) -> Result<Completion, AnswerError> {
    let response: ConverseResponse<'_> = serde_json::from_slice(json)?;
    let message = response
        .output
        .and_then(|output| output.message)
        .ok_or(AnswerError::NoOutput)?;
    let mut parts = Parts::of(&message.content, answer);
    let collected = collect(&message.content, answer);
    let sealed = collected
        .as_ref()
        .and_then(|collected| collected.sealed.as_ref());
    parts.reasoning_details =
        sealed.map(|sealed| ReasoningDetail::encrypted(&sealed.id, &sealed.data));
    let calls = !parts.tool_calls.is_empty();
    let finish_reason = stop::finish_reason(&response.stop_reason, calls, answer.legacy_functions)?;
    let tier = response.service_tier.as_ref();
    let service_tier = served_tier(tier.map(|tier| tier.kind.as_ref()), answer.service_tier);
    let bedrock = if answer.bedrock {
        Some(Passed::of_answer(json)?.into_object())
    } else {
        None
    };
    let completion = ChatCompletion {
        id,
        object: "chat.completion",
        created,
        model,
        choices: vec![parts.into_choice(finish_reason, answer.legacy_functions)],
        usage: response.usage.as_ref().map(stop::usage),
        service_tier,
        bedrock,
    };
    Ok(Completion {
        body: serde_json::to_vec(&completion)?,
        turn: collected.map(|collected| collected.turn),
        usage: response.usage,
        stop_reason: response.stop_reason.into_owned(),
    })
}

/// The blocks of an answer, each where OpenAI wants it.
#[derive(Default)]
struct Parts<'a> {
    content: Concatenation,
    reasoning: Concatenation,
    reasoning_details: Option<ReasoningDetail<'a>>,
    tool_calls: Vec<ToolCall<'a>>,
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
    fn of(content: &'a [ContentBlock<'a>], answer: &'a Answer) -> Self {
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

    fn into_choice(mut self, finish_reason: FinishReason, legacy_functions: bool) -> Choice<'a> {
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
            index: 0,
            message,
            logprobs: None,
            finish_reason,
        }
    }
}

/// The reasoning of an answer with calls.
fn collect(content: &[ContentBlock<'_>], answer: &Answer) -> Option<Collected> {
    let mut collector = Collector::of(answer);
    for (index, block) in (0..).zip(content) {
        collector.block(index, block);
    }
    collector.finish()
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

/// The address and title of a cited web page, as JSON strings; the address stands in for a missing title.
pub(super) fn web_page<'a>(citation: &Citation<'a>) -> Option<(&'a str, &'a str)> {
    let url = citation.location.as_ref()?.web.as_ref()?.url?.token();
    Some((url, citation.title.map_or(url, JsonString::token)))
}

/// The arguments of a call as the text that OpenAI's clients parse, never empty.
pub(super) fn arguments(input: Option<&RawValue>) -> &str {
    match input.map(RawValue::get) {
        None | Some(r#""""#) => "{}",
        Some(json) => json,
    }
}

/// The JSON string that holds `text`.
pub(super) fn json_token(text: &str) -> String {
    // A string always has JSON text.
    serde_json::to_string(text).unwrap_or_default()
}

/// What stands between a token's quotes.
pub(super) fn escaped(token: &str) -> &str {
    token
        .get(1..token.len().saturating_sub(1))
        .unwrap_or_default()
}

/// The tier to name in an answer: what Bedrock says, else its default when the request named one.
pub(super) fn served_tier(served: Option<&str>, asked: bool) -> Option<&str> {
    served
        .filter(|tier| !tier.is_empty())
        .or_else(|| asked.then_some("default"))
}
