//! What a refresh brings, and what is left when it fails.

use std::time::Duration;

use outcrop::bedrock::catalog::{InvocableKind, merge};
use outcrop::config;
use outcrop::metrics::Metrics;
use outcrop::upstream::Discovery;
use serde_json::json;
use tokio::time::sleep;

use super::control_plane::{Answer, ControlPlane, List};
use super::{all_of, bedrock, bedrock_at, begin, every, hourly, ids};

const DENIED: Answer = Answer::Exception(
    403,
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/somebody is not authorized",
);

#[tokio::test]
async fn what_aws_lists_is_merged() {
    let control = ControlPlane::start().await;
    let discovery = begin(&control, &hourly(), None).await;
    let refreshed = discovery.refresh().await.unwrap();
    assert!(refreshed.failures.is_empty());
    assert_eq!(*refreshed.models, *all_of("us-east-1"));
    assert_eq!(*discovery.models(), *refreshed.models);
    assert_eq!(*discovery.current().await, *refreshed.models);
    assert_eq!(control.received().len(), 4, "{:?}", control.received());
}

#[tokio::test]
async fn several_regions_are_one_list() {
    let controls = [ControlPlane::start().await, ControlPlane::start().await];
    let page = |name| vec![crate::listings::answer("eu-central-1", name)];
    controls[1].set(
        List::FoundationModels,
        Answer::Pages(page("foundation-models")),
    );
    controls[1].set(
        List::SystemProfiles,
        Answer::Pages(page("system-profiles-1")),
    );
    controls[1].set(
        List::ApplicationProfiles,
        Answer::Pages(page("application-profiles")),
    );
    let places = vec![
        bedrock(&controls[0]).await,
        bedrock_at(&controls[1].url(), "eu-central-1").await,
    ];
    let filter = config::Discovery {
        provider_filter: vec!["anthropic".to_owned()],
        ..hourly()
    };
    let discovery = Discovery::begin(places, &filter, None, &Metrics::new());
    let expected = merge(
        &["us-east-1", "eu-central-1"].map(crate::listings::listing),
        &filter.provider_filter,
    );
    assert_eq!(*discovery.refresh().await.unwrap().models, *expected);
    assert!(ids(&expected).contains(&"eu.anthropic.claude-sonnet-4-5-20250929-v1:0"));
}

#[tokio::test]
async fn a_failure_leaves_the_last_good_list() {
    let control = ControlPlane::start().await;
    let metrics = Metrics::new();
    let discovery = Discovery::begin(vec![bedrock(&control).await], &hourly(), None, &metrics);
    let good = discovery.refresh().await.unwrap().models;
    control.break_down();
    let failures = discovery.refresh().await.unwrap_err();
    let operations: Vec<_> = failures.iter().map(|failure| failure.operation).collect();
    assert_eq!(
        operations,
        ["ListFoundationModels", "ListInferenceProfiles"]
    );
    assert!(
        failures
            .iter()
            .all(|failure| failure.missing_permission().is_none())
    );
    assert_eq!(*discovery.models(), *good);
    assert_eq!(*discovery.current().await, *good);
    control.set(
        List::ApplicationProfiles,
        Answer::Pages(vec![b"{}".to_vec()]),
    );
    let refreshed = discovery.refresh().await.unwrap();
    assert_eq!(refreshed.failures.len(), 2);
    let kinds = |kind| {
        refreshed
            .models
            .iter()
            .filter(move |model| model.kind == kind)
            .count()
    };
    assert_eq!(kinds(InvocableKind::ApplicationProfile), 0);
    assert!(kinds(InvocableKind::FoundationModel) > 0 && kinds(InvocableKind::SystemProfile) > 0);
    let page = metrics.encode();
    for line in [
        r#"outcrop_discovery_refreshes_total{outcome="success"} 1"#,
        r#"outcrop_discovery_refreshes_total{outcome="failure"} 1"#,
        r#"outcrop_discovery_refreshes_total{outcome="partial"} 1"#,
    ] {
        assert!(page.contains(line), "{page}");
    }
}

#[tokio::test]
async fn without_the_permission_for_profiles_there_are_still_models() {
    let control = ControlPlane::start().await;
    control.set(List::SystemProfiles, DENIED);
    control.set(List::ApplicationProfiles, DENIED);
    let discovery = begin(&control, &hourly(), None).await;
    let refreshed = discovery.refresh().await.unwrap();
    let all = all_of("us-east-1");
    let bare = all
        .iter()
        .filter(|model| model.kind == InvocableKind::FoundationModel);
    assert!(refreshed.models.iter().eq(bare));
    let [failure] = refreshed.failures.as_slice() else {
        panic!("{:?}", refreshed.failures);
    };
    assert_eq!(
        failure.missing_permission().unwrap(),
        "bedrock:ListInferenceProfiles"
    );
    let text = failure.to_string();
    for words in [
        "us-east-1",
        "user/somebody is not authorized",
        "allow the IAM action bedrock:ListInferenceProfiles",
    ] {
        assert!(text.contains(words), "{text}");
    }
}

#[tokio::test]
async fn nothing_is_asked_when_discovery_is_off() {
    let control = ControlPlane::start().await;
    let off = config::Discovery {
        enabled: false,
        ..every(Duration::ZERO)
    };
    let discovery = begin(&control, &off, None).await;
    assert!(discovery.current().await.is_empty());
    assert!(discovery.refresh().await.unwrap().models.is_empty());
    assert!(discovery.models().is_empty());
    assert!(control.received().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_list_follows_aws_while_somebody_wants_it() {
    let control = ControlPlane::start().await;
    let minute = Duration::from_mins(1);
    let discovery = begin(&control, &every(minute), None).await;
    discovery.current().await;
    let row = |id: &str| json!({"modelSummaries": [{"modelId": id, "inferenceTypesSupported": ["ON_DEMAND"]}]});
    for list in [List::SystemProfiles, List::ApplicationProfiles] {
        control.set_pages(list, &[json!({})]);
    }
    for id in ["a.first", "a.second"] {
        control.set_pages(List::FoundationModels, &[row(id)]);
        while ids(&discovery.models()) != [id] {
            sleep(Duration::from_secs(1)).await;
        }
    }
    // After a failure AWS is asked sooner than after a minute.
    control.break_down();
    let calls = control.received().len();
    control.calls(calls + 3).await;
    control.set_pages(List::FoundationModels, &[row("a.third")]);
    while ids(&discovery.models()) != ["a.third"] {
        sleep(Duration::from_secs(1)).await;
    }
    drop(discovery);
    sleep(10 * minute).await;
    let calls = control.received().len();
    sleep(10 * minute).await;
    assert_eq!(control.received().len(), calls);
}
