//! Tools and the choice among them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::cache_control::CacheControl;
use super::error::InvalidRequest;
use super::json::{Field, Path};

/// One tool of the request.
#[derive(Debug)]
pub struct Tool<'a> {
    /// What it is.
    pub kind: ToolKind,
    /// Its name.
    pub name: Cow<'a, str>,
    /// What it does.
    pub description: Option<Cow<'a, str>>,
    /// A JSON Schema; absent for a function without parameters.
    pub parameters: Option<&'a RawValue>,
    /// Whether arguments must follow the schema exactly.
    pub strict: bool,
    /// Whether the client wants the prompt to be cached up to here.
    pub cache_control: Option<CacheControl<'a>>,
    /// Members that hold something and have no meaning here, as paths below the tool.
    pub extras: Vec<String>,
}

/// What a tool is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolKind {
    /// A function with JSON arguments.
    Function,
    /// A tool with free text as input.
    Custom,
    /// A kind that Chat Completions does not have.
    Other,
}

/// `tool_choice`, and the deprecated `function_call`.
#[derive(Debug, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    /// No call.
    None,
    /// The model decides.
    Auto,
    /// Some call.
    Required,
    /// A call of this function.
    Function(Cow<'a, str>),
    /// Only these tools.
    AllowedTools {
        /// Whether one of them must be called.
        required: bool,
        /// Their names.
        names: Vec<Cow<'a, str>>,
    },
    /// A call of this custom tool.
    Custom(Cow<'a, str>),
}

impl<'a> Tool<'a> {
    pub(crate) fn read_all(field: Field<'a, '_>) -> Result<Vec<Self>, InvalidRequest> {
        let tools = field.array()?.into_iter().enumerate().map(|(index, raw)| {
            let path = Path::Element(field.path(), index);
            Self::read(Field::new(raw, &path))
        });
        tools.collect()
    }

    /// The deprecated `functions`: what stands under `function` in a tool.
    pub(crate) fn read_functions(field: Field<'a, '_>) -> Result<Vec<Self>, InvalidRequest> {
        let functions = field.array()?.into_iter().enumerate().map(|(index, raw)| {
            let path = Path::Element(field.path(), index);
            let mut tool = Self::empty();
            tool.read_function(Field::new(raw, &path), "")?;
            Ok(tool)
        });
        functions.collect()
    }

    fn empty() -> Self {
        Self {
            kind: ToolKind::Function,
            name: Cow::Borrowed(""),
            description: None,
            parameters: None,
            strict: false,
            cache_control: None,
            extras: Vec::new(),
        }
    }

    fn read(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
        let mut tool = Self::empty();
        let mut definition = None;
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                _ if member.is_null() => {}
                "type" => {
                    tool.kind = match member.string()?.as_ref() {
                        "function" => ToolKind::Function,
                        "custom" => ToolKind::Custom,
                        _ => ToolKind::Other,
                    }
                }
                "function" | "custom" => definition = Some((name, raw)),
                _ if member.is_empty() => {}
                _ => tool.read_other(&name, member, ""),
            }
        }
        match definition {
            Some((name, raw)) => {
                let path = Path::Member(field.path(), &name);
                tool.read_function(Field::new(raw, &path), "function.")?;
            }
            None if tool.kind == ToolKind::Function => {
                return Err(InvalidRequest::missing(Path::Member(
                    field.path(),
                    "function",
                )));
            }
            None => {}
        }
        Ok(tool)
    }

    /// Reads a function; `prefix` is its path below the tool.
    fn read_function(&mut self, field: Field<'a, '_>, prefix: &str) -> Result<(), InvalidRequest> {
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            if member.is_null() {
                continue;
            }
            match name.as_ref() {
                "name" => self.name = member.string()?,
                "description" => self.description = Some(member.string()?),
                "parameters" if member.is_object() => self.parameters = Some(member.raw()),
                "parameters" => return Err(member.wrong("an object")),
                "strict" => self.strict = member.boolean()?,
                // A custom tool is refused as a whole.
                "format" => {}
                _ if member.is_empty() => {}
                _ => self.read_other(&name, member, prefix),
            }
        }
        if self.name.is_empty() {
            return Err(InvalidRequest::missing(Path::Member(field.path(), "name")));
        }
        Ok(())
    }

    /// Reads a member that OpenAI does not have. Some clients put `cache_control` beside the function, some into it.
    fn read_other(&mut self, name: &str, field: Field<'a, '_>, prefix: &str) {
        match CacheControl::read(name, field, None, format!("{prefix}{name}")) {
            Ok(control) => self.cache_control = Some(control),
            Err(path) => self.extras.push(path),
        }
    }
}

impl<'a> ToolChoice<'a> {
    pub(crate) fn read(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
        if field.is_string() {
            return match field.string()?.as_ref() {
                "none" => Ok(Self::None),
                "auto" => Ok(Self::Auto),
                "required" | "any" => Ok(Self::Required),
                _ => Err(InvalidRequest::value(
                    field.path(),
                    "Invalid value for tool choice. Supported values are: 'none', 'auto', 'required' and an object \
                     that names a tool.",
                )),
            };
        }
        let mut named = None;
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                "function" => named = Some(Self::Function(read_name(member)?)),
                "custom" => named = Some(Self::Custom(read_name(member)?)),
                "allowed_tools" => named = Some(Self::read_allowed_tools(member)?),
                // The deprecated `function_call: {"name": …}`.
                "name" if named.is_none() => named = Some(Self::Function(member.string()?)),
                _ => {}
            }
        }
        named.ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "function")))
    }

    fn read_allowed_tools(field: Field<'a, '_>) -> Result<Self, InvalidRequest> {
        let mut required = false;
        let mut names = Vec::new();
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                "mode" => required = member.string()? == "required",
                "tools" => {
                    for (index, raw) in member.array()?.into_iter().enumerate() {
                        let path = Path::Element(member.path(), index);
                        match Self::read(Field::new(raw, &path))? {
                            Self::Function(name) | Self::Custom(name) => names.push(name),
                            _ => {
                                return Err(InvalidRequest::value(
                                    path,
                                    "An allowed tool names one tool.",
                                ));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(Self::AllowedTools { required, names })
    }
}

fn read_name<'a>(field: Field<'a, '_>) -> Result<Cow<'a, str>, InvalidRequest> {
    for (name, raw) in field.object()?.0 {
        if name == "name" {
            return Field::new(raw, &Path::Member(field.path(), "name")).string();
        }
    }
    Err(InvalidRequest::missing(Path::Member(field.path(), "name")))
}
