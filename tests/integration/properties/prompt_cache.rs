//! Prompt caching: what one request has cached, the next one reads.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::conversations::{assert_refusal, call, content, text};
use crate::requests::translate;
use crate::support::cache::cached;

const MODELS: [&str; 4] = [
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-haiku-5-5",
    "amazon.nova-pro-v1:0",
    "amazon.nova-2-lite-v1:0",
];
/// What a conversation goes on with, up to where the model is asked again.
#[derive(Clone, Debug)]
enum Step {
    /// The model answers, and the user says something else; perhaps the operator as well.
    Question(String, Value, bool),
    /// The model calls tools, and each call has its result, the last perhaps first; perhaps the user hands a
    /// document in meanwhile.
    Calls(String, Vec<(Value, Value)>, bool, bool),
}

/// What a client adds to a request and does not keep.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Addition {
    Nothing,
    /// OpenClaw's context, always with another content.
    Context,
    /// A reminder as system message.
    Reminder,
    /// Anthropic's markers on the system prompt, the last tool and the last message, as OpenClaw sets them.
    Markers,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (text(), content(true), any::<bool>())
            .prop_map(|(answer, question, note)| Step::Question(answer, question, note)),
        (
            text(),
            vec((call(), content(true)), 1..4),
            any::<bool>(),
            any::<bool>()
        )
            .prop_map(|(said, calls, reversed, document)| Step::Calls(
                said, calls, reversed, document
            )),
    ]
}

/// The history after each step.
fn histories(system: bool, steps: Vec<Step>) -> Vec<Vec<Value>> {
    let mut messages = Vec::new();
    if system {
        let prompt = "Be brief, and be right. ".repeat(300);
        messages.push(json!({"role": "system", "content": prompt}));
    }
    messages.push(json!({"role": "user", "content": "Who are you? ".repeat(400)}));
    let mut histories = vec![messages.clone()];
    for step in steps {
        match step {
            Step::Question(answer, question, note) => {
                messages.push(json!({"role": "assistant", "content": format!("Well{answer}")}));
                messages.push(json!({"role": "user", "content": question}));
                if note {
                    messages.push(json!({"role": "system", "content": "Mind your words."}));
                }
                messages.push(json!({"role": "user", "content": "And so on?"}));
            }
            Step::Calls(said, mut calls, reversed, document) => {
                // A result that came twice has no place, and so has no mark.
                let mut ids = HashSet::new();
                calls.retain(|(call, _)| ids.insert(call["id"].clone()));
                let sent: Vec<_> = calls.iter().map(|(call, _)| call).collect();
                messages.push(json!({"role": "assistant", "content": said, "tool_calls": sent}));
                if reversed {
                    calls.reverse();
                }
                for (call, result) in &calls {
                    messages.push(
                        json!({"role": "tool", "tool_call_id": call["id"], "content": result}),
                    );
                }
                if document {
                    let file = json!({"filename": "a.txt", "file_data": "aGk="});
                    let parts = json!([{"type": "file", "file": file}, {"type": "text", "text": "And this?"}]);
                    messages.push(json!({"role": "user", "content": parts}));
                }
            }
        }
        histories.push(messages.clone());
    }
    histories
}

/// The request that a client makes of its history, the `number`th of them.
fn request(model: &str, mut messages: Vec<Value>, addition: Addition, number: usize) -> Value {
    let description = "Gets what it is told to get. ".repeat(150);
    let mut tools = json!([
        {"type": "function", "function": {"name": "fs.read"}},
        {"type": "function", "function": {"name": "get", "description": description}},
    ]);
    match addition {
        Addition::Nothing => {}
        Addition::Context => messages.push(json!({"role": "user", "content": [{"type": "text", "text":
            format!("<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\n{number}\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>")}]})),
        Addition::Reminder => {
            messages.push(json!({"role": "system", "content": format!("Step {number}.")}));
        }
        Addition::Markers => {
            let last = messages.len() - 1;
            for marked in [&mut messages[0], &mut tools[1]] {
                marked["cache_control"] = json!({"type": "ephemeral"});
            }
            messages[last]["cache_control"] = json!({"type": "ephemeral"});
        }
    }
    json!({"model": model, "messages": messages, "tools": tools})
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_one_request_has_cached_the_next_one_reads(
        steps in vec(step(), 1..6),
        model in select(MODELS.to_vec()),
        system in any::<bool>(),
        addition in select(vec![
            Addition::Nothing, Addition::Context, Addition::Reminder, Addition::Markers,
        ]),
    ) {
        let histories = histories(system, steps).into_iter().enumerate();
        let bodies: Result<Vec<_>, _> = histories
            .map(|(number, history)| {
                let request = request(model, history, addition, number);
                translate(request.to_string().as_bytes()).map(|translation| translation.body)
            })
            .collect();
        let bodies = bodies.unwrap_or_else(|refusal| {
            assert_refusal(&refusal, model);
            Vec::new()
        });
        for pair in bodies.windows(2) {
            let (earlier, cached_earlier) = cached(&pair[0]);
            let (later, cached_later) = cached(&pair[1]);
            prop_assert!((1..=4).contains(&cached_earlier.len()), "{cached_earlier:?}");
            for prefix in &cached_earlier {
                prop_assert!(
                    later.starts_with(&earlier[..*prefix]),
                    "{}\n{}",
                    String::from_utf8_lossy(&pair[0]),
                    String::from_utf8_lossy(&pair[1])
                );
            }
            // Even the longest prefix of all.
            let longest = cached_earlier.last().unwrap();
            prop_assert!(
                cached_later.contains(longest),
                "{}\n{}",
                String::from_utf8_lossy(&pair[0]),
                String::from_utf8_lossy(&pair[1])
            );
        }
    }
}
