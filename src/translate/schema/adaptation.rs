//! What some models refuse in a schema, put in a way that they take.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// The keywords that combine schemas.
pub(super) const COMBINATIONS: [&str; 3] = ["anyOf", "oneOf", "allOf"];
/// How look-around begins in a regular expression.
const LOOK_AROUND: [&str; 4] = ["(?=", "(?!", "(?<=", "(?<!"];

/// Puts the combined schemas of a root into the root itself: all their properties, and as required what every
/// choice requires. Gives the keywords that are gone.
pub(super) fn merge_combinations(root: &mut Map<String, Value>) -> Vec<&'static str> {
    let mut merged = Vec::new();
    for keyword in COMBINATIONS {
        let Some(Value::Array(schemas)) = root.shift_remove(keyword) else {
            continue;
        };
        merged.push(keyword);
        let required = if keyword == "allOf" {
            schemas.iter().flat_map(required).collect()
        } else {
            required_by_all(&schemas)
        };
        add_required(root, required);
        for schema in schemas {
            add_properties(root, schema);
        }
    }
    merged
}

/// The names in a schema's `required`.
fn names(required: Option<&Value>) -> impl Iterator<Item = String> {
    let names = required.and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned)
}

fn required(schema: &Value) -> impl Iterator<Item = String> {
    names(schema.get("required"))
}

fn required_by_all(schemas: &[Value]) -> Vec<String> {
    let Some((first, others)) = schemas.split_first() else {
        return Vec::new();
    };
    let others: Vec<HashSet<String>> = others.iter().map(|s| required(s).collect()).collect();
    required(first)
        .filter(|name| others.iter().all(|other| other.contains(name)))
        .collect()
}

fn add_required(root: &mut Map<String, Value>, added: Vec<String>) {
    let mut known: HashSet<String> = names(root.get("required")).collect();
    let new: Vec<_> = added
        .into_iter()
        .filter(|name| known.insert(name.clone()))
        .collect();
    if new.is_empty() {
        return;
    }
    let required = root
        .entry("required")
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Some(required) = required.as_array_mut() {
        required.extend(new.into_iter().map(Value::from));
    }
}

fn add_properties(root: &mut Map<String, Value>, mut schema: Value) {
    let Some(Value::Object(properties)) = schema.get_mut("properties").map(Value::take) else {
        return;
    };
    let all = root
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(all) = all.as_object_mut() {
        for (name, property) in properties {
            all.entry(name).or_insert(property);
        }
    }
}

/// Takes out every `pattern` that looks around, and tells whether there was one.
pub(super) fn drop_look_around(schema: &mut Value) -> bool {
    match schema {
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |dropped, item| drop_look_around(item) | dropped),
        Value::Object(members) => {
            let before = members.len();
            members.retain(|name, value| {
                name != "pattern" || !value.as_str().is_some_and(looks_around)
            });
            let dropped = members.len() < before;
            members.values_mut().fold(dropped, |dropped, member| {
                drop_look_around(member) | dropped
            })
        }
        _ => false,
    }
}

/// Whether a text holds look-around.
pub(super) fn looks_around(text: &str) -> bool {
    LOOK_AROUND.iter().any(|start| text.contains(start))
}
