use serde_json::Value;

use super::{CLAUDE, call, long, result, system, user, with_tools};
use crate::bedrock::Family;
use crate::bedrock::request::CacheTtl;
use crate::openai::ChatCompletionRequest;
use crate::translate::{CachedPrefix, Context, converse_request};

fn prefixes(request: &Value) -> Vec<CachedPrefix> {
    let json = request.to_string();
    let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
    let family = Family::of(Some(CLAUDE));
    let translation = converse_request(request, &Context::new(&family)).unwrap();
    translation.cached_prefixes
}

#[test]
fn the_next_request_has_the_prefixes_of_the_one_before() {
    let mut messages = vec![system(&long("Be brief.")), user("Read a.")];
    let first = prefixes(&with_tools(messages.clone()));
    messages.extend([call("a"), result("a")]);
    let second = prefixes(&with_tools(messages.clone()));
    assert_eq!((first.len(), second.len()), (3, 4));
    assert_eq!(second.get(..3), Some(first.as_slice()));
    assert!(
        first
            .iter()
            .all(|prefix| prefix.ttl == CacheTtl::FiveMinutes)
    );
    let digests: std::collections::HashSet<_> = second.iter().map(|p| p.digest).collect();
    assert_eq!(digests.len(), 4);
}

#[test]
fn one_word_makes_another_prefix_from_there_on() {
    let with = |prompt: &str, question: &str| {
        prefixes(&with_tools(vec![system(&long(prompt)), user(question)]))
    };
    let (first, other_question) = (with("Be brief.", "A?"), with("Be brief.", "B?"));
    assert_eq!(first.get(..2), other_question.get(..2));
    assert_ne!(first.get(2), other_question.get(2));
    let other_prompt = with("Be short.", "A?");
    assert_eq!(first.first(), other_prompt.first());
    assert_ne!(first.get(1), other_prompt.get(1));
}
