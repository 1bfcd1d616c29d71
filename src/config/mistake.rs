//! What is wrong with what was typed, and where it stands.

use std::fmt;
use std::path::PathBuf;

/// More mistakes than these are counted, not shown: a file that is no TOML has thousands.
const SHOWN: usize = 50;

/// The longest piece of what was typed that a message repeats, in characters.
const QUOTED: usize = 64;

/// Where a value comes from.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Origin {
    /// Nobody typed it.
    #[default]
    Default,
    /// The configuration file as a whole.
    File { path: PathBuf },
    /// A place in the configuration file; line and column count from 1, in characters.
    Line {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A command-line flag, dashes included.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path } => formatter.write_str(&printable(&path.to_string_lossy())),
            Self::Line { path, line, column } => {
                write!(
                    formatter,
                    "{}:{line}:{column}",
                    printable(&path.to_string_lossy())
                )
            }
            Self::Variable(name) | Self::Flag(name) => formatter.write_str(&printable(name)),
        }
    }
}

/// One mistake: where it stands, what is wrong, and what would be right. It shows as one line.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Mistake {
    pub(super) origin: Origin,
    pub(super) problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.origin, printable(&self.problem))
    }
}

/// All mistakes of one start, in the order in which they stand: file, variables, flags.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub(super) fn new(mut mistakes: Vec<Mistake>) -> Self {
        mistakes.sort();
        mistakes.dedup();
        Self(mistakes)
    }

    /// Returns a line for each mistake; beyond 50 the rest is one line that counts them.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let rest = self.0.len().saturating_sub(SHOWN);
        let lines = self.0.iter().take(SHOWN).map(Mistake::to_string);
        lines.chain((rest > 0).then(|| format!("and {rest} more mistakes")))
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.lines().collect();
        formatter.write_str(&lines.join("\n"))
    }
}

/// Returns `text` with control characters escaped, so that it stays one line and drives no terminal.
fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Returns the beginning of `text` in quotation marks, as TOML would write it.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("\"{}…\"", text.get(..end).unwrap_or_default()),
        None => format!("\"{text}\""),
    }
}

/// Returns the one of `names` that was most likely meant by `typed`, if one is near enough.
pub(super) fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let length = typed.chars().count();
    if length > QUOTED {
        return None;
    }
    let distances = names.map(|name| (strsim::damerau_levenshtein(typed, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= (length / 3).max(1)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::{Mistake, Mistakes, Origin, nearest, quoted};

    fn mistake(name: &str) -> Mistake {
        Mistake {
            origin: Origin::Variable(name.to_owned()),
            problem: "is wrong".to_owned(),
        }
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["listen", "grace", "keep_alive"];
        assert_eq!(nearest("lisen", names.into_iter()), Some("listen"));
        assert_eq!(nearest("garce", names.into_iter()), Some("grace"));
        assert_eq!(nearest("keepalive", names.into_iter()), Some("keep_alive"));
        assert_eq!(nearest("colour", names.into_iter()), None);
        assert_eq!(nearest(&"l".repeat(100_000), names.into_iter()), None);
    }

    #[test]
    fn a_mistake_is_one_line_whatever_was_typed() {
        let mistake = Mistake {
            origin: Origin::File {
                path: "a\nb.toml".into(),
            },
            problem: quoted("x\r\n\u{1b}[31m"),
        };
        assert_eq!(mistake.to_string(), r#"a\nb.toml: "x\r\n\u{1b}[31m""#);
    }

    #[test]
    fn a_long_value_is_repeated_in_part() {
        assert_eq!(quoted(&"é".repeat(65)), format!("\"{}…\"", "é".repeat(64)));
        assert_eq!(quoted(&"é".repeat(64)), format!("\"{}\"", "é".repeat(64)));
    }

    #[test]
    fn mistakes_are_sorted_and_those_beyond_fifty_counted() {
        let names = (0..52)
            .rev()
            .map(|number| mistake(&format!("OUTCROP_{number:02}")));
        let lines: Vec<String> = Mistakes::new(names.collect()).lines().collect();
        assert_eq!(lines.len(), 51);
        assert_eq!(lines[0], "OUTCROP_00: is wrong");
        assert_eq!(lines[50], "and 2 more mistakes");
    }
}
