//! The list that is kept across restarts.

use std::fs;
use std::path::{Path, PathBuf};

use outcrop::config::Environment;
use outcrop::upstream::{Bedrock, Discovery};
use tempfile::TempDir;

use super::control_plane::ControlPlane;
use super::{all_of, bedrock, bedrock_at, begin, hourly};

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("deep").join("models.json")
}

/// A file with a list, and the text in it.
async fn kept(folder: &TempDir) -> (PathBuf, String) {
    let control = ControlPlane::start().await;
    let path = file(folder);
    let discovery = begin(&control, &hourly(), Some(path.clone())).await;
    discovery.refresh().await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// What a gateway that never reaches AWS has to show.
async fn shown_without_aws(path: &Path) -> usize {
    let control = ControlPlane::start().await;
    control.hold();
    let discovery = begin(&control, &hourly(), Some(path.to_owned())).await;
    discovery.models().len()
}

#[tokio::test]
async fn after_a_restart_there_is_a_list_at_once() {
    let folder = TempDir::new().unwrap();
    let (path, _) = kept(&folder).await;
    let control = ControlPlane::start().await;
    control.hold();
    let discovery = begin(&control, &hourly(), Some(path)).await;
    assert_eq!(*discovery.models(), *all_of("us-east-1"));
    // Nor is anybody kept waiting for a newer one.
    assert_eq!(*discovery.current().await, *all_of("us-east-1"));
    control.break_down();
    control.go_on();
    discovery.refresh().await.unwrap_err();
    assert_eq!(*discovery.models(), *all_of("us-east-1"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_its_owners_alone_and_the_only_one() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let (path, _) = kept(&folder).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let files = fs::read_dir(path.parent().unwrap()).unwrap();
    assert_eq!(files.count(), 1);
}

#[tokio::test]
async fn what_cannot_be_believed_is_as_if_it_were_not_there() {
    let folder = TempDir::new().unwrap();
    let (path, good) = kept(&folder).await;
    assert_eq!(shown_without_aws(&path).await, all_of("us-east-1").len());
    for (what, text) in [
        ("nothing", String::new()),
        ("cut off", good[..good.len() / 2].to_owned()),
        ("foreign", r#"{"models":["a"]}"#.to_owned()),
        ("no object", "[1]".to_owned()),
        (
            "another version",
            good.replacen(r#""version":1"#, r#""version":2"#, 1),
        ),
        ("another region", good.replacen("us-east-1", "eu-west-1", 1)),
        (
            "too large",
            format!("{good}{}", " ".repeat(16 * 1024 * 1024)),
        ),
        ("too deep", "[".repeat(100_000)),
    ] {
        assert_ne!(text, good, "{what}");
        fs::write(&path, text).unwrap();
        assert_eq!(shown_without_aws(&path).await, 0, "{what}");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(shown_without_aws(&path).await, 0);
}

#[tokio::test]
async fn a_list_that_cannot_be_kept_is_a_list_all_the_same() {
    let folder = TempDir::new().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let control = ControlPlane::start().await;
    let discovery = begin(&control, &hourly(), Some(blocked.join("models.json"))).await;
    let refreshed = discovery.refresh().await.unwrap();
    assert_eq!(*refreshed.models, *all_of("us-east-1"));
    assert_eq!(fs::read(&blocked).unwrap(), b"");
}

#[tokio::test]
async fn a_newer_list_replaces_the_one_that_was_kept() {
    let folder = TempDir::new().unwrap();
    let (path, good) = kept(&folder).await;
    fs::write(&path, good.replace("Claude", "Clod")).unwrap();
    let (_, newer) = kept(&folder).await;
    assert_eq!(newer, good);
}

#[tokio::test]
async fn the_file_is_where_caches_are_and_for_these_places_alone() {
    let control = ControlPlane::start().await;
    let here = bedrock(&control).await;
    let there = bedrock_at(&control.url(), "eu-central-1").await;
    let elsewhere = bedrock_at("http://127.0.0.1:9", "us-east-1").await;
    let file = |pairs: &[(&str, &str)], places: &[&Bedrock]| {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let places: Vec<_> = places.iter().map(|&place| place.clone()).collect();
        Discovery::cache_file(&environment, &places)
    };
    let both = [("XDG_CACHE_HOME", "/var/cache/me"), ("HOME", "/home/me")];
    let path = file(&both, &[&here]).unwrap();
    assert!(
        path.starts_with("/var/cache/me/outcrop"),
        "{}",
        path.display()
    );
    let name = path.file_name().unwrap().to_str().unwrap();
    let digest = name
        .strip_prefix("models-")
        .and_then(|name| name.strip_suffix(".json"));
    assert!(
        digest.unwrap().bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{name}"
    );
    assert_eq!(
        file(&both[1..], &[&here]).unwrap(),
        Path::new("/home/me/.cache/outcrop").join(name)
    );
    let relative = [("XDG_CACHE_HOME", "cache"), ("HOME", "/home/me")];
    assert_eq!(file(&relative, &[&here]), file(&both[1..], &[&here]));
    assert_eq!(file(&[], &[&here]), None);
    for others in [vec![&there], vec![&elsewhere], vec![&here, &there]] {
        assert_ne!(file(&both, &others), file(&both, &[&here]));
    }
}
