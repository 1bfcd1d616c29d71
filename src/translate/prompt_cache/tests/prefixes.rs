use serde_json::{Value, json};

use super::{CLAUDE, call, long, request, result, system, user, with_tools};
use crate::bedrock::Family;
use crate::bedrock::request::CacheTtl;
use crate::openai::ChatCompletionRequest;
use crate::translate::{CachedPrefix, Context, converse_request};

fn prefix(request: &Value) -> Option<CachedPrefix> {
    let json = request.to_string();
    let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
    let family = Family::of(Some(CLAUDE));
    let translation = converse_request(request, &Context::new(&family)).unwrap();
    translation.cached_prefix
}

#[test]
fn a_conversation_keeps_its_prefix_while_it_grows() {
    let mut messages = vec![system(&long("Be brief.")), user("Read a.")];
    let first = prefix(&with_tools(messages.clone())).unwrap();
    assert_eq!(first.ttl, CacheTtl::FiveMinutes);
    messages.extend([call("a"), result("a")]);
    assert_eq!(prefix(&with_tools(messages.clone())), Some(first));
    let mut other = with_tools(messages);
    other["tools"][0]["function"]["description"] = json!("Another.");
    let other = prefix(&other).unwrap();
    assert_ne!(other.digest, first.digest);
}

#[test]
fn without_points_there_is_none() {
    assert_eq!(prefix(&request(vec![user("Hi")])), None);
}
