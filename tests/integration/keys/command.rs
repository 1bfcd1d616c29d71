//! `outcrop keys` on a file, as an operator on the gateway's host uses it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use outcrop::keys::{Access, ApiKey, KeyLimits, KeyStore, SqliteStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::{add, spent, use_once};
use crate::support::redis::RedisServer;

/// Runs `outcrop keys` in a folder, where its file is `outcrop.db`.
fn keys(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outcrop"));
    command.env_clear().current_dir(folder).arg("keys");
    command.args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// What it prints when it succeeds, which it does without a word on standard error.
fn succeeds(folder: &TempDir, arguments: &[&str]) -> String {
    let output = keys(folder.path(), arguments);
    let error = text(&output.stderr);
    assert_eq!(
        (output.status.code(), error),
        (Some(0), ""),
        "{arguments:?}"
    );
    text(&output.stdout).to_owned()
}

fn succeeds_with_json(folder: &TempDir, arguments: &[&str]) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    serde_json::from_str(&succeeds(folder, &arguments)).unwrap()
}

/// The exit code and what it writes to standard error when it fails.
pub(super) fn fails(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let output = keys(folder, arguments);
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    (output.status.code(), text(&output.stderr).to_owned())
}

pub(super) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_new_key_is_all_that_is_printed_and_no_file_holds_it() {
    let folder = folder();
    let printed = succeeds(&folder, &["create", "--name", "search"]);
    let key = printed.strip_suffix('\n').unwrap();
    let id = ApiKey::id_of(key.as_bytes()).unwrap();
    assert_eq!(
        succeeds_with_json(&folder, &["show", "search"])["id"],
        id.as_str()
    );
    assert_eq!(
        succeeds_with_json(&folder, &["show", key])["name"],
        "search"
    );
    for entry in fs::read_dir(folder.path()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let secret = &key.as_bytes()[23..66];
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn every_flag_becomes_a_limit_and_goes_again() {
    let folder = folder();
    let flags = [
        "create",
        "--name",
        "a",
        "--models",
        "us.anthropic.*,gpt-4o",
        "--rpm",
        "60",
        "--tpm",
        "1000",
        "--concurrency",
        "2",
        "--budget",
        "12.5",
        "--per",
        "week",
        "--expires",
        "2099-01-31",
        "--tag",
        "team=search",
        "--tag",
        "site=x",
        "--max-tokens",
        "100",
        "--guardrail",
        "gr1:DRAFT",
        "--no-bedrock",
        "--allow-unpriced",
    ];
    let mut made = succeeds_with_json(&folder, &flags);
    let made = made.as_object_mut().unwrap();
    for changing in ["key", "id", "created"] {
        assert!(made.shift_remove(changing).is_some(), "{changing}");
    }
    let renewed = made["spending"]
        .as_object_mut()
        .unwrap()
        .shift_remove("renewed");
    assert!(renewed.is_some());
    let expected = json!({
        "name": "a", "kind": "inference", "status": "valid", "expires": "2099-01-31T00:00:00Z",
        "models": ["us.anthropic.*", "gpt-4o"], "rpm": 60, "tpm": 1000, "concurrency": 2,
        "budget": {"usd": 12.5, "per": "week"}, "max_tokens": 100, "guardrail": "gr1:DRAFT", "no_bedrock": true,
        "allow_unpriced": true, "spending": {"spent_usd": 0.0, "reserved_usd": 0.0, "left_usd": 12.5},
        "tags": {"site": "x", "team": "search"},
    });
    assert_eq!(Value::Object(made.clone()), expected);
    let flags = [
        "update",
        "a",
        "--name",
        "b",
        "--models",
        "*",
        "--rpm",
        "none",
        "--tpm",
        "none",
        "--concurrency",
        "none",
        "--budget",
        "none",
        "--expires",
        "never",
        "--untag",
        "team",
        "--untag",
        "site",
        "--max-tokens",
        "none",
        "--guardrail",
        "none",
        "--no-bedrock=false",
        "--allow-unpriced=false",
    ];
    let mut changed = succeeds_with_json(&folder, &flags);
    let changed = changed.as_object_mut().unwrap();
    changed.retain(|name, _| !["id", "created"].contains(&name.as_str()));
    let expected = json!({"name": "b", "kind": "inference", "status": "valid", "models": ["*"]});
    assert_eq!(Value::Object(changed.clone()), expected);
}

#[test]
fn all_that_is_wrong_is_named_and_no_store_is_made() {
    let folder = folder();
    let wrong = [
        "create",
        "--admin",
        "--name",
        " ",
        "--guardrail",
        "x:y",
        "--tag",
        "a=ü",
        "--per",
        "day",
    ];
    let (code, error) = fails(folder.path(), &wrong);
    assert_eq!(code, Some(2));
    assert_eq!(
        error.lines().collect::<Vec<_>>(),
        [
            "outcrop: --name must have no blank at an end and no control character",
            "outcrop: --guardrail must be a guardrail's id or ARN, a colon, and its version: gr0example12:1",
            "outcrop: --tag must have names and values of at most 256 letters, digits, blanks and :_@$#=/+,-. as \
             Bedrock wants it",
            "outcrop: --budget is missing",
            "outcrop: limits and tags are not for an admin key: it asks no models",
        ]
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn without_a_store_every_other_command_says_how_one_is_made() {
    let folder = folder();
    for arguments in [
        &["list"][..],
        &["show", "a"],
        &["update", "a", "--rpm", "1"],
        &["rotate", "a"],
        &["revoke", "a"],
        &["usage"],
    ] {
        let told = fails(folder.path(), arguments);
        let line = "outcrop: there is no key store outcrop.db yet; outcrop keys create makes it\n";
        assert_eq!(told, (Some(1), line.to_owned()), "{arguments:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_store_is_that_of_the_flag_or_of_the_configuration() {
    let folder = folder();
    fs::write(
        folder.path().join("outcrop.toml"),
        "[keys]\nstore = \"sqlite:one.db\"\n",
    )
    .unwrap();
    fs::write(
        folder.path().join("other.toml"),
        "[keys]\nstore = \"sqlite:two.db\"\n",
    )
    .unwrap();
    succeeds(&folder, &["create", "--name", "one"]);
    succeeds(
        &folder,
        &["create", "--name", "two", "--config", "other.toml"],
    );
    succeeds(
        &folder,
        &["create", "--name", "three", "--store", "sqlite:three.db"],
    );
    for (file, name) in [("one", "one"), ("two", "two"), ("three", "three")] {
        let location = format!("sqlite:{file}.db");
        let list = succeeds_with_json(&folder, &["list", "--store", &location]);
        assert_eq!(
            (list.as_array().unwrap().len(), &list[0]["name"]),
            (1, &json!(name))
        );
    }
    let (code, error) = fails(
        folder.path(),
        &["list", "--store", "mysql://root:secret@db"],
    );
    assert_eq!(code, Some(2));
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn a_revoked_key_is_listed_only_when_it_is_asked_for() {
    let folder = folder();
    succeeds(&folder, &["create", "--name", "old"]);
    succeeds(&folder, &["create", "--name", "root", "--admin"]);
    assert!(succeeds(&folder, &["revoke", "old"]).contains("status       revoked\n"));
    let list = succeeds(&folder, &["list"]);
    assert!(
        list.starts_with("ID            NAME  STATUS") && !list.contains("old"),
        "{list}"
    );
    assert!(list.contains("  root  admin "), "{list}");
    assert!(succeeds(&folder, &["list", "--all"]).contains("  old   revoked "));
    let (code, error) = fails(folder.path(), &["rotate", "old"]);
    assert!(
        code == Some(1) && error.ends_with(" is revoked for good; create another one\n"),
        "{error}"
    );
    let (code, error) = fails(folder.path(), &["update", "old"]);
    assert!(
        code == Some(2) && error.starts_with("outcrop: there is nothing to change;"),
        "{error}"
    );
}

#[test]
fn a_key_that_was_taken_for_a_name_is_not_repeated() {
    let folder = folder();
    let key = succeeds(&folder, &["create", "--name", "a"]);
    let key = key.trim();
    // With one character less it is no key any more, and still a secret.
    let broken = &key[..key.len() - 1];
    for arguments in [
        &["show", broken][..],
        &["revoke", broken],
        &["usage", broken],
        &["create", "--name", key],
        &["create", "--name", "b", "--tag", &format!("key={key}")],
    ] {
        let (code, error) = fails(folder.path(), arguments);
        assert!(code != Some(0) && !error.contains(&key[25..60]), "{error}");
    }
}

#[tokio::test]
async fn usage_is_shown_while_a_gateway_counts_it() {
    let folder = folder();
    succeeds(&folder, &["create", "--name", "first"]);
    let file = folder.path().join("outcrop.db");
    let store: Arc<dyn KeyStore> = Arc::new(SqliteStore::open(&file, Access::Gateway).unwrap());
    let key = add(&*store, "second", KeyLimits::default()).await;
    use_once(&*store, &key, spent(0.003)).await;
    store.flush().await.unwrap();
    let usage = succeeds_with_json(&folder, &["usage", "--by", "key,model"]);
    assert_eq!(usage["data"].as_array().unwrap().len(), 1);
    assert_eq!(usage["data"][0]["key_name"], "second");
    assert_eq!(usage["total"]["requests"], 1);
    assert_eq!(usage["total"]["cost_usd"], 0.003);
    let csv = succeeds(&folder, &["usage", "second", "--by", "day", "--csv"]);
    assert_eq!(csv.lines().count(), 2, "{csv}");
    // The gateway counts on, and the command may change keys meanwhile.
    succeeds(&folder, &["update", "second", "--rpm", "5"]);
    let changes = store.changes(key.revision).await.unwrap();
    assert_eq!(changes.keys[0].limits.rpm, Some(5));
}

#[tokio::test]
async fn the_commands_work_on_a_redis_as_well() {
    let Some(redis) = RedisServer::start().await else {
        return;
    };
    let url = redis.url();
    let work = move || {
        let folder = folder();
        let on_redis =
            |arguments: &[&str]| succeeds(&folder, &[arguments, &["--store", &url]].concat());
        let key = on_redis(&["create", "--name", "a", "--budget", "5"]);
        let list = on_redis(&["list"]);
        let row: Vec<&str> = list.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(row[1..5], ["a", "valid", "0.00", "5.00/month"]);
        assert!(on_redis(&["show", key.trim()]).contains("name         a\n"));
        on_redis(&["update", "a", "--name", "b"]);
        on_redis(&["create", "--name", "a"]);
        let (code, error) = fails(
            folder.path(),
            &["update", "b", "--name", "a", "--store", &url],
        );
        assert!(
            code == Some(1) && error.starts_with("outcrop: there is a key called 'a' already;"),
            "{error}"
        );
        on_redis(&["rotate", "b"]);
        on_redis(&["revoke", "b"]);
        assert_eq!(on_redis(&["usage"]).lines().count(), 1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    };
    spawn_blocking(work).await.unwrap();
}

#[test]
fn each_command_has_help_that_can_be_read_alone() {
    let folder = folder();
    for (command, flags) in [
        (
            "create",
            &[
                "--name",
                "--admin",
                "--models",
                "--rpm",
                "--tpm",
                "--concurrency",
                "--budget",
                "--per",
                "--expires",
                "--max-tokens",
                "--guardrail",
                "--tag",
                "--no-bedrock",
                "--allow-unpriced",
                "--json",
            ][..],
        ),
        ("list", &["--all", "--json"]),
        ("show", &["--json"]),
        ("update", &["--name", "--untag", "--json"]),
        ("rotate", &["--overlap", "--json"]),
        ("revoke", &["--json"]),
        ("usage", &["--by", "--since", "--csv", "--json"]),
    ] {
        let help = succeeds(&folder, &[command, "--help"]);
        for flag in flags
            .iter()
            .chain(&["--config", "--store", "--url", "OUTCROP_ADMIN_KEY"])
        {
            assert!(help.contains(flag), "{command} {flag}\n{help}");
        }
    }
}
