//! Documents' names: Bedrock takes letters, digits, single spaces, hyphens, parentheses and brackets, and each name
//! once in all messages.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// The most characters of a name at Bedrock.
const MOST_CHARACTERS: usize = 200;
/// How many bytes of a content's digest stand for a name that says nothing.
const DIGEST_BYTES: usize = 4;

/// The names given so far. They are given in the order of the conversation, so that a later document never takes an
/// earlier one's name away: the prompt cache knows it.
#[derive(Debug, Default)]
pub(super) struct DocumentNames {
    given: HashSet<String>,
    /// The number to try next for a name that is taken, so that a thousand files of one name are not counted anew
    /// for each of them.
    next: HashMap<String, u32>,
}

impl DocumentNames {
    /// A name for the file called `file_name`, else for what it holds; a name that is taken gets a number.
    pub(super) fn give(&mut self, file_name: Option<&str>, base64: &str) -> String {
        let name = file_name
            .map(cleaned)
            .filter(|name| name.bytes().any(|byte| byte.is_ascii_alphanumeric()))
            .unwrap_or_else(|| digest(base64));
        if self.given.insert(name.clone()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let candidate = numbered(&name, *next);
            *next = next.saturating_add(1);
            if self.given.insert(candidate.clone()) {
                return candidate;
            }
        }
    }
}

/// The last part of a path without its extension, what Bedrock does not take replaced by single spaces.
fn cleaned(file_name: &str) -> String {
    let name = file_name.rsplit(['/', '\\']).next().unwrap_or_default();
    // The format says as much, and a dot is not taken.
    let stem = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && !extension.contains(' ') => stem,
        _ => name,
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '(' | ')' | '[' | ']');
    let words = stem.split(|c: char| !allowed(c));
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    shortened(&words.join(" "), MOST_CHARACTERS)
}

fn numbered(name: &str, number: u32) -> String {
    let suffix = format!(" [{number}]");
    shortened(name, MOST_CHARACTERS - suffix.len()) + &suffix
}

/// The first `length` characters of an ASCII text, without a space at the end.
fn shortened(name: &str, length: usize) -> String {
    name.get(..length).unwrap_or(name).trim_end().to_owned()
}

fn digest(base64: &str) -> String {
    let mut name = "document-".to_owned();
    for byte in Sha256::digest(base64).iter().take(DIGEST_BYTES) {
        // Writing into a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(file_name: &str) -> String {
        DocumentNames::default().give(Some(file_name), "aGk=")
    }

    #[test]
    fn names_come_from_file_names() {
        for (file_name, expected) in [
            ("report.pdf", "report"),
            ("Q3 report (final) [v2].docx", "Q3 report (final) [v2]"),
            ("report_2026.10.01.pdf", "report 2026 10 01"),
            ("/home/user/notes.md", "notes"),
            (r"C:\Users\me\notes.txt", "notes"),
            ("  a \t  b\u{a0}\u{2003}c .csv", "a b c"),
            (".env", "env"),
            ("Dr. Strange", "Dr Strange"),
            ("Übersicht.pdf", "bersicht"),
            ("a\u{0}b\"c.pdf", "a b c"),
        ] {
            assert_eq!(name(file_name), expected, "{file_name}");
        }
        assert_eq!(name(&"x".repeat(300)), "x".repeat(200));
        assert_eq!(name(&format!("{} y", "x".repeat(199))), "x".repeat(199));
    }

    #[test]
    fn a_name_that_says_nothing_comes_from_the_content() {
        let names = ["", "報告.pdf", "()-[].pdf", "..."].map(name);
        assert!(names.iter().all(|given| *given == names[0]), "{names:?}");
        let nameless = |base64| DocumentNames::default().give(None, base64);
        assert_eq!(nameless("aGk="), names[0]);
        assert_ne!(nameless("aG8="), names[0]);
        assert!(names[0].starts_with("document-") && names[0].len() == 17);
    }

    /// Counted from 2 for each of them, so many would take hours.
    #[test]
    fn a_hundred_thousand_files_of_one_name_are_told_apart() {
        let mut names = DocumentNames::default();
        let given: HashSet<_> = (0..100_000)
            .map(|_| names.give(Some("a.txt"), "aGk="))
            .collect();
        assert_eq!(given.len(), 100_000);
        assert!(given.contains("a [100000]"));
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        let mut names = DocumentNames::default();
        let mut give = |file_name: &str| names.give(Some(file_name), "aGk=");
        assert_eq!(give("a.pdf"), "a");
        assert_eq!(give("a.txt"), "a [2]");
        assert_eq!(give("a [3].txt"), "a [3]");
        assert_eq!(give("a.md"), "a [4]");
        assert_eq!(give("a [2]"), "a [2] [2]");
        let long = "x".repeat(200);
        assert_eq!(give(&long), long);
        assert_eq!(give(&long), format!("{} [2]", "x".repeat(196)));
    }
}
