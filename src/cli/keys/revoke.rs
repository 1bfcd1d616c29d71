//! `outcrop keys revoke`: the end of a key.

use clap::Args;

use super::desk::Place;
use super::{print_json, show};
use crate::cli::{Failure, print};
use crate::config::Environment;
use crate::keys::Access;

/// Revoke a key for good; every gateway refuses it within two seconds.
///
/// What it used stays in the books. Its name can be given to another key.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// Id or name of the key
    #[arg(value_name = "KEY")]
    key: String,

    /// Print what is known of the key, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let desk = arguments.place.open(Access::Command, environment).await?;
    let key = desk.revoke(&arguments.key).await?;
    if arguments.json {
        return print_json(&key);
    }
    print(&show::card(&key))
}
