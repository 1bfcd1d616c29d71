//! Two processes behind a load balancer that share a Redis: each request of a conversation goes to the other one.

use std::net::SocketAddr;

use outcrop::config::StoreLocation;
use outcrop::keys::{Access, KeyLimits, open};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::key_with_text;
use crate::support::client::{Answer, Connection};
use crate::support::gateway::FIXTURES;
use crate::support::process::{Process, outcrop};
use crate::support::redis::RedisServer;
use crate::support::soon;

/// One Redis, a key, and two processes of `outcrop serve --replay`.
struct Balanced {
    _redis: RedisServer,
    _processes: [Process; 2],
    addresses: [SocketAddr; 2],
    bearer: String,
}

impl Balanced {
    /// `None` without a Redis.
    async fn start(limits: KeyLimits, variables: &[(&str, &str)]) -> Option<Self> {
        let redis = RedisServer::start().await?;
        let location = StoreLocation::parse(&redis.url()).unwrap();
        let store = open(&location, Access::Create).await.unwrap();
        let (mut key, text) = key_with_text("search");
        key.limits = limits;
        store.create(&key).await.unwrap();
        let start = || {
            let arguments = ["serve", "--replay", FIXTURES, "--listen", "127.0.0.1:0"];
            let mut command = outcrop(&arguments);
            command.env("OUTCROP_KEYS_STORE", redis.url());
            command.envs(variables.iter().copied());
            Process::start(&mut command)
        };
        let mut processes = [start(), start()];
        let [first, second] = &mut processes;
        Some(Self {
            addresses: [first.address().await, second.address().await],
            _redis: redis,
            _processes: processes,
            bearer: format!("Bearer {}", text.expose()),
        })
    }

    async fn ask(&self, process: usize, request: &Value) -> Answer {
        ask(self.addresses[process], &self.bearer, request).await
    }
}

async fn ask(address: SocketAddr, bearer: &str, request: &Value) -> Answer {
    let mut connection = Connection::open(address).await;
    let headers = [("authorization", bearer)];
    let body = request.to_string();
    connection
        .send("POST", "/v1/chat/completions", &headers, body)
        .await;
    connection.answer().await
}

/// A request of an agent whose model thinks, and calls tools.
fn agent(messages: &[Value]) -> Value {
    let tool = |name: &str, argument: &str| {
        let parameters =
            json!({"type": "object", "properties": {argument: {}}, "required": [argument]});
        json!({"type": "function", "function": {"name": name, "parameters": parameters}})
    };
    json!({
        "model": "replay.reasoning-agent",
        "messages": messages,
        "reasoning_effort": "medium",
        "tools": [tool("measure_layer", "depth"), tool("name_rock", "sample")],
    })
}

/// The history after the first turn, of which a client keeps these members, and the answers to its calls.
async fn after_one_turn(gateways: &Balanced, kept: &[&str]) -> Vec<Value> {
    let mut messages = vec![json!({"role": "user", "content": "Describe it."})];
    let first = gateways.ask(0, &agent(&messages)).await;
    assert_eq!(first.status, 200, "{}", first.text());
    let mut message = first.json()["choices"][0]["message"].clone();
    let members = message.as_object_mut().unwrap();
    members.retain(|member, _| kept.contains(&member.as_str()));
    assert_eq!(members.len(), kept.len(), "{members:?}");
    let calls = message["tool_calls"].clone();
    messages.push(message);
    messages.extend(
        calls.as_array().unwrap().iter().map(
            |call| json!({"role": "tool", "tool_call_id": call["id"], "content": "Two metres."}),
        ),
    );
    messages
}

#[tokio::test]
async fn reasoning_that_a_client_does_not_send_back_is_recalled_by_another_gateway() {
    let Some(gateways) = Balanced::start(KeyLimits::default(), &[]).await else {
        return;
    };
    let messages = after_one_turn(&gateways, &["role", "tool_calls"]).await;
    // It is written behind the answer, so it may be there a moment later.
    soon(async {
        loop {
            let second = gateways.ask(1, &agent(&messages)).await;
            assert_eq!(second.status, 200, "{}", second.text());
            if second.header("x-outcrop-adjusted").is_empty() {
                return;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn reasoning_that_a_client_keeps_is_proved_to_another_gateway() {
    let forgetful = [("OUTCROP_RECALL_MAX_BYTES", "0")];
    let Some(gateways) = Balanced::start(KeyLimits::default(), &forgetful).await else {
        return;
    };
    for (kept, adjusted) in [
        (&["role", "tool_calls", "reasoning_details"][..], ""),
        (&["role", "tool_calls"], "thinking=disabled"),
    ] {
        let messages = after_one_turn(&gateways, kept).await;
        let second = gateways.ask(1, &agent(&messages)).await;
        assert_eq!(second.status, 200, "{}", second.text());
        assert_eq!(second.header("x-outcrop-adjusted"), adjusted, "{kept:?}");
    }
}

#[tokio::test]
async fn two_processes_admit_no_more_than_one_would() {
    let limits = KeyLimits {
        // The next comes back after a minute.
        rpm: Some(1),
        ..KeyLimits::default()
    };
    // On a machine that is very busy the Redis may not answer in time.
    let strict = [("OUTCROP_KEYS_ON_STORE_FAILURE", "deny")];
    let Some(gateways) = Balanced::start(limits, &strict).await else {
        return;
    };
    let request = json!({
        "model": "replay.short-text",
        "messages": [{"role": "user", "content": "Hello?"}],
    });
    let mut clients = JoinSet::new();
    for client in 0..40 {
        let (address, bearer) = (gateways.addresses[client % 2], gateways.bearer.clone());
        let request = request.clone();
        clients.spawn(async move { ask(address, &bearer, &request).await.status });
    }
    let statuses = soon(clients.join_all()).await;
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    let (admitted, refused, unanswered) = (count(200), count(429), count(503));
    assert_eq!(admitted + refused + unanswered, 40, "{statuses:?}");
    assert!(admitted <= 1 && admitted + unanswered >= 1, "{statuses:?}");
}
