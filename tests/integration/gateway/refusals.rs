//! What Bedrock refuses by name is left out: once for the request, and then for an hour for the model.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::Answer;
use crate::support::events::Events;
use crate::support::gateway::{Running, config, question, whole_question, with};
use crate::support::messages::{WHOLE_ANSWER, exception, short_answer};

/// A model of which the table knows nothing, so that everything is tried.
const MODEL: &str = "stability.chat-1";
const NO_STOP: &str =
    "This model doesn't support the stopSequences field. Remove stopSequences and try again.";
const NO_TEMPERATURE: &str =
    "The model returned the following errors: `temperature` is deprecated for this model.";

struct Refusing {
    bedrock: ScriptedBedrock,
    gateway: Running,
}

impl Refusing {
    async fn begin() -> Self {
        let bedrock = ScriptedBedrock::start().await;
        let gateway = Running::before(&bedrock.url()).await;
        Self { bedrock, gateway }
    }

    /// Sends `request`; lets Bedrock refuse the calls with `refusals` in turn and take the one after. Returns the
    /// answer and the bodies of all calls.
    async fn ask(&self, request: &Value, refusals: &[(u16, &str)]) -> (Answer, Vec<Value>) {
        let mut client = self.gateway.connect().await;
        client.chat(request).await;
        let mut bodies = Vec::new();
        for (status, text) in refusals {
            let mut call = self.bedrock.call().await;
            bodies.push(serde_json::from_slice(&call.body).unwrap());
            refuse(&mut call, *status, text).await;
        }
        let mut call = self.bedrock.call().await;
        bodies.push(serde_json::from_slice(&call.body).unwrap());
        if call.head.contains("/converse-stream") {
            call.begin_stream().await;
            call.stream_all(&short_answer()).await;
        } else {
            call.answer(200, "connection: close\r\n", WHOLE_ANSWER)
                .await;
        }
        (client.answer().await, bodies)
    }
}

async fn refuse(call: &mut Call, status: u16, text: &str) {
    let name = if status == 403 {
        "AccessDeniedException"
    } else {
        "ValidationException"
    };
    let headers = format!("connection: close\r\nx-amzn-errortype: {name}\r\n");
    let body = json!({"message": text}).to_string();
    call.answer(status, &headers, &body).await;
}

fn with_stop() -> Value {
    with(
        question(MODEL),
        json!({"stop": ["END"], "temperature": 0.5}),
    )
}

#[tokio::test]
async fn a_feature_that_is_refused_is_left_out_and_named() {
    let refusing = Refusing::begin().await;
    let (answer, bodies) = refusing.ask(&with_stop(), &[(400, NO_STOP)]).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "2")
    );
    assert_eq!(answer.header("x-outcrop-ignored"), "stop");
    Events::parse(&answer.body).assert_whole("stop");
    assert_eq!(
        bodies[0]["inferenceConfig"]["stopSequences"],
        json!(["END"])
    );
    assert_eq!(bodies[1]["inferenceConfig"], json!({"temperature": 0.5}));
}

#[tokio::test]
async fn it_is_remembered_for_the_model_and_not_for_others() {
    let refusing = Refusing::begin().await;
    refusing.ask(&with_stop(), &[(400, NO_STOP)]).await;
    let (answer, bodies) = refusing.ask(&with_stop(), &[]).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "1")
    );
    assert_eq!(answer.header("x-outcrop-ignored"), "stop");
    assert_eq!(bodies[0]["inferenceConfig"], json!({"temperature": 0.5}));
    let other = with(with_stop(), json!({"model": "us.stability.chat-1"}));
    let (answer, bodies) = refusing.ask(&other, &[]).await;
    assert_eq!(answer.header("x-outcrop-attempts"), "1");
    assert_eq!(
        bodies[0]["inferenceConfig"]["stopSequences"],
        json!(["END"])
    );
}

#[tokio::test]
async fn a_call_is_not_forced_where_thinking_forbids_it() {
    let refusing = Refusing::begin().await;
    let tools = json!([{"type": "function", "function": {"name": "get"}}]);
    let members = json!({"reasoning_effort": "high", "tools": tools, "tool_choice": "required"});
    let request = with(question("us.anthropic.claude-opus-4-7"), members);
    let text = "The model returned the following errors: Thinking may not be enabled when tool_choice forces tool use.";
    let (answer, bodies) = refusing.ask(&request, &[(400, text)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-outcrop-adjusted"), "tool_choice=auto");
    assert_eq!(bodies[0]["toolConfig"]["toolChoice"], json!({"any": {}}));
    assert_eq!(bodies[1]["toolConfig"].get("toolChoice"), None);
    let fields = |body: &Value| body["additionalModelRequestFields"].clone();
    assert_eq!(fields(&bodies[0]), fields(&bodies[1]));
}

#[tokio::test]
async fn what_a_client_wrote_wrongly_is_left_out_of_its_own_request_alone() {
    let refusing = Refusing::begin().await;
    let model = question("us.anthropic.claude-opus-4-6-v1");
    let thinking = json!({"type": "enabled", "budget_tokens": 2000, "frobnicate": 1});
    let request = with(model.clone(), json!({"thinking": thinking}));
    let text = "The model returned the following errors: thinking.enabled.frobnicate: Extra inputs are not permitted";
    let (answer, bodies) = refusing.ask(&request, &[(400, text)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-outcrop-ignored"), "thinking");
    assert_eq!(bodies[1].get("additionalModelRequestFields"), None);
    let other = with(model, json!({"reasoning_effort": "high"}));
    let (answer, bodies) = refusing.ask(&other, &[]).await;
    assert_eq!(answer.header("x-outcrop-ignored"), "");
    let thinking = &bodies[0]["additionalModelRequestFields"]["thinking"];
    assert_eq!(thinking["type"], "adaptive");
}

#[tokio::test]
async fn a_newer_model_that_cannot_but_think_is_not_kept_from_it() {
    let refusing = Refusing::begin().await;
    let request = with(
        question("us.anthropic.claude-saga-9"),
        json!({"reasoning_effort": "none"}),
    );
    let text = "The model returned the following errors: \"thinking.type.disabled\" is not supported for this model.";
    let (answer, bodies) = refusing.ask(&request, &[(400, text)]).await;
    assert_eq!(answer.header("x-outcrop-ignored"), "reasoning_effort");
    assert_eq!(bodies[1].get("additionalModelRequestFields"), None);
    let other = with(request, json!({"reasoning_effort": "max"}));
    let (answer, bodies) = refusing.ask(&other, &[]).await;
    assert_eq!(answer.header("x-outcrop-ignored"), "");
    let fields = &bodies[0]["additionalModelRequestFields"];
    assert_eq!(fields["output_config"]["effort"], "max");
}

#[tokio::test]
async fn several_features_are_left_out_one_after_the_other() {
    let refusing = Refusing::begin().await;
    let refusals = [(400, NO_STOP), (400, NO_TEMPERATURE)];
    let request = with(with_stop(), json!({"stream": false}));
    let (answer, bodies) = refusing.ask(&request, &refusals).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "3")
    );
    assert_eq!(answer.header("x-outcrop-ignored"), "stop, temperature");
    assert_eq!(bodies[2].get("inferenceConfig"), None);
}

#[tokio::test]
async fn what_was_not_refused_is_still_sent() {
    let refusing = Refusing::begin().await;
    let both = json!({"temperature": 0.5, "top_p": 0.9});
    for (model, text, ignored, sent) in [
        (
            "stability.chat-1",
            "This model doesn't support the topP field. Remove topP and try again.",
            "top_p",
            json!({"temperature": 0.5}),
        ),
        (
            "stability.chat-2",
            NO_TEMPERATURE,
            "temperature",
            json!({"topP": 0.9}),
        ),
    ] {
        let request = with(question(model), both.clone());
        let (answer, bodies) = refusing.ask(&request, &[(400, text)]).await;
        assert_eq!(answer.header("x-outcrop-ignored"), ignored);
        assert_eq!(bodies[1]["inferenceConfig"], sent);
    }
}

#[tokio::test]
async fn the_same_refusal_again_is_final_and_teaches_nothing() {
    let refusing = Refusing::begin().await;
    let mut client = refusing.gateway.connect().await;
    client.chat(&with_stop()).await;
    for _ in 0..2 {
        refuse(&mut refusing.bedrock.call().await, 400, NO_STOP).await;
    }
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (400, "2")
    );
    assert_eq!(answer.message(), NO_STOP);
    let (answer, _) = refusing.ask(&with_stop(), &[(400, NO_STOP)]).await;
    assert_eq!(answer.header("x-outcrop-attempts"), "2");
}

#[tokio::test]
async fn what_was_not_sent_cannot_be_left_out() {
    let refusing = Refusing::begin().await;
    let mut client = refusing.gateway.connect().await;
    client.chat(&whole_question(MODEL)).await;
    refuse(&mut refusing.bedrock.call().await, 400, NO_STOP).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (400, "1")
    );
}

#[tokio::test]
async fn a_model_that_refuses_tools_in_streams_is_asked_for_a_whole_answer() {
    let refusing = Refusing::begin().await;
    let tool =
        json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}});
    let request = with(question(MODEL), json!({"tools": [tool]}));
    let text = "This model doesn't support tool use in streaming mode.";
    let (answer, bodies) = refusing.ask(&request, &[(400, text)]).await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "2")
    );
    let events = Events::parse(&answer.body);
    events.assert_whole("stop");
    assert_eq!(events.content(), "Hello");
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn a_field_that_is_refused_is_an_error_where_fields_without_effect_are() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.unsupported = outcrop::config::Unsupported::Reject;
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client.chat(&with_stop()).await;
    refuse(&mut bedrock.call().await, 400, NO_STOP).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"]["param"], "stop");
}

#[tokio::test]
async fn a_refusal_after_the_head_is_mended_as_well() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.commit_after = Some(Duration::from_millis(1));
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client.chat(&with_stop()).await;
    let mut first = bedrock.call().await;
    let head = client.head().await;
    assert_eq!(head.status, 200);
    first.begin_stream().await;
    first.send(exception("validationException", NO_STOP)).await;
    first.end().await;
    let mut second = bedrock.call_or(first).await;
    assert!(!String::from_utf8_lossy(&second.body).contains("stopSequences"));
    second.begin_stream().await;
    second.stream_all(&short_answer()).await;
    let events = Events::parse(&client.body(&head).await);
    events.assert_whole("stop");
    assert_eq!(events.content(), "Hello");
}
