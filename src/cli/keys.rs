//! `outcrop keys`: what an operator does with managed keys.

use std::io::{self, IsTerminal as _, Write as _};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{Failure, print};
use crate::config::Environment;

mod admin_client;
mod create;
mod desk;
mod list;
mod revoke;
mod rotate;
mod settings;
mod show;
mod table;
mod update;
mod usage;

/// Manage the keys that clients use: make them, limit them, see what they spend.
///
/// The keys are in the store that the configuration names (keys.store), a file or a Redis; every running gateway follows a
/// change within two seconds. As soon as there is a store, clients need a key. With --url the gateway's own interface for
/// operators is asked instead (admin.listen), with the admin key in the environment variable OUTCROP_ADMIN_KEY.
#[derive(Args, Clone, Debug)]
#[expect(clippy::doc_markdown, reason = "this text is read in a terminal")]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Create(create::Arguments),
    List(list::Arguments),
    Show(show::Arguments),
    Update(update::Arguments),
    Rotate(rotate::Arguments),
    Revoke(revoke::Arguments),
    Usage(usage::Arguments),
}

/// Does what the operator asked for.
///
/// # Errors
///
/// Wrong flags, all of them named, or a store that does not answer or refuses.
pub async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    match arguments.command {
        Command::Create(arguments) => create::run(arguments, environment).await,
        Command::List(arguments) => list::run(arguments, environment).await,
        Command::Show(arguments) => show::run(arguments, environment).await,
        Command::Update(arguments) => update::run(arguments, environment).await,
        Command::Rotate(arguments) => rotate::run(arguments, environment).await,
        Command::Revoke(arguments) => revoke::run(arguments, environment).await,
        Command::Usage(arguments) => usage::run(arguments, environment).await,
    }
}

/// Prints data as JSON that can be read.
fn print_json(data: &impl Serialize) -> Result<(), Failure> {
    print(&format!("{}\n", serde_json::to_string_pretty(data)?))
}

/// Tells somebody at a terminal what a script need not know.
fn tell(text: &str) {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        // Nothing can be done when standard error is gone.
        let _ = writeln!(terminal, "{text}");
    }
}
