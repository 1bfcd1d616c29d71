//! What no well-meant client sends, and what old ones do: nobody else notices.

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;

use crate::support::client::Connection;
use crate::support::events::Events;
use crate::support::gateway::{Running, StandInServer, question, whole_question, with};

const PATH: &str = "/v1/chat/completions";

async fn gateway() -> Running {
    Running::before(&StandInServer::start().await.url).await
}

/// Everything up to the end of the connection.
async fn everything(client: &mut Connection) -> String {
    let mut read = Vec::new();
    // A reset is an end as well.
    let _ = client.stream.read_to_end(&mut read).await;
    String::from_utf8(read).unwrap()
}

async fn still_answers(gateway: &Running) {
    assert_eq!(
        gateway
            .chat(&whole_question("replay.short-text"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn bytes_that_are_no_http_end_their_own_connection_alone() {
    let gateway = gateway().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello over tls\r\n\r\n"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ] {
        let mut client = gateway.connect().await;
        client.write(bytes).await;
        let answer = everything(&mut client).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    still_answers(&gateway).await;
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let head = client.request_head("GET", "/health", &[("x-long", &"x".repeat(1024 * 1024))]);
    // It may be refused before all of it is sent.
    let _ = client.stream.try_write(head.as_bytes());
    let answer = everything(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    still_answers(&gateway).await;
}

#[tokio::test]
async fn a_client_of_http_1_0_gets_a_stream_that_ends_with_its_connection() {
    let gateway = gateway().await;
    for (request, is_stream) in [
        (question("replay.short-text"), true),
        (whole_question("replay.short-text"), false),
    ] {
        let mut client = gateway.connect().await;
        let body = request.to_string();
        client
            .write(format!(
                "POST {PATH} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        let answer = everything(&mut client).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.0 200") && !head.contains("transfer-encoding"),
            "{head}"
        );
        if is_stream {
            Events::parse(body.as_bytes()).assert_whole("stop");
        } else {
            assert!(serde_json::from_str::<Value>(body).is_ok(), "{body}");
        }
    }
}

#[tokio::test]
async fn a_client_that_wants_no_more_gets_its_whole_stream() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let body = question("replay.long-text").to_string();
    client
        .send("POST", PATH, &[("connection", "close")], body)
        .await;
    let answer = client.answer().await;
    assert_eq!(answer.header("connection"), "close");
    Events::parse(&answer.body).assert_whole("stop");
    assert!(client.ends().await);
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_is_a_400() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    for bytes in [
        &b"\xff\xfe{}"[..],
        b"{\"model\": \"\xff\"}",
        b"{\"model\":\"replay.short-text\",\"messages\":[{\"role\":\"user\",\"content\":\"\xc3\"}]}",
    ] {
        client.send("POST", PATH, &[], bytes).await;
        let answer = client.answer().await;
        assert_eq!(answer.error().0, 400, "{}", answer.text());
    }
}

#[tokio::test]
async fn a_lone_surrogate_is_replaced() {
    let gateway = gateway().await;
    let mut client = gateway.connect().await;
    let body =
        r#"{"model":"replay.short-text","messages":[{"role":"user","content":"cut \ud83d off"}]}"#;
    client.send("POST", PATH, &[], body).await;
    assert_eq!(client.answer().await.status, 200);
}

#[tokio::test]
async fn json_as_deep_as_a_well_is_an_error_and_not_the_end() {
    let gateway = gateway().await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep_object = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for value in [deep(100_000), deep_object(100_000)] {
        for body in [
            value.clone(),
            format!(r#"{{"model":"replay.short-text","messages":{value}}}"#),
            format!(
                r#"{{"model":"replay.short-text","messages":[{{"role":"user","content":{value}}}]}}"#
            ),
            format!(
                r#"{{"model":"replay.tool-call","messages":[{{"role":"user","content":"x"}}],"tools":[{{"type":"function","function":{{"name":"f","parameters":{value}}}}}]}}"#
            ),
            format!(
                r#"{{"model":"replay.short-text","messages":[{{"role":"user","content":"x"}}],"metadata":{value}}}"#
            ),
        ] {
            let mut client = gateway.connect().await;
            client.send("POST", PATH, &[], body).await;
            let answer = client.answer().await;
            assert!([200, 400].contains(&answer.status), "{}", answer.text());
        }
    }
    still_answers(&gateway).await;
}

#[tokio::test]
async fn a_prompt_of_several_megabytes_arrives_whole() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let text = "gneiss ".repeat(700_000);
    let messages = json!([{"role": "user", "content": text}]);
    let request = with(question("replay.short-text"), json!({"messages": messages}));
    gateway.stream(&request).await.assert_whole("stop");
    let sent = stand_in.received.requests().pop().unwrap().body.unwrap();
    let sent: Value = serde_json::from_slice(&sent).unwrap();
    assert_eq!(
        sent.pointer("/messages/0/content/0/text").unwrap(),
        &Value::from(text)
    );
}
