//! `outcrop serve`: the gateway itself.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, print};
use crate::config::{self, Environment, Flags, Loaded, Reference};

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

/// Reads the speed of a replay.
fn speed(text: &str) -> Result<f64, &'static str> {
    let speed = text
        .parse()
        .ok()
        .filter(|speed: &f64| speed.is_finite() && *speed >= 0.0);
    speed.ok_or("it must be a number from 0")
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
    Err(Failure::new("serve is wired by the server"))
}
