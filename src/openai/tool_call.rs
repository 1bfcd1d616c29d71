//! Calls that an assistant made, as clients replay them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::error::InvalidRequest;
use super::json::{Field, Path};

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

impl<'a> ToolCall<'a> {
    /// Reads `tool_calls`; members without a meaning here are added to `extras`, as paths below the message.
    pub(super) fn read_all(
        field: Field<'a, '_>,
        extras: &mut Vec<String>,
    ) -> Result<Vec<Self>, InvalidRequest> {
        let calls = field.array()?.into_iter().enumerate().map(|(index, raw)| {
            let path = Path::Element(field.path(), index);
            Self::read(Field::new(raw, &path), index, extras)
        });
        calls.collect()
    }

    fn read(
        field: Field<'a, '_>,
        index: usize,
        extras: &mut Vec<String>,
    ) -> Result<Self, InvalidRequest> {
        let mut id = Cow::Borrowed("");
        let mut function = None;
        let mut custom = false;
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            if member.is_null() {
                continue;
            }
            match name.as_ref() {
                "id" => id = member.string()?,
                "function" => function = Some(Function::read(member)?),
                "custom" => {
                    custom = true;
                    function = Some(Function::read(member)?);
                }
                // Both say what is clear without them.
                "type" | "index" => {}
                _ if member.is_empty() => {}
                _ => extras.push(format!("tool_calls[{index}].{name}")),
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
    pub(super) fn read(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
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
