use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::config::{Mistake, Mistakes};

/// The exit code when something went wrong at work.
const FAILED: u8 = 1;

/// The exit code when the command line or the configuration is wrong.
const USAGE: u8 = 2;

/// Why a command ended: lines for standard error, and an exit code.
#[derive(Debug)]
pub struct Failure {
    lines: Vec<String>,
    code: u8,
}

impl Failure {
    /// A failure at work that one line tells.
    pub fn new(line: impl Into<String>) -> Self {
        Self {
            lines: vec![line.into()],
            code: FAILED,
        }
    }

    /// A failure at work that takes a line for each of its parts.
    pub(super) fn of_lines(lines: Vec<String>) -> Self {
        Self {
            lines,
            code: FAILED,
        }
    }

    /// A wrong use of the command line that one line tells.
    pub fn usage(line: impl Into<String>) -> Self {
        Self {
            lines: vec![line.into()],
            code: USAGE,
        }
    }

    /// A wrong use of the command line that takes a line for each of its parts.
    pub(super) fn usage_of_lines(lines: Vec<String>) -> Self {
        Self { lines, code: USAGE }
    }

    /// Makes one line of what clap says; without any arguments its help stays as it is.
    pub(super) fn from_usage(error: &clap::Error) -> Self {
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            // Nothing can be done when standard error is gone.
            let _ = error.print();
            return Self {
                lines: Vec::new(),
                code: USAGE,
            };
        }
        let text = error.render().to_string();
        let said = text
            .lines()
            .map(str::trim)
            .take_while(|line| !line.starts_with("Usage:"));
        let said =
            said.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
        let mut line = String::new();
        for part in said {
            match part.strip_prefix("tip: ") {
                Some(tip) => line = format!("{line}; {tip}"),
                None if line.is_empty() => part.trim_start_matches("error: ").clone_into(&mut line),
                None => line = format!("{line} {part}"),
            }
        }
        Self::usage(line)
    }

    /// Writes the lines to standard error and returns the exit code.
    pub fn report(&self) -> ExitCode {
        // Nothing can be done when standard error is gone.
        let _ = io::stderr().lock().write_all(self.to_string().as_bytes());
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let line: String = line
                .chars()
                .map(|each| if each.is_control() { ' ' } else { each })
                .collect();
            writeln!(formatter, "outcrop: {line}")?;
        }
        Ok(())
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        Self {
            lines: mistakes.lines().collect(),
            code: USAGE,
        }
    }
}

impl From<Mistake> for Failure {
    fn from(mistake: Mistake) -> Self {
        Self::usage(mistake.to_string())
    }
}

/// An error with all its causes in one line, so that `?` works on every error.
impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many errors repeat their cause in their own text.
            if !line.contains(&text) {
                line = format!("{line}: {text}");
            }
            cause = error.source();
        }
        Self::new(line)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use thiserror::Error;

    use super::{FAILED, Failure, USAGE};

    #[derive(Debug, Error)]
    #[error("the fixtures cannot be read")]
    struct Outer(#[source] io::Error);

    #[derive(Debug, Error)]
    #[error("outer says: {0}")]
    struct Repeating(#[source] io::Error);

    #[test]
    fn an_error_and_its_causes_are_one_line() {
        let failure = Failure::from(Outer(io::Error::other("disk\non fire")));
        assert_eq!(
            failure.to_string(),
            "outcrop: the fixtures cannot be read: disk on fire\n"
        );
        assert_eq!(failure.code, FAILED);
    }

    #[test]
    fn a_cause_that_the_error_repeats_is_said_once() {
        let failure = Failure::from(Repeating(io::Error::other("no")));
        assert_eq!(failure.to_string(), "outcrop: outer says: no\n");
    }

    #[test]
    fn wrong_usage_has_its_own_exit_code() {
        assert_eq!(Failure::usage("x").code, USAGE);
    }
}
