//! `outcrop replay`: a Bedrock without AWS, as a test server of its own.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use clap::builder::{StringValueParser, TypedValueParser};

use super::serve::listen;
use super::signals::Signals;
use super::{Failure, logs};
use crate::config::Secret;
use crate::fixture::{Options, StandIn};

/// Run a stand-in for Bedrock that replays recorded answers.
///
/// A test server for anything that speaks to Amazon Bedrock. It answers Converse, ConverseStream,
/// ListFoundationModels, ListInferenceProfiles and GetInferenceProfile from recordings and with their
/// timing, and InvokeModel of embeddings models also without a recording, with embeddings computed from the
/// texts. No AWS account is needed and nothing is billed.
///
/// Requests are checked like Bedrock checks them: the signature, the shape of the body, and the rules that a
/// conversation must keep for the model that was recorded. A mistake gets the status, exception and text that
/// Bedrock answers with.
#[derive(Args, Clone, Debug)]
#[expect(clippy::doc_markdown, reason = "this text is read in a terminal")]
#[command(after_long_help = EXAMPLES)]
pub struct Arguments {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4001", value_parser = address)]
    pub listen: SocketAddr,

    /// Folder whose *.jsonl files are replayed, subfolders included
    ///
    /// Each file is one recording, called as model `replay.<file name>`. A plain model id is answered by the
    /// first file, by name, that was recorded with it; geography prefixes such as `us.` make no difference.
    #[arg(long, value_name = "DIR", default_value = "fixtures")]
    pub fixtures: PathBuf,

    /// Play so many times faster than recorded; 0 waits for nothing
    #[arg(long, value_name = "N", default_value = "1", allow_negative_numbers = true, value_parser = speed)]
    pub speed: f64,

    /// Access key id that requests must be signed with
    #[arg(long, value_name = "ID", default_value = "AKIAIOSFODNN7EXAMPLE")]
    pub access_key_id: String,

    /// Secret of that access key; both defaults are the example pair of AWS's documentation
    #[arg(
        long,
        value_name = "KEY",
        value_parser = secret(),
        default_value = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    )]
    pub secret_access_key: Secret,

    /// Accept this Bedrock API key (AWS_BEARER_TOKEN_BEDROCK) instead of a signature
    #[arg(long, value_name = "TOKEN", value_parser = secret())]
    pub bearer_token: Option<Secret>,

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
  export AWS_ENDPOINT_URL=http://127.0.0.1:4001 AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE
  export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY

A recording is JSON Lines: a header with model, operation and request, then one line per event with \
the milliseconds since the request, or one whole answer. Several exchanges in one file make a tool loop. \
Errors, throttling and broken connections are recorded in the same way, so each can be provoked by its name.";

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
///
/// A recording that is wrong, with its file and line, or an address that cannot be listened on.
pub async fn run(arguments: Arguments) -> Result<(), Failure> {
    let stand_in = StandIn::load(
        &arguments.fixtures,
        Options {
            speed: arguments.speed,
            access_key_id: arguments.access_key_id,
            secret_access_key: arguments.secret_access_key.expose().to_owned(),
            bearer_token: arguments
                .bearer_token
                .map(|token| token.expose().to_owned()),
            authenticate: !arguments.no_auth,
            refuse_unknown_members: !arguments.ignore_unknown_members,
        },
    )?;
    let listener = listen(arguments.listen).await?;
    tracing::info!(
        recordings = stand_in.fixture_count(),
        folder = %arguments.fixtures.display(),
        authentication = !arguments.no_auth,
        "replaying recorded answers of Bedrock"
    );
    // Installed before the line that says that we are there, so that whoever waits for it may signal at once.
    let mut signals = Signals::new()?;
    logs::listening(listener.local_addr()?);
    stand_in.serve(listener, signals.next()).await;
    Ok(())
}

fn secret() -> impl TypedValueParser<Value = Secret> {
    StringValueParser::new().map(Secret::new)
}

fn address(text: &str) -> Result<SocketAddr, &'static str> {
    let address = text.parse();
    address.map_err(|_| "it must be an address and a port such as \"127.0.0.1:4001\"")
}

/// Reads the speed of a replay.
pub(super) fn speed(text: &str) -> Result<f64, &'static str> {
    let speed = text.parse().ok();
    speed
        .filter(|speed: &f64| speed.is_finite() && *speed >= 0.0)
        .ok_or("it must be a number from 0")
}

#[cfg(test)]
mod tests {
    use super::{address, speed};

    #[test]
    fn an_address_has_a_port() {
        assert_eq!(
            address("[::1]:0").map(|address| address.port()),
            Ok(0),
            "port 0 takes a free one"
        );
        for text in ["127.0.0.1", "localhost:4001", ":4001", ""] {
            assert!(
                address(text).is_err_and(|problem| problem.contains("\"127.0.0.1:4001\"")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_speed_is_a_number_from_0() {
        assert_eq!(speed("2.5"), Ok(2.5));
        assert_eq!(speed("0"), Ok(0.0));
        for text in ["-1", "NaN", "inf", "fast", ""] {
            assert!(speed(text).is_err(), "{text}");
        }
    }
}
