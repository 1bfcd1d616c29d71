use serde_json::{Value, json};

use super::{CLAUDE, NOVA, assistant, long, marked, seen, system, user, with_tools};

#[test]
fn a_longer_lifetime_stands_before_a_shorter_one() {
    let mut request = with_tools(vec![
        marked(system(&long("Be brief.")), Some("5m")),
        marked(user("a"), Some("1h")),
        assistant("ok"),
        marked(user("b"), None),
    ]);
    request["tools"][1] = marked(request["tools"][1].take(), None);
    let asked = seen(CLAUDE, &request);
    assert_eq!(asked.points, ["tools/2=1h", "system/1=1h", "0/1=1h", "2/1"]);
    assert_eq!(asked.adjusted.unwrap(), "messages[0].cache_control.ttl=1h");
}

#[test]
fn lifetimes_are_those_that_the_model_has() {
    let of = |model: &str, name: &str, value: Value| {
        let mut request = with_tools(vec![system(&long("Be brief.")), user("Hi")]);
        request[name] = value;
        let seen = seen(model, &request);
        (seen.points.last().unwrap().clone(), seen.adjusted)
    };
    let hour = || "0/1=1h".to_owned();
    let minutes = || "0/1".to_owned();
    let adjusted = |text: &str| Some(text.to_owned());
    for (model, name, value, expected) in [
        (
            CLAUDE,
            "prompt_cache_retention",
            json!("24h"),
            (hour(), adjusted("prompt_cache_retention=1h")),
        ),
        (
            CLAUDE,
            "prompt_cache_retention",
            json!("in_memory"),
            (minutes(), None),
        ),
        (
            CLAUDE,
            "prompt_cache_options",
            json!({"ttl": "30m", "mode": "implicit"}),
            (hour(), adjusted("prompt_cache_options.ttl=1h")),
        ),
        (
            CLAUDE,
            "prompt_cache_options",
            json!({"ttl": "1h"}),
            (hour(), None),
        ),
        (
            CLAUDE,
            "prompt_cache_options",
            json!({"ttl": "7d"}),
            (minutes(), adjusted("prompt_cache_options.ttl=5m")),
        ),
        (
            NOVA,
            "prompt_cache_retention",
            json!("24h"),
            (minutes(), adjusted("prompt_cache_retention=5m")),
        ),
    ] {
        assert_eq!(
            of(model, name, value.clone()),
            expected,
            "{model} {name} {value}"
        );
    }
}

#[test]
fn the_newer_lifetime_counts_more_than_the_deprecated_one() {
    let mut request = with_tools(vec![user(&long("Hi"))]);
    request["prompt_cache_retention"] = json!("24h");
    request["prompt_cache_options"] = json!({"ttl": "5m"});
    let asked = seen(CLAUDE, &request);
    assert_eq!(asked.points, ["tools/2", "0/1"]);
    assert_eq!(asked.ignored.unwrap(), "prompt_cache_retention");
}
