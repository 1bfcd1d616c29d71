//! The gateway in this process, in front of whatever the test puts there.

use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use outcrop::config::{self, Config, Environment};
use outcrop::fetch::ImageFetcher;
use outcrop::fixture::{Options, Received, Recorder, StandIn};
use outcrop::keys::Keys;
use outcrop::metrics::Metrics;
use outcrop::models::Models;
use outcrop::server::{self, Drained, Gateway};
use outcrop::upstream::Accounts;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::client::{Answer, Connection};
use super::events::Events;
use super::soon;

pub(crate) const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
/// A model whose family is known without a look-up.
pub(crate) const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

/// A gateway that serves until the test ends, or until it is told to stop.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Drained>,
}

/// The stand-in with our own fixtures, which checks every signature.
pub(crate) struct StandInServer {
    pub(crate) url: String,
    pub(crate) received: Received,
}

impl StandInServer {
    pub(crate) async fn start() -> Self {
        Self::of(Path::new(FIXTURES)).await
    }

    /// The same with other fixtures.
    pub(crate) async fn of(folder: &Path) -> Self {
        let options = Options {
            speed: 0.0,
            ..Options::default()
        };
        let mut stand_in = StandIn::load(folder, options).unwrap();
        let received = stand_in.remember(true);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(stand_in.serve(listener, pending()));
        Self { url, received }
    }
}

/// The defaults with `url` as Bedrock, without repeats.
pub(crate) fn config(url: &str) -> Config {
    Config {
        bedrock: config::Bedrock {
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(url.parse().unwrap()),
            control_endpoint_url: Some(url.parse().unwrap()),
            max_attempts: 1,
            ..config::Bedrock::default()
        },
        // Tests count what Bedrock is asked.
        discovery: config::Discovery {
            enabled: false,
            ..config::Discovery::default()
        },
        // Nobody makes it.
        keys: config::Keys {
            store: config::StoreLocation::Sqlite("/nowhere/outcrop.db".into()),
            ..config::Keys::default()
        },
        grace: Duration::from_mins(1),
        ..Config::default()
    }
}

/// A target such as `eu-west-1/us.model`, an ARN, or a model alone.
fn target(text: &str) -> config::Target {
    let (region, model) = match text.split_once('/') {
        Some((region, model)) if !text.starts_with("arn:") => (Some(region.to_owned()), model),
        _ => (None, text),
    };
    config::Target {
        region,
        model: model.to_owned(),
        ..config::Target::default()
    }
}

/// A model of the configuration with these targets.
pub(crate) fn alias(id: &str, targets: &[&str]) -> config::Model {
    config::Model {
        id: id.to_owned(),
        targets: targets.iter().map(|text| target(text)).collect(),
        ..config::Model::default()
    }
}

/// The credentials that the stand-in knows.
fn made_up_credentials() -> Environment {
    Environment::from_pairs([
        ("AWS_ACCESS_KEY_ID", Options::default().access_key_id),
        (
            "AWS_SECRET_ACCESS_KEY",
            Options::default().secret_access_key,
        ),
    ])
}

impl Running {
    /// A gateway in front of `url`.
    pub(crate) async fn before(url: &str) -> Self {
        Self::with(config(url)).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::recording(config, None).await
    }

    pub(crate) async fn recording(config: Config, recorder: Option<Recorder>) -> Self {
        Self::in_environment(config, recorder, &made_up_credentials()).await
    }

    pub(crate) async fn in_environment(
        config: Config,
        recorder: Option<Recorder>,
        environment: &Environment,
    ) -> Self {
        Self::changed(config, recorder, environment, |gateway| gateway).await
    }

    /// A gateway that fetches images with `images`.
    pub(crate) async fn fetching(config: Config, images: ImageFetcher) -> Self {
        let environment = made_up_credentials();
        Self::changed(config, None, &environment, |gateway| {
            gateway.fetching(Some(images))
        })
        .await
    }

    /// A gateway that asks for the models that it lists.
    pub(crate) async fn discovering(config: Config) -> Self {
        let discovery = config::Discovery {
            enabled: true,
            ..config.discovery
        };
        Self::with(Config {
            discovery,
            ..config
        })
        .await
    }

    async fn changed(
        config: Config,
        recorder: Option<Recorder>,
        environment: &Environment,
        change: impl FnOnce(Gateway) -> Gateway,
    ) -> Self {
        let metrics = Metrics::new();
        let accounts = Accounts::new(&config.bedrock, &config.accounts, environment, &metrics);
        let accounts = accounts.await.unwrap();
        let models = Models::begin(&config, accounts, |_| None, &metrics).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // What is checked against the listen address sees the configured one, so that tests may pretend.
        let listen = if config.listen.ip().is_loopback() {
            address
        } else {
            config.listen
        };
        let keys = Keys::begin(&config.keys, &metrics).await.unwrap();
        let gateway = Gateway::new(&config, listen, models, keys, metrics, recorder);
        let gateway = Arc::new(change(gateway));
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            // Without a sender the gateway serves on.
            if stopped.await.is_err() {
                pending::<()>().await;
            }
        };
        let serving = tokio::spawn(server::run(listener, gateway, stopped, config.grace));
        Self {
            address,
            stop: Some(stop),
            serving,
        }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// One chat completion on a connection of its own.
    pub(crate) async fn chat(&self, body: &Value) -> Answer {
        let mut connection = self.connect().await;
        connection.chat(body).await;
        connection.answer().await
    }

    /// A streamed chat completion, which must begin with 200.
    pub(crate) async fn stream(&self, body: &Value) -> Events {
        let answer = self.chat(body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "text/event-stream");
        Events::parse(&answer.body)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut connection = self.connect().await;
        connection.send("GET", path, headers, "").await;
        connection.answer().await
    }

    /// Tells the gateway to stop, without waiting for it.
    pub(crate) fn begin_to_stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the gateway has stopped.
    pub(crate) async fn stopped(self) -> Drained {
        soon(self.serving).await.unwrap()
    }
}

/// A streamed request with one question.
pub(crate) fn question(model: &str) -> Value {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "Hello"}]})
}

/// The same for a whole answer.
pub(crate) fn whole_question(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]})
}

/// `base` with the members of `more` put over it.
pub(crate) fn with(mut base: Value, more: Value) -> Value {
    let Value::Object(more) = more else {
        panic!("{more} is no object")
    };
    base.as_object_mut().unwrap().extend(more);
    base
}
