//! `outcrop serve`: the gateway itself.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use super::embedded::Embedded;
use super::operators::Operators;
use super::replay::speed;
use super::signals::Signals;
use super::{Failure, logs, print};
use crate::config::{self, Config, Environment, FetchImages, Flags, Loaded, Reference, StateKey};
use crate::fetch::{ImageFetcher, Network};
use crate::fixture::Recorder;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::models::Models;
use crate::server::{self, Drained, Gateway};
use crate::upstream::{Accounts, Bedrock, CredentialsError, Discovery, SetupError, public_tls};

/// How often the start waits for the first credentials, each time as long as a request would.
const CREDENTIALS_WAITS: u32 = 3;

/// Run the gateway.
///
/// Serves OpenAI's API in front of Amazon Bedrock, with credentials and region from the usual AWS
/// variables, profiles and instance roles. With --replay no AWS account is needed: an embedded stand-in
/// replays recorded streams.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = Reference.to_string())]
pub struct Arguments {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,

    /// Configuration file [default: outcrop.toml in the working directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Replay the recorded streams below DIR instead of calling AWS
    #[arg(long, value_name = "DIR")]
    pub replay: Option<PathBuf>,

    /// How fast to replay: 1 as recorded, 2 twice as fast, 0 as fast as the socket takes it
    #[arg(long, value_name = "N", requires = "replay", allow_negative_numbers = true, default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,

    /// Write every exchange with Bedrock into a new file below DIR, without headers and credentials
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,

    /// Seconds that open streams may go on after SIGTERM or SIGINT [default: 30]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub grace: Option<String>,

    /// Serve without keys on an address that is not loopback
    #[arg(long)]
    pub allow_anonymous: bool,

    /// Print the configuration in force, secrets hidden, and stop
    #[arg(long)]
    pub print_config: bool,
}

impl Arguments {
    /// Puts these flags over the variables, the configuration file and the defaults.
    ///
    /// # Errors
    ///
    /// Every mistake in any of them.
    pub fn load(&self, environment: &Environment) -> Result<Loaded, config::Mistakes> {
        let flags = Flags {
            config: self.config.clone(),
            values: vec![
                ("listen", self.listen.clone()),
                ("grace", self.grace.clone()),
                (
                    "allow_anonymous",
                    self.allow_anonymous.then(|| "true".to_owned()),
                ),
            ],
        };
        config::load(&flags, environment, Path::new(""))
    }
}

/// Runs the gateway until it is told to stop.
///
/// # Errors
///
/// A wrong configuration, or whatever keeps the gateway from starting.
pub async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let loaded = arguments.load(environment)?;
    if arguments.print_config {
        return print(&loaded.to_string());
    }
    let mut config = loaded.config;
    let recorder = arguments.record.as_deref().map(recorder).transpose()?;
    let metrics = Metrics::new();
    let keys = begin_keys(&mut config, &metrics).await?;
    let listener = listen(config.listen).await?;
    let address = listener.local_addr()?;
    // From here on it is the real port that counts, also where 0 was asked for.
    config.listen = address;
    let accounts = match &arguments.replay {
        Some(folder) => {
            let embedded = Embedded::start(folder, arguments.speed).await?;
            embedded
                .accounts(&mut config.bedrock, &config.accounts, &metrics)
                .await?
        }
        None => Accounts::new(&config.bedrock, &config.accounts, environment, &metrics).await?,
    };
    first_credentials(accounts.own()).await?;
    // Installed before the line that says that we are there, so that whoever waits for it may signal at once.
    let mut signals = Signals::new()?;
    describe(&config, &keys, &accounts, arguments.replay.as_deref())?;
    let images = image_fetcher(&config.fetch)?;
    let cache_file = |places: &[Bedrock]| match arguments.replay {
        Some(_) => None,
        None => Discovery::cache_file(environment, places),
    };
    let models = Models::begin(&config, accounts, cache_file, &metrics)?;
    let gateway = Gateway::new(
        &config,
        address,
        models,
        keys.clone(),
        metrics,
        recorder.clone(),
    )
    .fetching(images);
    let gateway = Arc::new(gateway);
    let operators = Operators::begin(&config, &keys).await?;
    logs::listening(address);

    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    let mut serving = pin!(server::run(listener, gateway, stopped, config.grace));
    tokio::select! {
        _ = &mut serving => {}
        () = signals.next() => {
            info!(grace = ?config.grace, "stopping: open answers may go on for the grace period");
            let _ = stop.send(());
            tokio::select! {
                drained = &mut serving => report(drained),
                () = signals.next() => warn!("stopped at once by a second signal"),
            }
        }
    }
    if let Some(recorder) = recorder {
        recorder.idle().await;
    }
    if let Some(operators) = operators {
        operators.stop().await;
    }
    keys.close().await;
    Ok(())
}

/// Opens the store of managed keys. It also keeps the key that authenticates what clients keep, where the operator set
/// none.
async fn begin_keys(config: &mut Config, metrics: &Metrics) -> Result<Keys, Failure> {
    let keys = Keys::begin(&config.keys, metrics).await?;
    refuse_open_gateway(config, &keys)?;
    if config.state_key.is_none() {
        config.state_key = keys.state_key().await.map(StateKey::new);
    }
    Ok(keys)
}

/// Waits for the first credentials longer than a request would: a process that asks somebody may take its time.
async fn first_credentials(bedrock: &Bedrock) -> Result<(), CredentialsError> {
    for _ in 1..CREDENTIALS_WAITS {
        match bedrock.credentials_resolve().await {
            // The load goes on, and the next wait is for the same one.
            Err(CredentialsError::TimedOut(..)) => {
                debug!("the AWS credentials are still being loaded");
            }
            resolved => return resolved,
        }
    }
    bedrock.credentials_resolve().await
}

/// Off loopback, a gateway without keys would let the whole network spend its owner's money.
fn refuse_open_gateway(config: &Config, keys: &Keys) -> Result<(), Failure> {
    let has_keys = !config.api_keys.is_empty() || keys.are_required();
    if has_keys || config.listen.ip().is_loopback() || config.allow_anonymous {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{} is not a loopback address and no keys are configured: make one with outcrop keys create, set OUTCROP_API_KEY, listen \
         on 127.0.0.1, or allow everybody with --allow-anonymous",
        config.listen
    )))
}

/// What fetches the images that requests name by address, if they are fetched.
fn image_fetcher(settings: &config::Fetch) -> Result<Option<ImageFetcher>, Failure> {
    Ok(match settings.images {
        FetchImages::Off => None,
        FetchImages::Public => {
            let network = Network::public(public_tls()?);
            Some(ImageFetcher::new(settings, network))
        }
    })
}

fn recorder(folder: &Path) -> Result<Recorder, Failure> {
    Recorder::new(folder)
        .map_err(|error| Failure::new(format!("cannot record into {}: {error}", folder.display())))
}

/// Listens on `address`, or says what to do about it.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let hint = match error.kind() {
            ErrorKind::AddrInUse => " (choose another port with --listen, 0 takes a free one)",
            _ => "",
        };
        Failure::new(format!("cannot listen on {address}: {error}{hint}"))
    })
}

/// Says in one line each what is in force.
fn describe(
    config: &Config,
    keys: &Keys,
    accounts: &Accounts,
    replay: Option<&Path>,
) -> Result<(), SetupError> {
    let in_force = accounts.own().describe();
    if let Some(folder) = replay {
        info!("replaying {} instead of calling AWS", folder.display());
        info!("region {} (none is called)", in_force.region);
        info!("endpoint {}", in_force.endpoint);
        info!("credentials made up for the replay");
    } else {
        info!(
            "region {} (from {})",
            in_force.region, in_force.region_source
        );
        info!("endpoint {}", in_force.endpoint);
        info!("credentials from {}", in_force.credential_source);
        for account in &config.accounts {
            let bedrock = accounts.bedrock(Some(&account.name), None)?;
            let in_force = bedrock.describe();
            info!(
                "account {}: region {}, credentials from {}",
                account.name, in_force.region, in_force.credential_source
            );
        }
    }
    if config.state_key.is_none() {
        warn!(
            "OUTCROP_STATE_KEY is not set: after a restart, reasoning that clients kept is not believed; set it to \
             what `openssl rand -base64 32` prints"
        );
    }
    if keys.are_required() {
        info!("keys from {}", config.keys.store);
    } else if config.api_keys.is_empty() {
        warn!(
            "no keys are configured: everybody who reaches {} can call",
            config.listen
        );
    }
    Ok(())
}

fn report(drained: Drained) {
    match drained.cut {
        0 => info!("stopped"),
        cut => warn!(
            cut,
            "stopped; connections were cut when the grace period ended"
        ),
    }
}
