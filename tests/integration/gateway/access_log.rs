//! The access log: one line for each request, and never a word of a conversation.

use outcrop::keys::Timestamp;
use serde_json::{Value, json};

use crate::support::bedrock::ScriptedBedrock;
use crate::support::gateway::{FIXTURES, MODEL, question, whole_question, with};
use crate::support::keys::{KeyFile, bearer};
use crate::support::messages::{exception, message_start, message_stop, metadata, text_delta};
use crate::support::process::{Process, outcrop};

fn is_access_line(line: &str) -> bool {
    line.contains("outcrop::access")
}

#[tokio::test]
async fn each_request_has_one_line_that_tells_what_became_of_it() {
    let mut command = outcrop(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--speed",
        "0",
        "--replay",
        FIXTURES,
        "--log-format",
        "json",
    ]);
    let mut process = Process::start(&mut command);
    let mut client = process.connect().await;
    let stream = question("replay.cached-usage");
    let requests = [
        ("/v1/chat/completions", stream.to_string(), 200),
        (
            "/v1/chat/completions",
            whole_question("replay.short-text").to_string(),
            200,
        ),
        (
            "/v1/chat/completions",
            question("replay.error-access-denied").to_string(),
            404,
        ),
        (
            "/v1/chat/completions",
            question("replay.exception-in-mid-stream").to_string(),
            200,
        ),
        ("/v1/chat/completions", "{".to_owned(), 400),
        ("/no-such-marker-path", String::new(), 404),
    ];
    for (number, (path, body, status)) in requests.iter().enumerate() {
        let id = format!("request-{number}");
        client
            .send("POST", path, &[("x-request-id", &id)], body)
            .await;
        assert_eq!(client.answer().await.status, *status, "{path} {body}");
    }
    process.signal("TERM");
    let (_, log) = process.ended().await;
    let lines: Vec<Value> = log
        .iter()
        .filter(|line| is_access_line(line))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), requests.len(), "{log:#?}");
    for (number, (line, (_, _, status))) in lines.iter().zip(&requests).enumerate() {
        assert_eq!(line["request_id"], format!("request-{number}"));
        assert_eq!(line["status"], *status, "{line}");
        assert!(
            line["duration_ms"]
                .as_f64()
                .is_some_and(|duration| duration > 0.0),
            "{line}"
        );
    }
    assert_eq!(lines[0]["model"], "replay.cached-usage");
    assert_eq!(lines[0]["upstream_target"], "us-east-1/replay.cached-usage");
    assert_eq!(lines[0]["route"], "/v1/chat/completions");
    assert_eq!(
        (&lines[0]["stream"], &lines[0]["attempts"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(lines[0]["stop_reason"], "end_turn");
    for member in [
        "first_token_ms",
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
    ] {
        assert!(
            lines[0][member].as_f64().is_some_and(|value| value > 0.0),
            "{member}: {}",
            lines[0]
        );
    }
    assert!(
        lines[0]["upstream_request_id"].is_string() && lines[0].get("error").is_none(),
        "{}",
        lines[0]
    );
    assert_eq!(lines[2]["error"], "model_not_found");
    assert_eq!(lines[3]["error"], "model_error");
    assert_eq!(lines[4]["error"], "invalid_request_error");
    assert_eq!(
        (&lines[5]["error"], &lines[5]["route"]),
        (&json!("unknown_url"), &json!("unknown"))
    );
    assert!(!log.join("\n").contains("no-such-marker-path"));
}

#[tokio::test]
async fn no_log_holds_a_word_of_a_conversation_or_a_secret() {
    const MARKER: &str = "quartzite";
    let bedrock = ScriptedBedrock::start().await;
    let mut command = outcrop(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("RUST_LOG", "trace")
        .env("AWS_REGION", "us-east-1");
    command
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url())
        .env("OUTCROP_BEDROCK_MAX_ATTEMPTS", "1");
    command
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret-quartzite");
    command.env("OUTCROP_API_KEY", "sk-quartzite");
    let mut process = Process::start(&mut command);
    let mut client = process.connect().await;
    let key = [("authorization", "Bearer sk-quartzite")];
    let messages =
        json!([{"role": "system", "content": MARKER}, {"role": "user", "content": MARKER}]);
    let request = with(
        question(MODEL),
        json!({"messages": messages, "user": MARKER, "metadata": {MARKER: MARKER}}),
    );
    let ends = [
        vec![message_stop(), metadata()],
        vec![exception("modelStreamErrorException", "The model said no.")],
        vec![vec![0; 16]],
        vec![],
    ];
    for end in &ends {
        client
            .send("POST", "/v1/chat/completions", &key, request.to_string())
            .await;
        let mut call = bedrock.stream().await;
        let sent = String::from_utf8(call.body.clone()).unwrap();
        assert!(sent.contains(MARKER), "{sent}");
        call.stream_all(&[vec![message_start(), text_delta(MARKER)], end.clone()].concat())
            .await;
        // Else a connection that may be used again would keep the next call from arriving on a new one.
        drop(call);
        assert!(client.answer().await.text().contains(MARKER));
    }
    // Wrong requests, which are told what is wrong with them, and wrong keys.
    for body in [
        format!("{{\"model\": \"{MARKER}"),
        json!({"model": MODEL, "messages": [{"role": MARKER}]}).to_string(),
    ] {
        client
            .send("POST", "/v1/chat/completions", &key, body)
            .await;
        assert_eq!(client.answer().await.status, 400);
    }
    client
        .send(
            "POST",
            "/v1/chat/completions",
            &[("x-api-key", "wrong-quartzite")],
            "{}",
        )
        .await;
    assert_eq!(client.answer().await.status, 401);
    process.signal("TERM");
    let (_, log) = process.ended().await;
    assert_eq!(
        log.iter().filter(|line| is_access_line(line)).count(),
        ends.len() + 3,
        "{log:#?}"
    );
    let log = log.join("\n");
    assert!(!log.contains(MARKER), "{log}");
}

#[tokio::test]
async fn a_managed_key_is_told_by_its_id_and_name_and_never_by_itself() {
    let keys = KeyFile::new().await;
    let key = keys.issue(json!({"name": "search", "rpm": 2})).await;
    let revoked = keys.issue(json!({"name": "stolen"})).await;
    let done = keys.administration.revoke("stolen", Timestamp::now()).await;
    done.unwrap();
    let mut command = outcrop(&[
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--speed",
        "0",
        "--replay",
        FIXTURES,
        "--log-format",
        "json",
    ]);
    command
        .env("RUST_LOG", "trace")
        .env("OUTCROP_KEYS_STORE", keys.location());
    let mut process = Process::start(&mut command);
    let mut client = process.connect().await;
    let question = whole_question("replay.short-text").to_string();
    let mistyped = format!("{}-", bearer(&key));
    for (presented, status) in [
        (bearer(&key), 200),
        (bearer(&key), 200),
        (bearer(&key), 429),
        (bearer(&revoked), 401),
        (mistyped, 401),
    ] {
        let headers = [("authorization", presented.as_str())];
        let path = "/v1/chat/completions";
        client.send("POST", path, &headers, question.clone()).await;
        assert_eq!(client.answer().await.status, status);
    }
    process.signal("TERM");
    let (_, log) = process.ended().await;
    let lines = log.iter().filter(|line| is_access_line(line));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5, "{log:#?}");
    let id = key.view.id.to_string();
    for line in &lines[..3] {
        assert_eq!(
            (&line["key_id"], &line["key_name"]),
            (&json!(id), &json!("search"))
        );
    }
    assert_eq!(lines[2]["error"], "rate_limit_exceeded");
    for line in &lines[3..] {
        assert_eq!(
            (&line["error"], &line["key_id"]),
            (&json!("invalid_api_key"), &Value::Null)
        );
    }
    let log = log.join("\n");
    for key in [&key, &revoked] {
        let secret = key.key.expose();
        let (_, end) = secret.split_at(secret.len() - 40);
        assert!(!log.contains(end), "{log}");
    }
}

#[tokio::test]
async fn a_client_that_left_is_told_as_one() {
    let bedrock = ScriptedBedrock::start().await;
    let mut command = outcrop(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url());
    command
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    let mut process = Process::start(&mut command);
    let address = process.address().await;
    for (begins, status) in [(false, "status=499"), (true, "status=200")] {
        let mut client = crate::support::client::Connection::open(address).await;
        client.chat(&question(MODEL)).await;
        let mut call = bedrock.call().await;
        if begins {
            call.begin_stream().await;
            call.send([message_start(), text_delta("Hel")].concat())
                .await;
            client.head().await;
            client.chunk().await.unwrap();
        }
        drop(client);
        let line = process.line_with("outcrop::access").await;
        assert!(
            line.contains(status) && line.contains("client_left"),
            "{line}"
        );
        call.gone().await;
    }
}
