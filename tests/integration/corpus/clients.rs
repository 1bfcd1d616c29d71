//! Requests that real clients sent.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{CLAUDE, cases, name, read_json};
use crate::requests::translate;
use crate::support::cache::cached;

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

/// OpenClaw moves its context to the end of each request; what was cached before it must be read all the same.
#[test]
fn sessions_of_openclaw_read_what_they_have_cached() {
    let mut pairs = 0;
    for case in cases("client-requests") {
        if !name(&case).starts_with("openclaw") {
            continue;
        }
        let recorded = read_json(&case)["requests"].take();
        let recorded: Vec<_> = recorded
            .as_array()
            .unwrap()
            .iter()
            .map(|request| &request["body"])
            .collect();
        for pair in recorded.windows(2) {
            if !goes_on(pair[0], pair[1]) {
                continue;
            }
            let [(earlier, before), (later, after)] = [pair[0], pair[1]].map(|body| {
                let mut body = body.clone();
                body["model"] = json!(CLAUDE);
                cached(&translate(body.to_string().as_bytes()).unwrap().body)
            });
            let longest = *before.last().unwrap();
            assert!(after.contains(&longest), "{}", name(&case));
            assert_eq!(earlier.get(..longest), later.get(..longest));
            pairs += 1;
        }
    }
    println!("{pairs} requests of OpenClaw's sessions read what the one before them has cached");
}

/// Whether a request is the next one of a session: the messages are the same, but for the last, which moved. One
/// that asks for thinking is none: without what was thought before, that is switched off in the next.
fn goes_on(earlier: &Value, later: &Value) -> bool {
    let messages = |body: &Value| body["messages"].as_array().unwrap().clone();
    let (mut earlier_messages, later_messages) = (messages(earlier), messages(later));
    earlier_messages.pop();
    let thinks =
        |body: &Value| body["reasoning_effort"].is_string() || body["reasoning"].is_object();
    earlier["tools"].is_array()
        && !thinks(earlier)
        && earlier["tools"] == later["tools"]
        && later_messages.starts_with(&earlier_messages)
}

/// `messages[3].name` without its number.
fn generic(path: &str) -> String {
    path.chars().filter(|c| !c.is_ascii_digit()).collect()
}
