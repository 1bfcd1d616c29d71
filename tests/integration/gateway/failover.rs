//! What a request keeps, and what it does not, on its way from one target to the next.

use std::time::Duration;

use outcrop::config::{self, Config};
use serde_json::{Value, json};

use super::targets::{called, gateway, refuse};
use crate::fetch::world::{CAT, World, gif};
use crate::support::bedrock::ScriptedBedrock;
use crate::support::events::Events;
use crate::support::gateway::{
    FIXTURES, Running, StandInServer, alias, config, question, whole_question, with,
};
use crate::support::messages::{WHOLE_ANSWER, exception, message_start, short_answer};
use crate::support::process::{Process, outcrop};

/// A model that sees images.
const SEEING: &str = "us.amazon.nova-lite-v1:0";
const DOT: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn looking(model: &str, image: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image}}
    ]}]})
}

#[tokio::test]
async fn the_first_target_may_be_one_that_cannot_take_the_request() {
    let model = alias(
        "seeing",
        &["replay.llama-tool-call", "replay.image-question"],
    );
    let (stand_in, gateway) = gateway(model).await;
    let answer = gateway.chat(&looking("seeing", DOT)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(called(&stand_in), ["us-east-1/replay.image-question"]);
    // What none can take is refused in the words for the first.
    let (stand_in, gateway) = super::targets::gateway(alias(
        "blind",
        &["replay.llama-tool-call", "replay.mistral-text"],
    ))
    .await;
    let answer = gateway.chat(&looking("blind", DOT)).await;
    assert_eq!(answer.error().0, 400);
    assert!(called(&stand_in).is_empty());
}

#[tokio::test]
async fn a_target_that_rests_is_still_asked_what_the_others_cannot_take() {
    let model = alias("pair", &["replay.throttled", "replay.llama-tool-call"]);
    let (_stand_in, gateway) = gateway(model).await;
    assert_eq!(gateway.chat(&whole_question("pair")).await.status, 200);
    let answer = gateway.chat(&looking("pair", DOT)).await;
    // Busy, and not a request that nobody takes.
    assert_eq!(answer.status, 429, "{}", answer.text());
}

#[tokio::test]
async fn a_target_that_is_only_busy_is_what_the_client_is_told_of() {
    let model = alias("pair", &["replay.throttled", "replay.error-access-denied"]);
    let (stand_in, gateway) = gateway(model).await;
    for stream in [false, true] {
        let request = with(whole_question("pair"), json!({"stream": stream}));
        let answer = gateway.chat(&request).await;
        assert_eq!(answer.status, 429, "{}", answer.text());
        assert_eq!(answer.header("x-outcrop-attempts"), "2");
    }
    // The second request came while the first target rested, and went on to it all the same.
    let busy = called(&stand_in)
        .iter()
        .filter(|call| call.ends_with("throttled"))
        .count();
    assert_eq!(busy, 2);
}

#[tokio::test]
async fn images_are_fetched_once_for_all_targets() {
    let world = World::with([gif()]).await;
    let stand_in = StandInServer::start().await;
    let settings = Config {
        models: vec![alias(
            "seeing",
            &["replay.throttled", "replay.image-question"],
        )],
        ..config(&stand_in.url)
    };
    let fetcher = world.fetcher(&config::Fetch::default());
    let gateway = Running::fetching(settings, fetcher).await;
    let answer = gateway.chat(&looking("seeing", CAT)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(called(&stand_in).len(), 2);
    assert_eq!(world.server.received().len(), 1);
}

#[tokio::test]
async fn an_error_tells_the_window_of_the_model_that_answered() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.models = vec![alias(
        "pair",
        &[
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.amazon.nova-micro-v1:0",
        ],
    )];
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client.chat(&question("pair")).await;
    let mut call = bedrock.call().await;
    refuse(&mut call, 503, "ServiceUnavailableException", "Busy.").await;
    let mut call = bedrock.call().await;
    call.begin_stream().await;
    call.send(message_start()).await;
    call.send(exception("validationException", "Input is too long."))
        .await;
    let answer = client.answer().await;
    let told = "This model's maximum context length is 128000 tokens";
    assert!(answer.text().contains(told), "{}", answer.text());
}

#[tokio::test]
async fn the_log_names_the_target_that_was_called_last() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcrop.toml");
    let models = "[bedrock]\nmax_attempts = 1\n[[models]]\nid = \"pair\"\n\
                  targets = [\"replay.throttled\", \"eu-west-1/replay.throttled\"]\n";
    std::fs::write(&file, models).unwrap();
    let mut command = outcrop(&["serve", "--listen", "127.0.0.1:0", "--replay", FIXTURES]);
    command.args(["--log-format", "json", "--speed", "0", "--config"]);
    let mut process = Process::start(command.arg(&file));
    let mut client = process.connect().await;
    client
        .chat(&with(whole_question("pair"), json!({"n": 2})))
        .await;
    assert_eq!(client.answer().await.status, 429);
    process.signal("TERM");
    let (_, log) = process.ended().await;
    let line = log.iter().find(|line| line.contains("outcrop::access"));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    assert_eq!(line["upstream_target"], "eu-west-1/replay.throttled");
    // A name that is there twice is lost to most readers.
    for line in &log {
        assert_eq!(line.matches(r#""target":"#).count(), 1, "{line}");
    }
}

#[tokio::test]
async fn a_target_whose_request_nobody_else_can_take_has_all_attempts() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.bedrock.max_attempts = 2;
    settings.models = vec![alias("pair", &[SEEING, "us.amazon.nova-micro-v1:0"])];
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client.chat(&looking("pair", DOT)).await;
    for _ in 0..2 {
        let mut call = bedrock.call().await;
        assert!(call.head.contains("nova-lite"), "{}", call.head);
        refuse(&mut call, 503, "ServiceUnavailableException", "Busy.").await;
    }
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (503, "2")
    );
}

#[tokio::test]
async fn what_one_target_refused_the_next_is_still_asked_for() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.models = vec![alias("pair", &[SEEING, &format!("us-west-2/{SEEING}")])];
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    let request = with(whole_question("pair"), json!({"temperature": 0.5}));
    client.chat(&request).await;
    let temperature = |body: &[u8]| {
        let body: Value = serde_json::from_slice(body).unwrap();
        body["inferenceConfig"]["temperature"].clone()
    };
    let mut call = bedrock.call().await;
    assert_eq!(temperature(&call.body), 0.5);
    let text = "`temperature` is deprecated for this model.";
    refuse(&mut call, 400, "ValidationException", text).await;
    let mut call = bedrock.call().await;
    assert_eq!(temperature(&call.body), Value::Null);
    refuse(&mut call, 503, "ServiceUnavailableException", "Busy.").await;
    let mut call = bedrock.call().await;
    assert!(call.head.contains("/us-west-2/"), "{}", call.head);
    assert_eq!(temperature(&call.body), 0.5);
    call.answer(200, "content-type: application/json\r\n", WHOLE_ANSWER)
        .await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.status, answer.header("x-outcrop-attempts")),
        (200, "3")
    );
    assert_eq!(answer.header("x-outcrop-adjusted"), "");
}

#[tokio::test]
async fn a_stream_goes_to_the_next_target_after_its_head_has_gone_out() {
    let bedrock = ScriptedBedrock::start().await;
    let mut settings = config(&bedrock.url());
    settings.commit_after = Some(Duration::from_millis(1));
    settings.models = vec![alias("pair", &[SEEING, &format!("us-west-2/{SEEING}")])];
    let gateway = Running::with(settings).await;
    let mut client = gateway.connect().await;
    client.chat(&question("pair")).await;
    let mut call = bedrock.call().await;
    let head = client.head().await;
    assert_eq!(head.status, 200);
    refuse(&mut call, 503, "ServiceUnavailableException", "Busy.").await;
    let mut call = bedrock.call().await;
    assert!(call.head.contains("/us-west-2/"), "{}", call.head);
    call.begin_stream().await;
    call.stream_all(&short_answer()).await;
    let events = Events::parse(&client.body(&head).await);
    events.assert_whole("stop");
    assert!(events.chunks.iter().all(|chunk| chunk["model"] == "pair"));
}
