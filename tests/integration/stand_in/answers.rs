//! What is recorded is what is answered.

use std::fs;
use std::path::Path;
use std::time::Duration;

use outcrop::fixture::{Operation, Outcome, Recorder};
use serde_json::json;

use super::{
    FIXTURES, converse, converse_stream, fixtures, get, hello, open, serve, text, with_tools,
};

#[tokio::test]
async fn one_recording_answers_both_operations_alike() {
    let served = fixtures().await;
    let streamed = converse_stream(&served, "replay.short-text", &hello()).await;
    assert_eq!(
        streamed.headers["content-type"],
        "application/vnd.amazon.eventstream"
    );
    let events = streamed.events();
    assert_eq!(
        text(&events),
        "An outcrop is where bedrock comes to the surface."
    );
    let (last, metadata) = events.last().unwrap();
    assert_eq!(last, "metadata");
    assert!(metadata["p"].is_string());

    let whole = converse(&served, "replay.short-text", &hello()).await;
    assert_eq!(whole.headers["content-type"], "application/json");
    let body = whole.json();
    assert_eq!(
        body["output"]["message"],
        json!({"content": [{"text": text(&events)}], "role": "assistant"})
    );
    assert_eq!(
        (&body["usage"], &body["stopReason"]),
        (&metadata["usage"], &json!("end_turn"))
    );
    assert_ne!(
        whole.headers["x-amzn-requestid"],
        streamed.headers["x-amzn-requestid"]
    );
    let requests = served.received.requests();
    assert!(
        requests
            .iter()
            .all(|request| request.outcome == Outcome::Finished)
    );
}

#[tokio::test]
async fn a_long_text_arrives_whole_in_1000_deltas() {
    let served = fixtures().await;
    let events = converse_stream(&served, "replay.long-text", &hello())
        .await
        .events();
    let deltas = events
        .iter()
        .filter(|(name, _)| name == "contentBlockDelta")
        .count();
    assert_eq!(deltas, 1000);
    assert!(text(&events).ends_with("so that the next visitor can read it too."));
}

#[tokio::test]
async fn a_whole_answer_is_cut_into_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    let lines = concat!(
        r#"{"model":"amazon.nova-pro-v1:0","operation":"Converse","request":null}"#,
        "\n",
        r#"{"ms":5,"status":200,"headers":{},"body":{"output":{"message":{"role":"assistant","content":[{"text":"One, two, three, four, five."}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3},"metrics":{"latencyMs":4}}}"#,
    );
    fs::write(folder.path().join("whole.jsonl"), lines).unwrap();
    let served = serve(folder.path(), open()).await;
    let events = converse_stream(&served, "us.amazon.nova-pro-v1:0", &hello())
        .await
        .events();
    assert_eq!(text(&events), "One, two, three, four, five.");
    let names: Vec<_> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.first(), Some(&"messageStart"));
    assert_eq!(
        names[names.len() - 3..],
        ["contentBlockStop", "messageStop", "metadata"]
    );
}

#[tokio::test]
async fn a_tool_loop_goes_forward_with_the_conversation() {
    let served = fixtures().await;
    let mut body = with_tools(
        json!({"messages": [{"role": "user", "content": [{"text": "Find the key and open the box."}]}]}),
    );
    let mut calls = Vec::new();
    loop {
        let answer = converse(&served, "replay.tool-loop", &body).await.json();
        let message = answer["output"]["message"].clone();
        let blocks = message["content"].as_array().unwrap();
        let Some(call) = blocks.iter().find_map(|block| block.get("toolUse")) else {
            assert_eq!(answer["stopReason"], "end_turn");
            break;
        };
        let id = call["toolUseId"].clone();
        calls.push(call["name"].as_str().unwrap().to_owned());
        let result = json!({"toolResult": {"toolUseId": id, "content": [{"text": "done"}]}});
        let messages = body["messages"].as_array_mut().unwrap();
        messages.push(message);
        messages.push(json!({"role": "user", "content": [result]}));
    }
    assert_eq!(calls, ["search", "open_box"]);
}

#[tokio::test]
async fn a_call_that_is_replayed_twice_gets_another_id() {
    let served = fixtures().await;
    let first = converse(&served, "replay.tool-call", &with_tools(hello()))
        .await
        .json();
    let message = &first["output"]["message"];
    let id = &message["content"][0]["toolUse"]["toolUseId"];
    let result = json!({"toolResult": {"toolUseId": id, "content": [{"text": "done"}]}});
    let again = with_tools(json!({"messages": [
        {"role": "user", "content": [{"text": "Hello"}]},
        message,
        {"role": "user", "content": [result]},
        {"role": "assistant", "content": [{"text": "Sunny."}]},
        {"role": "user", "content": [{"text": "And now?"}]},
    ]}));
    let whole = converse(&served, "replay.tool-call", &again).await.json();
    let fresh = &whole["output"]["message"]["content"][0]["toolUse"]["toolUseId"];
    assert_ne!(fresh, id);
    let events = converse_stream(&served, "replay.tool-call", &again)
        .await
        .events();
    assert_eq!(&events[1].1["start"]["toolUse"]["toolUseId"], fresh);
}

#[tokio::test]
async fn fixtures_are_listed_as_profiles_of_recorded_models() {
    let served = fixtures().await;
    let mut ids = Vec::new();
    let mut path = "/inference-profiles?type=SYSTEM_DEFINED&maxResults=10".to_owned();
    loop {
        let page = get(&served, &path).await.json();
        let profiles = page["inferenceProfileSummaries"]
            .as_array()
            .unwrap()
            .clone();
        assert!(profiles.len() <= 10);
        ids.extend(
            profiles
                .iter()
                .map(|profile| profile["inferenceProfileId"].as_str().unwrap().to_owned()),
        );
        let Some(token) = page["nextToken"].as_str() else {
            break;
        };
        path = format!("/inference-profiles?type=SYSTEM_DEFINED&maxResults=10&nextToken={token}");
    }
    let streams = fs::read_dir(Path::new(FIXTURES).join("streams"))
        .unwrap()
        .count();
    assert_eq!(ids.len(), streams);
    assert!(ids.is_sorted() && ids.contains(&"replay.tool-loop".to_owned()));

    for id in [
        "replay.nova-text",
        "arn%3Aaws%3Abedrock%3Aus-east-1%3A000000000000%3Ainference-profile%2Freplay.nova-text",
    ] {
        let profile = get(&served, &format!("/inference-profiles/{id}"))
            .await
            .json();
        assert_eq!(
            profile["models"][0]["modelArn"],
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
        );
    }
    let unknown = get(&served, "/inference-profiles/replay.nothing").await;
    assert_eq!(
        unknown.error(),
        (404, "ResourceNotFoundException".to_owned())
    );

    let models = get(&served, "/foundation-models?byProvider=Anthropic")
        .await
        .json();
    let models = models["modelSummaries"].as_array().unwrap();
    assert!(models.len() >= 3);
    assert!(
        models
            .iter()
            .all(|model| model["providerName"] == "Anthropic")
    );
    let images = get(&served, "/foundation-models?byOutputModality=IMAGE")
        .await
        .json();
    assert_eq!(images, json!({"modelSummaries": []}));
    for path in [
        "/foundation-models?byOutputModality=SMELL",
        "/inference-profiles?maxResults=0",
        "/inference-profiles?nextToken=x",
    ] {
        assert_eq!(
            get(&served, path).await.error().1,
            "ValidationException",
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_recorded_replays_to_the_same_bytes() {
    let served = fixtures().await;
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(folder.path()).unwrap();
    let original = converse_stream(&served, "replay.unicode-text", &hello())
        .await
        .body;
    let mut recording = recorder.begin(
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        Operation::ConverseStream,
        hello().to_string().as_bytes(),
    );
    for (index, chunk) in (0_u64..).zip(original.chunks(97)) {
        recording.event_bytes(chunk, Duration::from_millis(index));
    }
    recording.finish(None);
    recorder.idle().await;

    let again = serve(folder.path(), open()).await;
    let model = "anthropic.claude-haiku-4-5-20251001-v1:0";
    assert_eq!(
        converse_stream(&again, model, &hello()).await.body,
        original
    );
}
