//! JSON strings that are passed on without being read.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A JSON string token as it stood in the text, quotes and escapes included.
///
/// Bedrock's `delta.text` and OpenAI's `delta.content` are the same JSON string, so the token is copied and
/// never decoded. It holds no raw newline (JSON forbids them), so an SSE line stays one line.
#[derive(Clone, Copy, Debug)]
pub struct JsonString<'a>(&'a str);

impl<'a> JsonString<'a> {
    /// The token with its quotes.
    pub fn token(self) -> &'a str {
        self.0
    }

    /// What stands between the quotes, still escaped.
    pub fn escaped(self) -> &'a str {
        self.0
            .get(1..self.0.len().saturating_sub(1))
            .unwrap_or_default()
    }

    /// Whether the string has no characters.
    pub fn is_empty(self) -> bool {
        self.escaped().is_empty()
    }

    /// How many Unicode characters the string has once it is decoded. A surrogate pair is one.
    pub fn character_count(self) -> usize {
        let mut bytes = self.escaped().bytes();
        let mut count = 0;
        while let Some(byte) = bytes.next() {
            if byte == b'\\' {
                if bytes.next() == Some(b'u') {
                    let low_surrogate = bytes.next().is_some_and(|b| b.eq_ignore_ascii_case(&b'd'))
                        & bytes
                            .next()
                            .is_some_and(|b| matches!(b, b'c'..=b'f' | b'C'..=b'F'));
                    bytes.nth(1);
                    if low_surrogate {
                        continue;
                    }
                }
            } else if byte & 0b1100_0000 == 0b1000_0000 {
                continue;
            }
            count += 1;
        }
        count
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JsonString<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = <&RawValue>::deserialize(deserializer)?.get();
        if token.starts_with('"') {
            Ok(Self(token))
        } else {
            Err(D::Error::custom("a string was expected"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_as_decoded() {
        for text in [
            r#""""#,
            r#""abc""#,
            r#""é\n\"""#,
            r#""\u00e9\ud83d\ude00😀x""#,
            r#""\\u0041""#,
        ] {
            let token: JsonString<'_> = serde_json::from_str(text).unwrap();
            let decoded: String = serde_json::from_str(text).unwrap();
            assert_eq!(token.character_count(), decoded.chars().count(), "{text}");
        }
    }

    #[test]
    fn only_a_string_is_a_string() {
        for text in ["1", "null", "{}", "[\"a\"]", "true"] {
            assert!(
                serde_json::from_str::<JsonString<'_>>(text).is_err(),
                "{text}"
            );
        }
    }
}
