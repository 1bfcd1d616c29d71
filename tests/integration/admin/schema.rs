//! As much of JSON Schema as the description uses, read strictly: what is not known here stops the test.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The words that say nothing of what is valid.
const REMARKS: [&str; 3] = ["description", "default", "format"];

/// A description, whose schemas refer to each other.
pub(super) struct Schemas<'d>(pub(super) &'d Value);

impl Schemas<'_> {
    /// What is wrong with `value`, as a path and a reason; nothing when it is as the schema says.
    pub(super) fn check(&self, schema: &Value, value: &Value, path: &str) -> Vec<String> {
        let mut wrong = Vec::new();
        for (word, rule) in schema.as_object().unwrap() {
            if !REMARKS.contains(&word.as_str()) {
                self.check_word(word, rule, schema, value, path, &mut wrong);
            }
        }
        wrong
    }

    fn check_word(
        &self,
        word: &str,
        rule: &Value,
        schema: &Value,
        value: &Value,
        path: &str,
        wrong: &mut Vec<String>,
    ) {
        let mut refuse = |is_right: bool| {
            if !is_right {
                wrong.push(format!("{path}: {value} breaks {word}: {rule}"));
            }
        };
        let number = |value: &Value| value.as_f64();
        match word {
            "$ref" => wrong.extend(self.check(self.resolve(rule), value, path)),
            "type" => {
                let kinds = rule
                    .as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![rule.clone()]);
                refuse(
                    kinds
                        .iter()
                        .any(|kind| is_of_kind(value, kind.as_str().unwrap())),
                );
            }
            "enum" => refuse(rule.as_array().unwrap().contains(value)),
            "const" => refuse(rule == value),
            "minimum" => refuse(value.is_null() || number(value) >= number(rule)),
            "maximum" => refuse(value.is_null() || number(value) <= number(rule)),
            "exclusiveMinimum" => refuse(number(value) > number(rule)),
            "minLength" => refuse(length(value) >= rule.as_u64().unwrap()),
            "maxLength" => refuse(length(value) <= rule.as_u64().unwrap()),
            "maxItems" => {
                let items = value.as_array().map_or(0, Vec::len);
                refuse(u64::try_from(items).unwrap() <= rule.as_u64().unwrap());
            }
            "pattern" => {
                let pattern = regex_lite::Regex::new(rule.as_str().unwrap()).unwrap();
                refuse(pattern.is_match(value.as_str().unwrap_or_default()));
            }
            "required" => {
                let names = rule.as_array().unwrap().iter();
                refuse(
                    names
                        .map(|name| name.as_str().unwrap())
                        .all(|name| value.get(name).is_some()),
                );
            }
            "anyOf" => {
                let mut schemas = rule.as_array().unwrap().iter();
                refuse(schemas.any(|schema| self.check(schema, value, path).is_empty()));
            }
            "allOf" => {
                for schema in rule.as_array().unwrap() {
                    wrong.extend(self.check(schema, value, path));
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    wrong.extend(self.check(rule, item, &format!("{path}[{index}]")));
                }
            }
            "properties" => {
                for (name, schema) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        wrong.extend(self.check(schema, value, &format!("{path}.{name}")));
                    }
                }
            }
            "additionalProperties" | "unevaluatedProperties" => {
                let known = self.properties(schema);
                for (name, value) in members(value).filter(|(name, _)| !known.contains(*name)) {
                    let path = format!("{path}.{name}");
                    match rule {
                        Value::Bool(false) => wrong.push(format!("{path} is not described")),
                        schema => wrong.extend(self.check(schema, value, &path)),
                    }
                }
            }
            _ => panic!("the schema has a word that is not known here: {word}"),
        }
    }

    /// The names of all members that a schema describes, those of schemas that it refers to included.
    pub(super) fn properties(&self, schema: &Value) -> BTreeSet<String> {
        let own = schema.get("properties").and_then(Value::as_object);
        let mut names: BTreeSet<String> = own.into_iter().flat_map(Map::keys).cloned().collect();
        let parts = schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for part in parts.chain(schema.get("$ref").map(|_| schema)) {
            let part = part
                .get("$ref")
                .map_or(part, |reference| self.resolve(reference));
            names.extend(self.properties(part));
        }
        names
    }

    fn resolve(&self, reference: &Value) -> &Value {
        let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
        self.0
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{pointer} leads nowhere"))
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn length(value: &Value) -> u64 {
    let characters = value.as_str().unwrap_or_default().chars().count();
    u64::try_from(characters).unwrap()
}

fn is_of_kind(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        _ => panic!("the schema has a type that is not known here: {kind}"),
    }
}
