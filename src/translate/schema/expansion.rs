//! References of a schema, written out where they stand.

use serde_json::{Map, Value};

/// What every value costs beside its text.
const VALUE_LENGTH: usize = 8;
/// How deep an expanded schema may be, as deep as the JSON reader goes. A chain of references makes depth out
/// of nothing, and whatever walks the result does so on the stack.
const MAX_DEPTH: usize = 128;

/// Writes local references out, for at most `left` bytes, and takes from `left` what it used. A schema that
/// refers to itself, or grows too large or too deep, stays as it is.
pub(super) fn expand(schema: Value, left: &mut usize) -> Value {
    let mut expansion = Expansion {
        root: &schema,
        open: Vec::new(),
        depth: 0,
        left: *left,
    };
    let expanded = expansion.schema(&schema);
    *left = expansion.left;
    expanded.unwrap_or(schema)
}

struct Expansion<'s> {
    root: &'s Value,
    /// The references that are being written out, outermost first.
    open: Vec<&'s str>,
    depth: usize,
    left: usize,
}

impl<'s> Expansion<'s> {
    fn schema(&mut self, schema: &'s Value) -> Option<Value> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let expanded = self.one_level(schema);
        self.depth -= 1;
        expanded
    }

    fn one_level(&mut self, schema: &'s Value) -> Option<Value> {
        match schema {
            Value::Array(schemas) => {
                self.spend(VALUE_LENGTH)?;
                let schemas = schemas.iter().map(|schema| self.schema(schema));
                schemas.collect::<Option<_>>().map(Value::Array)
            }
            Value::Object(members) => {
                self.spend(VALUE_LENGTH)?;
                match members.get("$ref").and_then(Value::as_str) {
                    Some(reference) => self.reference(reference, members),
                    None => self.members(members).map(Value::Object),
                }
            }
            other => self.copy(other),
        }
    }

    /// What the reference names, with the members that stand beside it: a `description` for instance.
    fn reference(&mut self, reference: &'s str, beside: &'s Map<String, Value>) -> Option<Value> {
        self.spend(reference.len())?;
        let target = self.root.pointer(reference.strip_prefix('#')?)?;
        if self.open.contains(&reference) {
            return None;
        }
        self.open.push(reference);
        let expanded = self.schema(target);
        self.open.pop();
        let mut expanded = expanded?;
        if let Some(object) = expanded.as_object_mut() {
            object.extend(self.members(beside)?);
        }
        Some(expanded)
    }

    /// The members of a schema. Definitions go away: each stands where it is used.
    fn members(&mut self, members: &'s Map<String, Value>) -> Option<Map<String, Value>> {
        let mut expanded = Map::with_capacity(members.len());
        for (name, value) in members {
            self.spend(name.len())?;
            let value = match (name.as_str(), value) {
                ("$defs" | "definitions" | "$ref", _) => continue,
                ("properties" | "patternProperties" | "dependentSchemas", Value::Object(named)) => {
                    Value::Object(self.named(named)?)
                }
                ("const" | "default" | "enum" | "examples", data) => self.copy(data)?,
                (_, schema) => self.schema(schema)?,
            };
            expanded.insert(name.clone(), value);
        }
        Some(expanded)
    }

    /// Schemas under names of the client's own, which may be those of keywords.
    fn named(&mut self, schemas: &'s Map<String, Value>) -> Option<Map<String, Value>> {
        let mut expanded = Map::with_capacity(schemas.len());
        for (name, schema) in schemas {
            self.spend(name.len())?;
            expanded.insert(name.clone(), self.schema(schema)?);
        }
        Some(expanded)
    }

    /// A value that is no schema.
    fn copy(&mut self, value: &Value) -> Option<Value> {
        self.spend(VALUE_LENGTH)?;
        Some(match value {
            Value::Array(items) => {
                let items = items.iter().map(|item| self.copy(item));
                Value::Array(items.collect::<Option<_>>()?)
            }
            Value::Object(members) => {
                let mut copied = Map::with_capacity(members.len());
                for (name, member) in members {
                    self.spend(name.len())?;
                    copied.insert(name.clone(), self.copy(member)?);
                }
                Value::Object(copied)
            }
            Value::String(text) => {
                self.spend(text.len())?;
                value.clone()
            }
            _ => value.clone(),
        })
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or_default();
        left.map(drop)
    }
}
