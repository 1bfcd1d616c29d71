//! What `models` and `openclaw` share: the models that this account can invoke, as the gateway would list them.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use super::Failure;
use super::embedded::Embedded;
use crate::config::{self, Config, Environment, Flags};
use crate::metrics::Metrics;
use crate::models::{ListedModel, Listing, places};
use crate::upstream::{Accounts, Discovery, ListFailure};

/// Where the models are looked up.
#[derive(Args, Clone, Debug)]
pub struct Source {
    /// Configuration file [default: outcrop.toml in the working directory, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// List the recordings below DIR instead of calling AWS
    #[arg(long, value_name = "DIR")]
    pub replay: Option<PathBuf>,
}

/// What was found.
pub(super) struct Found {
    pub(super) config: Config,
    pub(super) models: Vec<ListedModel>,
    /// What could not be asked, one line each.
    problems: Vec<String>,
}

impl Source {
    /// The models of the configuration and those that AWS lists.
    ///
    /// # Errors
    /// A wrong configuration, or what keeps AWS from being asked.
    pub(super) async fn list(&self, environment: &Environment) -> Result<Found, Failure> {
        let flags = Flags {
            config: self.config.clone(),
            values: Vec::new(),
        };
        let mut config = config::load(&flags, environment, Path::new(""))?.config;
        let metrics = Metrics::new();
        let accounts = match &self.replay {
            Some(folder) => {
                let embedded = Embedded::start(folder, 0.0).await?;
                embedded
                    .accounts(&mut config.bedrock, &config.accounts, &metrics)
                    .await?
            }
            None => Accounts::new(&config.bedrock, &config.accounts, environment, &metrics).await?,
        };
        let places = places(&accounts, &config.discovery)?;
        let regions: Vec<_> = places
            .iter()
            .map(|place| place.describe().region.as_str())
            .collect();
        let progress = Progress::begin(&format!("asking Bedrock in {}", regions.join(", ")));
        let discovery = Discovery::begin(places, &config.discovery, None, &metrics);
        let (invocable, failures) = match discovery.refresh().await {
            Ok(refreshed) => (refreshed.models, refreshed.failures),
            Err(failures) => (discovery.models(), failures),
        };
        drop(progress);
        let models = Listing::new(&config).models(&invocable, |_| true);
        Ok(Found {
            config,
            models,
            problems: problems(&failures),
        })
    }
}

impl Found {
    /// Fails with what could not be asked, if there is anything: what was printed is not everything then.
    ///
    /// # Errors
    /// Those problems.
    pub(super) fn complete(self) -> Result<(), Failure> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(Failure::of_lines(self.problems))
        }
    }
}

/// What could not be asked, in a line for each reason: a cable that is not plugged in stops all lists alike.
fn problems(failures: &[ListFailure]) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<String>)> = Vec::new();
    let mut problems = Vec::new();
    for failure in failures {
        if failure.missing_permission().is_some() {
            problems.push(failure.to_string());
            continue;
        }
        let list = format!("{} in {}", failure.operation, failure.region);
        let reason = failure.error.to_string();
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, lists)) => lists.push(list),
            None => reasons.push((reason, vec![list])),
        }
    }
    let others = reasons.into_iter();
    problems.extend(others.map(|(reason, lists)| format!("{}: {reason}", lists.join(", "))));
    problems
}

/// A line on a terminal that says what takes its time; it goes away when this is dropped.
struct Progress;

impl Progress {
    fn begin(text: &str) -> Option<Self> {
        let mut terminal = io::stderr();
        if !terminal.is_terminal() {
            return None;
        }
        // Nothing can be done when standard error is gone.
        let _ = write!(terminal, "{text} …");
        let _ = terminal.flush();
        Some(Self)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        let mut terminal = io::stderr();
        // Back to the start of the line, and clear it.
        let _ = write!(terminal, "\r\u{1b}[K");
        let _ = terminal.flush();
    }
}
