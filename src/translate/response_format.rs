//! `response_format`: an answer in JSON, by the best means that the model has.
//!
//! A schema becomes a grammar that Bedrock enforces, where the model takes one. Else it becomes the input of a
//! tool that must be called and that the client never sees. Where neither can be, an instruction asks for it. The
//! same instruction stands for `json_object`, of which Bedrock has no form: a tool whose input may be anything is
//! what models fill worst, and prefilled braces are refused by newer ones.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::conversation::Conversation;
use super::json_answer::{AnswerTool, JsonAnswer};
use super::notes::Notes;
use super::schema::{Schemas, output_schema, read, refuse_other_roots};
use super::tool_names::ToolNames;
use super::tools::ToolRequest;
use crate::bedrock::request::{
    ContentBlock, ConversationRole, JsonSchemaDefinition, Message, OutputConfiguration,
    SystemContentBlock, TextFormat, TextStructure, Tool, ToolChoice, ToolConfiguration,
    ToolInputSchema, ToolSpecification,
};
use crate::bedrock::{Family, ToolChoiceForms};
use crate::openai::InvalidRequest;
use crate::openai::response_format::{JsonSchema, ResponseFormat};
use crate::openai::tool::ToolChoice as AskedChoice;

/// The member of the request, for notes.
const MEMBER: &str = "response_format";
/// The schema's path, for notes and complaints.
const SCHEMA: &str = "response_format.json_schema.schema";
/// The name of the answer's tool, unless the client has a tool of that name.
const TOOL: &str = "structured_answer";
/// What the model is told of it.
const TOOL_DESCRIPTION: &str = "Gives the final answer to the user. Call it once, when nothing else is left to do, \
     and write no text: the input is the whole answer.";
/// What a model is told that has no other means.
const INSTRUCTION: &str = "Give your answer to the user as one JSON object and nothing else: no text before or after \
     it, and no code fence.";

/// How the form of an answer is asked for, beside the instruction, which is in the conversation.
#[derive(Debug, Default)]
pub(super) struct Form<'a> {
    /// The grammar.
    pub(super) output_config: Option<OutputConfiguration<'a>>,
    /// The tool whose input is the answer.
    tool: Option<ToolSpecification<'a>>,
    /// How the answer comes; absent when it is what the client wants as it stands.
    pub(super) json: Option<JsonAnswer>,
}

/// What of a request bears on the form of its answer.
pub(super) struct Circumstances<'c, 'a> {
    pub(super) family: &'c Family,
    pub(super) tools: &'c ToolRequest<'a>,
    /// The names of the client's tools.
    pub(super) names: &'c ToolNames,
    pub(super) conversation: &'c mut Conversation<'a>,
}

/// Decides on the form of an answer. An instruction goes to the end of the system prompt.
///
/// # Errors
/// For a schema that cannot be read or describes something else than an object.
pub(super) fn form<'a>(
    format: ResponseFormat<'a>,
    mut circumstances: Circumstances<'_, 'a>,
    notes: &mut Notes,
) -> Result<Form<'a>, InvalidRequest> {
    let format = match format {
        ResponseFormat::JsonObject => None,
        ResponseFormat::JsonSchema(format) => {
            let schema = read(format.schema, SCHEMA)?;
            refuse_other_roots(&schema, SCHEMA)?;
            Some((format, schema))
        }
    };
    if circumstances.takes_grammar()
        && let Some((format, schema)) = &format
        && let Some(schema) = output_schema(schema.clone(), SCHEMA, notes)
    {
        return Ok(Form {
            output_config: Some(output_configuration(&schema, format)),
            ..Form::default()
        });
    }
    if circumstances.must_call() {
        notes.ignore(MEMBER);
        return Ok(Form::default());
    }
    if let Some((format, schema)) = &format
        && circumstances.forces_calls()
        && !circumstances.is_prefilled()
    {
        notes.adjust(MEMBER, &"tool");
        let tool = circumstances.answer_tool(format, notes)?;
        let json = JsonAnswer {
            tool: Some(AnswerTool {
                name: tool.name.to_string(),
                unwraps: lacks_properties(schema),
            }),
        };
        return Ok(Form {
            tool: Some(tool),
            json: Some(json),
            ..Form::default()
        });
    }
    notes.adjust(MEMBER, &"instruction");
    circumstances.instruct(instruction(format.as_ref().map(|(format, _)| format)));
    Ok(Form {
        json: (!circumstances.is_prefilled()).then(JsonAnswer::default),
        ..Form::default()
    })
}

impl<'a> Circumstances<'_, 'a> {
    /// Whether a call can be forced.
    fn forces_calls(&self) -> bool {
        self.family.tools && self.family.tool_choice != ToolChoiceForms::Auto
    }

    /// Whether the model must call a tool of the client's, so that there will be no answer to give a form to.
    fn must_call(&self) -> bool {
        let required = matches!(
            self.tools.choice,
            Some(
                AskedChoice::Required
                    | AskedChoice::Function(_)
                    | AskedChoice::Custom(_)
                    | AskedChoice::AllowedTools { required: true, .. }
            )
        );
        required && self.forces_calls()
    }

    /// Whether the model can answer by a grammar: within one it neither cites documents nor continues a turn.
    fn takes_grammar(&self) -> bool {
        let blocks = || {
            self.conversation
                .messages
                .iter()
                .flat_map(|turn| &turn.content)
        };
        let cites = |block: &ContentBlock<'_>| matches!(block, ContentBlock::Document(document) if document.citations.is_some());
        self.family.structured_output && !self.is_prefilled() && !blocks().any(cites)
    }

    /// Whether the model continues a turn of its own, in which its JSON may have begun.
    fn is_prefilled(&self) -> bool {
        let last = self.conversation.messages.last();
        last.is_some_and(|turn| turn.role == ConversationRole::Assistant)
    }

    fn answer_tool(
        &self,
        format: &JsonSchema<'a>,
        notes: &mut Notes,
    ) -> Result<ToolSpecification<'a>, InvalidRequest> {
        let mut schemas = Schemas::new(self.family);
        let json = schemas.input_schema(Some(format.schema), SCHEMA, notes)?;
        Ok(ToolSpecification {
            name: free_name(self.names),
            description: Some(Cow::Owned(described(TOOL_DESCRIPTION, format))),
            input_schema: ToolInputSchema { json },
            strict: None,
        })
    }

    /// Puts an instruction at the end of the system prompt, or where a model without one hears it first.
    fn instruct(&mut self, text: String) {
        let text = Cow::Owned(text);
        let is_users = |turn: &&mut Message<'_>| turn.role == ConversationRole::User;
        if self.family.system {
            let block = SystemContentBlock::Text(text);
            self.conversation.system.push(block);
        } else if let Some(first) = self.conversation.messages.iter_mut().find(is_users) {
            first.content.insert(0, ContentBlock::Text(text));
        }
    }
}

impl<'a> Form<'a> {
    /// Whether the answer's tool is the only one that is sent, because nothing else may be called.
    pub(super) fn stands_alone(&self, tools: &ToolRequest<'_>) -> bool {
        let none = tools.choice == Some(AskedChoice::None);
        self.tool.is_some() && (none || tools.tools.is_empty())
    }

    /// Moves Claude's `output_config.effort` beside the grammar: from the additional fields, `output_config` would be
    /// said twice.
    pub(super) fn take_effort(&mut self, additional: &mut Map<String, Value>) {
        let Some(output) = &mut self.output_config else {
            return;
        };
        let Some(Value::Object(fields)) = additional.get_mut("output_config") else {
            return;
        };
        if let Some(Value::String(effort)) = fields.shift_remove("effort") {
            output.effort = Some(Cow::Owned(effort));
        }
        if fields.is_empty() {
            additional.shift_remove("output_config");
        }
    }

    /// The tools with the answer's, of which the model must call one.
    pub(super) fn join(
        &mut self,
        tools: Option<ToolConfiguration<'a>>,
        family: &Family,
    ) -> Option<ToolConfiguration<'a>> {
        let Some(answer) = self.tool.take() else {
            return tools;
        };
        let mut tools = tools.map(|tools| tools.tools).unwrap_or_default();
        let tool_choice = if tools.is_empty() && family.tool_choice == ToolChoiceForms::All {
            let name = answer.name.clone();
            ToolChoice::Tool { name }
        } else {
            ToolChoice::Any {}
        };
        tools.push(Tool::ToolSpec(answer));
        Some(ToolConfiguration {
            tools,
            tool_choice: Some(tool_choice),
        })
    }
}

/// Whether the answer is not meant to have a member `properties`: the schema names others, and asks for no members
/// of any name.
fn lacks_properties(schema: &Map<String, Value>) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    let others = ["additionalProperties", "unevaluatedProperties"]
        .iter()
        .any(|name| !matches!(schema.get(*name), None | Some(Value::Bool(false))));
    let elsewhere = ["patternProperties", "allOf", "anyOf", "oneOf", "$ref"]
        .iter()
        .any(|name| schema.contains_key(*name));
    properties.is_some_and(|named| !named.contains_key("properties")) && !others && !elsewhere
}

fn output_configuration<'a>(schema: &Value, format: &JsonSchema<'a>) -> OutputConfiguration<'a> {
    let not_blank =
        |text: &Option<Cow<'a, str>>| text.clone().filter(|text| !text.trim().is_empty());
    OutputConfiguration {
        text_format: TextFormat {
            r#type: "json_schema",
            structure: TextStructure {
                json_schema: JsonSchemaDefinition {
                    schema: Cow::Owned(schema.to_string()),
                    name: not_blank(&format.name),
                    description: not_blank(&format.description),
                },
            },
        },
        effort: None,
    }
}

/// The tool's name, which no tool of the client's has.
fn free_name(names: &ToolNames) -> Cow<'static, str> {
    if !names.has(TOOL) {
        return Cow::Borrowed(TOOL);
    }
    let mut numbered = (2_usize..).map(|number| format!("{TOOL}_{number}"));
    let free = numbered.find(|name| !names.has(name));
    free.map_or(Cow::Borrowed(TOOL), Cow::Owned)
}

/// A text with what the client says of its format.
fn described(text: &str, format: &JsonSchema<'_>) -> String {
    let said = [
        ("Name of the answer", &format.name),
        ("Description of the answer", &format.description),
    ];
    let mut described = text.to_owned();
    for (introduction, said) in said {
        if let Some(said) = said
            .as_deref()
            .map(str::trim)
            .filter(|said| !said.is_empty())
        {
            described.extend(["\n", introduction, ": ", said]);
        }
    }
    described
}

fn instruction(format: Option<&JsonSchema<'_>>) -> String {
    match format {
        None => INSTRUCTION.to_owned(),
        Some(format) => format!(
            "{}\nIt must be valid against this JSON Schema:\n{}",
            described(INSTRUCTION, format),
            format.schema.get()
        ),
    }
}

#[cfg(test)]
mod tests;
