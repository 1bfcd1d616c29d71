//! `outcrop replay`: a Bedrock without AWS, as a test server of its own.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::signal;

use crate::fixture::{LoadError, Options, StandIn};

/// Serve recorded Amazon Bedrock answers: a test server for anything that speaks to Bedrock
///
/// Answers Converse, ConverseStream, ListFoundationModels, ListInferenceProfiles and GetInferenceProfile
/// like Bedrock, from recordings and with their timing. No AWS account is needed and nothing is billed.
/// Requests are checked like Bedrock checks them: the signature, the shape of the body, and the rules that a
/// conversation must keep for the model that was recorded. A mistake gets the status, exception and text that
/// Bedrock answers with.
#[derive(Args, Clone)]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4001")]
    pub listen: SocketAddr,

    /// Folder whose *.jsonl files are replayed, subfolders included
    ///
    /// Each file is one recording, called as model `replay.<file name>`. A plain model id is answered by the
    /// first file, by name, that was recorded with it; geography prefixes such as `us.` make no difference.
    #[arg(long, value_name = "DIR", default_value = "fixtures")]
    pub fixtures: PathBuf,

    /// Play so many times faster than recorded; 0 waits for nothing
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
    pub speed: f64,

    /// Access key id that requests must be signed with
    #[arg(long, value_name = "ID", default_value = "AKIAIOSFODNN7EXAMPLE")]
    pub access_key_id: String,

    /// Secret of that access key; both defaults are the example pair of AWS's documentation
    #[arg(
        long,
        value_name = "KEY",
        default_value = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    )]
    pub secret_access_key: String,

    /// Accept this Bedrock API key (AWS_BEARER_TOKEN_BEDROCK) instead of a signature
    #[arg(long, value_name = "TOKEN")]
    pub bearer_token: Option<String>,

    /// Check neither signatures nor tokens
    #[arg(long)]
    pub no_auth: bool,

    /// Skip members of a request that Converse does not have, as Bedrock does, instead of refusing them
    #[arg(long)]
    pub ignore_unknown_members: bool,
}

const EXAMPLES: &str = "\
Examples:
  outcrop replay --no-auth &
  curl http://127.0.0.1:4001/model/replay.short-text/converse \\
    -d '{\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Hello\"}]}]}'

  # any AWS SDK
  export AWS_ENDPOINT_URL=http://127.0.0.1:4001 AWS_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
  export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY

A recording is JSON Lines: a header with model, operation and request, then one line per event with the
milliseconds since the request, or one whole answer. Several exchanges in one file make a tool loop. Errors,
throttling and broken connections are recorded in the same way, so each can be provoked by its name.";

/// Why the stand-in cannot start.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// A recording is wrong.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// [`ReplayError`] when a recording is wrong or the address cannot be listened on.
pub async fn run(arguments: Arguments) -> Result<(), ReplayError> {
    serve(arguments, terminated()).await
}

async fn serve(arguments: Arguments, shutdown: impl Future<Output = ()>) -> Result<(), ReplayError> {
    let address = arguments.listen;
    let stand_in = StandIn::load(
        &arguments.fixtures,
        Options {
            speed: arguments.speed,
            access_key_id: arguments.access_key_id,
            secret_access_key: arguments.secret_access_key,
            bearer_token: arguments.bearer_token,
            authenticate: !arguments.no_auth,
            refuse_unknown_members: !arguments.ignore_unknown_members,
        },
    )?;
    let listen_error = |source| ReplayError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen_error)?;
    let bound = listener.local_addr().map_err(listen_error)?;
    announce(&format!("listening on http://{bound}"));
    announce(&format!(
        "replaying {} recordings from {}",
        stand_in.fixture_count(),
        arguments.fixtures.display()
    ));
    stand_in.serve(listener, shutdown).await;
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "scripts wait for this line, whatever the log level is"
)]
fn announce(line: &str) {
    eprintln!("{line}");
}

/// Ready at the first SIGINT or SIGTERM.
async fn terminated() {
    let interrupted = async {
        if signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signals) => {
                signals.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed.is_finite() && speed >= 0.0 => Ok(speed),
        _ => Err("must be a number from 0 on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_from_0_on() {
        assert_eq!(speed("2.5"), Ok(2.5));
        assert_eq!(speed("0"), Ok(0.0));
        for text in ["-1", "NaN", "inf", "fast", ""] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
