//! What `/metrics` says after traffic.

use serde_json::json;

use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{MODEL, Running, StandInServer, question, whole_question, with};
use crate::support::messages::{message_start, text_delta};

/// The value, as it is written, of the line that begins with `name` and holds every part of `labels`.
fn value<'a>(page: &'a str, name: &str, labels: &[&str]) -> Option<&'a str> {
    let line = page.lines().find(|line| {
        let rest = line.strip_prefix(name).unwrap_or_default();
        rest.starts_with(['{', ' ']) && labels.iter().all(|label| rest.contains(label))
    });
    Some(line?.rsplit_once(' ')?.1)
}

async fn page(gateway: &Running) -> String {
    let answer = gateway.get("/metrics").await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("content-type").contains("text"),
        "{}",
        answer.header("content-type")
    );
    answer.text().to_owned()
}

#[tokio::test]
async fn after_traffic_everything_is_counted() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let mut client = gateway.connect().await;
    let usage = json!({"stream_options": {"include_usage": true}});
    for request in [
        question("replay.short-text"),
        whole_question("replay.short-text"),
        with(question("replay.cached-usage"), usage),
        question("replay.exception-in-mid-stream"),
        question("replay.error-access-denied"),
        question("no-such-model-marker"),
    ] {
        client.chat(&request).await;
        client.answer().await;
    }
    let page = page(&gateway).await;
    let chat = r#"route="/v1/chat/completions""#;
    let count = |name: &str, labels: &[&str]| {
        value(&page, name, labels).unwrap_or_else(|| panic!("{name} {labels:?} is not in {page}"))
    };
    let number = |name: &str, labels: &[&str]| count(name, labels).parse::<f64>().unwrap();
    let short = r#"model="replay.short-text""#;
    assert_eq!(
        count(
            "outcrop_requests_total",
            &[chat, short, r#"stream="true""#, r#"status="200""#]
        ),
        "1"
    );
    assert_eq!(
        count(
            "outcrop_requests_total",
            &[chat, short, r#"stream="false""#, r#"status="200""#]
        ),
        "1"
    );
    assert_eq!(
        count("outcrop_requests_total", &[chat, r#"status="404""#]),
        "2"
    );
    assert_eq!(
        count("outcrop_errors_total", &[r#"code="model_error""#]),
        "1"
    );
    assert_eq!(
        count("outcrop_errors_total", &[r#"code="model_not_found""#]),
        "2"
    );
    assert_eq!(
        count("outcrop_tokens_total", &[short, r#"kind="input""#]),
        "28"
    );
    assert_eq!(
        count("outcrop_tokens_total", &[short, r#"kind="output""#]),
        "30"
    );
    assert!(
        number(
            "outcrop_tokens_total",
            &[r#"model="replay.cached-usage""#, r#"kind="cache_read""#]
        ) > 0.0
    );
    assert_eq!(
        count("outcrop_time_to_first_token_seconds_count", &[short]),
        "1"
    );
    assert_eq!(
        count(
            "outcrop_overhead_seconds_count",
            &[chat, r#"stream="true""#]
        ),
        "3"
    );
    assert!(number("outcrop_overhead_seconds_sum", &[chat, r#"stream="true""#]) > 0.0);
    assert_eq!(
        count(
            "outcrop_request_duration_seconds_count",
            &[chat, r#"stream="false""#]
        ),
        "1"
    );
    assert_eq!(count("outcrop_open_streams", &[]), "0");
    assert!(
        number(
            "outcrop_upstream_attempts_total",
            &[r#"operation="ConverseStream""#]
        ) >= 4.0
    );
    assert_eq!(
        count(
            "outcrop_upstream_errors_total",
            &[r#"exception="AccessDeniedException""#]
        ),
        "1"
    );
    // What a client makes up is no label.
    assert!(!page.contains("no-such-model-marker"), "{page}");
}

#[tokio::test]
async fn an_open_stream_is_counted_until_its_client_leaves() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.send([message_start(), text_delta("Hel")].concat())
        .await;
    client.head().await;
    assert_eq!(
        value(&page(&gateway).await, "outcrop_open_streams", &[]),
        Some("1")
    );
    drop(client);
    call.gone().await;
    let mut page = page(&gateway).await;
    while value(&page, "outcrop_open_streams", &[]) != Some("0") {
        page = self::page(&gateway).await;
    }
    assert_eq!(
        value(&page, "outcrop_errors_total", &[r#"code="client_left""#]),
        Some("1")
    );
}

#[tokio::test]
async fn the_overhead_does_not_hold_bedrocks_time() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    gateway
        .stream(&question("replay.short-text"))
        .await
        .assert_whole("stop");
    let page = page(&gateway).await;
    // Microseconds have buckets of their own.
    assert!(
        page.contains(r#"le="0.00001""#) || page.contains(r#"le="1e-5""#),
        "{page}"
    );
    let count = value(
        &page,
        "outcrop_overhead_seconds_bucket",
        &[r#"le="+Inf""#, r#"stream="true""#],
    );
    assert_eq!(count, Some("1"));
}

#[tokio::test]
async fn what_the_prompt_cache_did_is_counted() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let prompt = "You find what is lost, and open what is closed. ".repeat(500);
    let request = json!({"model": MODEL, "messages": [
        {"role": "system", "content": prompt}, {"role": "user", "content": "Find the key."},
    ], "tools": [{"type": "function", "function": {"name": "search"}}]});
    for (read, written) in [(0, 9000), (9000, 0), (0, 9000), (0, 0)] {
        let mut client = gateway.connect().await;
        client.chat(&request).await;
        let usage = json!({"inputTokens": 3, "outputTokens": 5, "totalTokens": 9008,
            "cacheReadInputTokens": read, "cacheWriteInputTokens": written});
        let message = json!({"role": "assistant", "content": [{"text": "Yes."}]});
        let answer =
            json!({"output": {"message": message}, "stopReason": "end_turn", "usage": usage});
        let mut call = bedrock.call().await;
        call.answer(200, "connection: close\r\n", &answer.to_string())
            .await;
        assert_eq!(client.answer().await.status, 200);
    }
    let page = page(&gateway).await;
    for status in ["first_write", "hit", "miss_avoidable"] {
        let label = format!(r#"status="{status}""#);
        let counted = value(&page, "outcrop_prompt_cache_total", &[MODEL, &label]);
        assert_eq!(counted, Some("1"), "{status}");
    }
    assert!(!page.contains("miss_ttl_expired"));
}
