//! Prompt caching: what reaches Bedrock of the points that a client or the gateway sets.

use outcrop::config::{Config, PromptCache, PromptCacheMode};
use serde_json::{Value, json};

use crate::support::bedrock::ScriptedBedrock;
use crate::support::cache::cached;
use crate::support::gateway::{Running, StandInServer, config, with};
use crate::support::messages::WHOLE_ANSWER;

/// A Claude whose minimum is 4096 tokens.
const MODEL: &str = "replay.tool-loop";

fn context(number: usize) -> Value {
    let text = format!(
        "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>\nStep {number}.\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>"
    );
    json!({"role": "user", "content": [{"type": "text", "text": text}]})
}

/// An agent's first messages, with a system prompt that is worth caching.
fn beginning() -> Vec<Value> {
    let prompt = "You find what is lost, and open what is closed. ".repeat(500);
    vec![
        json!({"role": "system", "content": [{"type": "text", "text": prompt}]}),
        json!({"role": "user", "content": "Find the key and open the box."}),
    ]
}

fn request(model: &str, messages: &[Value]) -> Value {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    json!({"model": model, "stream": true, "messages": messages, "tools": [tool("search"), tool("open")]})
}

/// The bodies of all calls of a model, in their order.
fn bodies(stand_in: &StandInServer) -> Vec<Vec<u8>> {
    let requests = stand_in.received.requests().into_iter();
    let calls = requests.filter(|request| request.path.contains("/converse"));
    calls
        .map(|call| {
            assert_eq!(call.status, Some(200));
            call.body.unwrap().to_vec()
        })
        .collect()
}

async fn gateway(stand_in: &StandInServer, mode: PromptCacheMode) -> Running {
    let settings = Config {
        prompt_cache: PromptCache { mode },
        ..config(&stand_in.url)
    };
    Running::with(settings).await
}

#[tokio::test]
async fn each_step_of_an_agent_reads_what_the_one_before_has_cached() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let mut messages = beginning();
    for step in 0..3 {
        let sent = [messages.as_slice(), &[context(step)]].concat();
        let events = gateway.stream(&request(MODEL, &sent)).await;
        let calls = events.tool_calls();
        events.assert_whole(if calls.is_empty() {
            "stop"
        } else {
            "tool_calls"
        });
        let function = |name: &str, arguments: &str| json!({"name": name, "arguments": arguments});
        let echoed: Vec<_> = calls
            .iter()
            .map(|(id, name, arguments)| json!({"id": id, "type": "function", "function": function(name, arguments)}))
            .collect();
        messages
            .push(json!({"role": "assistant", "content": events.content(), "tool_calls": echoed}));
        for (id, _, _) in &calls {
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": "There it is."}));
        }
    }
    let cached: Vec<_> = bodies(&stand_in).iter().map(|body| cached(body)).collect();
    assert_eq!(cached.len(), 3);
    let counts: Vec<_> = cached.iter().map(|(_, prefixes)| prefixes.len()).collect();
    assert_eq!(counts, [2, 3, 3]);
    for pair in cached.windows(2) {
        let [(earlier, before), (later, after)] = pair else {
            panic!("windows of two");
        };
        let longest = *before.last().unwrap();
        assert!(after.contains(&longest));
        assert_eq!(earlier.get(..longest), later.get(..longest));
        assert!(after.last() > before.last(), "the boundary advances");
    }
}

#[tokio::test]
async fn an_operator_decides_who_sets_points() {
    let mut messages = beginning();
    let marked = messages
        .first_mut()
        .and_then(|system| system.pointer_mut("/content/0"));
    marked.unwrap()["cache_control"] = json!({"type": "ephemeral"});
    messages.push(json!({"role": "assistant", "content": "Which?"}));
    messages.push(json!({"role": "user", "content": "The red one."}));
    for (mode, expected, ignored) in [
        (PromptCacheMode::Auto, 1, ""),
        (PromptCacheMode::Client, 1, ""),
        (
            PromptCacheMode::Off,
            0,
            "messages[0].content[0].cache_control",
        ),
    ] {
        let stand_in = StandInServer::start().await;
        let gateway = gateway(&stand_in, mode).await;
        let whole = with(request(MODEL, &messages), json!({"stream": false}));
        let answer = gateway.chat(&whole).await;
        assert_eq!(answer.header("x-outcrop-ignored"), ignored, "{mode:?}");
        let body = bodies(&stand_in).pop().unwrap();
        assert_eq!(cached(&body).1.len(), expected, "{mode:?}");
    }
    let mut messages = beginning();
    messages.push(json!({"role": "assistant", "content": "Which?"}));
    messages.push(json!({"role": "user", "content": "The red one."}));
    for (mode, expected) in [
        (PromptCacheMode::Auto, 3),
        (PromptCacheMode::Client, 0),
        (PromptCacheMode::Off, 0),
    ] {
        let stand_in = StandInServer::start().await;
        let gateway = gateway(&stand_in, mode).await;
        gateway.stream(&request(MODEL, &messages)).await;
        let body = bodies(&stand_in).pop().unwrap();
        assert_eq!(cached(&body).1.len(), expected, "{mode:?}");
    }
}

#[tokio::test]
async fn points_that_bedrock_refuses_are_left_out_and_named() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    let question = json!({"role": "user", "content": "Hi", "cache_control": {"type": "ephemeral"}});
    client
        .chat(&json!({"model": "anthropic.claude-haiku-5-5", "messages": [question]}))
        .await;
    let mut call = bedrock.call().await;
    assert_eq!(cached(&call.body).1.len(), 1);
    let refusal = json!({"message": "You invoked an unsupported model or your request did not allow prompt caching. \
        See the documentation for more information."});
    let headers = "connection: close\r\nx-amzn-errortype: AccessDeniedException\r\n";
    call.answer(403, headers, &refusal.to_string()).await;
    let mut call = bedrock.call().await;
    assert!(cached(&call.body).1.is_empty());
    call.answer(200, "connection: close\r\n", WHOLE_ANSWER)
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.header("x-outcrop-ignored"),
        "messages[0].cache_control"
    );
}
