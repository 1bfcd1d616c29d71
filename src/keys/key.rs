//! A managed key as the store holds it: whose it is, what it may, and what proves it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{KeyId, ModelPattern, Period, Timestamp};
use crate::bedrock::Money;

/// A managed key. It holds digests of its secrets, never the secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// What tells it from all others, in logs and labels as well. It stays the same when the key is rotated.
    pub id: KeyId,
    /// What its operator calls it.
    pub name: String,
    /// What it is for.
    pub kind: KeyKind,
    /// What proves it, the newest first; several while a rotation overlaps.
    pub secrets: Vec<KeySecret>,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is not valid any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// What it may.
    #[serde(flatten)]
    pub limits: KeyLimits,
    /// What goes out with each call as Converse's `requestMetadata`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Which change of the store made it what it is; a store sets it.
    #[serde(skip)]
    pub revision: u64,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// Asking models.
    #[default]
    Inference,
    /// Managing keys. It cannot ask models.
    Admin,
}

/// What a key may; `None` everywhere is no limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyLimits {
    /// The models that it may use; an empty list is none at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<ModelPattern>>,
    /// Requests per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rpm: Option<u32>,
    /// Tokens per minute, of prompts and answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tpm: Option<u32>,
    /// Requests at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// What it may spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The most tokens of one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// The guardrail that its calls have to pass, as `ID:VERSION`; it goes before those of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guardrail: Option<String>,
    /// Whether its requests may not hold a `bedrock` object.
    #[serde(skip_serializing_if = "is_false")]
    pub no_bedrock: bool,
    /// Whether a key with a budget may use models whose price nobody knows; they count as nothing.
    #[serde(skip_serializing_if = "is_false")]
    pub allow_unpriced: bool,
}

/// What a key may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// How much.
    #[serde(rename = "usd")]
    pub amount: Money,
    /// For how long.
    pub per: Period,
}

/// What proves a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySecret {
    /// The SHA-256 digest of the whole key.
    #[serde(serialize_with = "write_digest", deserialize_with = "read_digest")]
    pub digest: [u8; 32],
    /// From when on it proves nothing any more: the end of a rotation's overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Key {
    /// Whether it is valid at `now`: neither revoked nor expired.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

impl KeyLimits {
    /// Whether a model may be used of which clients know one id, and Bedrock the other.
    pub fn allow_model(&self, client_id: &str, resolved_id: &str) -> bool {
        self.models.as_ref().is_none_or(|patterns| {
            let mut patterns = patterns.iter();
            patterns.any(|pattern| pattern.matches(client_id) || pattern.matches(resolved_id))
        })
    }

    /// Whether anything of it has to be counted before Bedrock is called.
    pub const fn are_counted(&self) -> bool {
        self.rpm.is_some()
            || self.tpm.is_some()
            || self.concurrency.is_some()
            || self.budget.is_some()
    }
}

impl fmt::Debug for KeySecret {
    /// Leaves the digest out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySecret")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

fn write_digest<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    let mut hex = String::with_capacity(2 * digest.len());
    for byte in digest {
        // Writing into a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    serializer.serialize_str(&hex)
}

fn read_digest<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
    let hex = String::deserialize(deserializer)?;
    let wrong = || de::Error::custom("no SHA-256 digest in hexadecimal digits");
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let mut digest = [0; 32];
    if pairs.len() != digest.len() || !rest.is_empty() {
        return Err(wrong());
    }
    for (byte, pair) in digest.iter_mut().zip(pairs) {
        let digits = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_passes_by_the_id_that_clients_know_or_by_the_one_that_is_called() {
        let patterns = |patterns: &[&str]| KeyLimits {
            models: Some(
                patterns
                    .iter()
                    .map(|text| ModelPattern::new(text))
                    .collect(),
            ),
            ..KeyLimits::default()
        };
        let called = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert!(KeyLimits::default().allow_model("gpt-4o", called));
        assert!(patterns(&["gpt-4o"]).allow_model("gpt-4o", called));
        assert!(patterns(&["nova", "us.anthropic.*"]).allow_model("gpt-4o", called));
        assert!(!patterns(&["gpt-4"]).allow_model("gpt-4o", called));
        assert!(!patterns(&[]).allow_model("gpt-4o", called));
    }

    #[test]
    fn a_key_is_stored_as_json_without_its_secret_and_read_back() {
        let key = Key {
            id: KeyId::parse("k3yK3yk3yK3y").unwrap(),
            name: "search".to_owned(),
            kind: KeyKind::Inference,
            secrets: vec![KeySecret {
                digest: [0xab; 32],
                expires: None,
            }],
            created: Timestamp::from_millis(1_795_200_000_123),
            expires: None,
            revoked: None,
            limits: KeyLimits {
                rpm: Some(60),
                budget: Some(Budget {
                    amount: Money::from_usd(50.0).unwrap(),
                    per: Period::Month,
                }),
                ..KeyLimits::default()
            },
            tags: BTreeMap::from([("team".to_owned(), "search".to_owned())]),
            revision: 0,
        };
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key);
        assert!(
            json.contains(r#""budget":{"usd":50.0,"per":"month"}"#),
            "{json}"
        );
        assert!(!format!("{key:?}").contains("171") && !format!("{key:?}").contains("abab"));
    }
}
