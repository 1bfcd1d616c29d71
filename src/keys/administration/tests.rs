use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::bedrock::Money;
use crate::keys::{
    Budget, Changes, Demand, Grant, KeyKind, KeyLimits, ModelPattern, Pending, Period, RateLimits,
    Refusal, Settlement, Usage, UsageRow,
};

const NOW: Timestamp = Timestamp::from_millis(1_795_200_000_123);
const DAY: Duration = Duration::from_hours(24);

/// Keys in memory. Of a key with a budget ten dollars are spent, and one is reserved.
#[derive(Debug, Default)]
struct InMemory {
    keys: Mutex<Vec<Key>>,
    usage: Vec<UsageRow>,
    /// How often somebody else is quicker with a change.
    quicker: Mutex<u32>,
    /// Whether it does not say what is spent.
    is_away: AtomicBool,
}

impl KeyStore for InMemory {
    fn changes(&self, since: u64) -> Pending<'_, Changes> {
        let mut keys = self.keys.lock().unwrap().clone();
        keys.retain(|key| key.revision > since);
        Box::pin(ready(Ok(Changes { revision: 1, keys })))
    }

    fn create<'s>(&'s self, key: &'s Key) -> Pending<'s, u64> {
        self.keys.lock().unwrap().push(Key {
            revision: 1,
            ..key.clone()
        });
        Box::pin(ready(Ok(1)))
    }

    fn replace<'s>(&'s self, key: &'s Key) -> Pending<'s, u64> {
        let mut quicker = self.quicker.lock().unwrap();
        if *quicker > 0 {
            *quicker -= 1;
            for other in &mut *self.keys.lock().unwrap() {
                other.revision += 1;
            }
        }
        let mut keys = self.keys.lock().unwrap();
        let old = keys.iter_mut().find(|old| old.id == key.id).unwrap();
        if old.revision != key.revision {
            return Box::pin(ready(Err(StoreError::Changed(key.id))));
        }
        *old = Key {
            revision: key.revision + 1,
            ..key.clone()
        };
        Box::pin(ready(Ok(old.revision)))
    }

    fn usage<'s>(&'s self, query: &'s UsageQuery) -> Pending<'s, Vec<UsageRow>> {
        let rows = self
            .usage
            .iter()
            .filter(|row| query.key.is_none_or(|key| key == row.key) && row.day >= query.since);
        Box::pin(ready(Ok(rows.cloned().collect())))
    }

    fn spent<'s>(&'s self, _: &'s Key) -> Pending<'s, (Money, Money)> {
        if self.is_away.load(Ordering::Relaxed) {
            return unused();
        }
        Box::pin(ready(Ok((dollars(10.0), dollars(1.0)))))
    }

    fn state_key(&self) -> Pending<'_, [u8; 32]> {
        unused()
    }

    fn reserve<'s>(
        &'s self,
        _: &'s Arc<Key>,
        _: &'s Demand,
    ) -> Pending<'s, Result<Grant, Refusal>> {
        unused()
    }

    fn rate_limits<'s>(&'s self, _: &'s Arc<Key>) -> Pending<'s, RateLimits> {
        unused()
    }

    fn settle(&self, _: Settlement) {}

    fn flush(&self) -> Pending<'_, ()> {
        unused()
    }
}

/// What administration never asks for.
fn unused<'s, T: Send + 's>() -> Pending<'s, T> {
    Box::pin(ready(Err(StoreError::Away("nobody asks".to_owned()))))
}

fn dollars(usd: f64) -> Money {
    Money::from_usd(usd).unwrap()
}

fn draft(json: &str) -> KeyDraft {
    KeyDraft::read(json.as_bytes()).unwrap()
}

fn change(json: &str) -> KeyChange {
    KeyChange::read(json.as_bytes()).unwrap()
}

fn mistakes(json: &str) -> Vec<String> {
    let mistakes = KeyDraft::read(json.as_bytes()).unwrap_err();
    mistakes.iter().map(ToString::to_string).collect()
}

fn administration() -> (Arc<InMemory>, Administration) {
    let store = Arc::new(InMemory::default());
    let keys: Arc<dyn KeyStore> = Arc::<InMemory>::clone(&store);
    (store, Administration::new(keys))
}

#[tokio::test]
async fn a_key_is_what_was_asked_for_and_only_its_digest_is_kept() {
    let (store, keys) = administration();
    let draft = draft(
        r#"{"name": "search", "models": ["us.anthropic.*"], "rpm": 60, "budget": {"usd": 50},
            "expires": "90d", "tags": {"team": "search"}, "no_bedrock": true}"#,
    );
    let issued = keys.create(&draft, NOW).await.unwrap();
    let text = issued.key.expose();
    let stored = store.keys.lock().unwrap()[0].clone();
    assert_eq!(ApiKey::id_of(text.as_bytes()), Ok(stored.id));
    assert_eq!(stored.secrets.len(), 1);
    assert_eq!(stored.secrets[0].digest, ApiKey::digest_of(text.as_bytes()));
    assert_eq!(stored.expires, Some(NOW.after(90 * DAY)));
    let limits = KeyLimits {
        models: Some(vec![ModelPattern::new("us.anthropic.*")]),
        rpm: Some(60),
        budget: Some(Budget {
            amount: dollars(50.0),
            per: Period::Month,
        }),
        no_bedrock: true,
        ..KeyLimits::default()
    };
    assert_eq!(stored.limits, limits);
    assert_eq!(
        stored.tags,
        BTreeMap::from([("team".to_owned(), "search".to_owned())])
    );
    let spending = issued.view.spending.unwrap();
    assert_eq!(spending.left_usd, dollars(39.0));
    assert_eq!(
        spending.renewed.unwrap().to_string(),
        "2026-12-01T00:00:00Z"
    );
    assert!(!format!("{issued:?}").contains(text));
    assert!(!serde_json::to_string(&issued.view).unwrap().contains(text));
}

#[tokio::test]
async fn a_secret_that_counts_is_told_although_the_store_went_away() {
    let (store, keys) = administration();
    store.is_away.store(true, Ordering::Relaxed);
    let draft = draft(r#"{"name": "search", "budget": {"usd": 50}}"#);
    let made = keys.create(&draft, NOW).await.unwrap();
    let rotated = keys.rotate("search", Duration::ZERO, NOW).await.unwrap();
    let digest = store.keys.lock().unwrap()[0].secrets[0].digest;
    assert_eq!(digest, ApiKey::digest_of(rotated.key.expose().as_bytes()));
    assert_eq!((made.view.spending, rotated.view.spending), (None, None));
    assert!(keys.key("search", NOW).await.is_err());
}

#[test]
fn everything_that_is_wrong_with_a_draft_is_named_at_once() {
    assert_eq!(
        mistakes(
            r#"{"kind": "root", "rpm": 0, "tpm": "many", "concurrency": 4294967296, "max_tokens": 1.5, "models": [1],
                "budget": {"usd": -1, "per": "year", "left": 1}, "expires": "soon", "guardrail": "x",
                "tags": {"a": 1}, "no_bedrock": "yes", "limit": 3}"#
        ),
        [
            "kind must be inference or admin",
            "expires must be a day such as 2027-01-31, a moment as RFC 3339 writes it, or a time such as 90d or 12h",
            "models must be a list of strings",
            "tpm must be a whole number from 1 to 4294967295",
            "concurrency must be a whole number from 1 to 4294967295",
            "budget.usd must be a number of US dollars up to 9000000",
            "budget.per must be day, week, month or total",
            "budget.left is no setting of a budget",
            "max_tokens must be a whole number from 1 to 4294967295",
            "no_bedrock must be true or false",
            "tags must have strings for values",
            "limit is no setting of a key",
            "rpm must be at least 1",
            "guardrail must be a guardrail's id or ARN, a colon, and its version: gr0example12:1",
            "name is missing",
        ]
    );
    assert_eq!(mistakes("[]"), ["the body must be a JSON object"]);
    assert_eq!(
        mistakes("{"),
        ["the body is not valid JSON: line 1, column 1"]
    );
    assert_eq!(mistakes(r#"{"name": 1}"#), ["name must be a string"]);
}

#[test]
fn what_is_wrong_with_the_key_as_a_whole_is_named_as_well() {
    for (json, expected) in [
        (
            r#"{"name": "a", "expires": "2026-11-20"}"#,
            "expires must be in the future",
        ),
        (
            r#"{"name": "a", "expires": "0"}"#,
            "expires must be in the future",
        ),
        (
            r#"{"name": "a", "budget": {"per": "day"}}"#,
            "budget.usd is missing",
        ),
        (
            r#"{"name": "a", "kind": "admin", "rpm": 1}"#,
            "limits and tags are not for an admin key: it asks no models",
        ),
    ] {
        let error = draft(json).check(NOW).unwrap_err();
        assert_eq!(error.to_string(), expected, "{json}");
    }
    assert_eq!(
        draft(r#"{"name": "a", "kind": "admin", "expires": "1d"}"#).check(NOW),
        Ok(())
    );
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_name() {
    let (store, keys) = administration();
    let made = r#"{"name": "a", "rpm": 60, "tpm": 100, "budget": {"usd": 50, "per": "week"}, "expires": "1d",
                   "tags": {"team": "search", "site": "x"}}"#;
    keys.create(&draft(made), NOW).await.unwrap();
    let changed = change(
        r#"{"rpm": null, "budget": {"usd": 60}, "expires": null, "tags": {"team": null, "stage": "test"},
            "max_tokens": 7}"#,
    );
    keys.update("a", &changed, NOW).await.unwrap();
    let key = store.keys.lock().unwrap()[0].clone();
    let limits = KeyLimits {
        tpm: Some(100),
        budget: Some(Budget {
            amount: dollars(60.0),
            per: Period::Week,
        }),
        max_tokens: Some(7),
        ..KeyLimits::default()
    };
    assert_eq!((key.limits, key.expires), (limits, None));
    let tags = [("site", "x"), ("stage", "test")];
    let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(key.tags, BTreeMap::from(tags));
}

#[tokio::test]
async fn a_wrong_change_changes_nothing() {
    let (store, keys) = administration();
    keys.create(&draft(r#"{"name": "a", "kind": "admin"}"#), NOW)
        .await
        .unwrap();
    let before = store.keys.lock().unwrap().clone();
    for json in [
        r#"{"tpm": 5}"#,
        r#"{"expires": "2020-01-01"}"#,
        r#"{"tags": {"a": "b"}}"#,
    ] {
        let error = keys.update("a", &change(json), NOW).await.unwrap_err();
        assert!(matches!(error, AdministrationError::Mistakes(_)), "{error}");
    }
    assert_eq!(*store.keys.lock().unwrap(), before);
}

#[tokio::test]
async fn a_change_is_tried_again_when_somebody_else_was_quicker() {
    let (store, keys) = administration();
    keys.create(&draft(r#"{"name": "a"}"#), NOW).await.unwrap();
    *store.quicker.lock().unwrap() = ATTEMPTS - 1;
    keys.update("a", &change(r#"{"rpm": 5}"#), NOW)
        .await
        .unwrap();
    assert_eq!(store.keys.lock().unwrap()[0].limits.rpm, Some(5));
    *store.quicker.lock().unwrap() = ATTEMPTS;
    let error = keys
        .update("a", &change(r#"{"rpm": 6}"#), NOW)
        .await
        .unwrap_err();
    assert!(
        matches!(error, AdministrationError::Store(StoreError::Changed(_))),
        "{error}"
    );
}

#[tokio::test]
async fn the_secret_before_a_rotation_ends_with_the_overlap() {
    let (store, keys) = administration();
    let first = keys.create(&draft(r#"{"name": "a"}"#), NOW).await.unwrap();
    let second = keys.rotate("a", DAY, NOW).await.unwrap();
    assert_eq!(first.view.id, second.view.id);
    assert_ne!(first.key.expose(), second.key.expose());
    assert_eq!(second.view.overlaps, [NOW.after(DAY)]);
    let ends = |store: &InMemory| -> Vec<Option<Timestamp>> {
        let keys = store.keys.lock().unwrap();
        keys[0]
            .secrets
            .iter()
            .map(|secret| secret.expires)
            .collect()
    };
    assert_eq!(ends(&store), [None, Some(NOW.after(DAY))]);
    // A longer overlap gives the first no more time, and a shorter one takes some from both.
    let later = NOW.after(DAY / 2);
    keys.rotate("a", 7 * DAY, later).await.unwrap();
    assert_eq!(
        ends(&store),
        [None, Some(later.after(7 * DAY)), Some(NOW.after(DAY))]
    );
    // The last one is not forgotten, so that whoever has it can be told that it ended.
    keys.rotate("a", Duration::ZERO, later).await.unwrap();
    assert_eq!(ends(&store), [None, Some(later)]);
    assert!(keys.key("a", later).await.unwrap().overlaps.is_empty());
    let digest = store.keys.lock().unwrap()[0].secrets[0].digest;
    assert_ne!(digest, ApiKey::digest_of(second.key.expose().as_bytes()));
}

#[tokio::test]
async fn secrets_that_are_valid_at_once_are_few() {
    let (_, keys) = administration();
    keys.create(&draft(r#"{"name": "a"}"#), NOW).await.unwrap();
    for _ in 1..8 {
        keys.rotate("a", DAY, NOW).await.unwrap();
    }
    let error = keys.rotate("a", DAY, NOW).await.unwrap_err();
    assert!(
        matches!(error, AdministrationError::TooManySecrets(8, _)),
        "{error}"
    );
    assert!(keys.rotate("a", Duration::ZERO, NOW).await.is_ok());
}

#[tokio::test]
async fn a_key_that_expired_is_given_time_before_it_is_rotated() {
    let (_, keys) = administration();
    keys.create(&draft(r#"{"name": "a", "expires": "1h"}"#), NOW)
        .await
        .unwrap();
    let later = NOW.after(DAY);
    assert_eq!(
        keys.key("a", later).await.unwrap().status,
        KeyStatus::Expired
    );
    let error = keys.rotate("a", DAY, later).await.unwrap_err();
    assert!(matches!(error, AdministrationError::Expired(_)), "{error}");
    keys.update("a", &change(r#"{"expires": "1h"}"#), later)
        .await
        .unwrap();
    assert!(keys.rotate("a", DAY, later).await.is_ok());
}

#[tokio::test]
async fn a_revoked_key_stays_revoked_and_its_name_is_free() {
    let (_, keys) = administration();
    let first = keys.create(&draft(r#"{"name": "a"}"#), NOW).await.unwrap();
    let later = NOW.after(DAY);
    assert_eq!(keys.revoke("a", NOW).await.unwrap().revoked, Some(NOW));
    assert_eq!(keys.revoke("a", later).await.unwrap().revoked, Some(NOW));
    for refused in [
        keys.update("a", &change(r#"{"rpm": 1}"#), later)
            .await
            .map(drop),
        keys.rotate("a", DAY, later).await.map(drop),
    ] {
        assert_eq!(refused, Err(AdministrationError::Revoked(first.view.id)));
    }
    let second = keys
        .create(&draft(r#"{"name": "a"}"#), later)
        .await
        .unwrap();
    assert_eq!(keys.key("a", later).await.unwrap().id, second.view.id);
    let whole = keys.key(first.key.expose(), later).await.unwrap();
    assert_eq!(whole.id, first.view.id);
    let ids = |keys: Vec<KeyView>| keys.iter().map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(
        ids(keys.keys(false, later).await.unwrap()),
        [second.view.id]
    );
    let all = ids(keys.keys(true, later).await.unwrap());
    assert_eq!(all, [first.view.id, second.view.id]);
}

#[tokio::test]
async fn what_is_not_found_is_named_unless_it_may_be_a_key() {
    let (_, keys) = administration();
    let (_, elsewhere) = administration();
    let stranger = elsewhere
        .create(&draft(r#"{"name": "x"}"#), NOW)
        .await
        .unwrap();
    let text = stranger.key.expose();
    let id = stranger.view.id.to_string();
    for (name, shown) in [
        ("nobody", "nobody"),
        ("a\nb", r"a\nb"),
        (text, id.as_str()),
        (&text[..60], "sk-outcrop-…"),
    ] {
        let error = keys.key(name, NOW).await.unwrap_err();
        assert_eq!(error, StoreError::UnknownKey(shown.to_owned()).into());
    }
}

#[tokio::test]
async fn usage_is_added_up_by_what_is_asked_for() {
    let (id, other) = (
        KeyId::parse("k3yK3yk3yK3y").unwrap(),
        KeyId::parse("other3yk3yK3").unwrap(),
    );
    let row = |key, day: &str, model: &str, requests| UsageRow {
        key,
        day: Timestamp::parse(day).unwrap(),
        model: model.to_owned(),
        usage: Usage {
            requests,
            cost: Money::from_billionths(1000 * requests),
            ..Usage::default()
        },
    };
    let made = draft(r#"{"name": "search"}"#)
        .key(id, [0; 32], NOW)
        .unwrap();
    let store = InMemory {
        keys: Mutex::new(vec![Key {
            revision: 1,
            ..made
        }]),
        usage: vec![
            row(id, "2026-10-31T00:00:00Z", "nova", 1000),
            row(id, "2026-11-01T00:00:00Z", "nova", 100),
            row(id, "2026-11-02T00:00:00Z", "nova", 10),
            row(other, "2026-11-02T00:00:00Z", "claude", 1),
        ],
        ..InMemory::default()
    };
    let keys = Administration::new(Arc::new(store));
    let ask = |key: Option<&str>, since: Option<&str>, by: &[UsageGroup]| {
        let question = UsageQuestion {
            key: key.map(str::to_owned),
            since: since.map(|since| Moment::parse(since).unwrap()),
            by: by.to_vec(),
        };
        let keys = keys.clone();
        async move {
            let report = keys.usage(&question, NOW).await.unwrap();
            let lines = report.data.iter().map(|line| {
                let day = line.day.as_deref().unwrap_or("-");
                let name = line.key_name.as_deref().unwrap_or("-");
                let model = line.model.as_deref().unwrap_or("-");
                format!("{day} {name} {model} {}", line.usage.requests)
            });
            (lines.collect::<Vec<_>>(), report.total.requests)
        }
    };
    let (lines, total) = ask(None, None, &[UsageGroup::Key]).await;
    assert_eq!(
        (lines, total),
        (vec!["-  - 1".to_owned(), "- search - 110".to_owned()], 111)
    );
    let (lines, _) = ask(None, None, &[UsageGroup::Model]).await;
    assert_eq!(lines, ["- - claude 1", "- - nova 110"]);
    let (lines, _) = ask(None, Some("2026-10-31"), &[UsageGroup::Day]).await;
    assert_eq!(
        lines,
        [
            "2026-10-31 - - 1000",
            "2026-11-01 - - 100",
            "2026-11-02 - - 11"
        ]
    );
    let both = [UsageGroup::Day, UsageGroup::Key];
    let (lines, total) = ask(Some("search"), Some("19d"), &both).await;
    let expected = ["2026-11-01 search - 100", "2026-11-02 search - 10"];
    assert_eq!((lines, total), (expected.map(str::to_owned).to_vec(), 110));
    assert_eq!(ask(None, None, &[]).await.0, ["- - - 111"]);
}

#[test]
fn kinds_that_are_not_told_are_for_asking_models() {
    assert_eq!(draft(r#"{"name": "a"}"#).kind, KeyKind::Inference);
}
