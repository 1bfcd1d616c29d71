//! `outcrop doctor`: whether everything is there that calls need, and what to do where it is not.

use std::path::PathBuf;

use clap::Args;

use self::report::Report;
use super::Failure;
use crate::config::Environment;

mod advice;
mod check;
mod choice;
mod identity;
mod inference;
mod lists;
mod network;
mod patient;
mod question;
mod report;
mod secrets;
mod setting;

/// Check all that calls to Bedrock need, and say what to do about what is missing.
///
/// Looks at the configuration, the region, endpoints, DNS, connections, the clock, credentials and whose they are, lists
/// models and inference profiles, and makes one tiny Converse and one ConverseStream call. Each check is a line: ✓ is as it
/// must be, ✗ is missing, – was not examined. The exit code is 0 unless something is missing.
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Model or inference profile to call, by its id or ARN; else a cheap one that the account lists
    #[arg(value_name = "MODEL")]
    pub model: Option<String>,

    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,

    /// Configuration file [default: outcrop.toml in the working directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Examine the stand-in that replays the streams below DIR instead of AWS
    #[arg(long, value_name = "DIR")]
    pub replay: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  outcrop doctor
  outcrop doctor us.anthropic.claude-sonnet-4-5-20250929-v1:0
  outcrop doctor --json | jq '.checks[] | select(.ok == false)'

With --json: {\"ok\": …, \"checks\": [{\"name\", \"ok\", \"detail\", \"advice\", \"milliseconds\"}]}; a check's ok is null \
where it was not examined.";

/// Examines everything and says what was found.
///
/// # Errors
///
/// The names of the checks that failed; recordings that cannot be replayed.
pub async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let mut report = Report::new(arguments.json, environment);
    if let Some(patient) = setting::examine(&arguments, environment, &mut report).await? {
        patient
            .examine(arguments.model.as_deref(), &mut report)
            .await?;
    }
    report.finish()
}
