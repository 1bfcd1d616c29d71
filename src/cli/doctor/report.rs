//! What is shown of the checks: lines as they are done, or one JSON object at the end.

use std::io::{self, IsTerminal as _};

use serde_json::json;

use super::check::{Check, Finding};
use super::secrets::Secrets;
use crate::cli::{Failure, print};
use crate::config::Environment;

/// The column in which details begin: behind the longest name of a check.
const DETAIL_COLUMN: usize = 24;

/// The checks so far.
pub(super) struct Report {
    checks: Vec<Check>,
    json: bool,
    colour: bool,
    secrets: Secrets,
}

impl Report {
    /// A report to standard output. It never repeats what `environment` keeps secret.
    pub(super) fn new(json: bool, environment: &Environment) -> Self {
        Self {
            checks: Vec::new(),
            json,
            colour: io::stdout().is_terminal() && environment.get("NO_COLOR").is_none(),
            secrets: Secrets::of(environment),
        }
    }

    /// Shows a check.
    ///
    /// # Errors
    ///
    /// When standard output cannot be written to.
    pub(super) fn add(&mut self, check: Check) -> Result<(), Failure> {
        let check = check.reworded(|said| self.secrets.hide(said));
        if !self.json {
            let before = self
                .checks
                .last()
                .and_then(|check| check.finding().advice.as_deref());
            print(&text(&check, before, self.colour))?;
        }
        self.checks.push(check);
        Ok(())
    }

    /// Ends the report.
    ///
    /// # Errors
    ///
    /// The names of the checks that failed, if any did.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        let failed = self
            .checks
            .iter()
            .filter(|check| check.finding().ok == Some(false));
        let failed: Vec<&str> = failed.map(Check::name).collect();
        if self.json {
            let report = json!({ "ok": failed.is_empty(), "checks": self.checks });
            print(&format!("{report:#}\n"))?;
        }
        if failed.is_empty() {
            return Ok(());
        }
        let word = if failed.len() == 1 { "check" } else { "checks" };
        let line = format!("{} {word} failed: {}", failed.len(), failed.join(", "));
        Err(Failure::new(line))
    }
}

/// A check's line, and those of its advice below it, unless that stands above already: it is `before`.
fn text(check: &Check, before: Option<&str>, colour: bool) -> String {
    let Finding { ok, detail, advice } = check.finding();
    let (sign, code) = match ok {
        Some(true) => ("✓", 32),
        Some(false) => ("✗", 31),
        None => ("–", 2),
    };
    let sign = if colour {
        format!("\u{1b}[{code}m{sign}\u{1b}[0m")
    } else {
        sign.to_owned()
    };
    let name = check.name();
    let time = check
        .time()
        .map_or_else(String::new, |time| format!(" ({} ms)", time.as_millis()));
    let detail = printable(detail);
    let mut text = format!("{sign} {name:DETAIL_COLUMN$}{detail}{time}\n");
    let lines = match advice.as_deref() {
        Some(advice) if before == Some(advice) => "The same.",
        advice => advice.unwrap_or_default(),
    };
    for (position, line) in lines.lines().enumerate() {
        let arrow = if position == 0 { "→" } else { " " };
        text = format!("{text}  {arrow} {}\n", printable(line));
    }
    text
}

/// What AWS and others say must not drive the terminal, or forge a line.
fn printable(text: &str) -> String {
    text.chars()
        .map(|each| if each.is_control() { ' ' } else { each })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_a_line_and_its_advice_is_below() {
        let good = Check::instant("region", Finding::good("us-east-1"));
        assert_eq!(
            text(&good, None, false),
            "✓ region                  us-east-1\n"
        );
        let bad = Check::instant("clock", Finding::bad("late", "Set it.\nAt once."));
        assert_eq!(
            text(&bad, None, false),
            "✗ clock                   late\n  → Set it.\n    At once.\n"
        );
        let skipped = Check::instant("DNS", Finding::skipped("no region"));
        assert!(text(&skipped, None, false).starts_with("– DNS "));
    }

    #[test]
    fn the_same_advice_is_not_given_twice() {
        let bad = Check::instant("clock", Finding::bad("late", "Set it."));
        let again = text(&bad, Some("Set it."), false);
        assert!(again.ends_with("\n  → The same.\n"), "{again}");
        let good = Check::instant("clock", Finding::good("right"));
        assert_eq!(text(&good, None, false).lines().count(), 1);
    }

    #[test]
    fn colour_is_on_the_sign_alone() {
        let good = Check::instant("region", Finding::good("us-east-1"));
        let coloured = text(&good, None, true);
        assert_eq!(
            coloured.replace("\u{1b}[32m✓\u{1b}[0m", "✓"),
            text(&good, None, false)
        );
    }

    #[test]
    fn what_others_say_stays_in_its_line() {
        let forged = Finding::bad("no\n✓ clock right\u{1b}[2J", "a\rb");
        let shown = text(&Check::instant("Converse", forged), None, false);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\r'));
    }
}
