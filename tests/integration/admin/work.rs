//! What operators do over HTTP, and what becomes of it.

use std::sync::Arc;

use outcrop::bedrock::Money;
use outcrop::keys::{Demand, Spent, Timestamp};
use serde_json::json;
use tokio::task::JoinSet;

use super::Operators;

#[tokio::test]
async fn a_key_lives_from_its_making_to_its_revocation() {
    let operators = Operators::start().await;
    let made = operators
        .create(r#"{"name": "my search/1", "rpm": 60, "budget": {"usd": 50}, "tags": {"team": "search"}}"#)
        .await;
    let first = made["key"].as_str().unwrap();
    let id = made["id"].as_str().unwrap();
    operators.known(first, true).await;

    let path = "/admin/keys/my%20search%2F1";
    let shown = operators.ask("GET", path, "").await;
    assert!(!shown.text().contains(first) && !shown.text().contains("digest"));
    let mut expected = made.clone();
    expected.as_object_mut().unwrap().shift_remove("key");
    assert_eq!(shown.json(), expected);

    let body = r#"{"rpm": null, "name": "find", "budget": {"per": "day"}, "expires": "1h"}"#;
    let changed = operators.ask("PATCH", path, body).await.json();
    assert_eq!(changed["name"], "find");
    assert_eq!(changed["budget"], json!({"usd": 50.0, "per": "day"}));
    assert!(changed.get("rpm").is_none() && changed["expires"].is_string());

    let rotated = operators
        .ask(
            "POST",
            &format!("/admin/keys/{id}/rotate"),
            r#"{"overlap": "1h"}"#,
        )
        .await
        .json();
    let second = rotated["key"].as_str().unwrap();
    assert_eq!(rotated["id"], made["id"]);
    assert_eq!(rotated["overlaps"].as_array().unwrap().len(), 1);
    operators.known(second, true).await;
    operators.known(first, true).await;

    let list = operators.ask("GET", "/admin/keys", "").await.json();
    let names: Vec<_> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| &key["name"])
        .collect();
    assert_eq!(names, ["operator", "find"]);

    operators.ask("POST", "/admin/keys/find/revoke", "").await;
    operators.known(second, false).await;
    operators.known(first, false).await;
    let count = async |path: &str| {
        let list = operators.ask("GET", path, "").await.json();
        list["data"].as_array().unwrap().len()
    };
    assert_eq!(count("/admin/keys").await, 1);
    assert_eq!(count("/admin/keys?revoked=true").await, 2);
}

#[tokio::test]
async fn everything_that_is_wrong_is_in_one_answer() {
    let operators = Operators::start().await;
    let body = r#"{"name": "", "rpm": 0, "colour": "red"}"#;
    let answer = operators.ask("POST", "/admin/keys", body).await;
    assert_eq!(answer.error().0, 400);
    assert_eq!(
        answer.message(),
        "colour is no setting of a key; name must be of 1 to 64 characters; rpm must be at least 1."
    );
    assert_eq!(answer.json()["error"]["param"], "colour");
    for (method, path, body) in [
        ("POST", "/admin/keys", ""),
        ("POST", "/admin/keys", "[1]"),
        ("PATCH", "/admin/keys/operator", r#"{"rpm": 5}"#),
        ("POST", "/admin/keys/operator/rotate", r#"{"overlap": 5}"#),
        (
            "POST",
            "/admin/keys/operator/rotate",
            r#"{"overlaps": "5h"}"#,
        ),
        ("POST", "/admin/keys/operator/revoke", r#"{"after": "5h"}"#),
    ] {
        let answer = operators.ask(method, path, body).await;
        assert_eq!(answer.error().0, 400, "{method} {path} {body}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_to_a_key_is_told() {
    let operators = Operators::start().await;
    operators.create(r#"{"name": "a"}"#).await;
    operators.create(r#"{"name": "b"}"#).await;
    operators.ask("POST", "/admin/keys/b/revoke", "").await;
    for (method, path, body, status, code) in [
        ("POST", "/admin/keys", r#"{"name": "a"}"#, 409, "name_taken"),
        (
            "PATCH",
            "/admin/keys/a",
            r#"{"name": "operator"}"#,
            409,
            "name_taken",
        ),
        ("GET", "/admin/keys/nobody", "", 404, "key_not_found"),
        ("PATCH", "/admin/keys/nobody", "{}", 404, "key_not_found"),
        (
            "POST",
            "/admin/keys/nobody/rotate",
            "",
            404,
            "key_not_found",
        ),
        (
            "POST",
            "/admin/keys/nobody/revoke",
            "",
            404,
            "key_not_found",
        ),
        ("GET", "/admin/usage?key=nobody", "", 404, "key_not_found"),
        (
            "PATCH",
            "/admin/keys/b",
            r#"{"rpm": 1}"#,
            409,
            "key_revoked",
        ),
        ("POST", "/admin/keys/b/rotate", "", 409, "key_revoked"),
    ] {
        let answer = operators.ask(method, path, body).await;
        let told = answer.error();
        assert_eq!(
            (told.0, told.2.as_deref()),
            (status, Some(code)),
            "{method} {path} {body}"
        );
    }
}

#[tokio::test]
async fn what_is_spent_is_what_is_counted() {
    let operators = Operators::start().await;
    let made = operators
        .create(r#"{"name": "a", "budget": {"usd": 10}}"#)
        .await;
    let text = made["key"].as_str().unwrap();
    operators.known(text, true).await;
    let key = operators
        .keys
        .authenticate(text.as_bytes(), Timestamp::now())
        .unwrap();
    let rate = outcrop::bedrock::Rate::per_million(3.0);
    let demand = Demand {
        model: "nova".to_owned(),
        input_tokens: 1000,
        output_tokens: 1000,
        choices: 1,
        rates: Some((rate, rate)),
    };
    let spending =
        async || operators.ask("GET", "/admin/keys/a", "").await.json()["spending"].clone();
    let reservation = operators.keys.reserve(&key, &demand).await.unwrap();
    let reserved = spending().await;
    assert_eq!(
        (&reserved["spent_usd"], &reserved["reserved_usd"]),
        (&json!(0.0), &json!(0.006))
    );
    let spent = Spent {
        calls: 1,
        input_tokens: 900,
        output_tokens: 100,
        cost: Money::from_usd(0.003),
        ..Spent::default()
    };
    reservation.settle("nova".to_owned(), Some(spent));
    let spent = spending().await;
    assert_eq!(
        (&spent["spent_usd"], &spent["left_usd"]),
        (&json!(0.003), &json!(9.997))
    );
    let usage = operators
        .ask("GET", "/admin/usage?by=day,model,key", "")
        .await
        .json();
    let line = &usage["data"][0];
    assert_eq!(
        (&line["key_name"], &line["model"]),
        (&json!("a"), &json!("nova"))
    );
    assert_eq!(
        (&line["output_tokens"], &line["cost_usd"]),
        (&json!(100), &json!(0.003))
    );
    assert_eq!(usage["total"]["requests"], 1);
}

#[tokio::test]
async fn changes_at_the_same_time_all_come_through() {
    const CHANGES: usize = 24;
    let operators = Arc::new(Operators::start().await);
    operators.create(r#"{"name": "busy"}"#).await;
    let mut changes = JoinSet::new();
    for number in 1..=CHANGES {
        let operators = Arc::clone(&operators);
        changes.spawn(async move {
            let body = format!(r#"{{"rpm": {number}}}"#);
            operators.ask("PATCH", "/admin/keys/busy", &body).await
        });
    }
    for answer in changes.join_all().await {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}
