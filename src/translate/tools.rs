//! Tools: definitions, and the rule that a history with calls must come with the tools it names.

use std::borrow::Cow;
use std::collections::HashSet;

use super::choice::{Choice, choose};
use super::notes::Notes;
use super::schema::{Schemas, no_parameters, raw};
use super::strict::StrictTools;
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
    if !family.tools {
        if choice == Some(ToolChoice::None) {
            return Ok(None);
        }
        let message = "This model does not take tools.";
        return Err(InvalidRequest::unsupported(member, message));
    }
    refuse_doubles(&tools, member)?;
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
    let mut strict = StrictTools::new(family);
    for (index, tool) in tools.into_iter().enumerate() {
        let path = if member == "tools" {
            format!("tools[{index}].function")
        } else {
            format!("{member}[{index}]")
        };
        for extra in &tool.extras {
            notes.ignore(format!("{member}[{index}].{extra}"));
        }
        if choice.keeps(&tool.name) {
            let mut specification = specification(&tool, &path, &mut schemas, names, notes)?;
            if tool.strict {
                specification.strict = strict.allows(&specification).then_some(true);
                if specification.strict.is_none() {
                    notes.ignore(format!("{path}.strict"));
                }
            }
            specifications.push(Tool::ToolSpec(specification));
        }
    }
    let tool_choice = choice.into_tool_choice(names);
    Ok(Some(ToolConfiguration {
        tools: specifications,
        tool_choice,
    }))
}

fn specification<'a>(
    tool: &RequestTool<'a>,
    path: &str,
    schemas: &mut Schemas,
    names: &mut ToolNames,
    notes: &mut Notes,
) -> Result<ToolSpecification<'a>, InvalidRequest> {
    if tool.kind != ToolKind::Function {
        let path = path.strip_suffix(".function").unwrap_or(path);
        // Tools that a service runs by itself have no name.
        let tool = match tool.name.as_ref() {
            "" => "This tool".to_owned(),
            name => format!("The tool '{}'", excerpt(name)),
        };
        let message = format!(
            "{tool} is not a function; only tools of type 'function' can be sent to Bedrock."
        );
        return Err(InvalidRequest::unsupported(path, message));
    }
    let json = schemas.input_schema(tool.parameters, &format!("{path}.parameters"), notes)?;
    let description = tool.description.clone();
    Ok(ToolSpecification {
        name: names.register(tool.name.clone()),
        description: description.filter(|text| !text.trim().is_empty()),
        input_schema: ToolInputSchema { json },
        strict: None,
    })
}

/// Bedrock refuses two tools of one name, in words that name neither.
fn refuse_doubles(tools: &[RequestTool<'_>], member: &str) -> Result<(), InvalidRequest> {
    let mut names = HashSet::new();
    for (index, tool) in tools.iter().enumerate() {
        if !names.insert(&tool.name) && tool.kind == ToolKind::Function {
            let function = if member == "tools" { ".function" } else { "" };
            return Err(InvalidRequest::value(
                format!("{member}[{index}]{function}.name"),
                format!("The tool '{}' is defined twice.", excerpt(&tool.name)),
            ));
        }
    }
    Ok(())
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
