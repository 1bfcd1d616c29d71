//! Arguments as clients keep them become inputs as Bedrock takes them: JSON objects.

use serde_json::value::RawValue;
use serde_json::{Deserializer, Map, Value, json};

use super::schema::raw;
use crate::openai::replace_lone_surrogates;
use crate::openai::tool_call::Function;

/// The most calls that a request's calls may stand for beside themselves: two bytes of arguments could else
/// become a hundred of a call and its result.
const MAX_ADDED_INPUTS: usize = 1024;

/// Reads the arguments of one request's calls.
#[derive(Debug)]
pub(super) struct ToolInputs {
    /// How many inputs may still be added.
    left: usize,
}

impl ToolInputs {
    pub(super) fn new() -> Self {
        Self {
            left: MAX_ADDED_INPUTS,
        }
    }

    /// The inputs that a call's arguments hold, at least one, each a JSON object in the client's own bytes.
    ///
    /// Some models write several objects one after another when they mean several calls. What is no object
    /// (empty text, invalid JSON, null, a list) is an empty one, because Bedrock takes nothing else. The free
    /// text of a custom tool becomes the object's only member.
    pub(super) fn read(&mut self, function: &Function<'_>, custom: bool) -> Vec<Box<RawValue>> {
        let arguments = &function.arguments;
        if custom {
            return vec![raw(&json!({"input": arguments}))];
        }
        let mended = replace_lone_surrogates(arguments.as_bytes());
        let objects: Result<Vec<Box<RawValue>>, _> = Deserializer::from_slice(&mended)
            .into_iter()
            .take(self.left + 2)
            .collect();
        let objects = objects.unwrap_or_default();
        match objects.len().checked_sub(1) {
            Some(added) if added <= self.left && objects.iter().all(|o| is_object(o)) => {
                self.left -= added;
                objects.into_iter().map(without_refused_members).collect()
            }
            _ => vec![raw(&Value::Object(Map::new()))],
        }
    }
}

fn is_object(json: &RawValue) -> bool {
    json.get().starts_with('{')
}

/// Bedrock refuses documents with a member `__type` or one without a name.
fn without_refused_members(object: Box<RawValue>) -> Box<RawValue> {
    let text = object.get();
    if !text.contains("_type\"") && !text.contains(r#""""#) {
        return object;
    }
    let Ok(mut value) = serde_json::from_str(text) else {
        return object;
    };
    if strip(&mut value) {
        raw(&value)
    } else {
        object
    }
}

/// Takes the refused members out, and tells whether there were any.
fn strip(value: &mut Value) -> bool {
    match value {
        Value::Array(items) => items
            .iter_mut()
            .fold(false, |stripped, item| strip(item) | stripped),
        Value::Object(members) => {
            let before = members.len();
            members.retain(|name, _| !name.is_empty() && name != "__type");
            let stripped = members.len() < before;
            members
                .values_mut()
                .fold(stripped, |stripped, member| strip(member) | stripped)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(arguments: &str) -> Vec<String> {
        let function = Function {
            name: "f".into(),
            arguments: arguments.into(),
        };
        let inputs = ToolInputs::new().read(&function, false);
        inputs
            .into_iter()
            .map(|input| input.get().to_owned())
            .collect()
    }

    #[test]
    fn objects_keep_their_bytes() {
        for object in [
            "{}",
            r#"{ "b":1e400,  "a":{} }"#,
            r#"{"q":"say \"\" and __type"}"#,
        ] {
            assert_eq!(inputs(object), [object]);
        }
    }

    #[test]
    fn what_is_no_object_is_an_empty_one() {
        for arguments in [
            "", " ", "null", "[1]", "\"a\"", "7", "{\"a\":", "{} x", "{}[]",
        ] {
            assert_eq!(inputs(arguments), ["{}"], "{arguments}");
        }
    }

    #[test]
    fn objects_in_a_row_are_several_inputs() {
        assert_eq!(
            inputs(r#"{"a":1}{"a":2} {"a":3}"#),
            [r#"{"a":1}"#, r#"{"a":2}"#, r#"{"a":3}"#]
        );
    }

    #[test]
    fn objects_without_end_are_an_empty_one() {
        let function = |count: usize| Function {
            name: "f".into(),
            arguments: "{}".repeat(count).into(),
        };
        let mut inputs = ToolInputs::new();
        let most = MAX_ADDED_INPUTS + 1;
        assert_eq!(inputs.read(&function(most + 1), false).len(), 1);
        assert_eq!(inputs.read(&function(most), false).len(), most);
        assert_eq!(inputs.read(&function(2), false).len(), 1);
        assert_eq!(inputs.read(&function(1), false).len(), 1);
    }

    #[test]
    fn members_that_bedrock_refuses_go_and_lone_surrogates_are_replaced() {
        assert_eq!(
            inputs(r#"{"a":{"__type":"x","b":[{"":1,"c":2}]}}"#),
            [r#"{"a":{"b":[{"c":2}]}}"#]
        );
        assert_eq!(inputs(r#"{"a":"\ud83d"}"#), [r#"{"a":"\ufffd"}"#]);
    }

    #[test]
    fn free_text_is_the_only_member_of_its_object() {
        let function = Function {
            name: "sql".into(),
            arguments: "select \"1\"".into(),
        };
        assert_eq!(
            ToolInputs::new().read(&function, true)[0].get(),
            r#"{"input":"select \"1\""}"#
        );
    }
}
