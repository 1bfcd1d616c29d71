//! Reasoning that several gateways remember together, in a Redis.

use std::time::Duration;

use bytes::Bytes;
use outcrop::config::Secret;
use outcrop::recall::{Owner, Recall as _, SharedMemory, Turn};
use redis::{Client, cmd};
use tokio::task::yield_now;

use crate::support::redis::RedisServer;
use crate::support::soon;

const DAY: Duration = Duration::from_hours(24);
const ONE: Owner = Owner::Anonymous;

fn memory(server: &RedisServer, max_bytes: usize, ttl: Duration) -> SharedMemory {
    SharedMemory::new(&Secret::new(server.url()), max_bytes, ttl).unwrap()
}

fn remember(memory: &SharedMemory, owner: &Owner, call_ids: &[&str], reasoning: &str) {
    let turn = Turn {
        call_ids: call_ids.iter().map(|id| (*id).to_owned()).collect(),
        reasoning: Bytes::copy_from_slice(reasoning.as_bytes()),
    };
    memory.remember(owner, turn);
}

async fn find(memory: &SharedMemory, owner: &Owner, call_ids: &[&str]) -> Vec<Bytes> {
    let call_ids: Vec<String> = call_ids.iter().map(|id| (*id).to_owned()).collect();
    memory.find(owner, &call_ids).await
}

/// Waits until this is what is found: what is remembered is written in the background.
async fn found(memory: &SharedMemory, owner: &Owner, call_ids: &[&str], expected: &[&str]) {
    soon(async {
        while find(memory, owner, call_ids).await != expected {
            yield_now().await;
        }
    })
    .await;
}

/// How many names there are.
async fn names(server: &RedisServer, pattern: &str) -> usize {
    let client = Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let names: Vec<String> = cmd("KEYS")
        .arg(pattern)
        .query_async(&mut connection)
        .await
        .unwrap();
    names.len()
}

#[tokio::test]
async fn a_turn_is_found_by_another_gateway_under_any_of_its_ids_however_they_are_spelled() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let (writes, reads) = (
        memory(&server, 1_000_000, DAY),
        memory(&server, 1_000_000, DAY),
    );
    remember(&writes, &ONE, &["tooluse_Ab-1", "tooluse_Cd-2"], "both");
    remember(&writes, &ONE, &["tooluse_E"], "one");
    for ids in [
        &["tooluse_Ab-1"][..],
        &["tooluseCd2"],
        &["tooluse_Cd-2", "tooluseAb1", "missing", "---", ""],
    ] {
        found(&reads, &ONE, ids, &["both"]).await;
    }
    found(
        &reads,
        &ONE,
        &["tooluseE", "tooluse_Ab-1"],
        &["one", "both"],
    )
    .await;
    assert!(
        find(&reads, &ONE, &["tooluseab1", "tooluse"])
            .await
            .is_empty()
    );
    // More than are looked up at a time, with one turn in two steps.
    let mut many = vec!["tooluseAb1".to_owned()];
    many.extend((0..300).map(|number| format!("missing{number}")));
    many.push("tooluseCd2".to_owned());
    assert_eq!(reads.find(&ONE, &many).await, ["both"]);
}

#[tokio::test]
async fn nobody_finds_anothers_turn() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let memory = memory(&server, 1_000_000, DAY);
    let (first, second) = (Owner::StaticKey([1; 32]), Owner::StaticKey([2; 32]));
    remember(&memory, &first, &["a"], "first");
    remember(&memory, &ONE, &["a"], "anonymous");
    found(&memory, &first, &["a"], &["first"]).await;
    found(&memory, &ONE, &["a"], &["anonymous"]).await;
    assert!(find(&memory, &second, &["a"]).await.is_empty());
    // The digest of a key that may be easy to guess does not stand there.
    assert_eq!(names(&server, &format!("*{}*", "01".repeat(32))).await, 0);
}

#[tokio::test]
async fn a_turn_takes_the_place_of_those_that_share_an_id_with_it() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let memory = memory(&server, 1_000_000, DAY);
    remember(&memory, &ONE, &["a", "b"], "old");
    remember(&memory, &ONE, &["c"], "old too");
    found(&memory, &ONE, &["a", "c"], &["old", "old too"]).await;
    remember(&memory, &ONE, &["b", "c"], "new");
    found(&memory, &ONE, &["b", "c"], &["new"]).await;
    assert!(find(&memory, &ONE, &["a"]).await.is_empty());
    assert_eq!(names(&server, "{outcrop}:recall:turn:*").await, 1);
    assert_eq!(names(&server, "{outcrop}:recall:call:*").await, 2);
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let reasoning = "r".repeat(10_000);
    // There is room for three.
    let memory = memory(&server, 36_000, DAY);
    for id in ["a", "b", "c"] {
        remember(&memory, &ONE, &[id], &reasoning);
        found(&memory, &ONE, &[id], &[&reasoning]).await;
    }
    found(&memory, &ONE, &["a"], &[&reasoning]).await;
    remember(&memory, &ONE, &["d"], &reasoning);
    found(&memory, &ONE, &["d"], &[&reasoning]).await;
    assert!(find(&memory, &ONE, &["b"]).await.is_empty());
    assert_eq!(find(&memory, &ONE, &["a", "c"]).await.len(), 2);
    // What is larger than all of it is not remembered, and takes no place from others.
    remember(&memory, &ONE, &["a"], &"r".repeat(40_000));
    remember(&memory, &ONE, &["e"], "short");
    found(&memory, &ONE, &["e"], &["short"]).await;
    assert_eq!(find(&memory, &ONE, &["a"]).await, [&*reasoning]);
}

#[tokio::test]
async fn what_is_not_used_goes_away_by_itself() {
    let Some(server) = RedisServer::start().await else {
        return;
    };
    let memory = memory(&server, 1_000_000, Duration::from_millis(1));
    remember(&memory, &ONE, &["a", "b"], "soon gone");
    soon(async {
        // The list of turns and their size stay; they are brought up to date with the next turn.
        while names(&server, "*").await != 2 {
            yield_now().await;
        }
    })
    .await;
    assert!(find(&memory, &ONE, &["a", "b"]).await.is_empty());
    remember(&memory, &ONE, &["c"], "next");
    let off = self::memory(&server, 0, DAY);
    remember(&off, &ONE, &["d"], "never");
    assert!(find(&off, &ONE, &["d"]).await.is_empty());
}

#[tokio::test]
async fn without_a_redis_nothing_is_remembered_and_nobody_is_in_the_way() {
    let Some(mut server) = RedisServer::start().await else {
        return;
    };
    let memory = memory(&server, 1_000_000, DAY);
    remember(&memory, &ONE, &["a"], "kept");
    found(&memory, &ONE, &["a"], &["kept"]).await;
    server.stop();
    soon(async { while !find(&memory, &ONE, &["a"]).await.is_empty() {} }).await;
    remember(&memory, &ONE, &["b"], "lost");
    server.restart().await;
    found(&memory, &ONE, &["a"], &["kept"]).await;
    assert!(find(&memory, &ONE, &["b"]).await.is_empty());
}
