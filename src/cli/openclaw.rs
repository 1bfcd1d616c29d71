//! `outcrop openclaw`: OpenClaw's configuration for this gateway.

use clap::Args;

use super::listing::Source;
use super::models::NEEDS;
use super::{Failure, print};
use crate::config::Environment;

mod address;
mod configuration;
mod json5;

pub use configuration::{COMMENTS, Provider, configuration};
pub use json5::json5;

/// Print OpenClaw's configuration for this gateway and its models.
///
/// The output works as it is as ~/.openclaw/openclaw.json (which is JSON5), or as the file of `--config` of
/// `openclaw agent exec`: provider `outcrop`, with every model that calls tools, its windows, inputs and costs. OpenClaw
/// reads the key from the environment variable that --key-env names; the key itself is not printed.
#[derive(Args, Clone, Debug)]
#[expect(clippy::doc_markdown, reason = "this text is read in a terminal")]
#[command(after_long_help = NEEDS)]
pub struct Arguments {
    /// Where OpenClaw reaches the gateway [default: http://127.0.0.1:4000/v1, with the configured port]
    #[arg(long, value_name = "URL", value_parser = address::base_url)]
    pub base_url: Option<String>,

    /// Environment variable that holds the key for the gateway
    #[arg(long, value_name = "NAME", default_value = "OUTCROP_CLIENT_KEY", value_parser = address::variable)]
    pub key_env: String,

    /// Print JSON without comments instead of JSON5
    #[arg(long)]
    pub json: bool,

    /// Where they are looked up.
    #[command(flatten)]
    pub source: Source,
}

/// Prints the configuration.
///
/// # Errors
///
/// Lists that could not be asked for, or no model that an agent could use.
pub async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let found = arguments.source.list(environment).await?;
    let base_url = match arguments.base_url {
        Some(url) => url,
        None => address::of_listener(found.config.listen).ok_or_else(|| {
            Failure::usage(
                "the configured port is 0, which stands for any: say with --base-url where the gateway is",
            )
        })?,
    };
    let provider = Provider {
        base_url: &base_url,
        key_env: &arguments.key_env,
    };
    let Some(configuration) = configuration(&provider, &found.models, &found.config.models) else {
        found.complete()?;
        return Err(Failure::new(
            "there is no model that calls tools, which an agent needs",
        ));
    };
    if arguments.json {
        print(&format!("{configuration:#}\n"))?;
    } else {
        print(&json5(COMMENTS, &configuration))?;
    }
    found.complete()
}
