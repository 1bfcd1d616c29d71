//! The choice among the tools, in the forms that the model takes.

use std::borrow::Cow;
use std::collections::HashSet;

use super::notes::Notes;
use super::tool_names::ToolNames;
use crate::bedrock::request::ToolChoice as BedrockToolChoice;
use crate::bedrock::{Family, ToolChoiceForms};
use crate::openai::InvalidRequest;
use crate::openai::error::excerpt;
use crate::openai::tool::{Tool, ToolChoice};

/// A choice that the model takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Choice<'a> {
    /// No call; Bedrock has no form for it.
    None,
    /// The model decides. Always left unsaid: every model takes that.
    Auto,
    /// A call of any tool.
    Any,
    /// A call of this tool.
    Tool(Cow<'a, str>),
    /// Only these tools; whether one of them must be called.
    Only {
        names: HashSet<Cow<'a, str>>,
        any: bool,
    },
}

/// What the request's choice becomes.
///
/// A model that cannot be forced is left to decide, and the notes say so. A model that takes `any` but not a
/// name gets the named tool alone, which comes to the same.
///
/// # Errors
/// When the choice names a tool that the request does not define.
pub(super) fn choose<'a>(
    choice: Option<ToolChoice<'a>>,
    tools: &[Tool<'a>],
    family: &Family,
    notes: &mut Notes,
) -> Result<Choice<'a>, InvalidRequest> {
    let known: HashSet<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    let defined = |name: &str| {
        if known.contains(name) {
            return Ok(());
        }
        let message = format!(
            "Tool choice '{}' not found in the 'tools' parameter.",
            excerpt(name)
        );
        Err(InvalidRequest::value("tool_choice", message))
    };
    let any = family.tool_choice != ToolChoiceForms::Auto;
    let mut left_to_decide = || notes.adjust("tool_choice", &"auto");
    Ok(match choice {
        None | Some(ToolChoice::Auto) => Choice::Auto,
        Some(ToolChoice::None) => Choice::None,
        Some(ToolChoice::Required) if any => Choice::Any,
        Some(ToolChoice::Required) => {
            left_to_decide();
            Choice::Auto
        }
        Some(ToolChoice::Function(name) | ToolChoice::Custom(name)) => {
            defined(&name)?;
            match family.tool_choice {
                ToolChoiceForms::All => Choice::Tool(name),
                ToolChoiceForms::AutoAny => Choice::Only {
                    names: HashSet::from([name]),
                    any,
                },
                ToolChoiceForms::Auto => {
                    left_to_decide();
                    Choice::Auto
                }
            }
        }
        Some(ToolChoice::AllowedTools { required, names }) => {
            names.iter().try_for_each(|name| defined(name))?;
            if required && names.is_empty() {
                let message = "'tool_choice' requires a call of one of no tools.";
                return Err(InvalidRequest::value(
                    "tool_choice.allowed_tools.tools",
                    message,
                ));
            }
            if required && !any {
                left_to_decide();
            }
            if names.is_empty() {
                Choice::None
            } else {
                Choice::Only {
                    names: names.into_iter().collect(),
                    any: required && any,
                }
            }
        }
    })
}

impl<'a> Choice<'a> {
    /// Whether the tool `name` is sent at all.
    pub(super) fn keeps(&self, name: &str) -> bool {
        match self {
            Self::Only { names, .. } => names.contains(name),
            _ => true,
        }
    }

    pub(super) fn into_tool_choice(self, names: &mut ToolNames) -> Option<BedrockToolChoice<'a>> {
        match self {
            Self::None | Self::Auto | Self::Only { any: false, .. } => None,
            Self::Any | Self::Only { any: true, .. } => Some(BedrockToolChoice::Any {}),
            Self::Tool(name) => Some(BedrockToolChoice::Tool {
                name: names.register(name),
            }),
        }
    }
}
