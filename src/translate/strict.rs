//! Strict tools: arguments that follow their schema exactly, within what Bedrock's grammars take.

use serde_json::{Map, Value};

use crate::bedrock::Family;
use crate::bedrock::request::ToolSpecification;

/// The most strict tools of one request, as Anthropic documents.
const MAX_TOOLS: usize = 20;
/// The most parameters of several types, over all strict tools of one request.
const MAX_UNIONS: usize = 16;
/// Keywords that the grammars do not know.
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

/// What is left of a request's strict tools.
pub(super) struct StrictTools {
    tools: usize,
    unions: usize,
}

impl StrictTools {
    pub(super) fn new(family: &Family) -> Self {
        Self {
            tools: if family.strict_tools { MAX_TOOLS } else { 0 },
            unions: MAX_UNIONS,
        }
    }

    /// Whether the tool can be strict as well; if so, it is counted.
    pub(super) fn allows(&mut self, tool: &ToolSpecification<'_>) -> bool {
        if self.tools == 0 {
            return false;
        }
        let Ok(schema) = serde_json::from_str(tool.input_schema.json.get()) else {
            return false;
        };
        let mut unions = 0;
        let left = is_closed(&schema, &mut unions)
            .then(|| self.unions.checked_sub(unions))
            .flatten();
        if let Some(left) = left {
            self.tools -= 1;
            self.unions = left;
        }
        left.is_some()
    }
}

/// Whether every object is closed and no refused keyword is used; counts the schemas of several types.
fn is_closed(schema: &Value, unions: &mut usize) -> bool {
    match schema {
        Value::Array(items) => items.iter().all(|item| is_closed(item, unions)),
        Value::Object(members) => {
            let several = members.get("type").is_some_and(Value::is_array);
            *unions += usize::from(several || members.contains_key("anyOf"));
            let closed = members.get("additionalProperties") == Some(&Value::Bool(false));
            (closed || !is_object(members))
                && members.iter().all(|(name, value)| match name.as_str() {
                    "properties" | "$defs" | "definitions" => value
                        .as_object()
                        .is_some_and(|named| named.values().all(|value| is_closed(value, unions))),
                    "enum" | "const" | "default" | "examples" => true,
                    name => !REFUSED.contains(&name) && is_closed(value, unions),
                })
        }
        _ => true,
    }
}

fn is_object(members: &Map<String, Value>) -> bool {
    match members.get("type") {
        Some(Value::Array(types)) => types.iter().any(|kind| kind == "object"),
        kind => kind.is_some_and(|kind| kind == "object"),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::value::RawValue;

    use super::*;
    use crate::bedrock::request::ToolInputSchema;

    fn tool(schema: &str) -> ToolSpecification<'static> {
        ToolSpecification {
            name: "f".into(),
            description: None,
            input_schema: ToolInputSchema {
                json: Cow::Owned(RawValue::from_string(schema.to_owned()).unwrap()),
            },
            strict: None,
        }
    }

    /// How many of `count` tools with the schema may be strict.
    fn strict_tools(model: &str, count: usize, schema: &str) -> usize {
        let mut strict = StrictTools::new(&Family::of(Some(model)));
        (0..count).filter(|_| strict.allows(&tool(schema))).count()
    }

    #[test]
    fn no_more_tools_and_unions_are_strict_than_bedrock_takes() {
        let plain = r#"{"type":"object","properties":{},"additionalProperties":false}"#;
        let claude = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(strict_tools(claude, 25, plain), 20);
        assert_eq!(strict_tools("amazon.nova-pro-v1:0", 25, plain), 0);
        let unions = r#"{"type":"object","properties":{"a":{"type":["string","null"]},
            "b":{"anyOf":[{"type":"string"}]},"c":{"type":["integer","null"]}},"additionalProperties":false}"#;
        assert_eq!(strict_tools(claude, 10, unions), 5);
    }

    fn closed(schema: &Value) -> Option<usize> {
        let mut unions = 0;
        is_closed(schema, &mut unions).then_some(unions)
    }

    #[test]
    fn objects_must_be_closed_whatever_else_they_may_be() {
        let object = |extra: &str| {
            let text = format!(
                r#"{{"type":"object","properties":{{"a":{extra}}},"additionalProperties":false}}"#
            );
            closed(&serde_json::from_str(&text).unwrap())
        };
        assert_eq!(object(r#"{"type":"string"}"#), Some(0));
        assert_eq!(object(r#"{"type":["string","null"]}"#), Some(1));
        assert_eq!(
            object(r#"{"anyOf":[{"type":"string"},{"type":["integer","null"]}]}"#),
            Some(2)
        );
        assert_eq!(
            object(r#"{"type":["object","null"],"properties":{}}"#),
            None
        );
        assert_eq!(object(r#"{"type":"integer","minimum":1}"#), None);
        assert_eq!(object(r#"{"enum":[{"minimum":1}]}"#), Some(0));
    }
}
