//! The schema of an answer, within what Bedrock's grammars take.
//!
//! The subset follows AWS's and Anthropic's descriptions of structured output. A keyword that only narrows a value
//! is taken out and told in the `description` instead, so that the model still hears of it; a schema that would
//! say something else without its keyword is not adapted at all.

use serde_json::{Map, Value, json};

use super::super::notes::Notes;
use super::adaptation::looks_around;
use super::expansion::expand;
use super::{MAX_EXPANDED_LENGTH, is_of_type};

/// The formats of strings that the grammars know.
const FORMATS: [&str; 10] = [
    "date-time",
    "time",
    "date",
    "duration",
    "email",
    "hostname",
    "uri",
    "ipv4",
    "ipv6",
    "uuid",
];
/// The most parameters of several types in one request, as Anthropic documents.
const MAX_UNIONS: usize = 16;
/// The most characters of a path in notes; headers name only shorter ones anyway.
const MAX_PATH: usize = 256;
/// The least and greatest whole numbers that JavaScript counts exactly. Schemas made by zod bound every integer by
/// them, which says nothing.
const SAFE_INTEGERS: std::ops::RangeInclusive<f64> =
    -9_007_199_254_740_991.0..=9_007_199_254_740_991.0;

/// The schema that describes the same answers within the subset, with every object closed: what fits a closed
/// object also fits the open one. `path` names the schema in notes.
///
/// Nothing is given for a schema that cannot be told so: one that refers to itself or elsewhere, whose objects
/// have members of any name, whose values may be anything, or that has too many alternatives.
pub(in crate::translate) fn output_schema(
    schema: Map<String, Value>,
    path: &str,
    notes: &mut Notes,
) -> Option<Value> {
    let mut left = MAX_EXPANDED_LENGTH;
    let schema = expand(Value::Object(schema), &mut left);
    let mut lost = Notes::default();
    let mut subset = Subset {
        unions: 0,
        noted: 0,
        notes: &mut lost,
    };
    let adapted = subset.schema(schema, path)?;
    if subset.unions > MAX_UNIONS {
        return None;
    }
    notes.append(lost);
    Some(adapted)
}

struct Subset<'n> {
    /// The schemas of several types so far.
    unions: usize,
    /// How many keywords were noted.
    noted: usize,
    notes: &'n mut Notes,
}

/// What becomes of a keyword.
enum Keyword {
    Kept(&'static str, Value),
    /// It says nothing about the answer.
    Dropped,
    /// It would narrow the answer.
    Told(Value),
}

impl Subset<'_> {
    fn schema(&mut self, schema: Value, path: &str) -> Option<Value> {
        let Value::Object(members) = schema else {
            return None;
        };
        let members = merge_single(members)?;
        let mut adapted = Map::with_capacity(members.len() + 1);
        let mut told = Vec::new();
        for (name, value) in members {
            match self.keyword(&name, value, path)? {
                Keyword::Kept(name, value) => {
                    if adapted.insert(name.to_owned(), value).is_some() {
                        return None;
                    }
                }
                Keyword::Dropped => {}
                Keyword::Told(value) => {
                    let path = self.noted(path, &name);
                    self.notes.ignore(path);
                    told.push((name, value));
                }
            }
        }
        self.unions += usize::from(
            adapted.get("type").is_some_and(Value::is_array) || adapted.contains_key("anyOf"),
        );
        close(&mut adapted)?;
        tell(&mut adapted, &told);
        Some(Value::Object(adapted))
    }

    fn keyword(&mut self, name: &str, value: Value, path: &str) -> Option<Keyword> {
        Some(match name {
            "type" => Keyword::Kept("type", value),
            "properties" => Keyword::Kept("properties", self.properties(value, path)?),
            "required" => Keyword::Kept("required", value),
            "items" => Keyword::Kept("items", self.schema(value, &child(path, ".items"))?),
            "anyOf" => Keyword::Kept("anyOf", self.alternatives(value, &child(path, ".anyOf"))?),
            "oneOf" => {
                let noted = self.noted(path, name);
                self.notes.adjust(&noted, &"anyOf");
                Keyword::Kept("anyOf", self.alternatives(value, &child(path, ".oneOf"))?)
            }
            "enum" if value.as_array()?.iter().all(is_scalar) => Keyword::Kept("enum", value),
            "const" if is_scalar(&value) => Keyword::Kept("const", value),
            "title" => Keyword::Kept("title", value),
            "description" => Keyword::Kept("description", value),
            "default" => Keyword::Kept("default", value),
            "minLength" => Keyword::Kept("minLength", value),
            "maxLength" => Keyword::Kept("maxLength", value),
            "minItems" if matches!(value.as_u64(), Some(0 | 1)) => Keyword::Kept("minItems", value),
            "format" if FORMATS.iter().any(|format| value == *format) => {
                Keyword::Kept("format", value)
            }
            "pattern" if !value.as_str().is_some_and(looks_around) => {
                Keyword::Kept("pattern", value)
            }
            "additionalProperties" if value == Value::Bool(false) => {
                Keyword::Kept("additionalProperties", value)
            }
            "$schema" | "$id" | "$comment" | "$anchor" | "$defs" | "definitions" => {
                Keyword::Dropped
            }
            "minimum" | "maximum" if says_nothing(name, &value) => Keyword::Dropped,
            "$ref"
            | "$dynamicRef"
            | "$recursiveRef"
            | "allOf"
            | "enum"
            | "const"
            | "prefixItems"
            | "additionalItems"
            | "patternProperties"
            | "additionalProperties"
            | "unevaluatedProperties"
            | "unevaluatedItems"
            | "dependentSchemas" => return None,
            _ => Keyword::Told(value),
        })
    }

    /// The path of a keyword that is noted, another one each time.
    fn noted(&mut self, path: &str, name: &str) -> String {
        self.noted += 1;
        let mut path = child(&child(path, "."), name);
        if path.len() >= MAX_PATH {
            path.extend(["~", &self.noted.to_string()]);
        }
        path
    }

    fn properties(&mut self, properties: Value, path: &str) -> Option<Value> {
        let Value::Object(properties) = properties else {
            return None;
        };
        let mut adapted = Map::with_capacity(properties.len());
        for (name, schema) in properties {
            let schema = self.schema(schema, &child(&child(path, ".properties."), &name))?;
            adapted.insert(name, schema);
        }
        Some(Value::Object(adapted))
    }

    fn alternatives(&mut self, schemas: Value, path: &str) -> Option<Value> {
        let Value::Array(schemas) = schemas else {
            return None;
        };
        let schemas = schemas.into_iter().zip(0_usize..);
        schemas
            .map(|(schema, index)| self.schema(schema, &child(path, &format!("[{index}]"))))
            .collect::<Option<_>>()
            .map(Value::Array)
    }
}

/// The path below `path`, cut where no header would show it: names are as long as a client likes, and every
/// value has a path.
fn child(path: &str, below: &str) -> String {
    let left = MAX_PATH.saturating_sub(path.len());
    let cut = below.char_indices().map(|(at, _)| at).chain([below.len()]);
    let end = cut.take_while(|at| *at <= left).last().unwrap_or_default();
    format!("{path}{}", below.get(..end).unwrap_or_default())
}

/// Puts the one schema of an `allOf` into its parent, whose own members win: that is how some libraries write a
/// reference with a description beside it.
fn merge_single(mut members: Map<String, Value>) -> Option<Map<String, Value>> {
    while let Some(all) = members.shift_remove("allOf") {
        let Value::Array(schemas) = all else {
            return None;
        };
        let Ok([Value::Object(only)]) = <[Value; 1]>::try_from(schemas) else {
            return None;
        };
        for (name, value) in only {
            let annotation = matches!(name.as_str(), "title" | "description" | "default");
            if !members.contains_key(&name) {
                members.insert(name, value);
            } else if !annotation && members.get(&name) != Some(&value) {
                return None;
            }
        }
    }
    Some(members)
}

/// Closes an object, and gives nothing for a value that could be anything.
fn close(schema: &mut Map<String, Value>) -> Option<()> {
    if schema.contains_key("properties") && !schema.contains_key("type") {
        schema.insert("type".to_owned(), Value::from("object"));
    }
    let combined = schema.contains_key("anyOf");
    let named = schema.contains_key("enum") || schema.contains_key("const");
    if combined && !schema.contains_key("properties") {
        // Its alternatives say what it is.
        return Some(());
    }
    let object = is_of_type(schema, "object");
    let array = is_of_type(schema, "array");
    let closed = schema.contains_key("additionalProperties");
    if (object && !closed && !schema.contains_key("properties"))
        || (array && !schema.contains_key("items"))
        || !(schema.contains_key("type") || combined || named)
    {
        return None;
    }
    if object && !closed {
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    Some(())
}

/// Says in the description what the grammar does not enforce, as Anthropic's libraries do.
fn tell(schema: &mut Map<String, Value>, told: &[(String, Value)]) {
    if told.is_empty() {
        return;
    }
    let told: Vec<String> = told
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let told = format!("{{{}}}", told.join(", "));
    let description = match schema.get("description").and_then(Value::as_str) {
        Some(text) if !text.is_empty() => format!("{text}\n\n{told}"),
        _ => told,
    };
    schema.insert("description".to_owned(), json!(description));
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn says_nothing(name: &str, bound: &Value) -> bool {
    bound.as_f64().is_some_and(|bound| match name {
        "minimum" => bound <= *SAFE_INTEGERS.start(),
        _ => bound >= *SAFE_INTEGERS.end(),
    })
}

#[cfg(test)]
mod tests;
