//! Who waits for AWS, and for how long.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, sleep, timeout};

use super::control_plane::{ControlPlane, List};
use super::{all_of, begin, every, hourly, ids};

const WAITERS: usize = 1000;

#[tokio::test(start_paused = true)]
async fn a_slow_aws_delays_nobody_for_long() {
    let control = ControlPlane::start().await;
    control.hold();
    let begun = Instant::now();
    let discovery = begin(&control, &hourly(), None).await;
    assert!(discovery.models().is_empty());
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert!(discovery.current().await.is_empty());
    assert!(
        begun.elapsed() <= Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
    // Now that AWS is known to be slow, the next one does not wait at all.
    let begun = Instant::now();
    assert!(discovery.current().await.is_empty());
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn the_first_list_is_waited_for() {
    let control = ControlPlane::start().await;
    let discovery = begin(&control, &hourly(), None).await;
    assert_eq!(*discovery.current().await, *all_of("us-east-1"));
}

#[tokio::test]
async fn all_who_wait_share_one_refresh() {
    let control = ControlPlane::start().await;
    control.hold();
    let discovery = begin(&control, &hourly(), None).await;
    let waiting = Arc::new(AtomicUsize::new(0));
    let mut waiters = JoinSet::new();
    for number in 0..WAITERS {
        let (discovery, waiting) = (discovery.clone(), Arc::clone(&waiting));
        waiters.spawn(async move {
            waiting.fetch_add(1, Ordering::SeqCst);
            if number % 2 == 0 {
                discovery.refresh().await.unwrap().models
            } else {
                discovery.current().await
            }
        });
    }
    while waiting.load(Ordering::SeqCst) < WAITERS {
        yield_now().await;
    }
    control.calls(3).await;
    control.go_on();
    let expected = all_of("us-east-1");
    let lists = waiters.join_all().await;
    assert!(lists.iter().all(|list| **list == *expected));
    assert_eq!(control.received().len(), 4, "{:?}", control.received());
}

#[tokio::test]
async fn who_leaves_takes_the_refresh_from_nobody() {
    let control = ControlPlane::start().await;
    control.hold();
    let discovery = begin(&control, &hourly(), None).await;
    let leaving = tokio::spawn({
        let discovery = discovery.clone();
        async move { discovery.refresh().await }
    });
    control.calls(3).await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    control.go_on();
    assert_eq!(
        *discovery.refresh().await.unwrap().models,
        *all_of("us-east-1")
    );
    assert_eq!(control.received().len(), 4, "{:?}", control.received());
}

#[tokio::test]
async fn an_interval_of_zero_asks_each_time() {
    let control = ControlPlane::start().await;
    let discovery = begin(&control, &every(Duration::ZERO), None).await;
    assert_eq!(*discovery.current().await, *all_of("us-east-1"));
    control.set_pages(List::SystemProfiles, &[json!({})]);
    control.set_pages(List::ApplicationProfiles, &[json!({})]);
    for id in ["a.first", "a.second"] {
        let row = json!({"modelId": id, "inferenceTypesSupported": ["ON_DEMAND"]});
        control.set_pages(List::FoundationModels, &[json!({"modelSummaries": [row]})]);
        assert_eq!(ids(&discovery.current().await), [id]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_zero_gets_its_first_list_unasked() {
    let control = ControlPlane::start().await;
    control.break_down();
    let discovery = begin(&control, &every(Duration::ZERO), None).await;
    control.calls(3).await;
    let row = json!({"modelId": "a.b", "inferenceTypesSupported": ["ON_DEMAND"]});
    control.set_pages(List::FoundationModels, &[json!({"modelSummaries": [row]})]);
    control.set_pages(List::SystemProfiles, &[json!({})]);
    control.set_pages(List::ApplicationProfiles, &[json!({})]);
    // Chat completions need the list for names and profiles, and ask nobody for it.
    let listed = async {
        while discovery.models().is_empty() {
            sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(Duration::from_hours(1), listed).await.unwrap();
    // From then on AWS is asked for answers alone.
    let mut calls = 0;
    let settled = async {
        while calls != control.received().len() {
            calls = control.received().len();
            sleep(Duration::from_hours(1)).await;
        }
    };
    timeout(Duration::from_hours(10), settled).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_zero_waits_five_seconds_for_a_new_list() {
    let control = ControlPlane::start().await;
    let discovery = begin(&control, &every(Duration::ZERO), None).await;
    let good = discovery.refresh().await.unwrap().models;
    control.hold();
    let begun = Instant::now();
    assert_eq!(*discovery.current().await, *good);
    assert!(
        begun.elapsed() <= Duration::from_secs(6),
        "{:?}",
        begun.elapsed()
    );
}
