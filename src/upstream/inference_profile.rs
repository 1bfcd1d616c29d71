//! Which foundation model stands behind an inference profile, asked once a day: the ARN of an application inference
//! profile does not say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::OnceCell;
use tokio::time::Instant;

/// How long an answer holds; a profile's model cannot be changed, but the profile can be made anew.
const FOUND_FOR: Duration = Duration::from_hours(24);
/// How long a failure holds: without permission to ask, not every request should.
const FAILED_FOR: Duration = Duration::from_mins(1);
/// The most profiles that are remembered; clients choose the ids.
const MAX_ENTRIES: usize = 1024;

/// Answers of `GetInferenceProfile`, remembered.
#[derive(Debug, Default)]
pub(super) struct InferenceProfiles {
    entries: Mutex<HashMap<String, Arc<Entry>>>,
}

#[derive(Debug)]
struct Entry {
    begun: Instant,
    /// One asks and all others wait; when the one gives up, the next goes on.
    model: OnceCell<Option<String>>,
}

/// The part of `GetInferenceProfileResponse` that matters.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GetInferenceProfileResponse {
    models: Vec<InferenceProfileModel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InferenceProfileModel {
    model_arn: String,
}

impl InferenceProfiles {
    /// The foundation model behind `id`: from memory, else from `ask`, whose `None` is a failure.
    pub(super) async fn model<F>(&self, id: &str, ask: impl FnOnce() -> F) -> Option<String>
    where
        F: Future<Output = Option<String>>,
    {
        let entry = self.entry(id);
        entry.model.get_or_init(ask).await.clone()
    }

    fn entry(&self, id: &str) -> Arc<Entry> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(id).filter(|entry| !entry.is_stale()) {
            return Arc::clone(entry);
        }
        if entries.len() >= MAX_ENTRIES {
            remove_oldest(&mut entries);
        }
        let entry = Arc::new(Entry {
            begun: Instant::now(),
            model: OnceCell::new(),
        });
        entries.insert(id.to_owned(), Arc::clone(&entry));
        entry
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn is_stale(&self) -> bool {
        let lifetime = match self.model.get() {
            Some(None) => FAILED_FOR,
            Some(Some(_)) | None => FOUND_FOR,
        };
        self.begun.elapsed() >= lifetime
    }
}

fn remove_oldest(entries: &mut HashMap<String, Arc<Entry>>) {
    let oldest = entries.iter().min_by_key(|(_, entry)| entry.begun);
    if let Some(id) = oldest.map(|(id, _)| id.clone()) {
        entries.remove(&id);
    }
}

/// The id at the end of the first model's ARN: `anthropic.claude-…` of `arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-…`.
pub(super) fn foundation_model(answer: &[u8]) -> Option<String> {
    let response: GetInferenceProfileResponse = serde_json::from_slice(answer).ok()?;
    let arn = &response.models.first()?.model_arn;
    let id = arn.rsplit('/').next().unwrap_or_default();
    (!id.is_empty()).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::task::JoinSet;
    use tokio::time::advance;

    use super::*;

    async fn ask(
        profiles: &InferenceProfiles,
        id: &str,
        calls: &AtomicU32,
        answer: Option<&str>,
    ) -> Option<String> {
        let asked = || async {
            calls.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            answer.map(str::to_owned)
        };
        profiles.model(id, asked).await
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_ask_at_once_share_one_call() {
        let profiles = Arc::new(InferenceProfiles::default());
        let calls = Arc::new(AtomicU32::new(0));
        let mut waiters = JoinSet::new();
        for _ in 0..100 {
            let (profiles, calls) = (Arc::clone(&profiles), Arc::clone(&calls));
            waiters.spawn(async move { ask(&profiles, "a", &calls, Some("m")).await });
        }
        assert!(
            waiters
                .join_all()
                .await
                .iter()
                .all(|model| model.as_deref() == Some("m"))
        );
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn answers_hold_for_a_day_and_failures_for_a_minute() {
        let profiles = InferenceProfiles::default();
        let calls = AtomicU32::new(0);
        for (wait, answer, expected, total) in [
            (0, None, None, 1),
            (58, Some("m"), None, 1),
            (2, Some("m"), Some("m"), 2),
            (24 * 3600 - 2, Some("n"), Some("m"), 2),
            (2, Some("n"), Some("n"), 3),
        ] {
            advance(Duration::from_secs(wait)).await;
            assert_eq!(
                ask(&profiles, "a", &calls, answer).await.as_deref(),
                expected
            );
            assert_eq!(calls.load(Ordering::SeqCst), total);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_bounded_and_the_oldest_goes_first() {
        let profiles = InferenceProfiles::default();
        let calls = AtomicU32::new(0);
        for number in 0..=MAX_ENTRIES {
            ask(&profiles, &number.to_string(), &calls, Some("m")).await;
        }
        assert_eq!(profiles.entries().len(), MAX_ENTRIES);
        assert!(!profiles.entries().contains_key("0"));
        assert!(profiles.entries().contains_key("1"));
    }

    #[test]
    fn the_model_is_the_last_part_of_the_first_arn() {
        let arn =
            "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0";
        let answer = format!(
            r#"{{"inferenceProfileName":"x","models":[{{"modelArn":"{arn}"}},{{"modelArn":"b/c"}}]}}"#
        );
        assert_eq!(
            foundation_model(answer.as_bytes()).unwrap(),
            "anthropic.claude-sonnet-4-5-20250929-v1:0"
        );
        for answer in [
            "",
            "{}",
            r#"{"models":[]}"#,
            r#"{"models":[{"modelArn":"a/"}]}"#,
        ] {
            assert_eq!(foundation_model(answer.as_bytes()), None);
        }
    }
}
