//! Messages of a chat completion request.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::error::InvalidRequest;
use super::json::{Field, Path};

/// One message. Members that are null are as if absent.
#[derive(Debug)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content<'a>,
    /// An assistant's refusal.
    pub refusal: Option<Cow<'a, str>>,
    /// An assistant's calls.
    pub tool_calls: Vec<ToolCall<'a>>,
    /// An assistant's call of the deprecated kind.
    pub function_call: Option<Function<'a>>,
    /// Which call a tool message answers.
    pub tool_call_id: Option<Cow<'a, str>>,
    /// The speaker's name; for role `function` the function that answers.
    pub name: Option<Cow<'a, str>>,
    /// Members that hold something and have no meaning here, as paths below the message.
    pub extras: Vec<String>,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `system`
    System,
    /// `developer`, the newer name of `system`.
    Developer,
    /// `user`
    User,
    /// `assistant`
    Assistant,
    /// `tool`
    Tool,
    /// `function`, the deprecated form of `tool`.
    Function,
}

/// What a message says.
#[derive(Debug)]
pub enum Content<'a> {
    /// Nothing: null or no member.
    Absent,
    /// One text.
    Text(Cow<'a, str>),
    /// A list of parts.
    Parts(Vec<ContentPart<'a>>),
}

/// One part of a message's content.
#[derive(Debug)]
pub enum ContentPart<'a> {
    /// `text`
    Text(Cow<'a, str>),
    /// `refusal`
    Refusal(Cow<'a, str>),
    /// `image_url`; its `detail` has no meaning for Bedrock.
    ImageUrl(Cow<'a, str>),
    /// `thinking` and `redacted_thinking`, which Anthropic's clients replay.
    Thinking,
    /// Any other kind, by its `type`.
    Other(Cow<'a, str>),
}

/// One call that an assistant made.
#[derive(Debug)]
pub struct ToolCall<'a> {
    /// Its id; empty when the client sent none.
    pub id: Cow<'a, str>,
    /// What was called.
    pub function: Function<'a>,
    /// Whether the call was one of a `custom` tool, whose input is text and not JSON.
    pub custom: bool,
}

/// A called function and its arguments.
#[derive(Debug)]
pub struct Function<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// JSON text as the client keeps it, not always valid; for a custom tool, plain text.
    pub arguments: Cow<'a, str>,
}

impl<'a> Message<'a> {
    pub(crate) fn read(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
        let path = field.path();
        let mut role = None;
        let mut message = Self {
            role: Role::User,
            content: Content::Absent,
            refusal: None,
            tool_calls: Vec::new(),
            function_call: None,
            tool_call_id: None,
            name: None,
            extras: Vec::new(),
        };
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(path, &name);
            let field = Field::new(raw, &path);
            if field.is_null() {
                continue;
            }
            match name.as_ref() {
                "role" => role = Some(Role::read(field)?),
                "content" => message.content = Content::read(field, &mut message.extras)?,
                "refusal" => message.refusal = Some(field.string()?),
                "tool_calls" => message.tool_calls = read_tool_calls(field)?,
                "function_call" => message.function_call = Some(Function::read(field)?),
                "tool_call_id" => message.tool_call_id = Some(field.string()?),
                "name" => message.name = Some(field.string()?),
                _ if field.is_empty() => {}
                _ => message.extras.push(name.into_owned()),
            }
        }
        message.role = role.ok_or_else(|| InvalidRequest::missing(Path::Member(path, "role")))?;
        Ok(message)
    }
}

impl Role {
    fn read(field: Field<'_, '_>) -> Result<Self, InvalidRequest> {
        Ok(match field.string()?.as_ref() {
            "system" => Self::System,
            "developer" => Self::Developer,
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "tool" => Self::Tool,
            "function" => Self::Function,
            role => {
                return Err(InvalidRequest::value(
                    field.path(),
                    format!(
                        "Invalid value: '{}'. Supported values are: 'system', 'developer', 'user', \
                         'assistant', 'tool' and 'function'.",
                        role.escape_debug()
                    ),
                ));
            }
        })
    }
}

impl<'a> Content<'a> {
    fn read(field: Field<'a, '_>, extras: &mut Vec<String>) -> Result<Self, InvalidRequest> {
        if field.is_string() {
            return field.string().map(Self::Text);
        }
        if !field.is_array() {
            return Err(field.wrong("a string or an array of content parts"));
        }
        let parts = field.array()?.into_iter().enumerate().map(|(index, raw)| {
            let path = Path::Element(field.path(), index);
            ContentPart::read(Field::new(raw, &path), index, extras)
        });
        parts.collect::<Result<_, _>>().map(Self::Parts)
    }
}

impl<'a> ContentPart<'a> {
    fn read(
        field: Field<'a, '_>,
        index: usize,
        extras: &mut Vec<String>,
    ) -> Result<Self, InvalidRequest> {
        // Some clients put bare strings among the parts.
        if field.is_string() {
            return field.string().map(Self::Text);
        }
        let mut kind = None;
        let mut body = None;
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                "type" => kind = Some(member.string()?),
                "text" | "refusal" | "image_url" => body = Some((name, raw)),
                "thinking" | "signature" | "data" => {}
                "prompt_cache_breakpoint" | "cache_control" if !member.is_empty() => {
                    extras.push(format!("content[{index}].{name}"));
                }
                _ => {}
            }
        }
        let kind =
            kind.ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "type")))?;
        let body = |member: &'static str| match &body {
            Some((name, raw)) if name == member => Ok(*raw),
            _ => Err(InvalidRequest::missing(Path::Member(field.path(), member))),
        };
        Ok(match kind.as_ref() {
            "text" => {
                Self::Text(Field::new(body("text")?, &Path::Member(field.path(), "text")).string()?)
            }
            "refusal" => Self::Refusal(
                Field::new(body("refusal")?, &Path::Member(field.path(), "refusal")).string()?,
            ),
            "image_url" => {
                let path = Path::Member(field.path(), "image_url");
                Self::ImageUrl(read_image_url(
                    Field::new(body("image_url")?, &path),
                    index,
                    extras,
                )?)
            }
            "thinking" | "redacted_thinking" => {
                extras.push(format!("content[{index}]"));
                Self::Thinking
            }
            _ => Self::Other(kind),
        })
    }
}

/// The address of an image: `{url, detail}`, or the bare address that some clients send.
fn read_image_url<'a>(
    field: Field<'a, '_>,
    index: usize,
    extras: &mut Vec<String>,
) -> Result<Cow<'a, str>, InvalidRequest> {
    if field.is_string() {
        return field.string();
    }
    let mut url = None;
    for (name, raw) in field.object()?.0 {
        let path = Path::Member(field.path(), &name);
        let member = Field::new(raw, &path);
        match name.as_ref() {
            "url" => url = Some(member.string()?),
            "detail" if !member.is_empty() && member.raw().get() != r#""auto""# => {
                extras.push(format!("content[{index}].image_url.detail"));
            }
            _ => {}
        }
    }
    url.ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "url")))
}

fn read_tool_calls<'a>(field: Field<'a, '_>) -> Result<Vec<ToolCall<'a>>, InvalidRequest> {
    let calls = field.array()?.into_iter().enumerate().map(|(index, raw)| {
        let path = Path::Element(field.path(), index);
        ToolCall::read(Field::new(raw, &path))
    });
    calls.collect()
}

impl<'a> ToolCall<'a> {
    fn read(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
        let mut id = Cow::Borrowed("");
        let mut function = None;
        let mut custom = false;
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                "id" if !member.is_null() => id = member.string()?,
                "function" if !member.is_null() => function = Some(Function::read(member)?),
                "custom" if !member.is_null() => {
                    custom = true;
                    function = Some(Function::read(member)?);
                }
                _ => {}
            }
        }
        let function = function
            .ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "function")))?;
        Ok(Self {
            id,
            function,
            custom,
        })
    }
}

impl<'a> Function<'a> {
    fn read(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
        let mut name = None;
        let mut arguments = Cow::Borrowed("");
        for (member, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &member);
            let value = Field::new(raw, &path);
            match member.as_ref() {
                "name" => name = Some(value.string()?),
                "arguments" | "input" => arguments = read_arguments(value)?,
                _ => {}
            }
        }
        let name =
            name.ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "name")))?;
        Ok(Self { name, arguments })
    }
}

/// Arguments are JSON text in a string; some clients replay null or the JSON itself.
fn read_arguments<'a>(field: Field<'a, '_>) -> Result<Cow<'a, str>, InvalidRequest> {
    if field.is_string() {
        return field.string();
    }
    let raw: &'a RawValue = field.raw();
    Ok(Cow::Borrowed(if field.is_null() { "" } else { raw.get() }))
}
