//! Tool parameters: a JSON Schema whose root is an object, without references.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::openai::InvalidRequest;

/// The most bytes that a schema may have once its references are written out. One that grows beyond
/// keeps its references: a few lines can name each other into gigabytes.
const MAX_EXPANDED_LENGTH: usize = 256 * 1024;

/// The schema to send for a function's `parameters`; `path` names the member in complaints.
///
/// The client's bytes stay as they are whenever Bedrock takes them. Otherwise the root gets its
/// `"type":"object"`, and local references (`$defs`, `definitions`) are written out.
///
/// # Errors
/// When the schema is nested too deeply to be read, or describes something else than an object.
pub(super) fn input_schema<'a>(
    parameters: Option<&'a RawValue>,
    path: &str,
) -> Result<Cow<'a, RawValue>, InvalidRequest> {
    let Some(parameters) = parameters else {
        return Ok(Cow::Owned(raw(&no_parameters())));
    };
    let text = parameters.get();
    let unreadable = |_| {
        InvalidRequest::value(
            path,
            format!("Invalid schema in '{path}': it is nested too deeply."),
        )
    };
    let mut schema: Map<String, Value> = serde_json::from_str(text).map_err(unreadable)?;
    let typed = schema.get("type") == Some(&Value::from("object"));
    if typed && !text.contains(r#""$ref""#) {
        return Ok(Cow::Borrowed(parameters));
    }
    if !typed {
        add_object_type(&mut schema, path)?;
    }
    Ok(Cow::Owned(raw(&expand(Value::Object(schema)))))
}

/// The schema of a function without parameters.
pub(super) fn no_parameters() -> Value {
    serde_json::json!({"type": "object", "properties": {}})
}

/// The JSON text of `value`.
pub(super) fn raw(value: &Value) -> Box<RawValue> {
    // A value always has JSON text.
    serde_json::value::to_raw_value(value).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn add_object_type(schema: &mut Map<String, Value>, path: &str) -> Result<(), InvalidRequest> {
    let object = match schema.get("type") {
        None | Some(Value::Null) => true,
        Some(Value::Array(types)) => types.iter().any(|kind| kind == "object"),
        Some(_) => false,
    };
    if !object {
        let message = format!("Invalid schema in '{path}': its type must be 'object'.");
        return Err(InvalidRequest::value(format!("{path}.type"), message));
    }
    schema.insert("type".to_owned(), Value::from("object"));
    Ok(())
}

/// Writes local references out. A schema that refers to itself, or grows too large, stays as it is.
fn expand(schema: Value) -> Value {
    let mut expansion = Expansion {
        root: &schema,
        open: Vec::new(),
        left: MAX_EXPANDED_LENGTH,
    };
    let Some(mut expanded) = expansion.expand(&schema) else {
        return schema;
    };
    if let Some(root) = expanded.as_object_mut() {
        root.shift_remove("$defs");
        root.shift_remove("definitions");
    }
    expanded
}

struct Expansion<'s> {
    root: &'s Value,
    /// The references that are being written out, outermost first.
    open: Vec<&'s str>,
    left: usize,
}

impl<'s> Expansion<'s> {
    fn expand(&mut self, value: &'s Value) -> Option<Value> {
        self.spend(8)?;
        Some(match value {
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.expand(item))
                    .collect::<Option<_>>()?,
            ),
            Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
                Some(reference) => self.expand_reference(reference, members)?,
                None => Value::Object(self.expand_members(members)?),
            },
            Value::String(text) => {
                self.spend(text.len())?;
                value.clone()
            }
            _ => value.clone(),
        })
    }

    /// What the reference names, with the members that stand beside it: a `description` for instance.
    fn expand_reference(
        &mut self,
        reference: &'s str,
        members: &'s Map<String, Value>,
    ) -> Option<Value> {
        let target = self.root.pointer(reference.strip_prefix('#')?)?;
        if self.open.contains(&reference) {
            return None;
        }
        self.open.push(reference);
        let expanded = self.expand(target);
        self.open.pop();
        let mut expanded = expanded?;
        if let Some(object) = expanded.as_object_mut() {
            let mut beside = self.expand_members(members)?;
            beside.shift_remove("$ref");
            object.extend(beside);
        }
        Some(expanded)
    }

    fn expand_members(&mut self, members: &'s Map<String, Value>) -> Option<Map<String, Value>> {
        let mut expanded = Map::with_capacity(members.len());
        for (name, value) in members {
            self.spend(name.len())?;
            // Definitions are written where they are used; they go away afterwards.
            let value = match name.as_str() {
                "$defs" | "definitions" | "$ref" => value.clone(),
                _ => self.expand(value)?,
            };
            expanded.insert(name.clone(), value);
        }
        Some(expanded)
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn read(schema: &str) -> Result<String, InvalidRequest> {
        let parameters: &RawValue = serde_json::from_str(schema).unwrap();
        input_schema(Some(parameters), "tools[0].function.parameters")
            .map(|raw| raw.get().to_owned())
    }

    #[test]
    fn a_schema_that_bedrock_takes_keeps_its_bytes() {
        let schema =
            r#"{ "properties" : {"b":{},  "a":{"minimum":-9007199254740991}}, "type":"object" }"#;
        assert_eq!(read(schema).unwrap(), schema);
    }

    #[test]
    fn a_missing_type_is_added_and_another_is_refused() {
        assert_eq!(read("{}").unwrap(), r#"{"type":"object"}"#);
        assert_eq!(
            read(r#"{"type":["object","null"]}"#).unwrap(),
            r#"{"type":"object"}"#
        );
        let refused = read(r#"{"type":"string"}"#).unwrap_err();
        assert_eq!(
            refused.param.as_deref(),
            Some("tools[0].function.parameters.type")
        );
        assert_eq!(
            input_schema(None, "p").unwrap().get(),
            r#"{"type":"object","properties":{}}"#
        );
    }

    #[test]
    fn local_references_are_written_out() {
        let schema = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"x"}},
            "$defs":{"A":{"type":"array","items":{"$ref":"#/$defs/B"}},"B":{"enum":["\"$ref\""]}}}"##;
        assert_eq!(
            read(schema).unwrap(),
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"enum":["\"$ref\""]},"description":"x"}}}"#
        );
    }

    #[test]
    fn references_that_have_no_end_stay() {
        let recursive = r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}},
            "$defs":{"N":{"properties":{"n":{"$ref":"#/$defs/N"}}}}}"##;
        assert!(read(recursive).unwrap().contains(r##""$ref":"#/$defs/N""##));
        let missing = r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/X"}}}"##;
        assert!(read(missing).unwrap().contains("$ref"));
    }

    #[test]
    fn references_that_grow_without_bound_stay() {
        let mut defs = String::from(r#""D0":{"type":"string"}"#);
        for level in 1..40 {
            let below = level - 1;
            let reference = format!(r##"{{"$ref":"#/$defs/D{below}"}}"##);
            write!(
                defs,
                r#","D{level}":{{"properties":{{"a":{reference},"b":{reference}}}}}"#
            )
            .unwrap();
        }
        let bomb = format!(
            r##"{{"type":"object","properties":{{"x":{{"$ref":"#/$defs/D39"}}}},"$defs":{{{defs}}}}}"##
        );
        assert!(read(&bomb).unwrap().len() < MAX_EXPANDED_LENGTH);
    }

    #[test]
    fn a_schema_nested_without_end_is_refused() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(read(&deep).is_err());
    }
}
