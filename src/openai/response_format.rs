//! `response_format`: the form that the answer's text must have.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::error::{InvalidRequest, excerpt};
use super::json::{Field, Path};

/// A form of the answer's text other than plain text.
#[derive(Debug)]
pub enum ResponseFormat<'a> {
    /// `json_object`: some JSON object.
    JsonObject,
    /// `json_schema`: JSON that a schema describes.
    JsonSchema(JsonSchema<'a>),
}

/// `response_format.json_schema`.
#[derive(Debug)]
pub struct JsonSchema<'a> {
    /// What the answer is called. OpenAI insists on it; other servers do not, and nothing is lost without.
    pub name: Option<Cow<'a, str>>,
    /// What the answer is for.
    pub description: Option<Cow<'a, str>>,
    /// The JSON Schema, an object.
    pub schema: &'a RawValue,
}

impl<'a> ResponseFormat<'a> {
    /// Reads the member; absent for `text`. Paths of members without a meaning go to `extras`.
    ///
    /// # Errors
    /// For an unknown type, and for a `json_schema` without a schema.
    pub(crate) fn read(
        field: Field<'a, '_>,
        extras: &mut Vec<Cow<'a, str>>,
    ) -> Result<Option<Self>, InvalidRequest> {
        let mut kind = None;
        let mut json_schema = None;
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                _ if member.is_null() => {}
                "type" => kind = Some(member.string()?),
                "json_schema" => json_schema = Some(raw),
                _ if member.is_empty() => {}
                _ => extras.push(Cow::Owned(path.to_string())),
            }
        }
        let path = Path::Member(field.path(), "json_schema");
        match kind.as_deref() {
            Some("json_schema") => match json_schema {
                Some(raw) => JsonSchema::read(Field::new(raw, &path), extras)
                    .map(|schema| Some(Self::JsonSchema(schema))),
                None => Err(InvalidRequest::missing(path)),
            },
            Some("json_object" | "text") => {
                if json_schema.is_some() {
                    extras.push(Cow::Owned(path.to_string()));
                }
                Ok((kind.as_deref() == Some("json_object")).then_some(Self::JsonObject))
            }
            Some(other) => Err(InvalidRequest::value(
                Path::Member(field.path(), "type"),
                format!(
                    "Invalid value: '{}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
                    excerpt(other)
                ),
            )),
            None => Err(InvalidRequest::missing(Path::Member(field.path(), "type"))),
        }
    }
}

impl<'a> JsonSchema<'a> {
    fn read(field: Field<'a, '_>, extras: &mut Vec<Cow<'a, str>>) -> Result<Self, InvalidRequest> {
        let mut found = None;
        let mut name_read = None;
        let mut description = None;
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                _ if member.is_null() => {}
                "schema" if member.is_object() => found = Some(raw),
                "schema" => return Err(member.wrong("an object")),
                "name" => name_read = Some(member.string()?),
                "description" => description = Some(member.string()?),
                // The schema is followed as closely as the model can, whether or not it must be.
                "strict" => drop(member.boolean()?),
                _ if member.is_empty() => {}
                _ => extras.push(Cow::Owned(path.to_string())),
            }
        }
        let schema =
            found.ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "schema")))?;
        Ok(Self {
            name: name_read,
            description,
            schema,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(String, Vec<String>), InvalidRequest> {
        let path = Path::Member(&Path::Root, "response_format");
        let mut extras = Vec::new();
        let format = ResponseFormat::read(
            Field::new(serde_json::from_str(json).unwrap(), &path),
            &mut extras,
        )?;
        let extras = extras.into_iter().map(Cow::into_owned).collect();
        Ok((format!("{format:?}"), extras))
    }

    #[test]
    fn text_is_no_format_and_the_others_are_read() {
        assert_eq!(read(r#"{"type":"text"}"#).unwrap().0, "None");
        assert_eq!(
            read(r#"{"type":"json_object"}"#).unwrap().0,
            "Some(JsonObject)"
        );
        let (format, extras) = read(
            r#"{"json_schema":{"name":"a","strict":true,"description":null,"schema":{},"x":1},"type":"json_schema","y":2}"#,
        )
        .unwrap();
        assert!(format.contains(r#"name: Some("a")"#), "{format}");
        assert_eq!(
            extras,
            ["response_format.y", "response_format.json_schema.x"]
        );
    }

    #[test]
    fn a_schema_beside_another_type_is_named() {
        let (_, extras) = read(r#"{"type":"json_object","json_schema":{"schema":{}}}"#).unwrap();
        assert_eq!(extras, ["response_format.json_schema"]);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (json, param) in [
            ("{}", "response_format.type"),
            (r#"{"type":null}"#, "response_format.type"),
            (r#"{"type":"xml"}"#, "response_format.type"),
            (r#"{"type":"json_schema"}"#, "response_format.json_schema"),
            (
                r#"{"type":"json_schema","json_schema":{"name":"a"}}"#,
                "response_format.json_schema.schema",
            ),
            (
                r#"{"type":"json_schema","json_schema":{"schema":true}}"#,
                "response_format.json_schema.schema",
            ),
            (
                r#"{"type":"json_schema","json_schema":{"schema":{},"strict":"yes"}}"#,
                "response_format.json_schema.strict",
            ),
            (r#""json""#, "response_format"),
        ] {
            assert_eq!(
                read(json).unwrap_err().param.as_deref(),
                Some(param),
                "{json}"
            );
        }
        let message = read(r#"{"type":"xml"}"#).unwrap_err().message;
        assert_eq!(
            message,
            "Invalid value: 'xml'. Supported values are: 'json_object', 'json_schema', and 'text'."
        );
    }
}
