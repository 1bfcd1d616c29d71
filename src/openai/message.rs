//! Messages of a chat completion request.

use std::borrow::Cow;

use super::cache_control::CacheControl;
use super::content::{Content, ContentPart};
use super::error::{InvalidRequest, excerpt};
use super::json::{Field, Path};
use super::replayed_reasoning::ReplayedReasoning;
use super::tool_call::{Function, ToolCall};

/// One message. Members that are null are as if absent.
#[derive(Debug)]
pub struct Message<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: Content<'a>,
    /// An assistant's refusal.
    pub refusal: Option<Cow<'a, str>>,
    /// An assistant's reasoning, as far as it stands beside the content.
    pub reasoning: ReplayedReasoning<'a>,
    /// An assistant's calls.
    pub tool_calls: Vec<ToolCall<'a>>,
    /// An assistant's call of the deprecated kind.
    pub function_call: Option<Function<'a>>,
    /// Which call a tool message answers.
    pub tool_call_id: Option<Cow<'a, str>>,
    /// The speaker's name; for role `function` the function that answers.
    pub name: Option<Cow<'a, str>>,
    /// Where the client wants the prompt to be cached: after parts of the message, or after all of it.
    pub cache_controls: Vec<CacheControl<'a>>,
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

impl<'a> Message<'a> {
    pub(crate) fn read(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
        let path = field.path();
        let mut role = None;
        let mut message = Self {
            role: Role::User,
            content: Content::Absent,
            refusal: None,
            reasoning: ReplayedReasoning::default(),
            tool_calls: Vec::new(),
            function_call: None,
            tool_call_id: None,
            name: None,
            cache_controls: Vec::new(),
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
                "content" => {
                    let Self {
                        extras,
                        cache_controls,
                        ..
                    } = &mut message;
                    message.content = Content::read(field, extras, cache_controls)?;
                }
                "refusal" => message.refusal = Some(field.string()?),
                "tool_calls" => {
                    message.tool_calls = ToolCall::read_all(field, &mut message.extras)?;
                }
                "function_call" => message.function_call = Some(Function::read(field)?),
                "tool_call_id" => message.tool_call_id = Some(field.string()?),
                "name" => message.name = Some(field.string()?),
                _ if field.is_empty() => {}
                name if message.reasoning.read(name, field, &mut message.extras) => {}
                _ => match CacheControl::read(&name, field, None, name.to_string()) {
                    Ok(control) => message.cache_controls.push(control),
                    Err(name) => message.extras.push(name),
                },
            }
        }
        message.role = role.ok_or_else(|| InvalidRequest::missing(Path::Member(path, "role")))?;
        message.leave_to_assistants();
        if !matches!(message.role, Role::Tool | Role::Function)
            && message.tool_call_id.take().is_some()
        {
            message.extras.push("tool_call_id".to_owned());
        }
        Ok(message)
    }

    /// How many things the message is made of: itself, its parts and its calls.
    pub(super) fn elements(&self) -> usize {
        let parts = match &self.content {
            Content::Parts(parts) => parts.len(),
            Content::Absent | Content::Text(_) => 0,
        };
        1 + parts + self.tool_calls.len() + self.reasoning.elements()
    }

    /// Calls, refusals and reasoning are the assistant's; elsewhere they have no meaning.
    fn leave_to_assistants(&mut self) {
        if self.role == Role::Assistant {
            return;
        }
        if !std::mem::take(&mut self.tool_calls).is_empty() {
            self.extras.push("tool_calls".to_owned());
        }
        if self.function_call.take().is_some() {
            self.extras.push("function_call".to_owned());
        }
        if self.refusal.take().is_some_and(|text| !text.is_empty()) {
            self.extras.push("refusal".to_owned());
        }
        let reasoning = std::mem::take(&mut self.reasoning).into_members();
        self.extras.extend(reasoning.into_iter().map(str::to_owned));
        if let Content::Parts(parts) = &self.content {
            let thinking = parts.iter().enumerate();
            let thinking = thinking.filter(|(_, part)| matches!(part, ContentPart::Thinking(_)));
            self.extras
                .extend(thinking.map(|(index, _)| format!("content[{index}]")));
        }
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
                        excerpt(role)
                    ),
                ));
            }
        })
    }
}
