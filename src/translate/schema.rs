//! Tool parameters: a JSON Schema whose root is an object, without references.

mod adaptation;
mod expansion;
mod output;

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::notes::Notes;
use crate::bedrock::Family;
use crate::openai::InvalidRequest;
use adaptation::{COMBINATIONS, drop_look_around, looks_around, merge_combinations};
use expansion::expand;
pub(super) use output::output_schema;

/// The most bytes that the schemas of one request may have together once their references are written out.
/// Those that would grow beyond keep them: a few lines can name each other into gigabytes.
const MAX_EXPANDED_LENGTH: usize = 1024 * 1024;

/// The schemas of one request's tools.
pub(super) struct Schemas {
    /// Whether the root may combine schemas.
    combinations: bool,
    /// Whether patterns may look around.
    look_around: bool,
    /// How many bytes may still be written out.
    left: usize,
}

impl Schemas {
    pub(super) fn new(family: &Family) -> Self {
        Self {
            combinations: family.schema_combinations,
            look_around: family.pattern_look_around,
            left: MAX_EXPANDED_LENGTH,
        }
    }

    /// The schema to send for a function's `parameters`; `path` names the member in complaints and notes.
    ///
    /// The client's bytes stay as they are whenever the model takes them. Otherwise the root gets its
    /// `"type":"object"`, local references (`$defs`, `definitions`) are written out, and what the model
    /// refuses is put in other words.
    ///
    /// # Errors
    /// When the schema is nested too deeply to be read, or describes something else than an object.
    pub(super) fn input_schema<'a>(
        &mut self,
        parameters: Option<&'a RawValue>,
        path: &str,
        notes: &mut Notes,
    ) -> Result<Cow<'a, RawValue>, InvalidRequest> {
        let Some(parameters) = parameters else {
            return Ok(Cow::Owned(raw(&no_parameters())));
        };
        let text = parameters.get();
        let mut schema = read(parameters, path)?;
        let typed = schema.get("type") == Some(&Value::from("object"));
        let refers = text.contains(r#""$ref""#);
        let combined = !self.combinations && COMBINATIONS.iter().any(|k| schema.contains_key(*k));
        let looks = !self.look_around && looks_around(text);
        if typed && !refers && !combined && !looks {
            return Ok(Cow::Borrowed(parameters));
        }
        if !typed {
            add_object_type(&mut schema, path)?;
        }
        let mut schema = Value::Object(schema);
        if refers {
            schema = expand(schema, &mut self.left);
        }
        if looks && drop_look_around(&mut schema) {
            notes.ignore(format!("{path}.pattern"));
        }
        if let Some(root) = schema.as_object_mut().filter(|_| combined) {
            for keyword in merge_combinations(root) {
                notes.ignore(format!("{path}.{keyword}"));
            }
        }
        Ok(Cow::Owned(raw(&schema)))
    }
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
    refuse_other_roots(schema, path)?;
    schema.insert("type".to_owned(), Value::from("object"));
    Ok(())
}

/// Refuses a schema whose root describes something else than an object.
///
/// # Errors
/// When its type leaves no object.
pub(super) fn refuse_other_roots(
    schema: &Map<String, Value>,
    path: &str,
) -> Result<(), InvalidRequest> {
    if matches!(schema.get("type"), None | Some(Value::Null)) || is_of_type(schema, "object") {
        return Ok(());
    }
    let message = format!("Invalid schema in '{path}': its type must be 'object'.");
    Err(InvalidRequest::value(format!("{path}.type"), message))
}

/// Whether `kind` is the schema's type, or one of its types.
fn is_of_type(schema: &Map<String, Value>, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::Array(types)) => types.iter().any(|one| one == kind),
        one => one.is_some_and(|one| one == kind),
    }
}

/// Reads a schema.
///
/// # Errors
/// When it is nested too deeply to be read.
pub(super) fn read(schema: &RawValue, path: &str) -> Result<Map<String, Value>, InvalidRequest> {
    serde_json::from_str(schema.get()).map_err(|_| {
        let message = format!("Invalid schema in '{path}': it is nested too deeply, or a number in it is out of range.");
        InvalidRequest::value(path, message)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn adapted(schema: &str) -> Result<String, InvalidRequest> {
        let parameters: &RawValue = serde_json::from_str(schema).unwrap();
        schemas()
            .input_schema(Some(parameters), "p", &mut Notes::default())
            .map(|raw| raw.get().to_owned())
    }

    /// Of a model that takes every schema.
    fn schemas() -> Schemas {
        Schemas::new(&Family::of(None))
    }

    #[test]
    fn a_schema_that_bedrock_takes_keeps_its_bytes() {
        let schema =
            r#"{ "properties" : {"b":{},  "a":{"minimum":-9007199254740991}}, "type":"object" }"#;
        assert_eq!(adapted(schema).unwrap(), schema);
    }

    #[test]
    fn a_missing_type_is_added_and_another_is_refused() {
        assert_eq!(adapted("{}").unwrap(), r#"{"type":"object"}"#);
        assert_eq!(
            adapted(r#"{"type":["object","null"]}"#).unwrap(),
            r#"{"type":"object"}"#
        );
        let refused = adapted(r#"{"type":"string"}"#).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("p.type"));
        assert_eq!(
            schemas()
                .input_schema(None, "p", &mut Notes::default())
                .unwrap()
                .get(),
            r#"{"type":"object","properties":{}}"#
        );
    }

    #[test]
    fn local_references_are_written_out() {
        let schema = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/A","description":"x"}},
            "$defs":{"A":{"type":"array","items":{"$ref":"#/$defs/B"}},"B":{"enum":["\"$ref\""]}}}"##;
        assert_eq!(
            adapted(schema).unwrap(),
            r#"{"type":"object","properties":{"a":{"type":"array","items":{"enum":["\"$ref\""]},"description":"x"}}}"#
        );
    }

    #[test]
    fn names_and_data_of_the_clients_own_are_no_keywords() {
        let schema = r##"{"type":"object","properties":{"definitions":{"$ref":"#/$defs/A"},"enum":{"$ref":"#/$defs/A"},
            "x":{"default":{"$ref":"#/$defs/A"}}},"$defs":{"A":{"type":"string"}}}"##;
        assert_eq!(
            adapted(schema).unwrap(),
            r##"{"type":"object","properties":{"definitions":{"type":"string"},"enum":{"type":"string"},"x":{"default":{"$ref":"#/$defs/A"}}}}"##
        );
    }

    #[test]
    fn a_chain_of_references_deeper_than_any_schema_stays() {
        let mut defs = String::from(r#""D50000":{"type":"string"}"#);
        for link in 0..50_000 {
            let next = link + 1;
            let _ = write!(defs, r##","D{link}":{{"$ref":"#/$defs/D{next}"}}"##);
        }
        let chain = format!(
            r##"{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/D0"}}}},"$defs":{{{defs}}}}}"##
        );
        assert!(adapted(&chain).unwrap().contains("$ref"));
    }

    #[test]
    fn references_that_have_no_end_stay() {
        let recursive = r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/N"}},
            "$defs":{"N":{"properties":{"n":{"$ref":"#/$defs/N"}}}}}"##;
        assert!(
            adapted(recursive)
                .unwrap()
                .contains(r##""$ref":"#/$defs/N""##)
        );
        let missing = r##"{"type":"object","properties":{"n":{"$ref":"#/$defs/X"}}}"##;
        assert!(adapted(missing).unwrap().contains("$ref"));
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
        assert!(adapted(&bomb).unwrap().len() < MAX_EXPANDED_LENGTH);
    }

    #[test]
    fn references_of_all_tools_together_are_bounded() {
        let schema = format!(
            r##"{{"type":"object","properties":{{"a":{{"$ref":"#/$defs/A"}}}},"$defs":{{"A":{{"enum":["{}"]}}}}}}"##,
            "x".repeat(MAX_EXPANDED_LENGTH / 3)
        );
        let parameters: &RawValue = serde_json::from_str(&schema).unwrap();
        let mut schemas = schemas();
        let expanded = [(); 9].map(|()| {
            let schema = schemas.input_schema(Some(parameters), "p", &mut Notes::default());
            !schema.unwrap().get().contains("$ref")
        });
        assert!(expanded[0] && !expanded[8], "{expanded:?}");
    }

    #[test]
    fn a_schema_nested_without_end_is_refused() {
        let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert!(adapted(&deep).is_err());
    }
}
