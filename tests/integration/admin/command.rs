//! `outcrop keys --url`, as an operator on another host uses it.

use std::process::Output;

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::Operators;
use crate::support::process::outcrop;

/// Runs `outcrop keys` against the interface.
async fn keys(operators: &Operators, key: &str, arguments: &[&str]) -> Output {
    keys_at(&format!("http://{}", operators.address), key, arguments).await
}

/// Runs `outcrop keys` against whatever is at an address.
async fn keys_at(url: &str, key: &str, arguments: &[&str]) -> Output {
    let all = [&["keys"], arguments, &["--url", url]].concat();
    let mut command = outcrop(&all);
    command.env("OUTCROP_ADMIN_KEY", key);
    spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

async fn succeeds(operators: &Operators, arguments: &[&str]) -> String {
    let output = keys(operators, operators.admin.key.expose(), arguments).await;
    let error = text(output.stderr);
    assert!(
        output.status.success() && error.is_empty(),
        "{arguments:?}: {error}"
    );
    text(output.stdout)
}

async fn fails(operators: &Operators, key: &str, arguments: &[&str]) -> String {
    let output = keys(operators, key, arguments).await;
    assert!(
        !output.status.success() && output.stdout.is_empty(),
        "{arguments:?}"
    );
    text(output.stderr)
}

#[tokio::test]
async fn the_command_does_over_the_interface_what_it_does_to_a_store() {
    let operators = Operators::start().await;
    let made = succeeds(
        &operators,
        &[
            "create",
            "--name",
            "my search/1",
            "--rpm",
            "60",
            "--budget",
            "50",
        ],
    )
    .await;
    let key = made.trim();
    operators.known(key, true).await;
    let list = succeeds(&operators, &["list"]).await;
    assert!(
        list.contains("my search/1") && list.contains("50.00/month"),
        "{list}"
    );
    let shown = succeeds(&operators, &["show", key]).await;
    assert!(
        shown.contains("rpm          60\n") && !shown.contains(key),
        "{shown}"
    );
    let json = succeeds(
        &operators,
        &[
            "update",
            "my search/1",
            "--rpm",
            "none",
            "--tag",
            "team=search",
            "--json",
        ],
    )
    .await;
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(
        json.get("rpm").is_none() && json["tags"]["team"] == "search",
        "{json}"
    );
    let rotated = succeeds(&operators, &["rotate", "my search/1", "--overlap", "0"]).await;
    operators.known(rotated.trim(), true).await;
    operators.known(key, false).await;
    let revoked = succeeds(&operators, &["revoke", "my search/1"]).await;
    assert!(revoked.contains("status       revoked\n"), "{revoked}");
    assert!(!succeeds(&operators, &["list"]).await.contains("my search"));
    assert!(
        succeeds(&operators, &["list", "--all"])
            .await
            .contains("my search")
    );
    let usage = succeeds(
        &operators,
        &[
            "usage",
            "my search/1",
            "--by",
            "day,model",
            "--since",
            "7d",
            "--csv",
        ],
    )
    .await;
    assert!(usage.starts_with("day,model,requests,"), "{usage}");
}

#[tokio::test]
async fn what_the_interface_refuses_is_one_line() {
    let operators = Operators::start().await;
    let admin = operators.admin.key.expose();
    assert_eq!(
        fails(&operators, admin, &["show", "nobody"]).await,
        "outcrop: There is no key 'nobody'; outcrop keys list tells which there are.\n"
    );
    assert_eq!(
        fails(&operators, "sk-wrong", &["list"]).await,
        "outcrop: the key in OUTCROP_ADMIN_KEY does not do: Incorrect API key provided.\n"
    );
    for name in ["", ".", ".."] {
        let expected =
            format!("outcrop: there is no key '{name}'; outcrop keys list tells which there are\n");
        for arguments in [&["show", name][..], &["rotate", name], &["revoke", name]] {
            assert_eq!(fails(&operators, admin, arguments).await, expected);
        }
    }
    let missing = fails(&operators, "", &["list"]).await;
    assert!(
        missing.starts_with("outcrop: --url needs an admin key in OUTCROP_ADMIN_KEY;"),
        "{missing}"
    );
    let both = fails(&operators, admin, &["list", "--store", "sqlite:x.db"]).await;
    assert!(both.contains("cannot be used with"), "{both}");
}

#[tokio::test]
async fn a_gateway_that_is_not_there_is_one_line() {
    let mut operators = Operators::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    operators.address = listener.local_addr().unwrap();
    drop(listener);
    let error = fails(&operators, "sk-x", &["list"]).await;
    assert!(
        error.starts_with("outcrop: the gateway at http://127.0.0.1:"),
        "{error}"
    );
    assert!(error.contains("Connection refused"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[tokio::test]
async fn the_address_may_end_as_the_log_tells_it_and_another_is_told_from_it() {
    let operators = Operators::start().await;
    let admin = operators.admin.key.expose();
    for path in ["/admin", "/admin/"] {
        let url = format!("http://{}{path}", operators.address);
        let output = keys_at(&url, admin, &["list"]).await;
        assert!(text(output.stdout).contains("operator"), "{url}");
    }
    let url = format!("http://{}/gateway", operators.address);
    let error = text(keys_at(&url, admin, &["list"]).await.stderr);
    assert_eq!(
        error,
        format!(
            "outcrop: the gateway at {url} cannot be asked: it answered 404 Not Found; --url must be the address of its \
             [admin] listen\n"
        )
    );
}
