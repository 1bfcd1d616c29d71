//! What an operator changes of a key, as a JSON merge patch (RFC 7396) says it: what is absent stays, null goes.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::members::Members;
use super::mistakes::{Found, KeyMistakes};
use super::moment::Moment;
use super::{AdministrationError, rules};
use crate::bedrock::Money;
use crate::keys::{Budget, Key, KeyKind, KeyLimits, ModelPattern, Period, Timestamp};

/// What becomes of a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes: there is no such limit any more.
    Clear,
    /// It becomes this.
    Set(T),
}

/// What is to become of a key's settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct KeyChange {
    /// What the operator calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// From when on it is not valid any more.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub expires: Change<Moment>,
    /// The models that it may use.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub models: Change<Vec<ModelPattern>>,
    /// Requests per minute.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub rpm: Change<u32>,
    /// Tokens per minute, of prompts and answers.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub tpm: Change<u32>,
    /// Requests at the same time.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub concurrency: Change<u32>,
    /// What it may spend.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub budget: Change<BudgetChange>,
    /// The most tokens of one answer.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub max_tokens: Change<u32>,
    /// The guardrail that its calls have to pass, as `ID:VERSION`.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub guardrail: Change<String>,
    /// Whether its requests may not hold a `bedrock` object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_bedrock: Option<bool>,
    /// Whether a key with a budget may use models whose price nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_unpriced: Option<bool>,
    /// Tags that are set, and those that go.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Option<String>>,
}

/// What is to become of a budget; what is absent stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BudgetChange {
    /// How much it is.
    #[serde(rename = "usd", skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// For how long; a month, when it was never said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<Period>,
}

impl<T> Change<T> {
    fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}

impl<T: Clone> Change<T> {
    fn apply(&self, setting: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *setting = None,
            Self::Set(value) => *setting = Some(value.clone()),
        }
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Clear => serializer.serialize_none(),
            Self::Set(value) => value.serialize(serializer),
        }
    }
}

impl KeyChange {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(json: &[u8]) -> Result<Self, KeyMistakes> {
        let mut found = Found::default();
        let mut members = Members::of(json)?;
        let change = Self::read_members(&mut members, &mut found);
        members.refuse_rest(&mut found);
        change.note_mistakes(&mut found);
        found.none_in(change)
    }

    /// Reads the members that a key has when it is made and when it is changed.
    pub(super) fn read_members(members: &mut Members, found: &mut Found) -> Self {
        Self {
            name: members.text("name", found),
            expires: members.moment("expires", found),
            models: members.patterns("models", found),
            rpm: members.number("rpm", found),
            tpm: members.number("tpm", found),
            concurrency: members.number("concurrency", found),
            budget: members.budget("budget", found),
            max_tokens: members.number("max_tokens", found),
            guardrail: members.clearable_text("guardrail", found),
            no_bedrock: members.boolean("no_bedrock", found),
            allow_unpriced: members.boolean("allow_unpriced", found),
            tags: members.pairs("tags", found),
        }
    }

    /// Looks for what is wrong whatever key it is for.
    ///
    /// # Errors
    /// All of it.
    pub fn check(&self) -> Result<(), KeyMistakes> {
        let mut found = Found::default();
        self.note_mistakes(&mut found);
        found.none_in(())
    }

    /// Notes what is wrong whatever key it is for.
    pub(super) fn note_mistakes(&self, found: &mut Found) {
        if let Some(name) = &self.name {
            rules::check_name(name, found);
        }
        if let Change::Set(patterns) = &self.models {
            rules::check_models(patterns, found);
        }
        for (member, number) in [
            ("rpm", &self.rpm),
            ("tpm", &self.tpm),
            ("concurrency", &self.concurrency),
            ("max_tokens", &self.max_tokens),
        ] {
            if *number == Change::Set(0) {
                found.note(member, "must be at least 1");
            }
        }
        if let Change::Set(guardrail) = &self.guardrail {
            rules::check_guardrail(guardrail, found);
        }
        if let Change::Set(budget) = self.budget
            && budget.amount == Some(Money::ZERO)
        {
            found.note("budget.usd", "must be more than 0");
        }
        let set = self.tags.iter();
        let set = set.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        rules::check_tags(&set.collect(), found);
    }

    /// Changes a key.
    ///
    /// # Errors
    /// Everything that is wrong with the change, or with what the key would be.
    pub(super) fn apply(&self, key: &mut Key, now: Timestamp) -> Result<(), AdministrationError> {
        let mut found = Found::default();
        self.note_mistakes(&mut found);
        self.put(key, now, &mut found);
        Ok(found.none_in(())?)
    }

    /// Puts the settings into a key, and notes what is wrong with it then.
    pub(super) fn put(&self, key: &mut Key, now: Timestamp, found: &mut Found) {
        if let Some(name) = &self.name {
            key.name.clone_from(name);
        }
        match self.expires {
            Change::Keep => {}
            Change::Clear => key.expires = None,
            Change::Set(moment) => key.expires = Some(moment.from(now)),
        }
        if !self.expires.is_keep() && key.expires.is_some_and(|expires| expires <= now) {
            found.note("expires", "must be in the future");
        }
        self.put_limits(&mut key.limits, found);
        for (name, value) in &self.tags {
            match value {
                Some(value) => key.tags.insert(name.clone(), value.clone()),
                None => key.tags.remove(name),
            };
        }
        if !found.concern("tags") {
            rules::check_tags(&key.tags, found);
        }
        if key.kind == KeyKind::Admin {
            refuse_limits(key, found);
        }
    }

    fn put_limits(&self, limits: &mut KeyLimits, found: &mut Found) {
        self.models.apply(&mut limits.models);
        self.rpm.apply(&mut limits.rpm);
        self.tpm.apply(&mut limits.tpm);
        self.concurrency.apply(&mut limits.concurrency);
        self.max_tokens.apply(&mut limits.max_tokens);
        self.guardrail.apply(&mut limits.guardrail);
        limits.no_bedrock = self.no_bedrock.unwrap_or(limits.no_bedrock);
        limits.allow_unpriced = self.allow_unpriced.unwrap_or(limits.allow_unpriced);
        match self.budget {
            Change::Keep => {}
            Change::Clear => limits.budget = None,
            Change::Set(change) => {
                let now = limits.budget;
                let amount = change.amount.or_else(|| now.map(|budget| budget.amount));
                let per = change.per.or_else(|| now.map(|budget| budget.per));
                match amount {
                    Some(amount) => {
                        let per = per.unwrap_or(Period::Month);
                        limits.budget = Some(Budget { amount, per });
                    }
                    None if found.concern("budget.usd") => {}
                    None => found.note("budget.usd", "is missing"),
                }
            }
        }
    }
}

/// Limits of a key that cannot ask models would limit nothing.
fn refuse_limits(key: &Key, found: &mut Found) {
    if key.limits != KeyLimits::default() || !key.tags.is_empty() {
        found.note(
            "limits",
            "and tags are not for an admin key: it asks no models",
        );
    }
}
