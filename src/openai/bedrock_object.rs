//! The `bedrock` object of a request: Converse's own members, for what OpenAI has no name for.

use serde_json::{Map, Value};

use super::error::InvalidRequest;
use super::json::{Field, Path};

/// The longest object, in bytes. It holds settings; as a tree a long list of tiny values would take twenty times
/// its length in memory.
const MAX_LENGTH: usize = 1024 * 1024;
/// Members that are translated from OpenAI's own, and in no other way.
const TRANSLATED: [&str; 4] = ["modelId", "messages", "system", "toolConfig"];

/// Members of a Converse request as the client wrote them, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BedrockObject {
    members: Map<String, Value>,
}

impl BedrockObject {
    pub(super) fn read(field: Field<'_, '_>) -> Result<Self, InvalidRequest> {
        if !field.is_object() {
            return Err(field.wrong("an object"));
        }
        let text = field.raw().get();
        if text.len() > MAX_LENGTH {
            let message = format!("'{}' has more than {MAX_LENGTH} bytes.", field.path());
            return Err(InvalidRequest::value(field.path(), message));
        }
        let members: Map<String, Value> = serde_json::from_str(text).map_err(|_| {
            let message = format!(
                "'{}' is nested too deeply, or a number in it is out of range.",
                field.path()
            );
            InvalidRequest::value(field.path(), message)
        })?;
        for member in TRANSLATED {
            if members.contains_key(member) {
                let message = format!(
                    "'{member}' is made from OpenAI's own members and cannot be set through 'bedrock'."
                );
                return Err(InvalidRequest::unsupported(
                    Path::Member(field.path(), member),
                    message,
                ));
            }
        }
        Ok(Self { members })
    }

    /// The members.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Takes the members out.
    pub fn into_members(self) -> Map<String, Value> {
        self.members
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<BedrockObject, InvalidRequest> {
        let path = Path::Member(&Path::Root, "bedrock");
        BedrockObject::read(Field::new(serde_json::from_str(json).unwrap(), &path))
    }

    #[test]
    fn any_member_is_taken_but_those_that_are_translated() {
        let object = read(r#"{"tomorrow":[null],"serviceTier":{"type":"flex"}}"#).unwrap();
        let names: Vec<&String> = object.members().keys().collect();
        assert_eq!(names, ["tomorrow", "serviceTier"]);
        for member in TRANSLATED {
            let refused = read(&format!(r#"{{"{member}":null}}"#)).unwrap_err();
            assert_eq!(refused.param, Some(format!("bedrock.{member}")));
            assert_eq!(refused.code, Some("unsupported_parameter"));
        }
    }

    #[test]
    fn what_is_no_object_or_beyond_all_measure_is_refused() {
        for json in ["[]", "true", r#""{}""#, "1"] {
            assert_eq!(read(json).unwrap_err().code, Some("invalid_type"), "{json}");
        }
        let deep = format!(r#"{{"a":{}0{}}}"#, "[".repeat(200), "]".repeat(200));
        let wide = |length| format!(r#"{{"a":"{}"}}"#, "x".repeat(length - 8));
        assert!(read(&wide(MAX_LENGTH)).is_ok());
        for json in [deep, r#"{"a":1e999}"#.to_owned(), wide(MAX_LENGTH + 1)] {
            let refused = read(&json).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some("bedrock"));
            assert_eq!(refused.code, Some("invalid_value"));
        }
    }
}
