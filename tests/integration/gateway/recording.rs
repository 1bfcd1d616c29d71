//! What `--record` writes is what `--replay` plays.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use outcrop::fixture::Recorder;

use crate::support::bedrock::ScriptedBedrock;
use crate::support::client::Answer;
use crate::support::events::Events;
use crate::support::gateway::FIXTURES;
use crate::support::gateway::{
    MODEL, Running, StandInServer, config, question, whole_question, with,
};
use crate::support::messages::{WHOLE_ANSWER, short_answer};
use crate::support::process::{Process, outcrop};

/// The recordings in a folder, oldest name first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A body without what differs between two answers by nature.
fn comparable(answer: &Answer) -> String {
    let text = answer.text();
    let mut events = Vec::new();
    for event in text.split_inclusive("\n\n") {
        let data = event.strip_prefix("data: ").unwrap_or(event);
        match serde_json::from_str::<Value>(data) {
            Ok(mut value) if value.is_object() => {
                for member in ["id", "created", "model"] {
                    value[member].take();
                }
                events.push(value.to_string());
            }
            _ => events.push(event.to_owned()),
        }
    }
    format!("{} {}", answer.status, events.join("\n"))
}

/// Records the answer to `request`, replays the recording, and returns both answers.
async fn recorded_and_replayed(request: &Value) -> (Answer, Answer) {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(folder.path()).unwrap();
    let stand_in = StandInServer::start().await;
    let gateway = Running::recording(config(&stand_in.url), Some(recorder.clone())).await;
    let live = gateway.chat(request).await;
    recorder.idle().await;
    let [file] = files(folder.path()).try_into().unwrap();
    let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
    let replay = Running::before(&StandInServer::of(folder.path()).await.url).await;
    let replayed = replay
        .chat(&with(
            request.clone(),
            json!({"model": format!("replay.{name}")}),
        ))
        .await;
    (live, replayed)
}

#[tokio::test]
async fn a_recorded_answer_replays_to_the_same_events() {
    for fixture in [
        "short-text",
        "unicode-text",
        "cached-usage",
        "max-tokens",
        "guardrail-intervened",
        "tool-calls-parallel",
        "reasoning-then-tool-call",
        "throttled",
        "throttled-in-first-message",
        "error-access-denied",
    ] {
        let model = format!("replay.{fixture}");
        let usage = json!({"stream_options": {"include_usage": true}});
        for request in [with(question(&model), usage), whole_question(&model)] {
            let (live, replayed) = recorded_and_replayed(&request).await;
            assert_eq!(comparable(&replayed), comparable(&live), "{fixture}");
        }
    }
}

#[tokio::test]
async fn a_recorded_failure_replays_to_the_same_error_event() {
    for fixture in [
        "exception-in-mid-stream",
        "exception-in-tool-call",
        "connection-reset",
        "connection-truncated",
        "ended-before-message-stop",
    ] {
        let request = question(&format!("replay.{fixture}"));
        let (live, replayed) = recorded_and_replayed(&request).await;
        let (live, replayed) = (Events::parse(&live.body), Events::parse(&replayed.body));
        assert_eq!(replayed.content(), live.content(), "{fixture}");
        assert_eq!(replayed.chunks.len(), live.chunks.len(), "{fixture}");
        // How a connection was lost may be told in other words.
        replayed.assert_failed(live.error.unwrap()["code"].as_str());
    }
}

#[tokio::test]
async fn an_answer_after_an_early_head_is_recorded_too() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(folder.path()).unwrap();
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.commit_after = Some(Duration::from_millis(10));
    let gateway = Running::recording(settings, Some(recorder.clone())).await;
    // A model that streams, and one that has no tools in streams and is asked for a whole answer.
    let tools = json!([{"type": "function", "function": {"name": "look"}}]);
    let whole = with(
        question("us.meta.llama3-3-70b-instruct-v1:0"),
        json!({"tools": tools}),
    );
    for (request, recordings) in [(question(MODEL), 1), (whole, 2)] {
        let mut client = gateway.connect().await;
        client.chat(&request).await;
        let mut call = bedrock.call().await;
        let head = client.head().await;
        if call.head.contains("/converse-stream") {
            call.begin_stream().await;
            call.stream_all(&short_answer()).await;
        } else {
            call.answer(200, "connection: close\r\n", WHOLE_ANSWER)
                .await;
        }
        drop(call);
        Events::parse(&client.body(&head).await).assert_whole("stop");
        recorder.idle().await;
        assert_eq!(files(folder.path()).len(), recordings);
    }
}

#[tokio::test]
async fn the_binary_records_for_its_owner_alone_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("recordings");
    let mut command = outcrop(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--speed",
        "0",
        "--replay",
        FIXTURES,
        "--record",
    ]);
    command.arg(&target).env("OUTCROP_API_KEY", "sk-marker");
    let mut process = Process::start(&mut command);
    let mut client = process.connect().await;
    let headers = [
        ("authorization", "Bearer sk-marker"),
        ("x-marker", "marker-header"),
        ("user-agent", "marker-agent"),
    ];
    client
        .send(
            "POST",
            "/v1/chat/completions",
            &headers,
            question("replay.short-text").to_string(),
        )
        .await;
    let live = client.answer().await;
    assert_eq!(live.status, 200, "{}", live.text());
    process.signal("TERM");
    let (status, _) = process.ended().await;
    assert_eq!(status.code(), Some(0));

    let [file] = files(&target).try_into().unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        fs::metadata(&target).unwrap().permissions().mode() & 0o777,
        0o700
    );
    let text = fs::read_to_string(&file).unwrap();
    for secret in [
        "marker",
        "authorization",
        "AKIA",
        "AWS4-HMAC",
        "Signature",
        "x-amz-date",
    ] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.contains("Hello"));

    let mut command = outcrop(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--speed",
        "0",
        "--replay",
    ]);
    let mut process = Process::start(command.arg(&target));
    let mut client = process.connect().await;
    let name = file.file_stem().unwrap().to_str().unwrap();
    client.chat(&question(&format!("replay.{name}"))).await;
    assert_eq!(comparable(&client.answer().await), comparable(&live));
}

#[tokio::test]
async fn a_client_that_leaves_leaves_no_recording() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(folder.path()).unwrap();
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::recording(config(&bedrock.url()), Some(recorder.clone())).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.send(short_answer()[..2].concat()).await;
    client.head().await;
    client.chunk().await.unwrap();
    drop(client);
    call.gone().await;
    recorder.idle().await;
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_client_that_leaves_with_the_end_of_an_answer_leaves_its_recording() {
    let folder = tempfile::tempdir().unwrap();
    let recorder = Recorder::new(folder.path()).unwrap();
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::recording(config(&bedrock.url()), Some(recorder.clone())).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    // The answer is whole, and the connection does not end yet.
    call.send(short_answer().concat()).await;
    client.head().await;
    let mut received = Vec::new();
    while !String::from_utf8_lossy(&received).contains("[DONE]") {
        received.extend_from_slice(&client.chunk().await.unwrap());
    }
    drop(client);
    call.gone().await;
    recorder.idle().await;
    assert_eq!(files(folder.path()).len(), 1);
}
