//! The `bedrock` object of a request: Converse's own members, for what OpenAI has no name for.

use serde_json::{Map, Value};

use super::error::{InvalidRequest, excerpt};
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
        if let Some(number) = number_beyond_64_bits(text) {
            let message = format!(
                "'{}' holds the number {}, which is beyond 64 bits and would not reach Bedrock as it stands.",
                field.path(),
                excerpt(number)
            );
            return Err(InvalidRequest::value(field.path(), message));
        }
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

/// The first whole number of an object's JSON text that a tree would round.
fn number_beyond_64_bits(json: &str) -> Option<&str> {
    let mut in_string = false;
    let mut after_backslash = false;
    let mut start = None;
    for (at, byte) in json.bytes().enumerate() {
        if in_string {
            in_string = after_backslash || byte != b'"';
            after_backslash = !after_backslash && byte == b'\\';
        } else if matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') {
            start.get_or_insert(at);
        } else {
            let number = start.take().and_then(|start| json.get(start..at));
            if number.is_some_and(is_beyond_64_bits) {
                return number;
            }
            in_string = byte == b'"';
        }
    }
    None
}

fn is_beyond_64_bits(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    whole && number.parse::<i64>().is_err() && number.parse::<u64>().is_err()
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
    fn whole_numbers_are_kept_or_refused() {
        for kept in [
            r#"{"a":[18446744073709551615,-9223372036854775808],"b":{"c":0}}"#,
            r#"{"a":"18446744073709551616","b\\\"18446744073709551616":[true,false,null]}"#,
            r#"{"a":[1.5,0.1]}"#,
        ] {
            let object = Value::Object(read(kept).unwrap().into_members());
            assert_eq!(object.to_string(), kept);
        }
        for refused in [
            r#"{"a":18446744073709551616}"#,
            r#"{"b":"\\","a":[1, -9223372036854775809 ]}"#,
        ] {
            let refused = read(refused).unwrap_err();
            assert_eq!(refused.code, Some("invalid_value"));
            assert!(
                refused.message.contains("beyond 64 bits"),
                "{}",
                refused.message
            );
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
