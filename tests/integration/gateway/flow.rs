//! What flows through an open stream, and what it holds on to.

use std::io::ErrorKind;

use bytes::Bytes;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::bedrock::{ScriptedBedrock, chunk};
use crate::support::events::Events;
use crate::support::gateway::{MODEL, Running, StandInServer, question, whole_question};
use crate::support::messages::{message_start, short_answer, text_delta};

fn content(chunk: &Bytes) -> String {
    Events::parse(chunk).content()
}

#[tokio::test]
async fn each_token_is_there_before_the_next_is_sent() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.send(message_start()).await;
    assert_eq!(client.head().await.status, 200);
    for token in ["one", "two", "three", "four"] {
        // Split inside the prelude, which must not hold anything back.
        let delta = text_delta(token);
        call.send(&delta[..5]).await;
        call.send(&delta[5..]).await;
        assert_eq!(content(&client.chunk().await.unwrap()), token);
    }
}

#[tokio::test]
async fn messages_that_arrive_together_leave_together() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.stream_all(&short_answer()).await;
    client.head().await;
    let first = client.chunk().await.unwrap();
    Events::parse(&first).assert_whole("stop");
    assert_eq!(client.chunk().await, None);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_call_at_once() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.send([message_start(), text_delta("Hel")].concat())
        .await;
    client.head().await;
    client.chunk().await.unwrap();
    drop(client);
    // Bedrock is silent: nothing but the client's leaving can end the call.
    call.gone().await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_ends_the_call_too() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    for request in [question(MODEL), whole_question(MODEL)] {
        let mut client = gateway.connect().await;
        client.chat(&request).await;
        let mut call = bedrock.call().await;
        drop(client);
        call.gone().await;
    }
}

#[tokio::test]
async fn a_client_that_does_not_read_stalls_bedrock() {
    /// Far more than two pairs of socket buffers hold.
    const FLOOD: usize = 256 * 1024 * 1024;
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.send(message_start()).await;
    client.head().await;
    let piece = chunk(&text_delta(&"x".repeat(64 * 1024)));
    let mut written = 0;
    // The socket is full for good when it stays so while the runtime has nothing else to do.
    let mut refused = 0;
    let mut rest: &[u8] = &[];
    while refused < 10_000 {
        if rest.is_empty() {
            rest = &piece;
        }
        match call.stream.try_write(rest) {
            Ok(length) => {
                refused = 0;
                written += length;
                rest = &rest[length..];
                assert!(written < FLOOD, "the gateway swallows everything");
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                refused += 1;
                tokio::task::yield_now().await;
            }
            Err(error) => panic!("{error}"),
        }
    }
    // Once the client reads, everything moves on.
    let rest = rest.to_vec();
    let reading = tokio::spawn(async move {
        let mut read = 0;
        while let Some(chunk) = client.chunk().await {
            read += chunk.len();
        }
        read
    });
    call.write(&rest).await;
    call.stream_all(&short_answer()[3..]).await;
    assert!(reading.await.unwrap() >= written);
}

#[tokio::test]
async fn an_upstream_that_hangs_after_metadata_does_not_hold_the_answer_back() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    call.send(short_answer().concat()).await;
    client.head().await;
    Events::parse(&client.chunk().await.unwrap()).assert_whole("stop");
    // It never ends its body; the gateway gives up on it by itself.
    assert_eq!(client.chunk().await, None);
    call.gone().await;
}

#[tokio::test]
async fn a_complete_stream_gives_its_connection_back() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut client = gateway.connect().await;
    client.chat(&question(MODEL)).await;
    let mut call = bedrock.stream().await;
    for _ in 0..3 {
        call.send(short_answer().concat()).await;
        client.head().await;
        Events::parse(&client.chunk().await.unwrap()).assert_whole("stop");
        // The end comes a moment after the last event, as it does from AWS.
        call.end().await;
        assert_eq!(client.chunk().await, None);
        client.chat(&question(MODEL)).await;
        call = call.next().await;
        call.begin_stream().await;
    }
}

#[tokio::test]
async fn many_streams_after_each_other_share_one_connection_to_bedrock() {
    let stand_in = StandInServer::start().await;
    let gateway = Running::before(&stand_in.url).await;
    let mut client = gateway.connect().await;
    for _ in 0..10 {
        client.chat(&question("replay.short-text")).await;
        Events::parse(&client.answer().await.body).assert_whole("stop");
    }
    let requests = stand_in.received.requests();
    let calls = requests
        .iter()
        .filter(|request| request.path.starts_with("/model/"));
    let mut connections: Vec<u64> = calls.map(|request| request.connection).collect();
    assert_eq!(connections.len(), 10);
    connections.dedup();
    assert_eq!(connections.len(), 1);
}

#[tokio::test]
async fn a_slow_stream_does_not_hold_up_another() {
    let bedrock = ScriptedBedrock::start().await;
    let gateway = Running::before(&bedrock.url()).await;
    let mut slow = gateway.connect().await;
    slow.chat(&question(MODEL)).await;
    let mut slow_call = bedrock.stream().await;
    slow_call.send(message_start()).await;
    let mut fast = gateway.connect().await;
    fast.chat(&question(MODEL)).await;
    bedrock.stream().await.stream_all(&short_answer()).await;
    Events::parse(&fast.answer().await.body).assert_whole("stop");
    slow_call.stream_all(&short_answer()[1..]).await;
    Events::parse(&slow.answer().await.body).assert_whole("stop");
}

#[tokio::test]
async fn a_thousand_streams_at_once_all_finish() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let mut clients = Vec::new();
    // All requests are on their way before the first answer is read.
    for _ in 0..1_000 {
        let mut client = gateway.connect().await;
        client.chat(&question("replay.short-text")).await;
        clients.push(client);
    }
    let mut answers = JoinSet::new();
    for mut client in clients {
        answers.spawn(async move { client.answer().await });
    }
    let mut ids: Vec<String> = Vec::new();
    while let Some(answer) = answers.join_next().await {
        let answer = answer.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let events = Events::parse(&answer.body);
        events.assert_whole("stop");
        assert_eq!(
            events.content(),
            "An outcrop is where bedrock comes to the surface."
        );
        ids.push(events.chunks[0]["id"].as_str().map(str::to_owned).unwrap());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
}

#[tokio::test]
async fn created_and_id_differ_between_answers_only() {
    let gateway = Running::before(&StandInServer::start().await.url).await;
    let first = gateway.stream(&question("replay.short-text")).await;
    let second = gateway.stream(&question("replay.short-text")).await;
    let id = |events: &Events| events.chunks[0]["id"].as_str().map(str::to_owned);
    assert_ne!(id(&first), id(&second));
    assert!(
        first
            .chunks
            .iter()
            .all(|chunk| chunk["created"] == first.chunks[0]["created"])
    );
    assert!(first.chunks[0]["created"].as_u64().is_some());
    assert!(
        first
            .chunks
            .iter()
            .all(|chunk| chunk.get("usage") != Some(&Value::Null))
    );
}
