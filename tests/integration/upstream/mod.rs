//! `upstream` over real loopback sockets, against a server that answers as scripted.

mod authentication;
mod calls;
mod connections;
mod cures;
mod limits;
pub(crate) mod server;
mod signing;
mod streams;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use outcrop::config::{self, Environment};
use outcrop::metrics::Metrics;
use outcrop::upstream::{Attempts, Bedrock, Clock, Error, SetupError};

use self::server::Server;

const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const BODY: &str = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    ),
];

fn body() -> Bytes {
    Bytes::from_static(BODY.as_bytes())
}

/// Settings that call `url` for both services.
fn settings(url: &str) -> config::Bedrock {
    config::Bedrock {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(url.parse().unwrap()),
        control_endpoint_url: Some(url.parse().unwrap()),
        connect_timeout: Duration::from_secs(10),
        head_timeout: Duration::from_mins(1),
        idle_timeout: Duration::from_mins(1),
        total_timeout: Duration::from_mins(1),
        max_attempts: 3,
        ..config::Bedrock::default()
    }
}

/// A client with the documented example keys and the variables of `pairs`.
async fn connect(
    settings: &config::Bedrock,
    pairs: &[(&str, &str)],
) -> Result<Bedrock, SetupError> {
    let environment = Environment::from_pairs(KEYS.into_iter().chain(pairs.iter().copied()));
    Bedrock::new(settings, &environment, &Metrics::new()).await
}

/// A client of `server`.
async fn client_of(server: &Server) -> Bedrock {
    connect(&settings(&server.url()), &[]).await.unwrap()
}

/// A clock that is one second further at every look.
fn ticking_clock() -> Clock {
    let seconds = AtomicU64::new(1_768_480_245);
    Arc::new(move || {
        let now = seconds.fetch_add(1, Ordering::SeqCst);
        SystemTime::UNIX_EPOCH + Duration::from_secs(now)
    })
}

/// The error of a streamed call, and how many attempts were made.
async fn stream_error(client: &Bedrock) -> (Error, u32) {
    let attempts = Attempts::default();
    let error = client
        .converse_stream(MODEL, body(), &attempts)
        .await
        .unwrap_err();
    (error, attempts.begun())
}
