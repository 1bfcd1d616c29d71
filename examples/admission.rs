//! What keys, limits and the ledger cost: how many requests one core of the gateway admits with them, and without.
//!
//! Two gateways run as processes of their own in front of one stand-in, which is in this process and waits for nothing.
//! One lets everybody in. The other has a key with all limits and a budget, and keeps its usage in a SQLite file, or in
//! the Redis whose URL stands last. They are driven in turns, and the CPU time is that of the gateways alone:
//! `cargo build --release && cargo run --release --example admission -- 5 4000 [redis://127.0.0.1:6379]`
//! makes five rounds of 4,000 requests each.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::error::Error;
use std::future::pending;
use std::io::{self, BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use outcrop::config::StoreLocation;
use outcrop::fixture::{Options, StandIn};
use outcrop::keys::{self, Access, Administration, KeyDraft, Timestamp};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections that ask at the same time.
const CONNECTIONS: usize = 16;
/// Parts of a second in which Linux counts CPU time.
const TICKS: f64 = 100.0;

const CHAT: &str = r#"{"model":"replay.short-text","messages":[{"role":"user","content":"What is an outcrop?"}],"max_tokens":64}"#;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = env::args().skip(1);
    let mut number = |otherwise| arguments.next().map_or(Ok(otherwise), |text| text.parse());
    let (rounds, requests): (usize, usize) = (number(5)?, number(4000)?);
    let folder = tempfile::tempdir()?;
    let bedrock = start_stand_in().await?;
    let file = format!("sqlite:{}", folder.path().join("outcrop.db").display());
    let store = arguments.next().unwrap_or(file);
    let key = make_key(&store).await?;
    let nowhere = format!("sqlite:{}", folder.path().join("nobody.db").display());
    let open = Gateway::start("everybody", &bedrock, &nowhere, None, &folder)?;
    let limited = Gateway::start("keys, limits, ledger", &bedrock, &store, Some(key), &folder)?;
    for gateway in [&open, &limited] {
        gateway.round(requests / 4).await?;
    }
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        without.push(open.round(requests).await?);
        with.push(limited.round(requests).await?);
    }
    println!(
        "CPU time of the gateway for a whole answer, {rounds} rounds of {requests} requests, {CONNECTIONS} at a time"
    );
    println!(
        "                        µs each: median     min     max   requests per second and core"
    );
    let medians = [(&open, &mut without), (&limited, &mut with)].map(|(gateway, times)| {
        times.sort_by(f64::total_cmp);
        let at = |index: usize| times.get(index).copied().unwrap_or_default();
        let (median, least, most) = (
            at(times.len() / 2),
            at(0),
            at(times.len().saturating_sub(1)),
        );
        println!(
            "{:31} {median:8.1} {least:7.1} {most:7.1} {:10.0}",
            gateway.name,
            1e6 / median
        );
        median
    });
    let [without, with] = medians;
    println!("{:31} {:8.2}", "ratio", with / without);
    Ok(())
}

/// Makes a key in a store, and the store with it.
async fn make_key(store: &str) -> Outcome<String> {
    let location = StoreLocation::parse(store)?;
    let store = keys::open(&location, Access::Create).await?;
    // All limits, none of which is ever reached. A Redis may have a key of an earlier run.
    let draft = json!({
        "name": format!("bench-{}", fastrand::u64(..)),
        "models": ["replay.*"],
        "rpm": 4_000_000_000_u32,
        "tpm": 4_000_000_000_u32,
        "concurrency": 1000,
        "budget": {"usd": 1_000_000, "per": "month"},
        "max_tokens": 1000,
    });
    let draft = KeyDraft::read(draft.to_string().as_bytes())?;
    let issued = Administration::new(store)
        .create(&draft, Timestamp::now())
        .await?;
    Ok(issued.key.expose().to_owned())
}

/// Starts the stand-in and returns its URL.
async fn start_stand_in() -> Outcome<String> {
    let options = Options {
        speed: 0.0,
        authenticate: false,
        ..Options::default()
    };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let stand_in = StandIn::load(&fixtures, options)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(stand_in.serve(listener, pending()));
    Ok(format!("http://{address}"))
}

/// A gateway in a process of its own, which ends with this value.
struct Gateway {
    name: &'static str,
    process: Child,
    address: String,
    key: Option<String>,
}

impl Gateway {
    fn start(
        name: &'static str,
        bedrock: &str,
        store: &str,
        key: Option<String>,
        folder: &TempDir,
    ) -> Outcome<Self> {
        // Cargo puts the binary beside the folder of the examples.
        let examples = env::current_exe()?;
        let binary = examples
            .ancestors()
            .nth(2)
            .ok_or("there is no folder of binaries")?
            .join("outcrop");
        let mut process = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(folder)
            .env_clear()
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env(
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            )
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", bedrock)
            .env("OUTCROP_DISCOVERY_ENABLED", "false")
            .env("OUTCROP_KEYS_STORE", store)
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = BufReader::new(process.stderr.take().ok_or("there is no log")?);
        let mut line = String::new();
        let address = loop {
            line.clear();
            if log.read_line(&mut line)? == 0 {
                return Err("the gateway did not start; is it built with --release?".into());
            }
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim().to_owned();
            }
        };
        // The access log is read, and thrown away, so that the gateway can go on.
        std::thread::spawn(move || io::copy(&mut log, &mut io::sink()));
        Ok(Self {
            name,
            process,
            address,
            key,
        })
    }

    /// Asks so many times, and returns the CPU time of the gateway for each, in microseconds.
    async fn round(&self, requests: usize) -> Outcome<f64> {
        let begun = self.cpu_time()?;
        let left = Arc::new(AtomicUsize::new(requests));
        let mut connections = JoinSet::new();
        for _ in 0..CONNECTIONS {
            connections.spawn(ask(
                self.address.clone(),
                self.key.clone(),
                Arc::clone(&left),
            ));
        }
        while let Some(outcome) = connections.join_next().await {
            outcome??;
        }
        let count = u32::try_from(requests.max(1))?;
        Ok((self.cpu_time()? - begun) * 1e6 / f64::from(count))
    }

    /// The CPU time that the process has taken, in seconds: `utime` and `stime` of proc(5).
    fn cpu_time(&self) -> Outcome<f64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        let (_, fields) = text.rsplit_once(')').ok_or("an unknown form of /proc")?;
        let times = fields.split_whitespace().skip(11).take(2);
        let ticks = times.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
        Ok(f64::from(ticks) / TICKS)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks over one connection as long as there is something left to ask.
async fn ask(address: String, key: Option<String>, left: Arc<AtomicUsize>) -> Outcome<()> {
    let stream = TcpStream::connect(&address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    while left
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            left.checked_sub(1)
        })
        .is_ok()
    {
        let mut request = Request::post("/v1/chat/completions")
            .header(HOST, &address)
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = &key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        sender.ready().await?;
        let body = Full::new(Bytes::from_static(CHAT.as_bytes()));
        let response = sender.send_request(request.body(body)?).await?;
        let status = response.status();
        let answer = response.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&answer)).into());
        }
    }
    Ok(())
}
