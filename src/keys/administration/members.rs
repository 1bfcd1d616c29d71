//! The members of a JSON object, read one by one, so that everything that is wrong can be told at once.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::change::{BudgetChange, Change};
use super::mistakes::{Found, KeyMistakes};
use super::moment::{Moment, parse_time};
use crate::bedrock::Money;
use crate::keys::{KeyKind, ModelPattern, Period};

/// The most characters that are repeated of a member's name.
const LONGEST_SHOWN: usize = 64;

/// The members that nobody has read yet.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// The members of an object.
    pub(super) fn of(json: &[u8]) -> Result<Self, KeyMistakes> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(KeyMistakes::one("the body", "must be a JSON object")),
            Err(error) => {
                let problem = format!(
                    "is not valid JSON: line {}, column {}",
                    error.line(),
                    error.column()
                );
                Err(KeyMistakes::one("the body", problem))
            }
        }
    }

    /// Notes the members that were not read: nothing is dropped in silence.
    pub(super) fn refuse_rest(self, found: &mut Found) {
        for name in self.0.keys() {
            let shown = name.chars().take(LONGEST_SHOWN);
            let shown: String = shown.flat_map(char::escape_debug).collect();
            found.note(shown, "is no setting of a key");
        }
    }

    /// A text that cannot be cleared.
    pub(super) fn text(&mut self, name: &str, found: &mut Found) -> Option<String> {
        if let Value::String(text) = self.0.shift_remove(name)? {
            Some(text)
        } else {
            found.note(name, "must be a string");
            None
        }
    }

    pub(super) fn boolean(&mut self, name: &str, found: &mut Found) -> Option<bool> {
        match self.0.shift_remove(name)? {
            Value::Bool(value) => Some(value),
            // As a merge patch has it, the member is then as if it had never been there.
            Value::Null => Some(false),
            _ => {
                found.note(name, "must be true or false");
                None
            }
        }
    }

    pub(super) fn kind(&mut self, name: &str, found: &mut Found) -> KeyKind {
        let value = self.0.shift_remove(name);
        match value
            .as_ref()
            .map(|value| value.as_str().unwrap_or_default())
        {
            None | Some("inference") => KeyKind::Inference,
            Some("admin") => KeyKind::Admin,
            Some(_) => {
                found.note(name, "must be inference or admin");
                KeyKind::Inference
            }
        }
    }

    pub(super) fn clearable_text(&mut self, name: &str, found: &mut Found) -> Change<String> {
        self.change(name, found, |value| match value {
            Value::String(text) => Ok(text),
            _ => Err("must be a string"),
        })
    }

    pub(super) fn number(&mut self, name: &str, found: &mut Found) -> Change<u32> {
        self.change(name, found, |value| {
            let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
            number.ok_or("must be a whole number from 1 to 4294967295")
        })
    }

    pub(super) fn moment(&mut self, name: &str, found: &mut Found) -> Change<Moment> {
        self.change(name, found, |value| {
            Moment::parse(value.as_str().unwrap_or_default())
        })
    }

    /// A time such as `24h`.
    pub(super) fn time(&mut self, name: &str, found: &mut Found) -> Option<Duration> {
        let value = self.0.shift_remove(name)?;
        match parse_time(value.as_str().unwrap_or_default()) {
            Ok(time) => Some(time),
            Err(problem) => {
                found.note(name, problem);
                None
            }
        }
    }

    pub(super) fn patterns(&mut self, name: &str, found: &mut Found) -> Change<Vec<ModelPattern>> {
        self.change(name, found, |value| {
            let texts = value.as_array().ok_or("must be a list of strings")?;
            let patterns = texts
                .iter()
                .map(|text| text.as_str().map(ModelPattern::new));
            let patterns: Option<Vec<_>> = patterns.collect();
            patterns.ok_or("must be a list of strings")
        })
    }

    /// A budget, of which amount and period can be changed by themselves.
    pub(super) fn budget(&mut self, name: &str, found: &mut Found) -> Change<BudgetChange> {
        let members = self.change(name, found, |value| match value {
            Value::Object(members) => Ok(members),
            _ => Err("must be an object with usd and per"),
        });
        match members {
            Change::Keep => Change::Keep,
            Change::Clear => Change::Clear,
            Change::Set(mut members) => {
                let amount = members.shift_remove("usd").and_then(|value| {
                    let amount = value.as_f64().and_then(Money::from_usd);
                    if amount.is_none() {
                        found.note("budget.usd", "must be a number of US dollars up to 9000000");
                    }
                    amount
                });
                let per = members.shift_remove("per").and_then(|value| {
                    let is = |period: &Period| value.as_str() == Some(period.name());
                    let per = Period::ALL.into_iter().find(is);
                    if per.is_none() {
                        found.note("budget.per", "must be day, week, month or total");
                    }
                    per
                });
                for name in members.keys().take(1) {
                    let shown: String = name.chars().take(LONGEST_SHOWN).collect();
                    let shown = shown.escape_debug();
                    found.note(format!("budget.{shown}"), "is no setting of a budget");
                }
                Change::Set(BudgetChange { amount, per })
            }
        }
    }

    /// Pairs of texts, of which null removes one.
    pub(super) fn pairs(
        &mut self,
        name: &str,
        found: &mut Found,
    ) -> BTreeMap<String, Option<String>> {
        let mut pairs = BTreeMap::new();
        match self.0.shift_remove(name) {
            None => {}
            Some(Value::Object(members)) => {
                for (tag, value) in members {
                    match value {
                        Value::String(text) => pairs.insert(tag, Some(text)),
                        Value::Null => pairs.insert(tag, None),
                        _ => {
                            found.note(name, "must have strings for values");
                            None
                        }
                    };
                }
            }
            Some(_) => found.note(name, "must be an object of strings"),
        }
        pairs
    }

    fn change<T>(
        &mut self,
        name: &str,
        found: &mut Found,
        read: impl FnOnce(Value) -> Result<T, &'static str>,
    ) -> Change<T> {
        match self.0.shift_remove(name) {
            None => Change::Keep,
            Some(Value::Null) => Change::Clear,
            Some(value) => match read(value) {
                Ok(value) => Change::Set(value),
                Err(problem) => {
                    found.note(name, problem);
                    Change::Keep
                }
            },
        }
    }
}
