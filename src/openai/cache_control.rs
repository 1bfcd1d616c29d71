//! Where and for how long a client wants its prompt to be cached.

use std::borrow::Cow;

use super::error::InvalidRequest;
use super::json::{Field, Object, Path};

/// The end of a prefix that the client wants cached: Anthropic's `cache_control: {"type": "ephemeral"}`, or
/// OpenAI's `prompt_cache_breakpoint: {"mode": "explicit"}` of a content part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheControl<'a> {
    /// The member that says so, as a path below its message or tool.
    pub path: String,
    /// The content part that it stands in; none when it belongs to the message or tool itself.
    pub part: Option<usize>,
    /// `ttl` as it was sent.
    pub ttl: Option<Cow<'a, str>>,
}

/// `prompt_cache_retention` and `prompt_cache_options`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromptCacheOptions<'a> {
    /// `prompt_cache_retention`, unless it is the default `in_memory`.
    pub retention: Option<Cow<'a, str>>,
    /// `prompt_cache_options.ttl`.
    pub ttl: Option<Cow<'a, str>>,
    /// Whether `prompt_cache_options.mode` is `explicit`: nothing is cached but what the client marked.
    pub explicit: bool,
}

impl<'a> CacheControl<'a> {
    /// Reads the member `name`, whose path below its message or tool is `path`. A member that does not ask for a
    /// cache point gives the path back; not even a wrong type is worth a refusal, because other clients' members
    /// of these names are none of OpenAI's.
    pub(super) fn read(
        name: &str,
        field: Field<'a, '_>,
        part: Option<usize>,
        path: String,
    ) -> Result<Self, String> {
        let named = matches!(name, "cache_control" | "prompt_cache_breakpoint");
        let members = if named { field.object().ok() } else { None };
        let mut asked = false;
        let mut ttl = None;
        for (key, raw) in members.map(|Object(members)| members).unwrap_or_default() {
            let member = Path::Member(field.path(), &key);
            let member = Field::new(raw, &member);
            match (name, key.as_ref()) {
                _ if member.is_null() => {}
                ("cache_control", "type") => asked = raw.get() == r#""ephemeral""#,
                ("prompt_cache_breakpoint", "mode") => asked = raw.get() == r#""explicit""#,
                (_, "ttl") => {
                    ttl = Some(member.string().unwrap_or_else(|_| Cow::Borrowed(raw.get())));
                }
                _ => {}
            }
        }
        if asked {
            Ok(Self { path, part, ttl })
        } else {
            Err(path)
        }
    }
}

impl<'a> PromptCacheOptions<'a> {
    /// Reads `prompt_cache_retention`.
    pub(super) fn read_retention(&mut self, field: Field<'a, '_>) -> Result<(), InvalidRequest> {
        self.retention = Some(field.string()?).filter(|retention| retention != "in_memory");
        Ok(())
    }

    /// Reads `prompt_cache_options`; members without a meaning here are added to `extras`.
    pub(super) fn read_options(
        &mut self,
        field: Field<'a, '_>,
        extras: &mut Vec<Cow<'a, str>>,
    ) -> Result<(), InvalidRequest> {
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            match name.as_ref() {
                _ if member.is_empty() => {}
                "ttl" => self.ttl = Some(member.string()?),
                "mode" => match member.string()?.as_ref() {
                    "implicit" => {}
                    "explicit" => self.explicit = true,
                    _ => extras.push(Cow::Owned(path.to_string())),
                },
                _ => extras.push(Cow::Owned(path.to_string())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn read<'a>(name: &str, json: &'a str) -> Result<CacheControl<'a>, String> {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        let path = Path::Member(&Path::Root, name);
        CacheControl::read(name, Field::new(raw, &path), None, name.to_owned())
    }

    #[test]
    fn both_forms_ask_for_a_point() {
        for (name, json, ttl) in [
            ("cache_control", r#"{"type":"ephemeral"}"#, None),
            (
                "cache_control",
                r#"{"ttl":"1h","type":"ephemeral"}"#,
                Some("1h"),
            ),
            (
                "cache_control",
                r#"{"type":"ephemeral","ttl":null,"scope":"global"}"#,
                None,
            ),
            (
                "cache_control",
                r#"{"type":"ephemeral","ttl":3600}"#,
                Some("3600"),
            ),
            ("prompt_cache_breakpoint", r#"{"mode":"explicit"}"#, None),
        ] {
            let control = read(name, json).unwrap();
            assert_eq!(control.ttl.as_deref(), ttl, "{name} {json}");
        }
    }

    #[test]
    fn anything_else_asks_for_nothing() {
        for (name, json) in [
            ("cache_control", "true"),
            ("cache_control", "[]"),
            ("cache_control", r#"{"type":"persistent"}"#),
            ("cache_control", r#"{"mode":"explicit"}"#),
            ("prompt_cache_breakpoint", r#"{"mode":"implicit"}"#),
            ("prompt_cache_breakpoint", r#"{"type":"ephemeral"}"#),
        ] {
            assert_eq!(read(name, json), Err(name.to_owned()), "{name} {json}");
        }
    }
}
