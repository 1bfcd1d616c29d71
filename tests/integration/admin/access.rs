//! Who may ask, and what becomes of requests that are not for this interface.

use super::{Operators, create};
use crate::support::client::Connection;

#[tokio::test]
async fn only_admin_keys_may_ask() {
    let operators = Operators::start().await;
    let inference = create(&operators.store, r#"{"name": "search"}"#).await;
    let inference = inference.key.expose();
    operators.known(inference, true).await;
    let unknown = inference.replace("sk-outcrop-", "sk-outcrop-x");
    for (key, expected) in [
        ("", (401, "authentication_error", "invalid_api_key")),
        ("sk-one", (401, "authentication_error", "invalid_api_key")),
        (&unknown, (401, "authentication_error", "invalid_api_key")),
        (
            inference,
            (403, "permission_error", "insufficient_permissions"),
        ),
    ] {
        for (method, path) in [
            ("GET", "/admin/keys"),
            ("POST", "/admin/keys"),
            ("GET", "/admin/keys/search"),
            ("PATCH", "/admin/keys/search"),
            ("POST", "/admin/keys/search/rotate"),
            ("POST", "/admin/keys/search/revoke"),
            ("GET", "/admin/usage"),
        ] {
            let answer = operators.ask_with(key, method, path, "").await;
            let (status, kind, code) = answer.error();
            let told = (status, kind.as_str(), code.as_deref().unwrap());
            assert_eq!(told, expected, "{method} {path}");
            assert!(!answer.text().contains(inference), "{}", answer.text());
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge == "Bearer", status == 401);
        }
    }
    let before = operators.ask("GET", "/admin/keys/search", "").await.json();
    assert_eq!(before["status"], "valid");
}

#[tokio::test]
async fn an_admin_key_in_any_header_of_keys_passes() {
    let operators = Operators::start().await;
    for header in ["x-api-key", "api-key"] {
        let mut connection = Connection::open(operators.address).await;
        let headers = [(header, operators.admin.key.expose())];
        connection.send("GET", "/admin/keys", &headers, "").await;
        assert_eq!(connection.answer().await.status, 200);
    }
}

#[tokio::test]
async fn an_admin_key_that_is_revoked_is_told_so() {
    let operators = Operators::start().await;
    let other = operators
        .create(r#"{"name": "other", "kind": "admin"}"#)
        .await;
    let other = other["key"].as_str().unwrap();
    operators.known(other, true).await;
    assert_eq!(
        operators
            .ask_with(other, "GET", "/admin/keys", "")
            .await
            .status,
        200
    );
    let revoked = operators.ask("POST", "/admin/keys/other/revoke", "").await;
    assert_eq!(revoked.json()["status"], "revoked");
    operators.known(other, false).await;
    let answer = operators.ask_with(other, "GET", "/admin/keys", "").await;
    assert_eq!(answer.error().0, 401);
    assert_eq!(answer.message(), "This API key was revoked.");
}

#[tokio::test]
async fn an_admin_key_that_is_revoked_while_its_body_comes_does_nothing() {
    let operators = Operators::start().await;
    let other = operators
        .create(r#"{"name": "other", "kind": "admin"}"#)
        .await;
    let other = other["key"].as_str().unwrap();
    operators.known(other, true).await;
    let mut connection = Connection::open(operators.address).await;
    let bearer = format!("Bearer {other}");
    let headers = [("authorization", &*bearer), ("expect", "100-continue")];
    let body = r#"{"name": "back door", "kind": "admin"}"#;
    let head = connection.request_head("POST", "/admin/keys", &headers);
    let length = body.len();
    let head = format!("{head}content-length: {length}\r\n\r\n");
    connection.write(head).await;
    assert_eq!(connection.head().await.status, 100);
    operators.ask("POST", "/admin/keys/other/revoke", "").await;
    operators.known(other, false).await;
    connection.write(body).await;
    assert_eq!(connection.answer().await.error().0, 401);
    let made = operators.ask("GET", "/admin/keys/back%20door", "").await;
    assert_eq!(made.error().0, 404);
}

#[tokio::test]
async fn what_is_not_here_is_refused_before_anything_is_read() {
    let operators = Operators::start().await;
    for path in ["/", "/v1/models", "/admin", "/admin/keys/a/b", "/health"] {
        let answer = operators.ask("GET", path, "").await;
        assert_eq!(
            answer.error(),
            (
                404,
                "invalid_request_error".to_owned(),
                Some("unknown_url".to_owned())
            )
        );
    }
    let answer = operators.ask("DELETE", "/admin/keys/operator", "").await;
    assert_eq!(
        (answer.status, answer.header("allow")),
        (405, "GET, HEAD, PATCH")
    );
    let answer = operators
        .ask("POST", "/admin/keys", &" ".repeat(256 * 1024 + 1))
        .await;
    assert_eq!(answer.error().0, 413);
    for path in [
        "/admin/keys?all=true",
        "/admin/usage?by=year",
        "/admin/keys/operator?x=1",
    ] {
        let answer = operators.ask("GET", path, "").await;
        let (status, _, code) = answer.error();
        assert_eq!(
            (status, code.as_deref()),
            (400, Some("invalid_value")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_answer_has_the_id_of_its_request_and_is_kept_by_nobody() {
    let operators = Operators::start().await;
    for (path, key) in [
        ("/admin/keys", operators.admin.key.expose()),
        ("/admin/keys", "x"),
        ("/x", "x"),
    ] {
        let mut connection = Connection::open(operators.address).await;
        let headers = [("x-api-key", key), ("x-request-id", "trace-1")];
        connection.send("GET", path, &headers, "").await;
        let answer = connection.answer().await;
        assert_eq!(answer.header("x-request-id"), "trace-1");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let answer = operators.ask("GET", "/admin/keys", "").await;
    assert!(answer.header("x-request-id").starts_with("req_"));
}

#[tokio::test]
async fn a_connection_goes_on_after_a_refusal() {
    let operators = Operators::start().await;
    let mut connection = Connection::open(operators.address).await;
    connection
        .send("POST", "/admin/keys", &[], r#"{"name": "a"}"#)
        .await;
    assert_eq!(connection.answer().await.status, 401);
    let headers = [("x-api-key", operators.admin.key.expose())];
    connection.send("HEAD", "/admin/keys", &headers, "").await;
    assert_eq!(connection.head().await.status, 200);
    connection.send("GET", "/admin/keys", &headers, "").await;
    assert_eq!(connection.answer().await.status, 200);
}
