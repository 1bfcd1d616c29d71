//! Everything that is wrong with what an operator asked for, so that one round is enough to put it right.

use std::fmt;

use thiserror::Error;

/// The most mistakes that one text tells.
const MOST_TOLD: usize = 20;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyMistake {
    /// The member that is at fault: `rpm`, `budget.usd`, `tags`.
    pub member: String,
    /// What is wrong with it, to be read behind the member's name.
    pub problem: String,
}

/// All that is wrong; at least one thing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct KeyMistakes(Vec<KeyMistake>);

/// The mistakes that were found so far.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<KeyMistake>);

impl KeyMistakes {
    /// The one mistake that there is.
    pub fn one(member: impl Into<String>, problem: impl Into<String>) -> Self {
        Self(vec![KeyMistake {
            member: member.into(),
            problem: problem.into(),
        }])
    }

    /// All of them, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &KeyMistake> {
        self.0.iter()
    }
}

impl Found {
    /// Notes a mistake.
    pub(super) fn note(&mut self, member: impl Into<String>, problem: impl Into<String>) {
        self.0.push(KeyMistake {
            member: member.into(),
            problem: problem.into(),
        });
    }

    /// Whether anything is wrong with the member.
    pub(super) fn concern(&self, member: &str) -> bool {
        self.0.iter().any(|mistake| mistake.member == member)
    }

    /// `value`, when nothing is wrong.
    pub(super) fn none_in<T>(self, value: T) -> Result<T, KeyMistakes> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(KeyMistakes(self.0))
        }
    }
}

impl fmt::Display for KeyMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.member, self.problem)
    }
}

impl fmt::Display for KeyMistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().take(MOST_TOLD).enumerate() {
            let gap = if index == 0 { "" } else { "; " };
            write!(f, "{gap}{mistake}")?;
        }
        match self.0.len().saturating_sub(MOST_TOLD) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_mistakes_is_bounded() {
        let mut found = Found::default();
        for number in 0..22 {
            found.note(format!("m{number}"), "is wrong");
        }
        let text = found.none_in(()).unwrap_err().to_string();
        assert!(
            text.starts_with("m0 is wrong; m1 is wrong; ")
                && text.ends_with("; m19 is wrong; and 2 more"),
            "{text}"
        );
    }
}
