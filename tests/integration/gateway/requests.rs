//! Requests that are wrong: each is told what is wrong with it, and the connection goes on.

use serde_json::{Value, json};

use outcrop::config::Config;

use crate::support::bedrock::chunk;
use crate::support::client::{Answer, Connection};
use crate::support::gateway::{Running, StandInServer, config, whole_question, with};

const MODEL: &str = "replay.short-text";
const PATH: &str = "/v1/chat/completions";

/// A gateway that takes bodies up to 4 KiB.
async fn gateway() -> Running {
    let settings = Config {
        max_body_bytes: 4096,
        ..config(&StandInServer::start().await.url)
    };
    Running::with(settings).await
}

/// The answer to a raw body, after which the same connection must still answer.
async fn refused(client: &mut Connection, headers: &[(&str, &str)], body: &str) -> Answer {
    client.send("POST", PATH, headers, body).await;
    let answer = client.answer().await;
    works(client).await;
    answer
}

/// Shows that a good request on this connection is answered.
async fn works(client: &mut Connection) {
    client.chat(&whole_question(MODEL)).await;
    let answer = client.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn param(answer: &Answer) -> Value {
    answer.json()["error"]["param"].clone()
}

#[tokio::test]
async fn json_that_breaks_off_is_told_its_position() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let body = "{\"model\": \"m\",\n  \"messages\": [}";
    let answer = refused(&mut client, &[], body).await;
    assert_eq!(
        answer.error(),
        (400, "invalid_request_error".to_owned(), None)
    );
    assert!(
        answer.message().contains("line 2 column"),
        "{}",
        answer.message()
    );
}

#[tokio::test]
async fn bodies_that_are_no_request_are_told_so() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    for (body, expected) in [
        ("", "empty"),
        ("  \n ", "empty"),
        ("[]", "JSON object"),
        ("\"x\"", "JSON object"),
        ("{\"model\":\"m\"} trailing", "not valid JSON"),
        ("\u{0}", "not valid JSON"),
    ] {
        let answer = refused(&mut client, &[], body).await;
        assert_eq!(answer.error().0, 400, "{body:?}");
        assert!(
            answer.message().contains(expected),
            "{body:?}: {}",
            answer.message()
        );
    }
}

#[tokio::test]
async fn each_wrong_member_is_named() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    for (more, expected) in [
        (json!({"model": null}), "model"),
        (json!({"model": ""}), "model"),
        (json!({"model": 1}), "model"),
        (json!({"messages": null}), "messages"),
        (json!({"messages": "hi"}), "messages"),
        (json!({"messages": []}), "messages"),
        (
            json!({"messages": [{"role": "user", "content": 1}]}),
            "messages[0].content",
        ),
        (
            json!({"messages": [{"role": "wizard", "content": "x"}]}),
            "messages[0].role",
        ),
        (json!({"temperature": "hot"}), "temperature"),
        (json!({"temperature": 2.1}), "temperature"),
        (json!({"max_tokens": 0}), "max_tokens"),
        (json!({"max_tokens": -1}), "max_tokens"),
        (json!({"stream": "yes"}), "stream"),
        (json!({"n": 9}), "n"),
        (json!({"bedrock": {"system": []}}), "bedrock.system"),
        (
            json!({"response_format": {"type": "json_schema"}}),
            "response_format.json_schema",
        ),
        (json!({"modalities": ["text", "audio"]}), "modalities"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"stop": 5}), "stop"),
        (json!({"tools": {}}), "tools"),
        (
            json!({"tools": [{"type": "custom", "custom": {"name": "x"}}]}),
            "tools[0]",
        ),
        (json!({"tool_choice": "sometimes"}), "tool_choice"),
    ] {
        let body = with(whole_question(MODEL), more.clone()).to_string();
        let answer = refused(&mut client, &[], &body).await;
        assert_eq!(answer.error().0, 400, "{more}: {}", answer.text());
        assert!(
            param(&answer)
                .as_str()
                .is_some_and(|param| param.starts_with(expected)),
            "{more}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn an_unknown_model_is_a_404_with_a_hint() {
    let gateway = gateway().await;
    for model in ["gpt-4o", "replay.nothing", "anthropic.claude-unknown-v1:0"] {
        let answer = gateway.chat(&whole_question(model)).await;
        let (status, _, code) = answer.error();
        assert_eq!(
            (status, code.as_deref()),
            (404, Some("model_not_found")),
            "{model}: {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_model_id_that_could_not_stand_in_a_url_is_refused() {
    let gateway = gateway().await;
    for model in ["..", ".", "a/../b", "x y", "a?b", "a#b", "\u{e9}", "a\r\nb"] {
        let answer = gateway.chat(&whole_question(model)).await;
        let (status, _, _) = answer.error();
        assert!([400, 404].contains(&status), "{model:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_unknown_path_is_a_404_and_a_wrong_method_a_405() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    for (method, path, status, code, allow) in [
        ("POST", "/v1/nowhere", 404, "unknown_url", ""),
        ("GET", "/", 404, "unknown_url", ""),
        ("GET", "/%00%0a", 404, "unknown_url", ""),
        ("GET", PATH, 405, "method_not_allowed", "POST"),
        ("DELETE", PATH, 405, "method_not_allowed", "POST"),
        ("POST", "/health", 405, "method_not_allowed", "GET, HEAD"),
    ] {
        client.send(method, path, &[], "{\"unread\": true}").await;
        let answer = client.answer().await;
        let (got, _, got_code) = answer.error();
        assert_eq!(
            (got, got_code.as_deref()),
            (status, Some(code)),
            "{method} {path}"
        );
        assert_eq!(answer.header("allow"), allow);
        works(&mut client).await;
    }
}

#[tokio::test]
async fn a_declared_length_over_the_limit_is_a_413() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let answer = refused(&mut client, &[], &" ".repeat(4097)).await;
    let (status, _, code) = answer.error();
    assert_eq!((status, code.as_deref()), (413, Some("request_too_large")));
    assert!(answer.message().contains("4096"), "{}", answer.message());
    // At the limit it is read, and found empty.
    assert_eq!(
        refused(&mut client, &[], &" ".repeat(4096)).await.error().0,
        400
    );
}

#[tokio::test]
async fn chunks_over_the_limit_are_a_413() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    for pieces in [vec![4097], vec![4096, 1], vec![1; 4097]] {
        let head = client.request_head("POST", PATH, &[("transfer-encoding", "chunked")]);
        let mut request = (head + "\r\n").into_bytes();
        request.extend(pieces.iter().flat_map(|length| chunk(&vec![b' '; *length])));
        request.extend_from_slice(b"0\r\n\r\n");
        client.write(request).await;
        assert_eq!(client.answer().await.error().0, 413);
        works(&mut client).await;
    }
}

#[tokio::test]
async fn a_chunked_body_is_read_as_any_other() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let body = whole_question(MODEL).to_string();
    let head = client.request_head("POST", PATH, &[("transfer-encoding", "chunked")]);
    client.write(head + "\r\n").await;
    for piece in body.as_bytes().chunks(7) {
        client.write(chunk(piece)).await;
    }
    client.write("0\r\n\r\n").await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_wrong_content_type_does_not_matter() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let body = whole_question(MODEL).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "nonsense",
    ] {
        client
            .send("POST", PATH, &[("content-type", kind)], &body)
            .await;
        assert_eq!(client.answer().await.status, 200, "{kind}");
    }
    client.send("POST", PATH, &[], &body).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn a_compressed_body_is_refused_in_words() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let answer = refused(&mut client, &[("content-encoding", "gzip")], "\u{1f}gzip").await;
    assert_eq!(answer.error().0, 400);
    assert!(
        answer.message().contains("content-encoding"),
        "{}",
        answer.message()
    );
    let body = whole_question(MODEL).to_string();
    client
        .send("POST", PATH, &[("content-encoding", "identity")], &body)
        .await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn requests_in_one_write_are_answered_in_order() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let body = whole_question(MODEL).to_string();
    let mut requests = String::new();
    for (path, body) in [
        (PATH, body.as_str()),
        ("/nowhere", "x"),
        (PATH, "{"),
        (PATH, &body),
    ] {
        requests += &client.request_head("POST", path, &[]);
        requests.extend([
            "content-length: ",
            &body.len().to_string(),
            "\r\n\r\n",
            body,
        ]);
    }
    client.write(requests).await;
    for status in [200, 404, 400, 200] {
        assert_eq!(client.answer().await.status, status);
    }
}
