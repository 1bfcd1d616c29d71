//! Requests that real clients sent.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{CLAUDE, cases, name, read_json};
use crate::requests::translate;

/// What real clients sent, for a Claude, under the name of its case.
pub(crate) fn client_requests() -> Vec<(String, Value)> {
    let mut requests = Vec::new();
    for case in cases("client-requests") {
        let recorded = read_json(&case)["requests"].take();
        for (index, request) in recorded.as_array().unwrap().iter().enumerate() {
            let mut body = request["body"].clone();
            body["model"] = json!(CLAUDE);
            requests.push((format!("{}[{index}]", name(&case)), body));
        }
    }
    requests
}

#[test]
fn requests_of_real_clients_are_translated() {
    let mut translated = 0;
    let mut ignored = BTreeSet::new();
    for (case, body) in client_requests() {
        let translation = translate(body.to_string().as_bytes())
            .unwrap_or_else(|refusal| panic!("{case}: {refusal:?}"));
        translated += 1;
        let names = translation.notes.ignored().unwrap_or_default();
        ignored.extend(names.split(", ").map(generic));
    }
    ignored.remove("");
    println!("{translated} requests of real clients translated");
    println!("named as ignored: {ignored:?}");
}

/// `messages[3].name` without its number.
fn generic(path: &str) -> String {
    path.chars().filter(|c| !c.is_ascii_digit()).collect()
}
