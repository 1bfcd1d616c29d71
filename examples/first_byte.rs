//! How much longer the first byte of an answer takes through Outcrop than straight from Bedrock.
//!
//! Both ways lead to the same stand-in, which runs in this process, checks no signatures and waits for nothing.
//! One connection each, one request at a time, straight and through in turns:
//! `cargo run --release --example first_byte -- 5000`.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::error::Error;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, io};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use outcrop::config::{self, Config, Environment};
use outcrop::fixture::{Options, StandIn};
use outcrop::keys::Keys;
use outcrop::metrics::Metrics;
use outcrop::models::Models;
use outcrop::server::{self, Gateway};
use outcrop::upstream::Accounts;
use tokio::net::{TcpListener, TcpStream};

/// Requests each way before anything is measured.
const WARM_UP: usize = 500;
/// Pairs of requests that are measured unless the command line says otherwise.
const PAIRS: usize = 5000;

const CONVERSE: &str =
    r#"{"messages":[{"role":"user","content":[{"text":"What is an outcrop?"}]}]}"#;
const CHAT: &str = r#"{"model":"replay.short-text","messages":[{"role":"user","content":"What is an outcrop?"}],"stream":true}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let pairs = env::args()
        .nth(1)
        .map_or(Ok(PAIRS), |pairs| pairs.parse())?;
    let bedrock = start_stand_in().await?;
    let gateway = start_gateway(&bedrock).await?;
    let mut straight = Way::open(
        bedrock,
        "/model/replay.short-text/converse-stream",
        CONVERSE,
    )
    .await?;
    let mut through = Way::open(gateway, "/v1/chat/completions", CHAT).await?;
    for _ in 0..WARM_UP {
        straight.first_byte().await?;
        through.first_byte().await?;
    }
    let (mut without, mut with, mut more) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..pairs {
        let (before, after) = (straight.first_byte().await?, through.first_byte().await?);
        without.push(microseconds(before));
        with.push(microseconds(after));
        more.push(microseconds(after) - microseconds(before));
    }
    println!("time to the first byte of a streamed answer, {pairs} pairs, in µs");
    println!("                      p50      p90");
    for (name, times) in [
        ("straight", &mut without),
        ("through Outcrop", &mut with),
        ("more, by pair", &mut more),
    ] {
        times.sort_by(f64::total_cmp);
        println!(
            "{name:16} {:8.0} {:8.0}",
            percentile(times, 50),
            percentile(times, 90)
        );
    }
    let ratio = |percent| percentile(&with, percent) / percentile(&without, percent);
    println!("{:16} {:8.2} {:8.2}", "ratio", ratio(50), ratio(90));
    Ok(())
}

/// Starts the stand-in and returns its address.
async fn start_stand_in() -> Result<String, Box<dyn Error>> {
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
    Ok(address.to_string())
}

/// Starts a gateway in front of the stand-in and returns its address. It signs, as it does for AWS.
async fn start_gateway(bedrock: &str) -> Result<String, Box<dyn Error>> {
    let config = Config {
        bedrock: config::Bedrock {
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(format!("http://{bedrock}").parse()?),
            control_endpoint_url: Some(format!("http://{bedrock}").parse()?),
            ..config::Bedrock::default()
        },
        ..Config::default()
    };
    let environment = Environment::from_pairs([
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
    ]);
    let metrics = Metrics::new();
    let accounts = Accounts::new(&config.bedrock, &[], &environment, &metrics).await?;
    let models = Models::begin(&config, accounts, |_| None, &metrics)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let keys = Keys::begin(&config.keys, &metrics).await?;
    let gateway = Gateway::new(&config, address, models, keys, metrics, None);
    let gateway = Arc::new(gateway);
    tokio::spawn(server::run(listener, gateway, pending(), config.grace));
    Ok(address.to_string())
}

/// One kept connection, and the request that is sent over it again and again.
struct Way {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    path: &'static str,
    body: &'static str,
}

impl Way {
    async fn open(
        host: String,
        path: &'static str,
        body: &'static str,
    ) -> Result<Self, Box<dyn Error>> {
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self {
            sender,
            host,
            path,
            body,
        })
    }

    /// The time from sending to the first byte of the body; the rest is read, but not timed.
    async fn first_byte(&mut self) -> Result<Duration, Box<dyn Error>> {
        let request = Request::post(self.path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from_static(self.body.as_bytes())))?;
        self.sender.ready().await?;
        let begun = Instant::now();
        let mut response = self.sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(
                io::Error::other(format!("{} answers {}", self.path, response.status())).into(),
            );
        }
        let mut first = None;
        while let Some(frame) = response.frame().await {
            frame?;
            first.get_or_insert_with(|| begun.elapsed());
        }
        first.ok_or_else(|| io::Error::other(format!("{} answers nothing", self.path)).into())
    }
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The value below which `percent` of the sorted `times` lie.
fn percentile(times: &[f64], percent: usize) -> f64 {
    let last = times.len().saturating_sub(1);
    times.get(last * percent / 100).copied().unwrap_or_default()
}
