//! What a client says about thinking, and what the operator says, in the call of Bedrock.

use outcrop::config::Config;
use serde_json::{Value, json};

use crate::support::bedrock::ScriptedBedrock;
use crate::support::client::Answer;
use crate::support::events::Events;
use crate::support::gateway::{MODEL, Running, config, question, whole_question, with};
use crate::support::messages::{WHOLE_ANSWER, event, short_answer};

/// Sends `request` to a gateway with `add_budget`; Bedrock answers with a thought and a word. Returns the answer and
/// the body of the call.
async fn asked(request: &Value, add_budget: bool) -> (Answer, Value) {
    asked_of(request, |config| config.reasoning.add_budget = add_budget).await
}

/// The same of a gateway whose configuration is changed.
async fn asked_of(request: &Value, change: impl FnOnce(&mut Config)) -> (Answer, Value) {
    let bedrock = ScriptedBedrock::start().await;
    let mut config = config(&bedrock.url());
    change(&mut config);
    let gateway = Running::with(config).await;
    let mut client = gateway.connect().await;
    client.chat(request).await;
    let mut call = bedrock.call().await;
    let body = serde_json::from_slice(&call.body).unwrap();
    let delta = json!({"contentBlockIndex": 1, "delta": {"reasoningContent": {"text": "Hm."}}});
    let mut messages = short_answer();
    messages.insert(1, event("contentBlockDelta", &delta));
    call.begin_stream().await;
    call.stream_all(&messages).await;
    (client.answer().await, body)
}

#[tokio::test]
async fn the_operator_says_whether_the_budget_comes_on_top() {
    let members = json!({"reasoning_effort": "low", "max_completion_tokens": 4000});
    let request = with(question(MODEL), members);
    let (answer, body) = asked(&request, true).await;
    assert_eq!(
        answer.header("x-outcrop-adjusted"),
        "max_completion_tokens=6048"
    );
    assert_eq!(body["inferenceConfig"]["maxTokens"], 6048);
    let (answer, body) = asked(&request, false).await;
    assert_eq!(answer.header("x-outcrop-adjusted"), "");
    assert_eq!(body["inferenceConfig"]["maxTokens"], 4000);
    let thinking = &body["additionalModelRequestFields"]["thinking"];
    assert_eq!(thinking["budget_tokens"], 2048);
}

#[tokio::test]
async fn a_context_window_after_a_models_id_is_not_sent() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let model = format!("{MODEL}[1m]");
    let mut client = gateway.connect().await;
    client.chat(&question(&model)).await;
    let mut call = bedrock.call().await;
    assert!(!call.head.contains("1m"), "{}", call.head);
    call.begin_stream().await;
    call.stream_all(&short_answer()).await;
    let answer = client.answer().await;
    assert_eq!(answer.header("x-outcrop-adjusted"), "model=without_suffix");
    assert_eq!(Events::parse(&answer.body).chunks[0]["model"], model);
    // Whatever clients make up there, metrics know one model.
    let metrics = gateway.get("/metrics").await;
    assert!(metrics.text().contains(&format!(r#"model="{MODEL}""#)));
    assert!(!metrics.text().contains("[1m]"));
}

#[tokio::test]
async fn gov_cloud_is_not_asked_to_summarize() {
    for (region, geography, display) in [
        ("us-east-1", "us.", json!("summarized")),
        ("us-east-1", "us-gov.", Value::Null),
        ("us-gov-west-1", "", Value::Null),
    ] {
        let model = format!("{geography}anthropic.claude-opus-4-7");
        let request = with(question(&model), json!({"reasoning_effort": "low"}));
        let (_, body) = asked_of(&request, |config| {
            config.bedrock.region = Some(region.to_owned());
        })
        .await;
        let thinking = &body["additionalModelRequestFields"]["thinking"];
        assert_eq!(thinking["display"], display, "{region} {geography}");
        assert_eq!(thinking["type"], "adaptive");
    }
}

#[tokio::test]
async fn thoughts_that_are_excluded_are_left_out() {
    for (exclude, thoughts) in [(false, "Hm."), (true, "")] {
        let reasoning = json!({"reasoning": {"effort": "low", "exclude": exclude}});
        let (answer, _) = asked(&with(question(MODEL), reasoning), true).await;
        let events = Events::parse(&answer.body);
        events.assert_whole("stop");
        assert_eq!(events.reasoning(), thoughts);
        assert_eq!(events.content(), "Hello");
    }
}

#[tokio::test]
async fn the_thoughts_of_every_choice_come_back_with_its_own_calls() {
    let tools = json!([{"type": "function", "function": {"name": "look"}}]);
    let asking = json!({"reasoning_effort": "low", "tools": tools});
    let request = with(whole_question(MODEL), asking);
    let answer = |number: u32| {
        let thought = json!({"text": format!("Thought {number}."), "signature": "c2ln"});
        let call = json!({"toolUseId": format!("tooluse_{number}"), "name": "look", "input": {}});
        let content = json!([{"reasoningContent": {"reasoningText": thought}}, {"toolUse": call}]);
        let usage = json!({"inputTokens": 1, "outputTokens": 1, "totalTokens": 2});
        json!({"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "tool_use",
            "usage": usage, "metrics": {"latencyMs": 1}})
    };
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&with(request.clone(), json!({"n": 2}))).await;
    for number in 0..2 {
        let mut call = bedrock.call().await;
        let body = answer(number).to_string();
        call.answer(200, "connection: close\r\n", &body).await;
    }
    let completion = client.answer().await.json();
    let choices = completion["choices"].as_array().unwrap();
    assert_eq!(choices.len(), 2);
    for choice in choices {
        let message = &choice["message"];
        assert!(message["reasoning_details"][0]["data"].is_string());
        let calls = &message["tool_calls"];
        let result = json!({"role": "tool", "tool_call_id": calls[0]["id"], "content": "Seen."});
        let mut next = request.clone();
        next["messages"]
            .as_array_mut()
            .unwrap()
            .extend([json!({"role": "assistant", "tool_calls": calls}), result]);
        client.chat(&next).await;
        let mut call = bedrock.call().await;
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let thought = &body["messages"][1]["content"][0]["reasoningContent"]["reasoningText"];
        assert_eq!(thought["text"], message["reasoning_content"], "{body}");
        call.answer(200, "connection: close\r\n", WHOLE_ANSWER)
            .await;
        client.answer().await;
    }
}
