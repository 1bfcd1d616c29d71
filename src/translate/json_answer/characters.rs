//! The characters of a JSON string that is not decoded.

use std::ops::Range;

/// The characters between the quotes of a JSON string: where each stands, and what it is when it is ASCII. JSON
/// inside that string has no other characters outside its own strings.
#[derive(Clone, Debug)]
pub(super) struct Characters<'t> {
    escaped: &'t str,
    at: usize,
}

impl<'t> Characters<'t> {
    pub(super) fn of(escaped: &'t str) -> Self {
        Self { escaped, at: 0 }
    }
}

impl Iterator for Characters<'_> {
    type Item = (Range<usize>, Option<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.escaped.get(self.at..)?;
        let (length, ascii) = match *rest.as_bytes() {
            [b'\\', b'u', ..] => (6, unescaped(rest)),
            [b'\\', b'n', ..] => (2, Some(b'\n')),
            [b'\\', b'r', ..] => (2, Some(b'\r')),
            [b'\\', b't', ..] => (2, Some(b'\t')),
            // Form feed and backspace are no whitespace of JSON's.
            [b'\\', b'f' | b'b', ..] => (2, None),
            [b'\\', other, ..] => (2, Some(other)),
            _ => {
                let first = rest.chars().next()?;
                let ascii = u8::try_from(first).ok().filter(u8::is_ascii);
                (first.len_utf8(), ascii)
            }
        };
        let start = self.at;
        self.at = self.escaped.len().min(start + length);
        Some((start..self.at, ascii))
    }
}

/// The ASCII character of a `\uXXXX`.
fn unescaped(escape: &str) -> Option<u8> {
    let code = u32::from_str_radix(escape.get(2..6)?, 16).ok()?;
    u8::try_from(code).ok().filter(u8::is_ascii)
}

/// Whether a character is whitespace of JSON's.
pub(super) fn is_whitespace(ascii: Option<u8>) -> bool {
    matches!(ascii, Some(b' ' | b'\n' | b'\r' | b'\t'))
}

/// Whether there is nothing but whitespace.
pub(super) fn is_blank(escaped: &str) -> bool {
    Characters::of(escaped).all(|(_, ascii)| is_whitespace(ascii))
}

/// A JSON object that is being read: where it ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Value {
    depth: u32,
    in_string: bool,
    after_backslash: bool,
}

impl Value {
    /// Reads a character, and tells whether the value ends with it.
    pub(super) fn ends_with(&mut self, ascii: Option<u8>) -> bool {
        if std::mem::take(&mut self.after_backslash) {
            return false;
        }
        match ascii {
            Some(b'\\') => self.after_backslash = self.in_string,
            Some(b'"') => self.in_string = !self.in_string,
            Some(b'{' | b'[') if !self.in_string => self.depth = self.depth.saturating_add(1),
            Some(b'}' | b']') if !self.in_string => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_those_of_the_decoded_string() {
        for escaped in [r#"a\"\\\/\n\u0022\u00e9é😀\ud83d\ude00\tb"#, "", "{}"] {
            let decoded: String = serde_json::from_str(&format!("\"{escaped}\"")).unwrap();
            let expected: Vec<_> = decoded.chars().filter(char::is_ascii).collect();
            let ascii: Vec<_> = Characters::of(escaped)
                .filter_map(|(_, ascii)| ascii)
                .map(char::from)
                .collect();
            assert_eq!(ascii, expected);
            let ends: Vec<_> = Characters::of(escaped).map(|(range, _)| range).collect();
            assert!(ends.windows(2).all(|pair| pair[0].end == pair[1].start));
            assert_eq!(ends.last().map_or(0, |last| last.end), escaped.len());
        }
    }

    #[test]
    fn a_value_ends_where_it_closes() {
        let end = |json: &str| {
            let mut value = Value::default();
            json.bytes().position(|byte| value.ends_with(Some(byte)))
        };
        assert_eq!(end("{}x"), Some(1));
        assert_eq!(end(r#"{"a":["}",{"\"}":1}]} "#), Some(20));
        assert_eq!(end(r#"{"a":"}"#), None);
    }
}
