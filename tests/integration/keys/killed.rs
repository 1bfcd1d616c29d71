//! What the file says of a gateway that was killed under load.
#![expect(clippy::print_stdout, reason = "the counts are the result")]

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use outcrop::bedrock::Money;
use outcrop::keys::{Access, Key, KeyStore, Period, SqliteStore, Usage, UsageQuery};
use rusqlite::Connection as File;
use serde_json::json;
use tempfile::tempdir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, yield_now};

use super::{budget, key_with_text};
use crate::support::bedrock::{Call, ScriptedBedrock};
use crate::support::client::Connection;
use crate::support::messages::{message_start, short_answer, text_delta};
use crate::support::process::{Process, outcrop};
use crate::support::soon;

/// Answers at once: 3 tokens of the prompt and 5 of the answer.
const QUICK: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
/// Begins to answer, and never ends.
const SLOW: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/// The most tokens of an answer.
const MAX_TOKENS: u64 = 100;
/// How many clients ask the quick model, again and again.
const CLIENTS: u64 = 6;
/// How many answers of the slow model are under way.
const UNDER_WAY: u64 = 3;
/// How many quick answers are booked before the kill.
const ENOUGH: u64 = 300;

/// A Bedrock with both models. It counts the quick answers that it has sent whole.
async fn bedrock() -> (String, Arc<AtomicU64>) {
    let bedrock = ScriptedBedrock::start().await;
    let (url, served) = (bedrock.url(), Arc::new(AtomicU64::new(0)));
    let count = Arc::clone(&served);
    tokio::spawn(async move {
        loop {
            if let Ok(call) = bedrock.try_call().await {
                tokio::spawn(serve(call, Arc::clone(&count)));
            }
        }
    });
    (url, served)
}

/// Answers the calls on one connection.
async fn serve(call: Call, served: Arc<AtomicU64>) {
    let mut next = Some(call);
    while let Some(mut call) = next {
        call.begin_stream().await;
        if call.head.contains("sonnet") {
            let beginning = [message_start(), text_delta("Well")].concat();
            call.send(beginning).await;
            return call.gone().await;
        }
        served.fetch_add(1, SeqCst);
        call.stream_all(&short_answer()).await;
        next = call.try_next().await.ok();
    }
}

fn gateway(file: &Path, bedrock: &str) -> Command {
    let mut command = outcrop(&["serve", "--listen", "127.0.0.1:0"]);
    command
        .env("OUTCROP_KEYS_STORE", format!("sqlite:{}", file.display()))
        .env("OUTCROP_DISCOVERY_ENABLED", "false")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "marker")
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock)
        .env("AWS_ENDPOINT_URL_BEDROCK", bedrock);
    command
}

/// A question, as it goes over the wire.
fn question(address: SocketAddr, key: &str, model: &str) -> Vec<u8> {
    let body = json!({
        "model": model,
        "stream": true,
        "max_tokens": MAX_TOKENS,
        "messages": [{"role": "user", "content": "Hello?"}],
    });
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// What the clients of the quick model have sent, and what was answered to its end.
#[derive(Debug, Default)]
struct Tally {
    asked: AtomicU64,
    answered: AtomicU64,
}

/// Asks again and again, until the gateway is gone.
async fn ask_on(address: SocketAddr, question: Vec<u8>, tally: Arc<Tally>) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    loop {
        tally.asked.fetch_add(1, SeqCst);
        stream.write_all(&question).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n0\r\n\r\n") {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.contains("data: [DONE]"), "{answer}");
        tally.answered.fetch_add(1, SeqCst);
    }
}

/// What the key has used of a model.
async fn used(store: &SqliteStore, model: &str) -> Usage {
    let mut sum = Usage::default();
    for row in store.usage(&UsageQuery::default()).await.unwrap() {
        if row.model == model {
            sum += row.usage;
        }
    }
    sum
}

/// Follows the load through the file until enough is booked, and returns how much was answered when it was last looked
/// at, all of which the file has by then; and the longest that it took to have it.
async fn booked_under_load(file: &Path, tally: &Tally) -> (u64, Duration) {
    let command = SqliteStore::open(file, Access::Command).unwrap();
    let mut longest = Duration::ZERO;
    loop {
        let (answered, looked) = (tally.answered.load(SeqCst), Instant::now());
        let booked = async { while used(&command, QUICK).await.requests < answered {} };
        soon(booked).await;
        longest = longest.max(looked.elapsed());
        if answered >= ENOUGH {
            return (answered, longest);
        }
    }
}

/// A key with a budget, and what its owner presents.
async fn issue(file: &Path) -> (Key, String) {
    let store = SqliteStore::open(file, Access::Create).unwrap();
    let (mut key, text) = key_with_text("search");
    key.limits = budget(1000.0, Period::Total);
    key.revision = store.create(&key).await.unwrap();
    (key, text.expose().to_owned())
}

/// How many requests to a model are under way, as the file has it.
fn reserved(file: &Path, model: &str) -> u64 {
    let count = "SELECT count(*) FROM reservations WHERE model = ?1";
    let file = File::open(file).unwrap();
    let count: i64 = file.query_row(count, [model], |row| row.get(0)).unwrap();
    count.try_into().unwrap()
}

/// Kills a gateway in the middle of its work, and returns how many quick answers the file had before that for certain.
async fn kill_under_load(file: &Path, bedrock: &str, key: &str, tally: &Arc<Tally>) -> u64 {
    let mut process = Process::start(&mut gateway(file, bedrock));
    let address = process.address().await;
    let mut under_way = Vec::new();
    for _ in 0..UNDER_WAY {
        let mut connection = Connection::open(address).await;
        connection.write(question(address, key, SLOW)).await;
        assert_eq!(connection.head().await.status, 200);
        under_way.push(connection);
    }
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let question = question(address, key, QUICK);
        clients.spawn(ask_on(address, question, Arc::clone(tally)));
    }
    let (booked, longest) = booked_under_load(file, tally).await;
    println!("the file was {longest:?} behind at most");
    assert_eq!(reserved(file, SLOW), UNDER_WAY);
    // More than that, of which nobody knows how much is written.
    soon(async {
        while tally.answered.load(SeqCst) < booked + 10 * CLIENTS {
            yield_now().await;
        }
    })
    .await;
    process.signal("KILL");
    process.ended().await;
    while let Some(client) = clients.join_next().await {
        client.unwrap().unwrap_err();
    }
    booked
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_is_killed_loses_its_last_moments_and_no_more() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("keys.db");
    let (key, text) = issue(&file).await;
    let (bedrock, served) = bedrock().await;
    let tally = Arc::new(Tally::default());
    let booked = kill_under_load(&file, &bedrock, &text, &tally).await;

    let store = SqliteStore::open(&file, Access::Gateway).unwrap();
    let quick = used(&store, QUICK).await;
    let exact = quick.requests - quick.estimated_requests;
    let answered = tally.answered.load(SeqCst);
    let lost = answered.saturating_sub(quick.requests);
    println!("of {answered} answers {lost} are lost");
    // Nothing that was seen in the file is lost, and nothing is there that was not served and asked for.
    assert!(booked <= exact, "{booked} {quick:?}");
    assert!(exact <= served.load(SeqCst), "{quick:?}");
    assert!(quick.requests <= tally.asked.load(SeqCst), "{quick:?}");
    // Each is there as it was: 5 tokens of the answer, or as many as were reserved.
    assert!(quick.estimated_requests <= CLIENTS, "{quick:?}");
    let output = 5 * exact + MAX_TOKENS * quick.estimated_requests;
    assert_eq!(quick.output_tokens, output);
    let slow = used(&store, SLOW).await;
    assert_eq!(slow.requests, UNDER_WAY);
    assert_eq!(slow.estimated_requests, UNDER_WAY);
    assert_eq!(slow.output_tokens, MAX_TOKENS * UNDER_WAY);
    assert_eq!((slow.unpriced_requests, quick.unpriced_requests), (0, 0));
    // What is booked is what the budget counts from now on.
    let spent = store.spent(&key).await.unwrap();
    assert_eq!(spent, (quick.cost + slow.cost, Money::ZERO));
    drop(store);

    // The next gateway finds the file free, and the key as it was.
    let mut process = Process::start(&mut gateway(&file, &bedrock));
    let address = process.address().await;
    let mut connection = Connection::open(address).await;
    connection.write(question(address, &text, QUICK)).await;
    let answer = connection.answer().await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}
