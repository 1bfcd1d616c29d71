//! Reading a request member by member: in the order it was written, with a path for every complaint.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::error::InvalidRequest;

/// Where a value stands in the request: `messages[2].content[0].text`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'p> {
    Root,
    Member(&'p Self, &'p str),
    Element(&'p Self, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(Self::Root, name) => write!(f, "{name}"),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Element(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

impl From<Path<'_>> for String {
    fn from(path: Path<'_>) -> Self {
        path.to_string()
    }
}

impl From<&Path<'_>> for String {
    fn from(path: &Path<'_>) -> Self {
        path.to_string()
    }
}

/// The members of a JSON object in the order they were written.
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

/// A value's JSON text and its place.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a, 'p> {
    raw: &'a RawValue,
    path: &'p Path<'p>,
}

impl<'a, 'p> Field<'a, 'p> {
    pub(crate) fn new(raw: &'a RawValue, path: &'p Path<'p>) -> Self {
        Self { raw, path }
    }

    pub(crate) fn raw(self) -> &'a RawValue {
        self.raw
    }

    pub(crate) fn path(self) -> &'p Path<'p> {
        self.path
    }

    pub(crate) fn is_null(self) -> bool {
        self.raw.get() == "null"
    }

    pub(crate) fn is_string(self) -> bool {
        self.raw.get().starts_with('"')
    }

    pub(crate) fn is_array(self) -> bool {
        self.raw.get().starts_with('[')
    }

    pub(crate) fn is_object(self) -> bool {
        self.raw.get().starts_with('{')
    }

    /// Whether the value says nothing: null, `[]`, `{}` or `""`.
    pub(crate) fn is_empty(self) -> bool {
        let text = self.raw.get();
        let inner = |open, close| {
            text.strip_prefix(open)
                .and_then(|text: &str| text.strip_suffix(close))
        };
        self.is_null()
            || text == r#""""#
            || [inner('[', ']'), inner('{', '}')]
                .into_iter()
                .flatten()
                .any(|inner| inner.trim().is_empty())
    }

    pub(crate) fn string(self) -> Result<Cow<'a, str>, InvalidRequest> {
        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Text<'a>(#[serde(borrow)] Cow<'a, str>);
        self.read("a string").map(|Text(text)| text)
    }

    pub(crate) fn boolean(self) -> Result<bool, InvalidRequest> {
        self.read("a boolean")
    }

    pub(crate) fn number(self) -> Result<f64, InvalidRequest> {
        self.read("a number")
            .map_err(|wrong| match self.raw.get().as_bytes() {
                [b'-' | b'0'..=b'9', ..] => {
                    InvalidRequest::value(self.path, format!("'{}' is out of range.", self.path))
                }
                _ => wrong,
            })
    }

    /// A whole number that is not negative; `1.0` is one.
    pub(crate) fn unsigned(self) -> Result<u64, InvalidRequest> {
        if let Ok(number) = serde_json::from_str(self.raw.get()) {
            return Ok(number);
        }
        let whole = self
            .raw
            .get()
            .strip_suffix(".0")
            .and_then(|whole| whole.parse().ok());
        whole.ok_or_else(|| self.wrong("a non-negative integer"))
    }

    pub(crate) fn object(self) -> Result<Object<'a>, InvalidRequest> {
        self.read("an object").map_err(|wrong| {
            if self.is_object() {
                let message = format!("'{}' has more than {MAX_ELEMENTS} members.", self.path);
                InvalidRequest::value(self.path, message)
            } else {
                wrong
            }
        })
    }

    pub(crate) fn array(self) -> Result<Vec<&'a RawValue>, InvalidRequest> {
        match self.read("an array")? {
            Elements::All(elements) => Ok(elements),
            Elements::TooMany => Err(InvalidRequest::value(
                self.path,
                format!("'{}' has more than {MAX_ELEMENTS} elements.", self.path),
            )),
        }
    }

    fn read<T: Deserialize<'a>>(self, expected: &str) -> Result<T, InvalidRequest> {
        serde_json::from_str(self.raw.get()).map_err(|_| self.wrong(expected))
    }

    pub(crate) fn wrong(self, expected: &str) -> InvalidRequest {
        let found = match self.raw.get().as_bytes().first() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            _ => "a number",
        };
        InvalidRequest::kind(self.path, expected, found)
    }
}

/// The most elements of one list, and members of one object. A longer one is no conversation, and a body of
/// tiny elements would take a hundred times its own size in memory.
pub(super) const MAX_ELEMENTS: usize = 100_000;

/// The elements of a JSON list, unless there are too many.
enum Elements<'a> {
    All(Vec<&'a RawValue>),
    TooMany,
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Elements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = list.next_element()? {
                    if elements.len() == MAX_ELEMENTS {
                        while list.next_element::<IgnoredAny>()?.is_some() {}
                        return Ok(Elements::TooMany);
                    }
                    elements.push(element);
                }
                Ok(Elements::All(elements))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    if members.len() == MAX_ELEMENTS {
                        return Err(A::Error::custom(format_args!(
                            "an object has more than {MAX_ELEMENTS} members"
                        )));
                    }
                    members.push((key, map.next_value()?));
                }
                Ok(Object(members))
            }
        }

        #[derive(Deserialize)]
        #[serde(transparent)]
        struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

        deserializer.deserialize_map(Members)
    }
}

/// Replaces every `\uD800`–`\uDFFF` escape that is not half of a pair by U+FFFD's.
///
/// Clients that cut strings by UTF-16 units send such halves; JSON readers refuse the whole document for
/// one of them. The replacement has the same length, so that positions in error messages stay true.
pub fn replace_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    let mut replaced: Option<Vec<u8>> = None;
    let mut at = 0;
    while let Some(escape) = json
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\\'))
    {
        at += escape;
        at += match (surrogate(json, at), surrogate(json, at + 6)) {
            (Some(Surrogate::High), Some(Surrogate::Low)) => 12,
            (Some(_), _) => {
                let copy = replaced.get_or_insert_with(|| json.to_vec());
                if let Some(digits) = copy.get_mut(at + 2..at + 6) {
                    digits.copy_from_slice(b"fffd");
                }
                6
            }
            (None, _) => 2,
        };
    }
    replaced.map_or(Cow::Borrowed(json), Cow::Owned)
}

enum Surrogate {
    High,
    Low,
}

/// The surrogate that the six bytes at `at` escape.
fn surrogate(json: &[u8], at: usize) -> Option<Surrogate> {
    let [b'\\', b'u', b'd' | b'D', kind, third, fourth] = json.get(at..at + 6)? else {
        return None;
    };
    if !third.is_ascii_hexdigit() || !fourth.is_ascii_hexdigit() {
        return None;
    }
    match kind {
        b'8' | b'9' | b'a' | b'b' | b'A' | b'B' => Some(Surrogate::High),
        b'c'..=b'f' | b'C'..=b'F' => Some(Surrogate::Low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lone_surrogates_become_replacement_characters_and_pairs_stay() {
        for (json, expected) in [
            (r#""a\ud83d\ude00b""#, r#""a\ud83d\ude00b""#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\ud83"#, r#""\ud83"#),
            (r#""\"#, r#""\"#),
        ] {
            assert_eq!(
                replace_lone_surrogates(json.as_bytes()),
                expected.as_bytes(),
                "{json}"
            );
        }
        assert!(matches!(
            replace_lone_surrogates(br#""plain\n""#),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn lists_and_objects_beyond_all_measure_are_refused() {
        let list = |count| format!("[{}0]", "0,".repeat(count - 1));
        let path = Path::Member(&Path::Root, "stop");
        let read = |json: &str| {
            let raw = serde_json::from_str(json).unwrap();
            Field::new(raw, &path).array().map(|list| list.len())
        };
        assert_eq!(read(&list(MAX_ELEMENTS)), Ok(MAX_ELEMENTS));
        let refused = read(&list(MAX_ELEMENTS + 1)).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("stop"));
        let object = format!(r#"{{{}"x":0}}"#, r#""x":0,"#.repeat(MAX_ELEMENTS));
        assert!(serde_json::from_str::<Object<'_>>(&object).is_err());
    }

    #[test]
    fn paths_read_like_the_clients_own_code() {
        let messages = Path::Member(&Path::Root, "messages");
        let message = Path::Element(&messages, 2);
        let content = Path::Member(&message, "content");
        assert_eq!(
            Path::Element(&content, 0).to_string(),
            "messages[2].content[0]"
        );
    }
}
