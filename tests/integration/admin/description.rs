//! `docs/admin-openapi.json`, held against the routes and against real answers.

use std::collections::BTreeSet;
use std::fs;

use outcrop::keys::{KeyChange, KeyDraft, Rotation};
use serde_json::Value;

use super::Operators;
use super::schema::Schemas;
use crate::support::client::Answer;

fn description() -> Value {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/admin-openapi.json");
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}

/// Every method and path that is described, with what is said of it.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        let methods = methods.filter(|(method, _)| *method != "parameters");
        methods.map(|(method, operation)| (method.to_uppercase(), path.clone(), operation.clone()))
    });
    operations.collect()
}

/// Checks an answer against what is described of it.
fn check(description: &Value, method: &str, path: &str, answer: &Answer) {
    let pointer = format!(
        "/paths/{}/{}/responses/{}/content/application~1json/schema",
        path.replace('/', "~1"),
        method.to_lowercase(),
        answer.status
    );
    let schema = description
        .pointer(&pointer)
        .unwrap_or_else(|| panic!("{pointer} is not described"));
    let wrong = Schemas(description).check(schema, &answer.json(), "");
    assert!(wrong.is_empty(), "{method} {path}: {}", wrong.join("\n"));
}

#[tokio::test]
async fn every_route_is_described_and_there_is_every_described_route() {
    let operators = Operators::start().await;
    let operations = operations(&description());
    assert_eq!(operations.len(), 7);
    let mut ids = BTreeSet::new();
    for (method, path, operation) in &operations {
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
        let answer = operators
            .ask_with("", method, &path.replace("{key}", "a"), "")
            .await;
        assert_eq!(answer.status, 401, "{method} {path}");
    }
    // What is not described is not allowed: each path names its methods.
    let paths: BTreeSet<&String> = operations.iter().map(|(_, path, _)| path).collect();
    for path in paths {
        let answer = operators
            .ask("OPTIONS", &path.replace("{key}", "a"), "")
            .await;
        assert_eq!(answer.status, 405);
        let allowed = answer
            .header("allow")
            .split(", ")
            .filter(|method| *method != "HEAD");
        let described = operations.iter().filter(|(_, other, _)| other == path);
        let described: BTreeSet<&str> = described.map(|(method, ..)| method.as_str()).collect();
        assert_eq!(allowed.collect::<BTreeSet<_>>(), described, "{path}");
    }
}

#[tokio::test]
async fn answers_are_as_they_are_described() {
    let description = description();
    let operators = Operators::start().await;
    let everything = r#"{"name": "a", "models": ["us.*"], "rpm": 60, "tpm": 1000, "concurrency": 2, "max_tokens": 100,
        "budget": {"usd": 0.5, "per": "total"}, "guardrail": "gr1:DRAFT", "no_bedrock": true, "allow_unpriced": true,
        "expires": "90d", "tags": {"team": "search"}}"#;
    for (method, path, name, body) in [
        ("POST", "/admin/keys", "", everything),
        ("POST", "/admin/keys", "", r#"{"name": "b"}"#),
        ("POST", "/admin/keys", "", r#"{"name": "b"}"#),
        ("POST", "/admin/keys", "", "{"),
        (
            "PATCH",
            "/admin/keys/{key}",
            "a",
            r#"{"models": [], "budget": {"per": "day"}}"#,
        ),
        ("PATCH", "/admin/keys/{key}", "a", r#"{"rpm": "x"}"#),
        ("PATCH", "/admin/keys/{key}", "c", "{}"),
        ("POST", "/admin/keys/{key}/rotate", "a", ""),
        ("POST", "/admin/keys/{key}/rotate", "a", "[]"),
        ("GET", "/admin/keys/{key}", "a", ""),
        ("GET", "/admin/keys/{key}", "c", ""),
        ("POST", "/admin/keys/{key}/revoke", "b", ""),
        ("POST", "/admin/keys/{key}/rotate", "b", ""),
        ("POST", "/admin/keys/{key}/revoke", "c", ""),
        ("GET", "/admin/keys", "", ""),
        ("GET", "/admin/usage", "", ""),
    ] {
        let answer = operators
            .ask(method, &path.replace("{key}", name), body)
            .await;
        check(&description, method, path, &answer);
        let answer = operators
            .ask_with("sk-one", method, &path.replace("{key}", name), body)
            .await;
        check(&description, method, path, &answer);
    }
    let answer = operators.ask("GET", "/admin/keys?revoked=true", "").await;
    check(&description, "GET", "/admin/keys", &answer);
    let answer = operators
        .ask("GET", "/admin/usage?key=a&since=7d&by=day,key,model", "")
        .await;
    check(&description, "GET", "/admin/usage", &answer);
    let answer = operators.ask("GET", "/admin/usage?by=year", "").await;
    check(&description, "GET", "/admin/usage", &answer);
}

/// A member that the gateway reads and the description lacks, or the other way round, shows here.
#[test]
fn bodies_hold_exactly_the_members_that_are_described() {
    let description = description();
    let schemas = Schemas(&description);
    let members = |name: &str| schemas.properties(&description["components"]["schemas"][name]);
    // What is wrong is named by its member; a member that is not known is told from one that has a wrong value.
    let is_known = |mistakes: String| !mistakes.contains("is no setting of a key");
    for name in members("KeyDraft") {
        let json = format!(r#"{{"name": "a", "{name}": 1.5}}"#);
        assert!(
            KeyDraft::read(json.as_bytes()).is_err_and(|mistakes| is_known(mistakes.to_string())),
            "{name}"
        );
    }
    for name in members("KeyChange") {
        let json = format!(r#"{{"{name}": 1.5}}"#);
        assert!(
            KeyChange::read(json.as_bytes()).is_err_and(|mistakes| is_known(mistakes.to_string())),
            "{name}"
        );
    }
    for name in members("Rotation") {
        let json = format!(r#"{{"{name}": 1.5}}"#);
        assert!(
            Rotation::read(json.as_bytes()).is_err_and(|mistakes| is_known(mistakes.to_string())),
            "{name}"
        );
    }
    let everything = serde_json::json!({
        "kind": "inference", "name": "a", "expires": "1d", "models": ["*"], "rpm": 1, "tpm": 1, "concurrency": 1,
        "budget": {"usd": 1, "per": "day"}, "max_tokens": 1, "guardrail": "gr1:1", "no_bedrock": true,
        "allow_unpriced": true, "tags": {"a": "b"},
    });
    let draft = KeyDraft::read(everything.to_string().as_bytes()).unwrap();
    let written = serde_json::to_value(&draft).unwrap();
    let written: BTreeSet<String> = written.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members("KeyDraft"), written);
    let wrong = schemas.check(
        &description["components"]["schemas"]["KeyDraft"],
        &everything,
        "",
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}
