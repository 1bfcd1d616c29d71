//! Reasoning that goes out and comes back, whatever an answer holds.

use outcrop::translate::chat_completion;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::answer::{Block, block, whole};
use crate::requests::translate;
use crate::wire::HEAD;

/// A request to a model that thinks with a budget, and so wants its reasoning back.
fn request(messages: &[Value]) -> Vec<u8> {
    let request = json!({
        "model": "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "messages": messages,
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "reasoning_effort": "low",
    });
    request.to_string().into_bytes()
}

/// The reasoning of an answer as Bedrock wants it back.
fn reasoning(blocks: &[Block]) -> Vec<Value> {
    let reasoning = blocks.iter().filter_map(|block| match block {
        Block::Reasoning(pieces) => {
            Some(json!({"reasoningText": {"text": pieces.concat(), "signature": "c2ln"}}))
        }
        Block::Redacted => Some(json!({"redactedContent": "eA=="})),
        _ => None,
    });
    reasoning
        .map(|block| json!({"reasoningContent": block}))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// After a turn without any reasoning a model with a budget cannot go on thinking.
    #[test]
    fn an_answer_that_is_sent_back_as_it_came_begins_with_its_reasoning(
        blocks in vec(block(), 0..6),
        call in block().prop_filter("a call", |block| matches!(block, Block::Call(..))),
    ) {
        let blocks: Vec<_> = blocks.into_iter().chain([call]).collect();
        let user = json!({"role": "user", "content": "Hi"});
        let answer = translate(&request(std::slice::from_ref(&user))).unwrap().answer;
        let completion =
            chat_completion(&whole(&blocks), HEAD.id, HEAD.created, HEAD.model, &answer).unwrap();
        let completion: Value = serde_json::from_slice(&completion.body).unwrap();
        let message = completion["choices"][0]["message"].clone();
        let results = message["tool_calls"].as_array().unwrap().iter();
        let results = results.map(|call| {
            json!({"role": "tool", "tool_call_id": call["id"], "content": "Done."})
        });
        let messages: Vec<_> = [user, message.clone()].into_iter().chain(results).collect();

        let translation = translate(&request(&messages)).unwrap();
        prop_assert_eq!(translation.notes.ignored(), None);
        let expected = reasoning(&blocks);
        let thinks = !expected.is_empty();
        prop_assert_eq!(translation.notes.adjusted().is_none(), thinks);
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        let thinking = body.pointer("/additionalModelRequestFields/thinking/type");
        prop_assert_eq!(thinking == Some(&json!("enabled")), thinks);
        let content = body["messages"][1]["content"].as_array().unwrap();
        prop_assert_eq!(&content[..expected.len()], expected.as_slice());
        let rest = content[expected.len()..].iter();
        prop_assert!(rest.clone().all(|block| block.get("reasoningContent").is_none()));
    }
}
