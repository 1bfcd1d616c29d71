//! `outcrop keys rotate`: a new secret for a key.

use std::time::Duration;

use clap::Args;

use super::create::print_issued;
use super::desk::Place;
use super::tell;
use crate::cli::Failure;
use crate::config::Environment;
use crate::keys::{Access, parse_time};

/// Replace a key by a new one with the same id, limits and usage, and print it.
///
/// The old one works on for the overlap, so that nobody who has it is locked out. With --overlap 0 it ends within two
/// seconds: that is for keys that became known.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// Id or name of the key
    #[arg(value_name = "KEY")]
    key: String,

    /// How long the old one works on: 24h, 7d, 0
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = parse_time)]
    overlap: Duration,

    /// Print the key with everything that is known of it, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let desk = arguments.place.open(Access::Command, environment).await?;
    let issued = desk.rotate(&arguments.key, arguments.overlap).await?;
    print_issued(&issued, arguments.json)?;
    if let Some(end) = issued.view.overlaps.first().filter(|_| !arguments.json) {
        tell(&format!("The one before it works until {end}."));
    }
    Ok(())
}
