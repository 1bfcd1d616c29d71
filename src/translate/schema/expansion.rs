//! References of a schema, written out where they stand.

use serde_json::{Map, Value};

/// Writes local references out, for at most `left` bytes, and takes from `left` what it used. A schema that
/// refers to itself, or grows too large, stays as it is.
pub(super) fn expand(schema: Value, left: &mut usize) -> Value {
    let mut expansion = Expansion {
        root: &schema,
        open: Vec::new(),
        left: *left,
    };
    let expanded = expansion.expand(&schema);
    *left = expansion.left;
    let Some(mut expanded) = expanded else {
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
        let left = self.left.checked_sub(bytes);
        self.left = left.unwrap_or_default();
        left.map(drop)
    }
}
