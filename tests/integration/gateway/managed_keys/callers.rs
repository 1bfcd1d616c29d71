//! Who is let in, and to what.

use std::fs;
use std::net::SocketAddr;
use std::time::Instant;

use outcrop::config::{Secret, StoreLocation};
use outcrop::keys::Timestamp;
use serde_json::json;

use crate::support::gateway::{Running, StandInServer, config, whole_question};
use crate::support::keys::{KeyFile, bearer};
use crate::support::soon;

const MODEL: &str = "replay.short-text";

async fn gateway(keys: &KeyFile) -> Running {
    let bedrock = StandInServer::start().await;
    Running::with(keys.config(config(&bedrock.url))).await
}

#[tokio::test]
async fn a_key_is_accepted_in_each_header_and_a_mistyped_one_is_not() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search"})).await;
    let gateway = gateway(&keys).await;
    let text = key.key.expose();
    for header in [
        ("authorization", bearer(&key).as_str()),
        ("x-api-key", text),
        ("api-key", text),
    ] {
        assert_eq!(gateway.get_with("/v1/models", &[header]).await.status, 200);
    }
    let mut mistyped = text.to_owned();
    mistyped.pop();
    mistyped.push('-');
    for wrong in [&mistyped, "sk-outcrop-", "sk-other"] {
        let answer = gateway
            .get_with("/v1/models", &[("x-api-key", wrong)])
            .await;
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (401, "authentication_error", Some("invalid_api_key"))
        );
        assert!(!answer.text().contains(wrong), "{}", answer.text());
    }
    assert_eq!(gateway.get("/v1/models").await.status, 401);
}

#[tokio::test]
async fn who_has_the_right_secret_is_told_that_it_expired_or_was_revoked() {
    let keys = KeyFile::new().await;
    let long_ago = Timestamp::parse("2026-01-01T00:00:00Z").unwrap();
    let expired = keys
        .issue_at(
            long_ago,
            json!({"name": "old", "expires": "2026-02-01T00:00:00Z"}),
        )
        .await;
    let revoked = keys.issue(json!({"name": "stolen"})).await;
    let done = keys.administration.revoke("stolen", Timestamp::now()).await;
    done.unwrap();
    let gateway = gateway(&keys).await;
    for (key, said) in [
        (&expired, "expired at 2026-02-01T00:00:00Z"),
        (&revoked, "was revoked"),
    ] {
        let answer = gateway.chat_as(key, &whole_question(MODEL)).await;
        let (status, _, code) = answer.error();
        assert_eq!((status, code.as_deref()), (401, Some("invalid_api_key")));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(answer.message().contains(said), "{}", answer.message());
    }
}

#[tokio::test]
async fn a_new_key_and_a_revocation_count_within_two_seconds() {
    let keys = KeyFile::new().await;
    let first = keys.issue(json!({"name": "first"})).await;
    let gateway = gateway(&keys).await;
    assert_eq!(gateway.get_as(&first, "/v1/models").await.status, 200);
    let begun = Instant::now();
    let second = keys.issue(json!({"name": "second"})).await;
    while gateway.get_as(&second, "/v1/models").await.status != 200 {}
    let done = keys.administration.revoke("first", Timestamp::now()).await;
    done.unwrap();
    while gateway.get_as(&first, "/v1/models").await.status != 401 {}
    println!("both took {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_key_that_is_revoked_while_its_body_comes_asks_nothing() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "stolen"})).await;
    let gateway = gateway(&keys).await;
    let mut client = gateway.connect().await;
    let bearer = bearer(&key);
    let headers = [("authorization", &*bearer), ("expect", "100-continue")];
    let body = whole_question(MODEL).to_string();
    let head = client.request_head("POST", "/v1/chat/completions", &headers);
    let length = body.len();
    client
        .write(format!("{head}content-length: {length}\r\n\r\n"))
        .await;
    assert_eq!(client.head().await.status, 100);
    let done = keys.administration.revoke("stolen", Timestamp::now()).await;
    done.unwrap();
    while gateway.get_as(&key, "/v1/models").await.status != 401 {}
    client.write(body).await;
    assert_eq!(client.answer().await.error().0, 401);
}

#[tokio::test]
async fn a_store_without_a_key_lets_nobody_in() {
    let keys = KeyFile::new().await;
    let gateway = gateway(&keys).await;
    let answer = gateway.chat(&whole_question(MODEL)).await;
    assert_eq!(answer.error().0, 401);
}

#[tokio::test]
async fn a_static_key_counts_beside_the_managed_ones() {
    let keys = KeyFile::new().await;
    let managed = keys.issue(json!({"name": "search"})).await;
    let bedrock = StandInServer::start().await;
    let mut config = keys.config(config(&bedrock.url));
    config.api_keys = vec![Secret::new("sk-static")];
    let gateway = Running::with(config).await;
    for key in ["sk-static", managed.key.expose()] {
        let answer = gateway.get_with("/v1/models", &[("x-api-key", key)]).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn a_key_that_manages_others_cannot_ask_models() {
    let keys = KeyFile::new().await;
    let admin = keys.issue(json!({"name": "root", "kind": "admin"})).await;
    let gateway = gateway(&keys).await;
    for answer in [
        gateway.chat_as(&admin, &whole_question(MODEL)).await,
        gateway.get_as(&admin, "/v1/models").await,
        gateway
            .begin_post_as(
                &admin,
                "/v1/embeddings",
                &json!({"model": "m", "input": "a"}),
            )
            .await
            .answer()
            .await,
    ] {
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (403, "permission_error", Some("insufficient_permissions"))
        );
    }
}

#[tokio::test]
async fn off_loopback_the_metrics_are_for_those_who_manage() {
    let keys = KeyFile::new().await;
    let admin = keys.issue(json!({"name": "root", "kind": "admin"})).await;
    let key = keys.issue(json!({"name": "search"})).await;
    let mut config = keys.config(config("http://127.0.0.1:9"));
    config.listen = SocketAddr::from(([0, 0, 0, 0], 4000));
    let gateway = Running::with(config).await;
    assert_eq!(gateway.get("/metrics").await.status, 401);
    assert_eq!(gateway.get_as(&key, "/metrics").await.error().0, 403);
    assert_eq!(gateway.get_as(&admin, "/metrics").await.status, 200);
}

#[tokio::test]
async fn a_gateway_whose_store_cannot_be_opened_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.db");
    let stand_in = StandInServer::start().await;
    let mut config = config(&stand_in.url);
    config.keys.store = StoreLocation::Sqlite(file.clone());
    let gateway = Running::with(config).await;
    assert_eq!(gateway.get("/ready").await.status, 200);
    fs::write(&file, "not what it should be").unwrap();
    soon(async { while gateway.get("/ready").await.status != 503 {} }).await;
    assert_eq!(gateway.get("/health").await.status, 200);
    assert_eq!(gateway.get("/v1/models").await.status, 401);
}
