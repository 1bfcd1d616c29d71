//! What a key may spend.

use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;

use super::accounts::{booked, used_up};
use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{MODEL, Running, alias, config, question, whole_question, with};
use crate::support::keys::{KeyFile, bearer};
use crate::support::messages::WHOLE_ANSWER;

const CLIENTS: usize = 200;

#[tokio::test]
async fn two_hundred_streams_at_once_never_spend_more_than_the_budget_of_fifty() {
    let keys = KeyFile::new().await;
    // Fifty answers of a thousand tokens at USD 16.50 a million, and a little for their prompts.
    let budget = 0.83;
    let key = keys
        .issue(json!({"name": "search", "budget": {"usd": budget, "per": "month"}}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let (begun, mut calls) = unbounded_channel();
    tokio::spawn(async move { while begun.send(bedrock.stream().await).is_ok() {} });
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut connection = gateway.connect().await;
        let bearer = bearer(&key);
        clients.spawn(async move {
            let body = with(question(MODEL), json!({"max_tokens": 1000})).to_string();
            let headers = [("authorization", bearer.as_str())];
            connection
                .send("POST", "/v1/chat/completions", &headers, body)
                .await;
            connection.answer().await
        });
    }
    let (mut open, mut refused) = (Vec::new(), 0);
    while open.len() + refused < CLIENTS {
        tokio::select! {
            Some(call) = calls.recv() => open.push(call),
            Some(answer) = clients.join_next() => {
                let answer = answer.unwrap();
                let (status, kind, code) = answer.error();
                assert_eq!(
                    (status, kind.as_str(), code.as_deref()),
                    (429, "insufficient_quota", Some("insufficient_quota"))
                );
                assert_eq!(answer.header("x-should-retry"), "false");
                assert_eq!(answer.header("retry-after"), "");
                refused += 1;
            }
        }
    }
    assert!((49..=51).contains(&open.len()), "{}", open.len());
    let admitted = open.len();
    for call in &mut open {
        let sent: Value = serde_json::from_slice(&call.body).unwrap();
        let most = sent["inferenceConfig"]["maxTokens"].as_u64().unwrap();
        call.stream_all(&used_up(most)).await;
    }
    while let Some(answer) = clients.join_next().await {
        assert_eq!(answer.unwrap().status, 200);
    }
    let usage = booked(&keys, admitted.try_into().unwrap()).await;
    assert_eq!(usage.estimated_requests, 0);
    assert!((0.8..=budget).contains(&usage.cost.usd()), "{}", usage.cost);
}

#[tokio::test]
async fn little_money_makes_a_short_answer_and_less_makes_none() {
    let keys = KeyFile::new().await;
    let key = keys
        .issue(json!({"name": "search", "budget": {"usd": 0.01, "per": "day"}}))
        .await;
    let poor = keys
        .issue(json!({"name": "poor", "budget": {"usd": 0.0001, "per": "total"}}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let request = with(whole_question(MODEL), json!({"max_tokens": 1000}));
    let mut waiting = gateway.begin_chat_as(&key, &request).await;
    let mut call = bedrock.call().await;
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    let most = sent["inferenceConfig"]["maxTokens"].as_u64().unwrap();
    assert!((100..=606).contains(&most), "{most}");
    call.answer(200, "", WHOLE_ANSWER).await;
    let answer = waiting.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.header("x-outcrop-adjusted"),
        format!("max_tokens={most}")
    );

    let refused = gateway.chat_as(&poor, &request).await;
    assert_eq!(refused.error().2.as_deref(), Some("insufficient_quota"));
    assert!(
        !refused.message().contains("renewed"),
        "{}",
        refused.message()
    );
}

#[tokio::test]
async fn with_a_budget_no_answer_is_without_a_limit() {
    let keys = KeyFile::new().await;
    let budget = json!({"usd": 1.0, "per": "month"});
    let draft = json!({"name": "search", "budget": budget});
    let (limited, free) = (
        keys.issue(draft).await,
        keys.issue(json!({"name": "free"})).await,
    );
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    // A model whose price is known, and whose longest answer is not.
    let request = whole_question("mistral.voxtral-small-24b-2507");
    let mut calls = Vec::new();
    for (key, most) in [(&limited, json!(4096)), (&free, Value::Null)] {
        let mut waiting = gateway.begin_chat_as(key, &request).await;
        let mut call = match calls.pop() {
            Some(last) => bedrock.call_or(last).await,
            None => bedrock.call().await,
        };
        let sent: Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(sent["inferenceConfig"]["maxTokens"], most);
        call.answer(200, "", WHOLE_ANSWER).await;
        assert_eq!(waiting.answer().await.status, 200);
        calls.push(call);
    }
}

#[tokio::test]
async fn with_a_budget_a_model_needs_a_price_unless_the_key_was_told_otherwise() {
    let keys = KeyFile::new().await;
    let budget = json!({"usd": 1.0, "per": "month"});
    let key = keys
        .issue(json!({"name": "search", "budget": budget}))
        .await;
    let told = keys
        .issue(json!({"name": "told", "budget": budget, "allow_unpriced": true}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::with(keys.config(config(&bedrock.url()))).await;
    let request = whole_question("us.anthropic.claude-nobody-knows-v1:0");
    let refused = gateway.chat_as(&key, &request).await;
    let (status, _, code) = refused.error();
    assert_eq!((status, code.as_deref()), (404, Some("model_not_found")));
    assert!(
        refused.message().contains("budget"),
        "{}",
        refused.message()
    );
    let mut waiting = gateway.begin_chat_as(&told, &request).await;
    let mut call = bedrock.call().await;
    call.answer(200, "", WHOLE_ANSWER).await;
    assert_eq!(waiting.answer().await.status, 200);
    let usage = booked(&keys, 1).await;
    assert_eq!((usage.unpriced_requests, usage.cost.billionths()), (1, 0));
}

#[tokio::test]
async fn another_target_gets_no_longer_answer_than_was_reserved() {
    let keys = KeyFile::new().await;
    let budget = json!({"usd": 50, "per": "month"});
    let key = keys
        .issue(json!({"name": "search", "budget": budget}))
        .await;
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = keys.config(config(&bedrock.url()));
    // Ten thousand tokens are the most that Nova writes.
    settings.models = vec![alias("pair", &["us.amazon.nova-lite-v1:0", MODEL])];
    let gateway = Running::with(settings).await;
    let mut waiting = gateway.begin_chat_as(&key, &whole_question("pair")).await;
    let mut call = bedrock.call().await;
    let busy = r#"{"message":"Busy."}"#;
    let named = "x-amzn-errortype: ServiceUnavailableException\r\n";
    call.answer(503, named, busy).await;
    let mut call = bedrock.call_or(call).await;
    let sent: Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(sent["inferenceConfig"]["maxTokens"], 10_000);
    call.answer(200, "", WHOLE_ANSWER).await;
    let answer = waiting.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-outcrop-adjusted"), "max_tokens=10000");
}
