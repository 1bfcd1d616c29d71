//! Which foundation model stands behind an inference profile, asked once a day: the ARN of an application inference
//! profile does not say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

/// How long an answer holds; a profile's model cannot be changed, but the profile can be made anew.
const FOUND_FOR: Duration = Duration::from_hours(24);
/// How long a failure holds: without permission to ask, not every request should.
const FAILED_FOR: Duration = Duration::from_mins(1);
/// The most profiles that are remembered; clients choose the ids.
const MAX_ENTRIES: usize = 1024;

/// How many look-ups run at once; requests wait for them.
const MAX_LOOKUPS: usize = 4;
/// The longest id of an inference profile that is no ARN.
const MAX_ID_LENGTH: usize = 64;

/// Answers of `GetInferenceProfile`, remembered.
#[derive(Debug)]
pub(super) struct InferenceProfiles {
    entries: Mutex<HashMap<String, Arc<Entry>>>,
    lookups: Semaphore,
    /// Until when the control plane counts as out of reach: where only bedrock-runtime has a VPC endpoint, each
    /// new id would make its request wait in vain.
    out_of_reach_until: Mutex<Option<Instant>>,
}

/// What a look-up brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The foundation model's id.
    Model(String),
    /// The answer was no, or no use.
    Refused,
    /// There was no answer.
    OutOfReach,
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

impl Default for InferenceProfiles {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            lookups: Semaphore::new(MAX_LOOKUPS),
            out_of_reach_until: Mutex::default(),
        }
    }
}

impl InferenceProfiles {
    /// The foundation model behind `id`: from memory, else from `ask`. Only what can be an inference profile is
    /// asked for, and nothing for a while after the control plane did not answer.
    pub(super) async fn model<F>(&self, id: &str, ask: impl FnOnce() -> F) -> Option<String>
    where
        F: Future<Output = Asked>,
    {
        if !is_inference_profile(id) {
            return None;
        }
        let entry = self.entry(id);
        let model = entry.model.get_or_init(|| self.ask(ask));
        model.await.clone()
    }

    async fn ask<F>(&self, ask: impl FnOnce() -> F) -> Option<String>
    where
        F: Future<Output = Asked>,
    {
        let _turn = self.lookups.acquire().await;
        if locked(&self.out_of_reach_until).is_some_and(|until| Instant::now() < until) {
            return None;
        }
        match ask().await {
            Asked::Model(model) => Some(model),
            Asked::Refused => None,
            Asked::OutOfReach => {
                *locked(&self.out_of_reach_until) = Some(Instant::now() + FAILED_FOR);
                None
            }
        }
    }

    fn entry(&self, id: &str) -> Arc<Entry> {
        let mut entries = locked(&self.entries);
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
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `id` can be an inference profile's, by the service model's patterns.
fn is_inference_profile(id: &str) -> bool {
    if id.starts_with("arn:") {
        return id.contains(":application-inference-profile/")
            || id.contains(":inference-profile/");
    }
    id.len() <= MAX_ID_LENGTH
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b':' | b'.'))
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

/// Makes room: failures go first, because made-up ids must not drive real ones out.
fn remove_oldest(entries: &mut HashMap<String, Arc<Entry>>) {
    let found = |entry: &Entry| matches!(entry.model.get(), Some(Some(_)));
    let oldest = entries
        .iter()
        .min_by_key(|(_, entry)| (found(entry), entry.begun));
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
            answer.map_or(Asked::Refused, |model| Asked::Model(model.to_owned()))
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
        assert_eq!(locked(&profiles.entries).len(), MAX_ENTRIES);
        assert!(!locked(&profiles.entries).contains_key("0"));
        assert!(locked(&profiles.entries).contains_key("1"));
    }

    #[tokio::test(start_paused = true)]
    async fn failures_make_room_before_answers_do() {
        let profiles = InferenceProfiles::default();
        let calls = AtomicU32::new(0);
        ask(&profiles, "real", &calls, Some("m")).await;
        for number in 0..=MAX_ENTRIES {
            ask(&profiles, &number.to_string(), &calls, None).await;
        }
        assert!(locked(&profiles.entries).contains_key("real"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_control_plane_out_of_reach_is_left_alone_for_a_minute() {
        let profiles = InferenceProfiles::default();
        let out_of_reach = || async { Asked::OutOfReach };
        assert_eq!(profiles.model("a", out_of_reach).await, None);
        let calls = AtomicU32::new(0);
        assert_eq!(ask(&profiles, "b", &calls, Some("m")).await, None);
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        advance(FAILED_FOR).await;
        assert_eq!(
            ask(&profiles, "b", &calls, Some("m")).await.as_deref(),
            Some("m")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn few_look_ups_run_at_once() {
        let profiles = Arc::new(InferenceProfiles::default());
        let (running, most) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let mut waiters = JoinSet::new();
        for number in 0..50 {
            let (profiles, running, most) = (
                Arc::clone(&profiles),
                Arc::clone(&running),
                Arc::clone(&most),
            );
            waiters.spawn(async move {
                let asked = || async {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    Asked::Refused
                };
                profiles.model(&number.to_string(), asked).await
            });
        }
        waiters.join_all().await;
        assert_eq!(most.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn only_what_can_be_an_inference_profile_is_asked_for() {
        for id in [
            "replay.short-text",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/ab12",
        ] {
            assert!(is_inference_profile(id), "{id}");
        }
        for id in [
            "arn:aws:bedrock:us-east-1:123456789012:custom-model/ab12",
            "a/b",
            "a b",
            &"x".repeat(65),
        ] {
            assert!(!is_inference_profile(id), "{id}");
        }
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
