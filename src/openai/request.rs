//! `CreateChatCompletionRequest`.

use std::borrow::Cow;

use super::bedrock_object::BedrockObject;
use super::cache_control::PromptCacheOptions;
use super::error::InvalidRequest;
use super::json::{Field, MAX_ELEMENTS, Object, Path};
use super::message::Message;
use super::metadata::{Metadata, read_metadata};
use super::reasoning::ReasoningOptions;
use super::response_format::ResponseFormat;
use super::tool::{Tool, ToolChoice};

/// A chat completion request, borrowed from its JSON text.
///
/// Members that are null or hold OpenAI's own default are as if absent, so nothing has to tell them apart.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a member of its own in OpenAI's reference"
)]
pub struct ChatCompletionRequest<'a> {
    /// What the client calls the model.
    pub model: Cow<'a, str>,
    /// The conversation.
    pub messages: Vec<Message<'a>>,
    /// The most tokens to produce, reasoning included.
    pub max_completion_tokens: Option<u64>,
    /// The older name of `max_completion_tokens`, which wins over it.
    pub max_tokens: Option<u64>,
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// A field of Claude, Nova and Cohere that OpenAI does not have.
    pub top_k: Option<u64>,
    /// How many answers, 1 to 8.
    pub n: Option<u32>,
    /// Texts at which to stop.
    pub stop: Vec<Cow<'a, str>>,
    /// Whether to answer with server-sent events.
    pub stream: bool,
    /// `stream_options.include_usage`.
    pub include_usage: bool,
    /// The tools.
    pub tools: Vec<Tool<'a>>,
    /// Whether the tools came as the deprecated `functions`, so that the answer must use `function_call`.
    pub legacy_functions: bool,
    /// The choice among the tools.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether the choice came as the deprecated `function_call`.
    pub legacy_choice: bool,
    /// Whether calls must come one at a time: `parallel_tool_calls: false`.
    pub sequential_tool_calls: bool,
    /// How much the model is to think.
    pub reasoning: ReasoningOptions,
    /// The form that the answer's text must have, when it is not `text`.
    pub response_format: Option<ResponseFormat<'a>>,
    /// Whether token probabilities are asked for.
    pub logprobs: bool,
    /// How many alternatives per token are asked for.
    pub top_logprobs: Option<u64>,
    /// Whether `modalities` asks for audio.
    pub audio: bool,
    /// The processing tier.
    pub service_tier: Option<Cow<'a, str>>,
    /// `performance_config.latency`.
    pub latency: Option<Cow<'a, str>>,
    /// What is said about caching the prompt as a whole.
    pub prompt_cache: PromptCacheOptions<'a>,
    /// Converse's own members, put over what is translated. Any object asks for one in the answer.
    pub bedrock: Option<BedrockObject>,
    /// Pairs that are attached to the request.
    pub metadata: Metadata<'a>,
    /// Members that hold something and have no meaning here.
    pub extras: Vec<Cow<'a, str>>,
    /// The names of all members that hold something, in the order of the request.
    pub members: Vec<Cow<'a, str>>,
}

/// The most answers to one request: each is a call of its own.
const MAX_CHOICES: u32 = 8;

/// Values that change nothing, because OpenAI assumes them when the member is absent.
const DEFAULTS: &[(&str, &str)] = &[
    ("store", "false"),
    ("frequency_penalty", "0"),
    ("frequency_penalty", "0.0"),
    ("presence_penalty", "0"),
    ("presence_penalty", "0.0"),
    ("verbosity", r#""medium""#),
];

impl<'a> ChatCompletionRequest<'a> {
    /// Reads a request from its JSON text.
    ///
    /// # Errors
    /// For text that is not JSON, with the position; for a member of the wrong type, with its path;
    /// for a request without `model` or `messages`.
    pub fn parse(json: &'a [u8]) -> Result<Self, InvalidRequest> {
        let Object(members) =
            serde_json::from_slice(json).map_err(|error| not_json(json, &error))?;
        let mut request = Self::default();
        let mut messages = false;
        for (name, raw) in members {
            let path = Path::Member(&Path::Root, &name);
            let field = Field::new(raw, &path);
            if field.is_null() {
                continue;
            }
            messages |= name == "messages";
            let known = request.read(&name, field)?;
            // An empty object is how web search is switched on.
            let empty = field.is_empty() && name != "web_search_options";
            let default = DEFAULTS.contains(&(name.as_ref(), raw.get())) || empty;
            if !known && !default {
                request.extras.push(name.clone());
            }
            request.members.push(name);
        }
        if request.model.is_empty() {
            return Err(InvalidRequest::missing("model"));
        }
        if !messages {
            return Err(InvalidRequest::missing("messages"));
        }
        Ok(request)
    }

    /// Reads one member and tells whether it has a meaning here.
    fn read(&mut self, name: &str, field: Field<'a, '_>) -> Result<bool, InvalidRequest> {
        match name {
            "model" => self.model = field.string()?,
            "messages" => {
                self.messages.clear();
                let mut elements = 0;
                for (index, raw) in field.array()?.into_iter().enumerate() {
                    let path = Path::Element(field.path(), index);
                    let message = Message::read(Field::new(raw, &path))?;
                    elements += message.elements();
                    if elements > MAX_ELEMENTS {
                        let message = format!(
                            "'messages' has more than {MAX_ELEMENTS} messages, parts and calls."
                        );
                        return Err(InvalidRequest::value(field.path(), message));
                    }
                    self.messages.push(message);
                }
            }
            "max_completion_tokens" => self.max_completion_tokens = Some(read_limit(field)?),
            "max_tokens" => self.max_tokens = Some(read_limit(field)?),
            "temperature" => self.temperature = Some(read_number(field, 2.0)?),
            "top_p" => self.top_p = Some(read_number(field, 1.0)?),
            "top_k" => self.top_k = Some(field.unsigned()?),
            "n" => self.n = Some(read_choices(field)?),
            "stop" => self.stop = read_stop(field)?,
            "stream" => self.stream = field.boolean()?,
            "stream_options" => self.read_stream_options(field)?,
            "tools" => self.read_tools(field)?,
            "functions" => return self.read_functions(field),
            "tool_choice" => {
                self.tool_choice = Some(ToolChoice::read(field)?);
                if std::mem::take(&mut self.legacy_choice) {
                    self.extras.push(Cow::Borrowed("function_call"));
                }
            }
            "function_call" => {
                if self.tool_choice.is_some() {
                    return Ok(false);
                }
                self.tool_choice = Some(ToolChoice::read(field)?);
                self.legacy_choice = true;
            }
            "parallel_tool_calls" => self.sequential_tool_calls = !field.boolean()?,
            "reasoning_effort" | "reasoning" | "thinking" | "output_config" => {
                return self.reasoning.read(name, field, &mut self.extras);
            }
            "response_format" => {
                self.response_format = ResponseFormat::read(field, &mut self.extras)?;
            }
            "logprobs" => self.logprobs = field.boolean()?,
            "top_logprobs" => self.top_logprobs = Some(field.unsigned()?),
            "modalities" => self.audio = read_modalities(field)?,
            "service_tier" => self.service_tier = Some(field.string()?),
            "performance_config" => self.read_performance_config(field)?,
            "prompt_cache_retention" => self.prompt_cache.read_retention(field)?,
            "prompt_cache_options" => self.prompt_cache.read_options(field, &mut self.extras)?,
            "bedrock" => self.bedrock = Some(BedrockObject::read(field)?),
            "metadata" => self.metadata = read_metadata(field, &mut self.extras)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn read_tools(&mut self, field: Field<'a, '_>) -> Result<(), InvalidRequest> {
        let tools = Tool::read_all(field)?;
        if tools.is_empty() {
            return Ok(());
        }
        if std::mem::take(&mut self.legacy_functions) {
            self.extras.push(Cow::Borrowed("functions"));
        }
        self.tools = tools;
        Ok(())
    }

    /// `functions` count only when there are no `tools`, whichever of the two stands first.
    fn read_functions(&mut self, field: Field<'a, '_>) -> Result<bool, InvalidRequest> {
        let functions = Tool::read_functions(field)?;
        if functions.is_empty() {
            return Ok(true);
        }
        if !self.tools.is_empty() && !self.legacy_functions {
            return Ok(false);
        }
        self.tools = functions;
        self.legacy_functions = true;
        Ok(true)
    }

    fn read_stream_options(&mut self, field: Field<'a, '_>) -> Result<(), InvalidRequest> {
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                _ if member.is_null() => {}
                "include_usage" => self.include_usage = member.boolean()?,
                // Padding against those who count the bytes of an encrypted stream.
                "include_obfuscation" if member.boolean()? => {
                    let ignored = Cow::Borrowed("stream_options.include_obfuscation");
                    self.extras.push(ignored);
                }
                "include_obfuscation" => {}
                _ if member.is_empty() => {}
                _ => self.extras.push(Cow::Owned(path.to_string())),
            }
        }
        Ok(())
    }

    fn read_performance_config(&mut self, field: Field<'a, '_>) -> Result<(), InvalidRequest> {
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                _ if member.is_empty() => {}
                "latency" => self.latency = Some(member.string()?),
                _ => self.extras.push(Cow::Owned(path.to_string())),
            }
        }
        Ok(())
    }
}

/// Says where JSON breaks off. Columns are counted in bytes, as `serde_json` counts them.
pub(super) fn not_json(json: &[u8], error: &serde_json::Error) -> InvalidRequest {
    let message = if error.is_data() {
        format!("The request body cannot be read: {error}.")
    } else if json.iter().all(u8::is_ascii_whitespace) {
        "The request body is empty; a JSON object was expected.".to_owned()
    } else {
        format!("The request body is not valid JSON: {error}.")
    };
    InvalidRequest {
        message,
        param: None,
        code: None,
    }
}

fn read_limit(field: Field<'_, '_>) -> Result<u64, InvalidRequest> {
    match field.unsigned()? {
        0 => Err(InvalidRequest::value(
            field.path(),
            format!("'{}' must be at least 1.", field.path()),
        )),
        limit => Ok(limit),
    }
}

fn read_choices(field: Field<'_, '_>) -> Result<u32, InvalidRequest> {
    let asked = field.unsigned()?;
    match u32::try_from(asked) {
        Ok(choices @ 1..=MAX_CHOICES) => Ok(choices),
        _ => Err(InvalidRequest::value(
            field.path(),
            format!("'{}' must be between 1 and {MAX_CHOICES}.", field.path()),
        )),
    }
}

fn read_number(field: Field<'_, '_>, most: f64) -> Result<f64, InvalidRequest> {
    let number = field.number()?;
    if (0.0..=most).contains(&number) {
        return Ok(number);
    }
    Err(InvalidRequest::value(
        field.path(),
        format!("'{}' must be between 0 and {most}.", field.path()),
    ))
}

/// A string or a list of strings; empty ones stop nothing and are left out.
fn read_stop<'a>(field: Field<'a, '_>) -> Result<Vec<Cow<'a, str>>, InvalidRequest> {
    let texts: Vec<Cow<'a, str>> = if field.is_string() {
        vec![field.string()?]
    } else if field.is_array() {
        let texts = field.array()?.into_iter().enumerate().map(|(index, raw)| {
            let path = Path::Element(field.path(), index);
            Field::new(raw, &path).string()
        });
        texts.collect::<Result<_, _>>()?
    } else {
        return Err(field.wrong("a string or an array of strings"));
    };
    Ok(texts.into_iter().filter(|text| !text.is_empty()).collect())
}

fn read_modalities(field: Field<'_, '_>) -> Result<bool, InvalidRequest> {
    let mut other = false;
    for (index, raw) in field.array()?.into_iter().enumerate() {
        let path = Path::Element(field.path(), index);
        other |= Field::new(raw, &path).string()? != "text";
    }
    Ok(other)
}
