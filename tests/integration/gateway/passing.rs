//! What a client says to Bedrock and hears of it in Bedrock's own words, and what the operator decides over it.

use outcrop::config::{Config, Guardrail};
use outcrop::fixture::Received;
use serde_json::{Value, json};

use crate::support::gateway::{
    MODEL, Running, StandInServer, config, question, whole_question, with,
};

/// A gateway in front of the stand-in, and what arrives there.
async fn gateway(change: impl FnOnce(&mut Config)) -> (Running, Received) {
    let stand_in = StandInServer::start().await;
    let mut settings = config(&stand_in.url);
    change(&mut settings);
    (Running::with(settings).await, stand_in.received)
}

fn body(received: &Received) -> Value {
    let requests = received.requests();
    let body = requests.last().unwrap().body.clone().unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// The `bedrock` objects of a whole answer and of a streamed one.
async fn passed_both_ways(fixture: &str) -> [Value; 2] {
    let (gateway, _) = gateway(|_| {}).await;
    let model = format!("replay.{fixture}");
    let asked = json!({"bedrock": {}});
    let answer = gateway
        .chat(&with(whole_question(&model), asked.clone()))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let events = gateway.stream(&with(question(&model), asked)).await;
    let end = events.chunks.last().unwrap();
    assert_eq!(end["choices"], json!([]));
    assert_eq!(end.get("usage"), None, "it was not asked for");
    [answer.json()["bedrock"].clone(), end["bedrock"].clone()]
}

#[tokio::test]
async fn a_guardrails_trace_stands_in_the_bedrock_object() {
    let [whole, streamed] = passed_both_ways("guardrail-intervened").await;
    assert_eq!(whole["stopReason"], "guardrail_intervened");
    let assessment = whole.pointer("/trace/guardrail/inputAssessment/gr0example12");
    assert!(assessment.is_some(), "{whole}");
    assert_eq!(whole["metrics"]["latencyMs"], 775);
    assert_eq!(whole, streamed);
}

#[tokio::test]
async fn citations_stand_there_with_their_locations() {
    let [whole, streamed] = passed_both_ways("citations").await;
    let cited = &whole["content"][0]["citationsContent"];
    assert_eq!(
        cited["content"][0]["text"],
        "the granite comes to the surface north of the lake"
    );
    let page = json!({"documentIndex": 0, "start": 3, "end": 4});
    assert_eq!(cited["citations"][0]["location"]["documentPage"], page);
    let other = &whole["content"][1]["citationsContent"]["citations"];
    assert_eq!(other.as_array().map(Vec::len), Some(2));
    assert_eq!(whole, streamed);
}

#[tokio::test]
async fn a_tool_that_bedrock_runs_stands_there_and_is_no_call() {
    let [whole, streamed] = passed_both_ways("nova-grounding").await;
    let kinds: Vec<_> = whole["content"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|block| block.as_object().unwrap().keys())
        .collect();
    assert_eq!(kinds, ["toolUse", "toolResult", "citationsContent"]);
    assert_eq!(whole["usage"]["serverToolUsage"]["webSearchRequests"], 1);
    assert_eq!(whole, streamed);

    let (gateway, _) = gateway(|_| {}).await;
    let events = gateway.stream(&question("replay.nova-grounding")).await;
    events.assert_whole("stop");
    assert!(events.tool_calls().is_empty());
    assert_eq!(events.content(), "It is raining in Oslo.");
}

#[tokio::test]
async fn an_annotation_covers_its_whole_block_in_a_stream_too() {
    let (gateway, _) = gateway(|_| {}).await;
    let answer = gateway.chat(&whole_question("replay.citations")).await;
    let message = &answer.json()["choices"][0]["message"];
    let [annotation] = message["annotations"].as_array().unwrap().as_slice() else {
        panic!("one page of the web: {message}");
    };
    let citation = &annotation["url_citation"];
    let [start, end] = ["start_index", "end_index"]
        .map(|member| usize::try_from(citation[member].as_u64().unwrap()).unwrap());
    let text = message["content"].as_str().unwrap();
    assert_eq!(&text[start..end], ", as maps show.");
    let events = gateway.stream(&question("replay.citations")).await;
    let mut streamed = events
        .chunks
        .iter()
        .filter_map(|chunk| chunk.pointer("/choices/0/delta/annotations/0/url_citation"));
    assert_eq!(streamed.next(), Some(citation));
    assert_eq!(streamed.next(), None);
}

#[tokio::test]
async fn without_a_bedrock_object_there_is_none_in_the_answer() {
    let (gateway, _) = gateway(|_| {}).await;
    let answer = gateway.chat(&whole_question("replay.citations")).await;
    assert_eq!(answer.json().get("bedrock"), None);
    let events = gateway.stream(&question("replay.citations")).await;
    assert!(
        events
            .chunks
            .iter()
            .all(|chunk| chunk.get("bedrock").is_none())
    );
}

#[tokio::test]
async fn settings_and_tags_reach_bedrock() {
    let (gateway, received) = gateway(|_| {}).await;
    let request = with(
        whole_question("replay.short-text"),
        json!({"metadata": {"team": "a"}, "bedrock": {
            "requestMetadata": {"project": "p"},
            "performanceConfig": {"latency": "optimized"},
            "promptVariables": {"city": {"text": "Oslo"}},
            "additionalModelResponseFieldPaths": ["/stop_sequence"],
        }}),
    );
    let answer = gateway.chat(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent = body(&received);
    assert_eq!(
        sent["requestMetadata"],
        json!({"team": "a", "project": "p"})
    );
    assert_eq!(sent["performanceConfig"]["latency"], "optimized");
    assert_eq!(sent["promptVariables"]["city"]["text"], "Oslo");
    assert_eq!(
        sent["additionalModelResponseFieldPaths"],
        json!(["/stop_sequence"])
    );
}

fn operators() -> Guardrail {
    Guardrail {
        id: Some("gr0operator1".to_owned()),
        version: Some("7".to_owned()),
        ..Guardrail::default()
    }
}

#[tokio::test]
async fn no_request_gets_around_the_operators_guardrail() {
    let (gateway, received) = gateway(|config| config.guardrail = operators()).await;
    let enforced = json!({"guardrailIdentifier": "gr0operator1", "guardrailVersion": "7"});
    for (object, ignored) in [
        (Value::Null, ""),
        (json!({}), ""),
        (json!({"guardrailConfig": null}), "bedrock.guardrailConfig"),
        (
            json!({"guardrailConfig": {"guardrailVersion": "1"}}),
            "bedrock.guardrailConfig",
        ),
        (
            json!({"guardrailConfig": {"streamProcessingMode": "async"}}),
            "bedrock.guardrailConfig",
        ),
        (
            json!({"guardrailConfig": "none", "requestMetadata": {"a": "b"}}),
            "bedrock.guardrailConfig",
        ),
        (
            json!({"GuardrailConfig": {"guardrailVersion": "1"}}),
            "bedrock.GuardrailConfig",
        ),
        (
            json!({"additionalModelRequestFields": {"amazon-bedrock-guardrailConfig": {"tagSuffix": "a"}}}),
            // The header names no path with a hyphen.
            "+1",
        ),
    ] {
        for ask in [question, whole_question] {
            let request = with(ask("replay.short-text"), json!({"bedrock": object}));
            let answer = gateway.chat(&request).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.header("x-outcrop-ignored"), ignored, "{object}");
            let body = body(&received);
            assert_eq!(body["guardrailConfig"], enforced, "{object}");
            assert_eq!(
                body.to_string()
                    .to_lowercase()
                    .matches("guardrailconfig")
                    .count(),
                1,
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn a_guardrail_checks_everything_unless_only_new_input_is_to_be_checked() {
    let pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg==";
    let request = json!({"model": MODEL, "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi"},
        {"role": "user", "content": [
            {"type": "text", "text": "What is this?"},
            {"type": "image_url", "image_url": {"url": pixel}},
        ]},
    ]});
    let (all, received) = gateway(|config| config.guardrail = operators()).await;
    assert_eq!(all.chat(&request).await.status, 200);
    assert!(!body(&received).to_string().contains("guardContent"));

    let only_new_input = Guardrail {
        only_new_input: true,
        ..operators()
    };
    let (new, received) = gateway(|config| config.guardrail = only_new_input).await;
    let answer = new.chat(&request).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let messages = body(&received)["messages"].take();
    assert_eq!(messages[0]["content"], json!([{"text": "Hello"}]));
    let last = &messages[2]["content"];
    assert_eq!(
        last[0],
        json!({"guardContent": {"text": {"text": "What is this?"}}})
    );
    assert_eq!(last[1]["guardContent"]["image"]["format"], "png");
    assert_eq!(last.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn results_of_tools_leave_nothing_unchecked() {
    let only_new_input = Guardrail {
        only_new_input: true,
        ..Guardrail::default()
    };
    let (gateway, received) = gateway(|config| config.guardrail = only_new_input).await;
    let guardrail = json!({"guardrailIdentifier": "gr0client", "guardrailVersion": "DRAFT"});
    let call =
        json!([{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]);
    let mut request = json!({
        "model": MODEL,
        "messages": [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "tool_calls": call},
            {"role": "tool", "tool_call_id": "call_1", "content": "Done."},
        ],
        "tools": [{"type": "function", "function": {"name": "f"}}],
        "bedrock": {"guardrailConfig": guardrail},
    });
    assert_eq!(gateway.chat(&request).await.status, 200);
    let sent = body(&received);
    assert_eq!(sent["guardrailConfig"], guardrail);
    assert!(!sent.to_string().contains("guardContent"));
    // Without a guardrail there is nothing to mark.
    request["bedrock"] = Value::Null;
    request["messages"] = json!([{"role": "user", "content": "Hello"}]);
    assert_eq!(gateway.chat(&request).await.status, 200);
    assert!(!body(&received).to_string().contains("guardContent"));
}
