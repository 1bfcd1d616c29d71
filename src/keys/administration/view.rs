//! A key as its operator sees it: everything but what proves it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, Serializer};

use crate::bedrock::Money;
use crate::config::Secret;
use crate::keys::{Budget, Key, KeyId, KeyKind, KeyLimits, Timestamp};

/// A key, without its secrets and their digests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyView {
    /// What tells it from all others.
    pub id: KeyId,
    /// What its operator calls it.
    pub name: String,
    /// What it is for.
    pub kind: KeyKind,
    /// Whether it can be used.
    pub status: KeyStatus,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is not valid any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// Until when secrets of before the last rotation prove it, the last to end first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlaps: Vec<Timestamp>,
    /// What it may.
    #[serde(flatten)]
    pub limits: KeyLimits,
    /// How its budget stands, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spending: Option<Spending>,
    /// What goes out with each call as Converse's `requestMetadata`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyStatus {
    /// It can.
    Valid,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

/// How a budget stands in the period that is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// What is spent of it.
    pub spent_usd: Money,
    /// What requests that are not answered yet have reserved beside that.
    pub reserved_usd: Money,
    /// What is left.
    pub left_usd: Money,
    /// When the next period begins, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed: Option<Timestamp>,
}

/// A key that was just made or rotated, with its text: the only time that it is told. Writing this as JSON writes the
/// key, so it goes to the operator and nowhere else.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IssuedKey {
    /// The key itself.
    #[serde(serialize_with = "expose", deserialize_with = "hide")]
    pub key: Secret,
    /// What is known of it.
    #[serde(flatten)]
    pub view: KeyView,
}

/// All keys, as the operator's interface lists them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyList {
    /// `list`
    #[serde(default)]
    pub object: Cow<'static, str>,
    /// The keys.
    pub data: Vec<KeyView>,
}

impl KeyList {
    /// The list of `keys`.
    pub fn of(keys: Vec<KeyView>) -> Self {
        Self {
            object: Cow::Borrowed("list"),
            data: keys,
        }
    }
}

impl KeyView {
    pub(super) fn new(key: Key, spending: Option<Spending>, now: Timestamp) -> Self {
        let status = if key.revoked.is_some() {
            KeyStatus::Revoked
        } else if key.is_valid(now) {
            KeyStatus::Valid
        } else {
            KeyStatus::Expired
        };
        let ends = key.secrets.iter().filter_map(|secret| secret.expires);
        Self {
            id: key.id,
            name: key.name,
            kind: key.kind,
            status,
            created: key.created,
            expires: key.expires,
            revoked: key.revoked,
            overlaps: ends.filter(|end| now < *end).collect(),
            limits: key.limits,
            spending,
            tags: key.tags,
        }
    }
}

impl KeyStatus {
    /// What it is called: `valid`, `expired` or `revoked`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Spending {
    pub(super) fn new(budget: Budget, spent: Money, reserved: Money, now: Timestamp) -> Self {
        Self {
            spent_usd: spent,
            reserved_usd: reserved,
            left_usd: budget.amount.less(spent + reserved),
            renewed: budget.per.end(now),
        }
    }
}

fn expose<S: Serializer>(key: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.expose())
}

fn hide<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}
