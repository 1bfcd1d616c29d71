//! Who may use the gateway: with keys, and without.

use std::net::SocketAddr;

use outcrop::config::{self, Config, Secret};

use crate::support::client::Answer;
use crate::support::gateway::{Running, StandInServer, config, whole_question};

const PATH: &str = "/v1/chat/completions";

async fn with_keys(keys: &[&str], change: impl FnOnce(&mut Config)) -> Running {
    let mut settings = config(&StandInServer::start().await.url);
    settings.api_keys = keys
        .iter()
        .map(|key| Secret::new((*key).to_owned()))
        .collect();
    change(&mut settings);
    Running::with(settings).await
}

async fn chat(gateway: &Running, headers: &[(&str, &str)]) -> Answer {
    let mut client = gateway.connect().await;
    client
        .send(
            "POST",
            PATH,
            headers,
            whole_question("replay.short-text").to_string(),
        )
        .await;
    client.answer().await
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_the_answer_is_401() {
    let gateway = with_keys(&["sk-one", "sk-two"], |_| {}).await;
    for headers in [
        &[][..],
        &[("authorization", "Bearer sk-three")],
        &[("authorization", "Bearer ")],
        &[("authorization", "Basic sk-one")],
        &[("x-api-key", "sk-on")],
        &[("api-key", "sk-one,sk-two")],
    ] {
        let answer = chat(&gateway, headers).await;
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (401, "authentication_error", Some("invalid_api_key"))
        );
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        assert!(!answer.text().contains("sk-"), "{}", answer.text());
    }
}

#[tokio::test]
async fn each_key_is_accepted_in_each_header() {
    let gateway = with_keys(&["sk-one", "sk-two"], |_| {}).await;
    for key in ["sk-one", "sk-two"] {
        let bearer = format!("Bearer {key}");
        for header in [
            ("authorization", bearer.as_str()),
            ("x-api-key", key),
            ("api-key", key),
        ] {
            assert_eq!(chat(&gateway, &[header]).await.status, 200, "{header:?}");
        }
    }
}

#[tokio::test]
async fn after_a_401_the_connection_goes_on() {
    let gateway = with_keys(&["sk-one"], |_| {}).await;
    let mut client = gateway.connect().await;
    let body = whole_question("replay.short-text").to_string();
    client.send("POST", PATH, &[], &body).await;
    assert_eq!(client.answer().await.status, 401);
    client
        .send("POST", PATH, &[("authorization", "Bearer sk-one")], &body)
        .await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn nothing_is_said_of_the_request_before_the_key_is_checked() {
    let gateway = with_keys(&["sk-one"], |_| {}).await;
    let mut client = gateway.connect().await;
    client.send("POST", PATH, &[], "{").await;
    assert_eq!(client.answer().await.status, 401);
}

#[tokio::test]
async fn with_keys_web_pages_are_welcome() {
    let gateway = with_keys(&["sk-one"], |_| {}).await;
    let page = [
        ("authorization", "Bearer sk-one"),
        ("origin", "https://chat.example"),
        ("sec-fetch-site", "cross-site"),
        ("host", "gateway.example"),
    ];
    assert_eq!(chat(&gateway, &page).await.status, 200);
}

#[tokio::test]
async fn without_keys_nobody_needs_one() {
    let gateway = with_keys(&[], |_| {}).await;
    for headers in [&[][..], &[("authorization", "Bearer anything")]] {
        assert_eq!(chat(&gateway, headers).await.status, 200);
    }
}

#[tokio::test]
async fn without_keys_web_pages_and_foreign_names_are_refused() {
    let gateway = with_keys(&[], |_| {}).await;
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("host", "evil.example"),
        ("host", "evil.example:4000"),
        ("host", "10.0.0.1"),
    ] {
        let answer = chat(&gateway, &[header]).await;
        let (status, kind, code) = answer.error();
        assert_eq!(
            (status, kind.as_str(), code.as_deref()),
            (403, "permission_error", Some("forbidden_origin")),
            "{header:?}"
        );
    }
    for header in [
        ("origin", "http://localhost:3000"),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "cors"),
        ("host", "localhost:4000"),
        ("host", "[::1]:4000"),
    ] {
        assert_eq!(chat(&gateway, &[header]).await.status, 200, "{header:?}");
    }
}

#[tokio::test]
async fn health_and_ready_are_open_to_everybody() {
    let keyed = with_keys(&["sk-one"], |_| {}).await;
    let open = with_keys(&[], |_| {}).await;
    for gateway in [&keyed, &open] {
        for path in ["/health", "/ready"] {
            for headers in [
                &[][..],
                &[("origin", "https://evil.example"), ("host", "evil.example")],
            ] {
                let answer = gateway.get_with(path, headers).await;
                assert_eq!(answer.status, 200, "{path}");
                assert!(answer.json()["status"].is_string());
            }
        }
    }
}

#[tokio::test]
async fn a_head_request_has_the_head_alone() {
    let gateway = with_keys(&[], |_| {}).await;
    let mut client = gateway.connect().await;
    client.send("HEAD", "/health", &[], "").await;
    assert_eq!(client.head().await.status, 200);
    client.send("GET", "/health", &[], "").await;
    assert_eq!(client.answer().await.text(), r#"{"status":"ok"}"#);
}

#[tokio::test]
async fn metrics_need_a_key_off_loopback_only() {
    let elsewhere =
        |settings: &mut Config| settings.listen = SocketAddr::from(([0, 0, 0, 0], 4000));
    let key = [("authorization", "Bearer sk-one")];
    let loopback = with_keys(&["sk-one"], |_| {}).await;
    assert_eq!(loopback.get("/metrics").await.status, 200);
    let network = with_keys(&["sk-one"], elsewhere).await;
    assert_eq!(network.get("/metrics").await.status, 401);
    assert_eq!(network.get_with("/metrics", &key).await.status, 200);
    let open = with_keys(&["sk-one"], |settings| {
        elsewhere(settings);
        settings.metrics = config::Metrics { open: true };
    });
    assert_eq!(open.await.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn without_keys_metrics_are_for_this_host_alone() {
    let gateway = with_keys(&[], |_| {}).await;
    assert_eq!(gateway.get("/metrics").await.status, 200);
    assert_eq!(
        gateway
            .get_with("/metrics", &[("origin", "https://evil.example")])
            .await
            .status,
        403
    );
    assert_eq!(
        gateway
            .get_with("/metrics", &[("host", "evil.example")])
            .await
            .status,
        403
    );
}
