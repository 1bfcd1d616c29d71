//! The interface beside a whole gateway, as `serve` starts it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use outcrop::keys::{Access, Administration, IssuedKey, KeyDraft, SqliteStore, Timestamp};
use serde_json::Value;
use tokio::time::sleep;

use crate::support::client::{Answer, Connection};
use crate::support::gateway::{FIXTURES, whole_question};
use crate::support::process::{Process, outcrop};
use crate::support::soon;

/// A gateway in front of recordings, with a file of keys and an interface for operators.
struct Gateway {
    process: Process,
    address: SocketAddr,
    operators: SocketAddr,
    admin: IssuedKey,
}

impl Gateway {
    async fn start(folder: &Path) -> Self {
        let file = folder.join("keys.db");
        let store = SqliteStore::open(&file, Access::Create).unwrap();
        let draft = KeyDraft::read(br#"{"name": "operator", "kind": "admin"}"#).unwrap();
        let administration = Administration::new(Arc::new(store));
        let admin = administration
            .create(&draft, Timestamp::now())
            .await
            .unwrap();
        let mut command = outcrop(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--replay",
            FIXTURES,
            "--speed",
            "0",
        ]);
        command
            .env("OUTCROP_KEYS_STORE", format!("sqlite:{}", file.display()))
            .env("OUTCROP_ADMIN_LISTEN", "127.0.0.1:0");
        let mut process = Process::start(&mut command);
        let line = process.line_with("operators are served at http://").await;
        let (_, operators) = line.split_once("http://").unwrap();
        let operators = operators.strip_suffix("/admin").unwrap().parse().unwrap();
        let address = process.address().await;
        Self {
            process,
            address,
            operators,
            admin,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = ask(self.operators, self.admin.key.expose(), method, path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Asks a model with a key until the answer has the status.
    async fn chat_until(&self, key: &str, status: u16) -> Answer {
        let question = whole_question("replay.short-text").to_string();
        let asked = async {
            loop {
                let answer =
                    ask(self.address, key, "POST", "/v1/chat/completions", &question).await;
                if answer.status == status {
                    return answer;
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        soon(asked).await
    }
}

async fn ask(address: SocketAddr, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let mut connection = Connection::open(address).await;
    let headers = [("authorization", bearer.as_str())];
    connection.send(method, path, &headers, body).await;
    connection.answer().await
}

#[tokio::test]
async fn a_running_gateway_follows_what_operators_do() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(folder.path()).await;
    let made = gateway
        .ask("POST", "/admin/keys", r#"{"name": "search"}"#)
        .await;
    let first = made["key"].as_str().unwrap();
    gateway.chat_until(first, 200).await;
    let body = r#"{"overlap": "0"}"#;
    let rotated = gateway.ask("POST", "/admin/keys/search/rotate", body).await;
    let second = rotated["key"].as_str().unwrap();
    gateway.chat_until(second, 200).await;
    gateway.chat_until(first, 401).await;
    gateway
        .ask("PATCH", "/admin/keys/search", r#"{"models": []}"#)
        .await;
    let refused = gateway.chat_until(second, 404).await;
    assert_eq!(refused.error().2.as_deref(), Some("model_not_found"));
    gateway.ask("POST", "/admin/keys/search/revoke", "").await;
    let refused = gateway.chat_until(second, 401).await;
    assert!(refused.message().contains("revoked"), "{}", refused.text());
    let usage = gateway.ask("GET", "/admin/usage", "").await;
    assert_eq!(usage["data"][0]["key_name"], "search");
    assert!(usage["total"]["requests"].as_u64() >= Some(2), "{usage}");
}

#[tokio::test]
async fn both_stop_together_and_the_log_says_who_did_what() {
    let folder = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(folder.path()).await;
    let made = gateway
        .ask("POST", "/admin/keys", r#"{"name": "search"}"#)
        .await;
    let secret = made["key"].as_str().unwrap();
    gateway.process.signal("TERM");
    let Gateway { process, admin, .. } = gateway;
    let (status, log) = process.ended().await;
    assert!(status.success(), "{log:#?}");
    let line = log
        .iter()
        .find(|line| line.contains("POST /admin/keys"))
        .unwrap();
    for said in [
        "admin_key_name=\"operator\"",
        admin.view.id.as_str(),
        made["id"].as_str().unwrap(),
        "status=200",
    ] {
        assert!(line.contains(said), "{said} is not in {line}");
    }
    for secret in [secret, admin.key.expose()] {
        assert!(
            !log.iter().any(|line| line.contains(&secret[23..])),
            "{log:#?}"
        );
    }
}
