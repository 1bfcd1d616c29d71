//! One file per subcommand, and what they share: logs, failures, output.

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Parser, Subcommand};
use tokio::runtime;

use crate::config::{Environment, LogFormat};

pub use failure::Failure;

pub mod doctor;
mod embedded;
mod failure;
pub mod keys;
pub mod listing;
pub mod logs;
pub mod models;
pub mod openclaw;
mod operators;
pub mod replay;
pub mod serve;
mod signals;

/// Amazon Bedrock behind OpenAI's API.
///
/// Outcrop answers POST /v1/chat/completions by calling Bedrock's Converse and ConverseStream, POST
/// /v1/embeddings by calling InvokeModel, and GET /v1/models with what can be called, so that anything written
/// for OpenAI works with the models of an AWS account.
#[derive(Debug, Parser)]
#[command(
    name = "outcrop",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Arguments {
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        help = "Format of the log on standard error [default: text; variable: OUTCROP_LOG_FORMAT]"
    )]
    log_format: Option<LogFormat>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Models(models::Arguments),
    Openclaw(openclaw::Arguments),
    Keys(Box<keys::Arguments>),
    Doctor(doctor::Arguments),
    Replay(replay::Arguments),
}

impl Command {
    /// What is logged when `RUST_LOG` says nothing.
    fn log_filter(&self) -> &'static str {
        match self {
            Self::Serve(_) | Self::Replay(_) => logs::OF_SERVERS,
            Self::Models(_) | Self::Openclaw(_) | Self::Keys(_) => logs::OF_QUESTIONS,
            Self::Doctor(_) => logs::OF_CHECKS,
        }
    }
}

/// Runs the command line `arguments`, the name of the program included.
///
/// # Errors
///
/// What stopped it, fit to be shown: wrong usage, a wrong configuration, or a failure at work.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
) -> Result<(), Failure> {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => return Err(Failure::from_usage(&error)),
        Err(help) => return printed(help.print()),
    };
    // A wrong variable is a mistake of its own further down, together with all others.
    let format = LogFormat::from_environment(environment);
    let chosen = arguments
        .log_format
        .or_else(|| format.as_ref().ok().copied());
    let otherwise = arguments.command.log_filter();
    logs::start(chosen.unwrap_or_default(), otherwise, environment);

    let runtime = runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Serve(arguments) => serve::run(arguments, environment).await,
            Command::Models(arguments) => models::run(arguments, environment).await,
            Command::Openclaw(arguments) => openclaw::run(arguments, environment).await,
            Command::Keys(arguments) => keys::run(*arguments, environment).await,
            Command::Replay(arguments) => replay::run(arguments).await,
            Command::Doctor(arguments) => doctor::run(arguments, environment).await,
        }
    });
    // Dropping the runtime would wait for a name lookup or a credentials program that hangs.
    runtime.shutdown_background();
    outcome
}

/// Writes data to standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    printed(
        output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush()),
    )
}

/// Takes it for no failure that the reader of standard output has left, as `head` does.
fn printed(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
