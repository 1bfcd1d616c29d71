use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_credential_types::provider::{self, ProvideCredentials, future};
use http::HeaderValue;
use http::header::DATE;
use tokio::task::JoinSet;
use tokio::time::{Instant, advance, sleep};

use super::*;

const MINUTE: Duration = Duration::from_mins(1);

/// A provider whose loads take a second of the paused clock and answer as scripted.
#[derive(Clone, Debug)]
struct Script(Arc<ScriptState>);

#[derive(Debug)]
struct ScriptState {
    begun: Instant,
    calls: AtomicU32,
    answers: Mutex<VecDeque<Answer>>,
}

#[derive(Debug)]
enum Answer {
    Key(&'static str, Option<Duration>),
    Fail,
    Hang,
    Late(&'static str, Duration),
    Nothing,
    Panic,
}

use Answer::{Fail, Hang, Key, Late, Nothing, Panic};

impl Script {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Arc::new(ScriptState {
            begun: Instant::now(),
            calls: AtomicU32::new(0),
            answers: Mutex::new(answers.into_iter().collect()),
        }))
    }

    fn cache(&self, source: CredentialSource) -> CredentialsCache {
        let script = self.clone();
        let clock = AwsClock::new(Arc::new(move || script.now()));
        self.cache_with(source, clock)
    }

    fn cache_with(&self, source: CredentialSource, clock: AwsClock) -> CredentialsCache {
        CredentialsCache::new(SharedCredentialsProvider::new(self.clone()), source, clock)
    }

    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.0.begun.elapsed()
    }

    fn calls(&self) -> u32 {
        self.0.calls.load(Ordering::SeqCst)
    }

    async fn answer(&self) -> provider::Result {
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
        let answer = self
            .0
            .answers
            .lock()
            .unwrap()
            .pop_front()
            .expect("a scripted answer");
        match answer {
            Key(name, life) => {
                let expiry = life.map(|life| self.now() + life);
                Ok(Credentials::new(name, "secret", None, expiry, "script"))
            }
            Fail => Err(ProviderError::provider_error("the role is gone")),
            Hang => std::future::pending().await,
            Late(name, delay) => {
                sleep(delay).await;
                Ok(Credentials::new(name, "secret", None, None, "script"))
            }
            Nothing => Err(ProviderError::not_loaded("none here")),
            Panic => panic!("the script says so"),
        }
    }
}

impl ProvideCredentials for Script {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.answer())
    }
}

async fn key(cache: &CredentialsCache) -> String {
    cache
        .credentials()
        .await
        .unwrap()
        .access_key_id()
        .to_owned()
}

/// Lets a refresh in the background run to its end: on a paused clock a sleep takes no time.
async fn settle() {
    sleep(Duration::from_secs(2)).await;
}

/// Turns the clock by `time` and asks once, as traffic does.
async fn key_after(cache: &CredentialsCache, time: Duration) -> String {
    advance(time).await;
    let key = key(cache).await;
    settle().await;
    key
}

#[tokio::test(start_paused = true)]
async fn a_thousand_waiters_share_one_load() {
    let script = Script::new([Key("A", None)]);
    let cache = script.cache(CredentialSource::Environment);
    let mut waiters = JoinSet::new();
    for _ in 0..1000 {
        let cache = cache.clone();
        waiters.spawn(async move { key(&cache).await });
    }
    let keys = waiters.join_all().await;
    assert!(keys.iter().all(|key| key == "A"));
    assert_eq!((keys.len(), script.calls()), (1000, 1));
}

#[tokio::test(start_paused = true)]
async fn waiters_share_a_failure_and_the_next_request_tries_again() {
    let script = Script::new([Fail, Key("A", None)]);
    let cache = script.cache(CredentialSource::Environment);
    let mut waiters = JoinSet::new();
    for _ in 0..10 {
        let cache = cache.clone();
        waiters.spawn(async move { cache.credentials().await.unwrap_err().to_string() });
    }
    for text in waiters.join_all().await {
        assert!(text.contains("the role is gone"), "{text}");
    }
    assert_eq!(script.calls(), 1);
    assert_eq!(key(&cache).await, "A");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_leaves_does_not_end_the_load() {
    let script = Script::new([Key("A", None)]);
    let cache = script.cache(CredentialSource::Environment);
    assert!(
        timeout(Duration::from_millis(1), cache.credentials())
            .await
            .is_err()
    );
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("A", 1));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_runs_ahead_of_expiry_while_requests_go_on() {
    let script = Script::new([Key("A", Some(60 * MINUTE)), Key("B", Some(60 * MINUTE))]);
    let cache = script.cache(CredentialSource::WebIdentity);
    assert_eq!(key(&cache).await, "A");
    assert_eq!(key_after(&cache, 50 * MINUTE).await, "A");
    assert_eq!(script.calls(), 1);
    let before = Instant::now();
    advance(5 * MINUTE).await;
    assert_eq!(key(&cache).await, "A");
    assert_eq!(
        before.elapsed(),
        5 * MINUTE,
        "the request waited for the refresh"
    );
    settle().await;
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("B", 2));
}

#[tokio::test(start_paused = true)]
async fn a_failing_refresh_keeps_what_is_still_valid() {
    let script = Script::new([Key("A", Some(60 * MINUTE)), Fail, Hang, Key("B", None)]);
    let cache = script.cache(CredentialSource::Container);
    assert_eq!(key(&cache).await, "A");
    assert_eq!(key_after(&cache, 56 * MINUTE).await, "A");
    assert_eq!(script.calls(), 2);
    assert_eq!(key_after(&cache, Duration::from_secs(1)).await, "A");
    assert_eq!(script.calls(), 2, "no second refresh right after a failure");
    assert_eq!(key_after(&cache, MINUTE).await, "A");
    sleep(MAX_LOAD).await;
    assert_eq!(script.calls(), 3);
    assert_eq!(key_after(&cache, MINUTE).await, "A");
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("B", 4));
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_never_handed_out() {
    let script = Script::new([Key("A", Some(10 * MINUTE)), Fail, Key("B", None)]);
    let cache = script.cache(CredentialSource::Container);
    assert_eq!(key(&cache).await, "A");
    advance(10 * MINUTE).await;
    assert!(matches!(
        cache.credentials().await,
        Err(CredentialsError::Failed(_))
    ));
    assert_eq!(key(&cache).await, "B");
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_replaced_once_for_all_who_were_refused() {
    let script = Script::new([Key("A", None), Key("B", None)]);
    let cache = script.cache(CredentialSource::Container);
    let refused = cache.credentials().await.unwrap();
    let mut waiters = JoinSet::new();
    for _ in 0..1000 {
        let (cache, refused) = (cache.clone(), refused.clone());
        waiters.spawn(async move { cache.replace(&refused).await });
    }
    assert!(
        waiters
            .join_all()
            .await
            .into_iter()
            .all(|replaced| replaced)
    );
    assert!(cache.replace(&refused).await, "it was replaced already");
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("B", 2));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_has_no_others_is_asked_once_in_half_a_minute() {
    let script = Script::new([Key("A", None), Key("A", None), Fail, Key("B", None)]);
    let cache = script.cache(CredentialSource::Container);
    let refused = cache.credentials().await.unwrap();
    assert!(!cache.replace(&refused).await);
    assert!(!cache.replace(&refused).await);
    assert_eq!(script.calls(), 2);
    advance(REFRESH_PAUSE).await;
    assert!(!cache.replace(&refused).await);
    assert_eq!(script.calls(), 3);
    assert_eq!(key(&cache).await, "A", "a failure takes nothing away");
    advance(REFRESH_PAUSE).await;
    assert!(cache.replace(&refused).await);
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("B", 4));
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_new_ones_are_refused_too_is_not_asked_for_each_request() {
    let script = Script::new([Key("A", None), Key("B", None)]);
    let cache = script.cache(CredentialSource::Container);
    let first = cache.credentials().await.unwrap();
    assert!(cache.replace(&first).await);
    let second = cache.credentials().await.unwrap();
    for _ in 0..10 {
        assert!(!cache.replace(&second).await);
    }
    assert_eq!(script.calls(), 2);
}

/// A clock that is two hours ahead of the one by which credentials expire.
fn fast_clock(script: &Script) -> AwsClock {
    let script = script.clone();
    AwsClock::new(Arc::new(move || script.now() + 120 * MINUTE))
}

#[tokio::test(start_paused = true)]
async fn fresh_credentials_are_used_though_a_wrong_clock_calls_them_expired() {
    let script = Script::new([Key("A", Some(60 * MINUTE)), Key("B", Some(60 * MINUTE))]);
    let cache = script.cache_with(CredentialSource::Container, fast_clock(&script));
    for _ in 0..10 {
        assert_eq!(key(&cache).await, "A");
    }
    assert_eq!(script.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_corrected_clock_tells_when_credentials_really_expire() {
    let script = Script::new([Key("A", Some(60 * MINUTE)), Key("B", Some(60 * MINUTE))]);
    let clock = fast_clock(&script);
    let cache = script.cache_with(CredentialSource::Container, clock.clone());
    assert_eq!(key(&cache).await, "A");
    let (_, used) = clock.corrected();
    let date = HeaderValue::from_static("Thu, 01 Jan 1970 00:00:01 GMT");
    clock.hear(&[(DATE, date)].into_iter().collect());
    assert!(clock.correct(used));
    assert_eq!(key_after(&cache, 50 * MINUTE).await, "A");
    assert_eq!(script.calls(), 1, "by AWS's time they hold for ten minutes");
    assert_eq!(key_after(&cache, 5 * MINUTE).await, "A");
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("B", 2));
}

fn timed_out() -> CredentialsError {
    CredentialsError::TimedOut("environment".to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_load_is_limited_to_five_seconds_and_says_what_to_do() {
    let cases = [
        (Hang, CredentialSource::Environment, timed_out()),
        (
            Hang,
            CredentialSource::InstanceMetadata,
            CredentialsError::Missing,
        ),
        (
            Fail,
            CredentialSource::InstanceMetadata,
            CredentialsError::InstanceMetadata(
                "an error occurred while loading credentials: the role is gone".to_owned(),
            ),
        ),
        (
            Nothing,
            CredentialSource::Environment,
            CredentialsError::Missing,
        ),
    ];
    for (answer, source, expected) in cases {
        let cache = Script::new([answer]).cache(source);
        assert_eq!(cache.credentials().await.unwrap_err(), expected);
    }
    assert!(
        CredentialsError::Missing
            .to_string()
            .contains("AWS_ACCESS_KEY_ID")
    );
}

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_is_a_failure_and_the_next_request_tries_again() {
    let script = Script::new([Panic, Key("A", None)]);
    let cache = script.cache(CredentialSource::Environment);
    assert!(matches!(
        cache.credentials().await,
        Err(CredentialsError::Failed(_))
    ));
    assert_eq!(key(&cache).await, "A");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_nobody_waits_for_any_more_is_not_asked_beside_itself() {
    let script = Script::new([Late("A", LOAD_TIMEOUT)]);
    let cache = script.cache(CredentialSource::Environment);
    let error = cache.credentials().await.unwrap_err();
    assert_eq!(error, timed_out());
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("A", 1));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_given_up_and_asked_again() {
    let script = Script::new([Hang, Key("A", None)]);
    let cache = script.cache(CredentialSource::Environment);
    for _ in 0..2 {
        let error = cache.credentials().await.unwrap_err();
        assert_eq!((error, script.calls()), (timed_out(), 1));
    }
    sleep(MAX_LOAD).await;
    assert_eq!((key(&cache).await.as_str(), script.calls()), ("A", 2));
}

#[test]
fn a_refresh_is_due_before_expiry_however_short_the_life() {
    let now = SystemTime::UNIX_EPOCH;
    for (life, least, most) in [
        (3600, 3240, 3300),
        (600, 300, 300),
        (120, 60, 60),
        (90, 30, 30),
        (10, 30, 30),
    ] {
        let jitter = REFRESH_JITTER.mul_f64(fastrand::f64());
        let due = refresh_at(now + Duration::from_secs(life), now, jitter)
            .duration_since(now)
            .unwrap()
            .as_secs();
        assert!((least..=most).contains(&due), "{life}: {due}");
    }
}

#[tokio::test(start_paused = true)]
async fn debug_shows_no_secret() {
    let cache = Script::new([Key("A", None)]).cache(CredentialSource::Environment);
    key(&cache).await;
    assert_eq!(
        format!("{cache:?}"),
        "CredentialsCache { source: Environment, .. }"
    );
}
