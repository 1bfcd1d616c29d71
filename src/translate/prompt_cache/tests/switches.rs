use serde_json::json;

use super::{CLAUDE, long, marked, points, seen_by, system, user, with_tools};
use crate::bedrock::{Family, Refusal};
use crate::translate::PromptCaching;

#[test]
fn a_client_can_do_without_automatic_points() {
    let mut request = with_tools(vec![marked(system("Be brief."), None), user(&long("Hi"))]);
    request["prompt_cache_options"] = json!({"mode": "explicit"});
    assert_eq!(points(CLAUDE, &request), ["system/1"]);
}

#[test]
fn an_operator_can_leave_it_to_the_client_or_switch_it_off() {
    let mut request = with_tools(vec![marked(system("Be brief."), None), user(&long("Hi"))]);
    request["prompt_cache_retention"] = json!("24h");
    let family = Family::of(Some(CLAUDE));
    let client = seen_by(&family, PromptCaching::Client, &request);
    assert_eq!(client.points, ["system/1=1h"]);
    assert_eq!(client.ignored, None);
    let off = seen_by(&family, PromptCaching::Off, &request);
    assert!(off.points.is_empty());
    assert_eq!(
        off.ignored.unwrap(),
        "messages[0].cache_control, prompt_cache_retention"
    );
}

#[test]
fn a_model_that_caches_nothing_gets_no_points() {
    let mut request = with_tools(vec![marked(system(&long("Be brief.")), None), user("Hi")]);
    request["tools"][0] = marked(request["tools"][0].take(), None);
    request["prompt_cache_options"] = json!({"ttl": "1h"});
    let learned = Family::of(Some(CLAUDE)).without(Refusal::CachePoint);
    for family in [
        learned,
        Family::of(Some("mistral.mistral-large-3")),
        Family::of(Some("openai.gpt-5.6-x")),
        Family::of(None),
    ] {
        let asked = seen_by(&family, PromptCaching::Auto, &request);
        assert!(asked.points.is_empty());
        assert_eq!(
            asked.ignored.unwrap(),
            "messages[0].cache_control, tools[0].cache_control, prompt_cache_options.ttl"
        );
    }
}
