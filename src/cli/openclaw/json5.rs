//! JSON5 for people: names without quotes, what is short on one line, a comma after each last line.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The most columns of a line that holds more than one value.
const LINE_WIDTH: usize = 100;
const INDENT: usize = 2;

/// A document under comments, one line each.
pub fn json5(comments: &[&str], document: &Value) -> String {
    let mut text = String::new();
    for comment in comments {
        text.extend(["// ", comment, "\n"]);
    }
    write(document, 0, 0, &mut text);
    text.push('\n');
    text
}

/// Writes a value that begins in a column of a line which is indented by `indent`.
fn write(value: &Value, indent: usize, column: usize, text: &mut String) {
    let line = on_one_line(value);
    // The document itself is never on one line, and a comma follows every other value.
    let fits = column > 0 && column + line.chars().count() < LINE_WIDTH;
    match value {
        Value::Object(members) if !fits && !members.is_empty() => {
            text.push_str("{\n");
            for (name, member) in members {
                write_line(
                    &format!("{}: ", name_of(name)),
                    member,
                    indent + INDENT,
                    text,
                );
            }
            text.extend([&" ".repeat(indent), "}"]);
        }
        Value::Array(items) if !fits && !items.is_empty() => {
            text.push_str("[\n");
            for item in items {
                write_line("", item, indent + INDENT, text);
            }
            text.extend([&" ".repeat(indent), "]"]);
        }
        _ => text.push_str(&line),
    }
}

/// Writes a value behind `start`, beginning with a line of its own.
fn write_line(start: &str, value: &Value, indent: usize, text: &mut String) {
    text.extend([&" ".repeat(indent), start]);
    write(value, indent, indent + start.chars().count(), text);
    text.push_str(",\n");
}

fn on_one_line(value: &Value) -> String {
    match value {
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Object(members) => format!("{{ {} }}", joined(members)),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(on_one_line).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => quoted(text),
        Value::Number(number) => {
            let number = number.to_string();
            number.strip_suffix(".0").unwrap_or(&number).to_owned()
        }
        Value::Null | Value::Bool(_) => value.to_string(),
    }
}

fn joined(members: &Map<String, Value>) -> String {
    let members = members
        .iter()
        .map(|(name, value)| format!("{}: {}", name_of(name), on_one_line(value)));
    members.collect::<Vec<_>>().join(", ")
}

/// A member's name, bare where JSON5 allows that. Words such as `default` are names like any other.
fn name_of(name: &str) -> String {
    let is_letter = |letter: char| letter.is_ascii_alphabetic() || "_$".contains(letter);
    let bare = name.starts_with(is_letter)
        && name
            .chars()
            .all(|each| is_letter(each) || each.is_ascii_digit());
    if bare { name.to_owned() } else { quoted(name) }
}

/// A string of JSON, which is one of JSON5. What a terminal would obey is escaped as well, and so are the two separators that
/// end a line of JavaScript.
fn quoted(text: &str) -> String {
    let json = Value::from(text).to_string();
    let mut quoted = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            // Writing into a text cannot fail.
            let _ = write!(quoted, "\\u{:04x}", u32::from(character));
        } else {
            quoted.push(character);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_short_stands_on_one_line() {
        let document = json!({
            "a": {"b": [1, 2.0, 0.25], "c-d": {}, "e": []},
            "long": ["x".repeat(60), "y".repeat(60)],
            "null": null,
        });
        let expected = format!(
            "// One.\n// Two.\n{{\n  a: {{ b: [1, 2, 0.25], \"c-d\": {{}}, e: [] }},\n  long: [\n    \"{}\",\n    \
             \"{}\",\n  ],\n  null: null,\n}}\n",
            "x".repeat(60),
            "y".repeat(60)
        );
        assert_eq!(json5(&["One.", "Two."], &document), expected);
    }

    #[test]
    fn texts_and_names_cannot_leave_their_quotes() {
        for (text, written) in [
            ("plain", r#""plain""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            ("line\nline\r\t", r#""line\nline\r\t""#),
            ("\u{1b}[31m\u{7f}\u{9b}", r#""\u001b[31m\u007f\u009b""#),
            ("\u{2028}\u{2029}", r#""\u2028\u2029""#),
            ("it's // no comment", r#""it's // no comment""#),
            ("größer", r#""größer""#),
        ] {
            assert_eq!(quoted(text), written);
            // What is written is JSON as well, and means the same.
            assert_eq!(serde_json::from_str::<String>(written).unwrap(), text);
        }
        for name in ["_a$1", "default", "A"] {
            assert_eq!(name_of(name), name);
        }
        for name in ["", "1a", "a b", "a:b", "ä", "a.b"] {
            assert_eq!(name_of(name), format!("\"{name}\""));
        }
    }
}
