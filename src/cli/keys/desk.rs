//! Where keys are managed: in their store, or at a running gateway's interface for operators.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::admin_client::{AdminClient, base_url};
use crate::cli::Failure;
use crate::config::{self, Environment, Flags, StoreLocation};
use crate::keys::{
    self, Access, Administration, AdministrationError, IssuedKey, KeyChange, KeyDraft, KeyMistake,
    KeyView, Timestamp, UsageQuestion, UsageReport,
};

/// Holds the key for the operators' interface.
pub(super) const ADMIN_KEY: &str = "OUTCROP_ADMIN_KEY";

/// Where the keys are.
#[derive(Args, Clone, Debug)]
#[expect(clippy::doc_markdown, reason = "this text is read in a terminal")]
pub(super) struct Place {
    /// Configuration file [default: outcrop.toml in the working directory, if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Where the keys are kept: sqlite:FILE, redis://… or rediss://… [default: keys.store of the configuration]
    #[arg(long, value_name = "LOCATION")]
    store: Option<String>,

    /// Ask a gateway at its admin.listen instead, with the key in OUTCROP_ADMIN_KEY
    #[arg(long, value_name = "URL", conflicts_with_all = ["store", "config"])]
    url: Option<String>,
}

/// What does the operator's work.
pub(super) enum Desk {
    /// The store itself.
    Store(Administration),
    /// A gateway.
    Gateway(Box<AdminClient>),
}

impl Place {
    /// Opens the store, or gets ready to ask the gateway.
    pub(super) async fn open(
        self,
        access: Access,
        environment: &Environment,
    ) -> Result<Desk, Failure> {
        // Neither is read by clap, which would repeat a wrong one with the password that may stand in it.
        if let Some(url) = self.url {
            let url = base_url(&url)
                .ok_or_else(|| Failure::usage("--url must be like http://127.0.0.1:4001"))?;
            let key = environment.get(ADMIN_KEY).ok_or_else(|| {
                Failure::usage(format!(
                    "--url needs an admin key in {ADMIN_KEY}; outcrop keys create --admin makes one"
                ))
            })?;
            let client = AdminClient::new(url, key.trim())?;
            return Ok(Desk::Gateway(Box::new(client)));
        }
        let location = if let Some(location) = self.store {
            StoreLocation::parse(&location).map_err(|problem| {
                Failure::usage(format!(
                    "--store must be sqlite:FILE, redis://HOST or rediss://HOST: {problem}"
                ))
            })?
        } else {
            let flags = Flags {
                config: self.config,
                values: Vec::new(),
            };
            config::load(&flags, environment, Path::new(""))?
                .config
                .keys
                .store
        };
        let store = keys::open(&location, access).await?;
        Ok(Desk::Store(Administration::new(store)))
    }
}

impl Desk {
    pub(super) async fn create(&self, draft: &KeyDraft) -> Result<IssuedKey, Failure> {
        match self {
            Self::Store(keys) => told(keys.create(draft, Timestamp::now()).await),
            Self::Gateway(gateway) => gateway.create(draft).await,
        }
    }

    pub(super) async fn keys(&self, with_revoked: bool) -> Result<Vec<KeyView>, Failure> {
        match self {
            Self::Store(keys) => told(keys.keys(with_revoked, Timestamp::now()).await),
            Self::Gateway(gateway) => gateway.keys(with_revoked).await,
        }
    }

    pub(super) async fn key(&self, name: &str) -> Result<KeyView, Failure> {
        match self {
            Self::Store(keys) => told(keys.key(name, Timestamp::now()).await),
            Self::Gateway(gateway) => gateway.key(name).await,
        }
    }

    pub(super) async fn update(&self, name: &str, change: &KeyChange) -> Result<KeyView, Failure> {
        match self {
            Self::Store(keys) => told(keys.update(name, change, Timestamp::now()).await),
            Self::Gateway(gateway) => gateway.update(name, change).await,
        }
    }

    pub(super) async fn rotate(&self, name: &str, overlap: Duration) -> Result<IssuedKey, Failure> {
        match self {
            Self::Store(keys) => told(keys.rotate(name, overlap, Timestamp::now()).await),
            Self::Gateway(gateway) => gateway.rotate(name, overlap).await,
        }
    }

    pub(super) async fn revoke(&self, name: &str) -> Result<KeyView, Failure> {
        match self {
            Self::Store(keys) => told(keys.revoke(name, Timestamp::now()).await),
            Self::Gateway(gateway) => gateway.revoke(name).await,
        }
    }

    pub(super) async fn usage(&self, question: &UsageQuestion) -> Result<UsageReport, Failure> {
        match self {
            Self::Store(keys) => told(keys.usage(question, Timestamp::now()).await),
            Self::Gateway(gateway) => gateway.usage(question).await,
        }
    }
}

/// Mistakes in a line each, by the flags that they are about.
pub(super) fn told<T>(outcome: Result<T, AdministrationError>) -> Result<T, Failure> {
    outcome.map_err(|error| match error {
        AdministrationError::Mistakes(mistakes) => {
            let lines = mistakes.iter().map(of_flag);
            Failure::usage_of_lines(lines.collect())
        }
        error => error.into(),
    })
}

fn of_flag(mistake: &KeyMistake) -> String {
    if mistake.member == "limits" {
        return mistake.to_string();
    }
    let flag = match mistake.member.as_str() {
        "budget.usd" => "budget".to_owned(),
        "budget.per" => "per".to_owned(),
        "tags" => "tag".to_owned(),
        member => member.replace('_', "-"),
    };
    format!("--{flag} {}", mistake.problem)
}
