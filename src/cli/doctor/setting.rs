//! What is in force: the configuration, the region and the endpoints. From here on there is somebody to examine.

use std::path::{Path, PathBuf};

use super::Arguments;
use super::advice;
use super::check::{Check, Finding};
use super::patient::Patient;
use super::report::Report;
use crate::cli::Failure;
use crate::cli::embedded::Embedded;
use crate::config::{self, Config, Environment, Flags};
use crate::metrics::Metrics;
use crate::models::Models;
use crate::upstream::{Accounts, RegionSource, SetupError};

/// The checks that need settings, in their order.
const BEYOND: [&str; 11] = [
    "region",
    "endpoint",
    "DNS",
    "connection",
    "clock",
    "credentials",
    "identity",
    "ListFoundationModels",
    "ListInferenceProfiles",
    "Converse",
    "ConverseStream",
];

/// Reads the settings and reports of them; nobody is there to examine when they cannot be used.
///
/// # Errors
///
/// Recordings that cannot be replayed.
pub(super) async fn examine(
    arguments: &Arguments,
    environment: &Environment,
    report: &mut Report,
) -> Result<Option<Patient>, Failure> {
    let flags = Flags {
        config: arguments.config.clone(),
        values: Vec::new(),
    };
    let mut config = match config::load(&flags, environment, Path::new("")) {
        Ok(loaded) => loaded.config,
        Err(mistakes) => {
            let lines: Vec<String> = mistakes.lines().collect();
            let detail = match lines.len() {
                1 => "1 mistake".to_owned(),
                count => format!("{count} mistakes"),
            };
            report.add(Check::instant(
                "configuration",
                Finding::bad(detail, lines.join("\n")),
            ))?;
            skip(&BEYOND, report)?;
            return Ok(None);
        }
    };
    let finding = Finding::good(configured(&config, arguments, environment));
    report.add(Check::instant("configuration", finding))?;
    let metrics = Metrics::new();
    let accounts = match &arguments.replay {
        Some(folder) => {
            let embedded = Embedded::start(folder, 0.0).await?;
            embedded
                .accounts(&mut config.bedrock, &config.accounts, &metrics)
                .await?
        }
        None => {
            match Accounts::new(&config.bedrock, &config.accounts, environment, &metrics).await {
                Ok(accounts) => accounts,
                Err(error) => {
                    unusable(&error, report)?;
                    return Ok(None);
                }
            }
        }
    };
    // Only what a name stands for is asked of them; the lists are a check of their own.
    config.discovery.enabled = false;
    let models = match Models::begin(&config, accounts.clone(), |_| None, &metrics) {
        Ok(models) => models,
        Err(error) => {
            unusable(&error, report)?;
            return Ok(None);
        }
    };
    let patient = Patient {
        config,
        accounts,
        models,
        is_replay: arguments.replay.is_some(),
    };
    describe(&patient, report)?;
    Ok(Some(patient))
}

/// The file that was read, and what of it the other checks do not tell.
fn configured(config: &Config, arguments: &Arguments, environment: &Environment) -> String {
    let named = arguments.config.clone();
    let named = named.or_else(|| environment.get("OUTCROP_CONFIG").map(PathBuf::from));
    let usual = || Some(PathBuf::from("outcrop.toml")).filter(|path| path.exists());
    let Some(file) = named.or_else(usual) else {
        return "no file, so variables and defaults".to_owned();
    };
    let (models, accounts) = (config.models.len(), config.accounts.len());
    format!(
        "{} with {models} [[models]] and {accounts} [[accounts]]",
        file.display()
    )
}

/// Reports what cannot be used in its place among the other checks.
fn unusable(error: &SetupError, report: &mut Report) -> Result<(), Failure> {
    let place = match error {
        SetupError::Region { .. } => "region",
        SetupError::Endpoint { .. } => "endpoint",
        SetupError::CaBundle { .. } | SetupError::Proxy { .. } | SetupError::Tls(_) => "connection",
        SetupError::BearerToken
        | SetupError::Profile(_)
        | SetupError::UnknownAccount(_)
        | SetupError::UnknownProfile(_) => "credentials",
    };
    for name in BEYOND {
        let finding = if name == place {
            Finding::bad(error.to_string(), advice::unusable(error))
        } else {
            Finding::skipped("a setting cannot be used")
        };
        report.add(Check::instant(name, finding))?;
    }
    Ok(())
}

fn skip(names: &[&str], report: &mut Report) -> Result<(), Failure> {
    for name in names {
        let finding = Finding::skipped("the configuration cannot be used");
        report.add(Check::instant(*name, finding))?;
    }
    Ok(())
}

/// Reports the region and the endpoints.
fn describe(patient: &Patient, report: &mut Report) -> Result<(), Failure> {
    let in_force = patient.accounts.own().describe();
    let region = match in_force.region_source {
        _ if patient.is_replay => Finding::good(format!("{} (none is called)", in_force.region)),
        RegionSource::Fallback => {
            Finding::good(format!("{}, as nobody names one", in_force.region))
                .advising("Name yours: set AWS_REGION, or region in [bedrock].")
        }
        source => Finding::good(format!("{} (from {source})", in_force.region)),
    };
    report.add(Check::instant("region", region))?;
    let (runtime, control) = (&in_force.endpoint, &in_force.control_endpoint);
    let endpoints = if runtime == control {
        format!("{runtime}, also for look-ups")
    } else {
        format!("{runtime}, for look-ups {control}")
    };
    report.add(Check::instant("endpoint", Finding::good(endpoints)))
}
