//! Tools: definitions, and the rule that a history with calls must come with the tools it names.

use std::borrow::Cow;

use super::choice::{Choice, choose};
use super::notes::Notes;
use super::schema::{Schemas, no_parameters, raw};
use super::tool_names::ToolNames;
use crate::bedrock::Family;
use crate::bedrock::request::{Tool, ToolConfiguration, ToolInputSchema, ToolSpecification};
use crate::openai::InvalidRequest;
use crate::openai::error::excerpt;
use crate::openai::tool::{Tool as RequestTool, ToolChoice, ToolKind};

/// What a request says about tools.
pub(super) struct ToolRequest<'a> {
    pub(super) tools: Vec<RequestTool<'a>>,
    pub(super) choice: Option<ToolChoice<'a>>,
    /// The member that the tools stand in: `tools`, or the deprecated `functions`.
    pub(super) member: &'static str,
}

/// The request's `toolConfig`: absent when there is nothing to call and nothing was called. `called` are the
/// names of the tools in the history, which Bedrock does not take without a `toolConfig`.
///
/// # Errors
/// For a tool that cannot be translated, and a choice of a tool that is not there.
pub(super) fn tool_configuration<'a>(
    request: ToolRequest<'a>,
    called: Vec<Cow<'a, str>>,
    family: &Family,
    names: &mut ToolNames,
    notes: &mut Notes,
) -> Result<Option<ToolConfiguration<'a>>, InvalidRequest> {
    let ToolRequest {
        tools,
        choice,
        member,
    } = request;
    if tools.is_empty() {
        if matches!(
            choice,
            Some(
                ToolChoice::Required
                    | ToolChoice::Function(_)
                    | ToolChoice::Custom(_)
                    | ToolChoice::AllowedTools { .. }
            )
        ) {
            let message = "'tool_choice' is only allowed when 'tools' are specified.";
            return Err(InvalidRequest::value("tool_choice", message));
        }
        if called.is_empty() {
            return Ok(None);
        }
        if choice == Some(ToolChoice::None) {
            notes.adjust("tool_choice", &"auto");
        }
        return Ok(Some(ToolConfiguration {
            tools: called.into_iter().map(rebuilt).collect(),
            tool_choice: None,
        }));
    }
    let choice = choose(choice, &tools, family, notes)?;
    if choice == Choice::None {
        if called.is_empty() {
            return Ok(None);
        }
        // Bedrock has no such choice, and the history needs its tools.
        notes.adjust("tool_choice", &"auto");
    }
    let mut specifications = Vec::with_capacity(tools.len());
    let mut schemas = Schemas::new(family);
    for (index, tool) in tools.into_iter().enumerate() {
        let path = if member == "tools" {
            format!("tools[{index}].function")
        } else {
            format!("{member}[{index}]")
        };
        if tool.cache_control {
            notes.ignore(format!("{member}[{index}].cache_control"));
        }
        if choice.keeps(&tool.name) {
            specifications.push(specification(
                tool,
                &path,
                family,
                &mut schemas,
                names,
                notes,
            )?);
        }
    }
    let tool_choice = choice.into_tool_choice(names);
    Ok(Some(ToolConfiguration {
        tools: specifications,
        tool_choice,
    }))
}

fn specification<'a>(
    tool: RequestTool<'a>,
    path: &str,
    family: &Family,
    schemas: &mut Schemas,
    names: &mut ToolNames,
    notes: &mut Notes,
) -> Result<Tool<'a>, InvalidRequest> {
    if tool.kind != ToolKind::Function {
        let path = path.strip_suffix(".function").unwrap_or(path);
        let message = format!(
            "The tool '{}' is not a function; only tools of type 'function' can be sent to Bedrock.",
            excerpt(&tool.name)
        );
        return Err(InvalidRequest::unsupported(path, message));
    }
    let json = schemas.input_schema(tool.parameters, &format!("{path}.parameters"), notes)?;
    let strict = tool.strict && family.strict_tools && is_closed(json.get());
    if tool.strict && !strict {
        notes.ignore(format!("{path}.strict"));
    }
    Ok(Tool::ToolSpec(ToolSpecification {
        name: names.register(tool.name),
        description: tool.description.filter(|text| !text.trim().is_empty()),
        input_schema: ToolInputSchema { json },
        strict: strict.then_some(true),
    }))
}

/// A tool that the history names and the request does not define: nobody else is injected.
fn rebuilt(name: Cow<'_, str>) -> Tool<'_> {
    Tool::ToolSpec(ToolSpecification {
        name,
        description: None,
        input_schema: ToolInputSchema {
            json: Cow::Owned(raw(&no_parameters())),
        },
        strict: None,
    })
}

/// Whether Bedrock's strict mode takes the schema: every object is closed, and none of the keywords that
/// its grammars do not know is used.
fn is_closed(schema: &str) -> bool {
    use serde_json::Value;

    fn check(schema: &Value) -> bool {
        const REFUSED: [&str; 8] = [
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "maxItems",
            "minItems",
            "$ref",
        ];
        match schema {
            Value::Array(items) => items.iter().all(check),
            Value::Object(members) => {
                let object = members.get("type").is_some_and(|kind| kind == "object");
                let closed = members.get("additionalProperties") == Some(&Value::Bool(false));
                (!object || closed)
                    && members.iter().all(|(name, value)| match name.as_str() {
                        "properties" | "$defs" | "definitions" => value
                            .as_object()
                            .is_some_and(|properties| properties.values().all(check)),
                        "enum" | "const" | "default" | "examples" => true,
                        name => !REFUSED.contains(&name) && check(value),
                    })
            }
            _ => true,
        }
    }
    serde_json::from_str(schema).is_ok_and(|schema| check(&schema))
}
