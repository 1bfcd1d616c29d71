//! What keys have used, added up as the operator wants to see it.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::moment::Moment;
use crate::keys::{Key, KeyId, Period, Timestamp, Usage, UsageRow};

/// What usage is added up by.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum UsageGroup {
    /// A line for each key.
    Key,
    /// A line for each model, as it was called.
    Model,
    /// A line for each day, in UTC.
    Day,
}

/// Which usage is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageQuestion {
    /// Of the key with this id or name; `None` for all.
    pub key: Option<String>,
    /// From which day on; `None` from the first of this month.
    pub since: Option<Moment>,
    /// What a line is for.
    pub by: Vec<UsageGroup>,
}

/// Usage, a line for each group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageReport {
    /// From when on, in UTC.
    pub since: Timestamp,
    /// What a line is for, each once.
    pub by: Vec<UsageGroup>,
    /// The lines, in the order of their days, keys and models.
    pub data: Vec<UsageLine>,
    /// All of it.
    pub total: Usage,
}

/// The usage of one group. What it is not grouped by is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageLine {
    /// Which day: `2026-11-20`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// What the operator calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// Which model, as it was called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What was used.
    #[serde(flatten)]
    pub usage: Usage,
}

impl UsageQuestion {
    /// The moment from whose day on usage is asked for.
    pub(super) fn since(&self, now: Timestamp) -> Timestamp {
        let since = self.since.map(|since| since.before(now));
        let since = since.unwrap_or_else(|| Period::Month.start(now));
        // Usage is kept by days.
        Period::Day.start(since)
    }
}

impl UsageGroup {
    /// What it is called: `key`, `model` or `day`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Model => "model",
            Self::Day => "day",
        }
    }

    /// Reads what it is called.
    pub fn parse(text: &str) -> Option<Self> {
        let groups = [Self::Key, Self::Model, Self::Day];
        groups.into_iter().find(|group| group.name() == text)
    }
}

impl UsageReport {
    /// Adds up what is kept; `keys` know the names.
    pub fn of(rows: &[UsageRow], keys: &[Key], by: &[UsageGroup], since: Timestamp) -> Self {
        let names: HashMap<KeyId, &str> =
            keys.iter().map(|key| (key.id, key.name.as_str())).collect();
        let mut once: Vec<UsageGroup> = Vec::new();
        for group in by {
            if !once.contains(group) {
                once.push(*group);
            }
        }
        let is_by = |group| once.contains(&group);
        let mut groups: BTreeMap<_, Usage> = BTreeMap::new();
        let mut total = Usage::default();
        for row in rows {
            let day = is_by(UsageGroup::Day).then_some(row.day);
            let key = is_by(UsageGroup::Key)
                .then(|| (names.get(&row.key).copied().unwrap_or_default(), row.key));
            let model = is_by(UsageGroup::Model).then_some(row.model.as_str());
            *groups.entry((day, key, model)).or_default() += row.usage;
            total += row.usage;
        }
        let lines = groups
            .into_iter()
            .map(|((day, key, model), usage)| UsageLine {
                day: day.map(|day| day.date_time().date().to_string()),
                key_id: key.map(|(_, id)| id),
                key_name: key.map(|(name, _)| name.to_owned()),
                model: model.map(str::to_owned),
                usage,
            });
        Self {
            since,
            by: once,
            data: lines.collect(),
            total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_twice_is_one_column() {
        let by = [UsageGroup::Model, UsageGroup::Key, UsageGroup::Model];
        let report = UsageReport::of(&[], &[], &by, Timestamp::default());
        assert_eq!(report.by, [UsageGroup::Model, UsageGroup::Key]);
    }
}
