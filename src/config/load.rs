//! The layers over each other: defaults, the file, the variables, the flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::mistake::{Mistake, Mistakes, Origin, quoted};
use super::setting::{self, Setting};
use super::value::Value;
use super::{Account, Config, Environment, Loaded, Model, Price, file, guardrail, variables};

/// What was typed on the command line.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// The file that `--config` names.
    pub config: Option<PathBuf>,
    /// Top-level options by their TOML key (`listen`, `allow_anonymous` …) and as typed; `None` was not typed.
    pub values: Vec<(&'static str, Option<String>)>,
}

/// A configuration that is being put together.
#[derive(Debug, Default)]
pub(super) struct Loading {
    pub(super) config: Config,
    pub(super) origins: BTreeMap<String, Origin>,
    mistakes: Vec<Mistake>,
    /// The accounts that targets name, and where they do.
    named_accounts: Vec<(String, Origin)>,
    /// Whether an account may be missing because of another mistake.
    accounts_in_doubt: bool,
}

impl Loading {
    /// Puts a value into the configuration over what is there, or notes a mistake.
    pub(super) fn set(&mut self, setting: &Setting, value: &Value<'_>, origin: Origin) {
        match (setting.read)(&mut self.config, value) {
            Ok(()) => {
                self.origins.insert(setting.name(), origin);
            }
            Err(problem) => self.mistake(origin, format!("{} {problem}", setting.name())),
        }
    }

    /// How many mistakes were noted so far.
    pub(super) fn mistakes(&self) -> usize {
        self.mistakes.len()
    }

    /// Adds an account, whose name must be its own.
    pub(super) fn add_account(&mut self, account: Account, origin: Origin) {
        let accounts = &mut self.config.accounts;
        if accounts.iter().any(|other| other.name == account.name) {
            let problem = format!("the account {} is there twice", quoted(&account.name));
            return self.mistake(origin, problem);
        }
        accounts.push(account);
    }

    /// Adds a model, whose id must be its own.
    pub(super) fn add_model(&mut self, model: Model, origin: Origin) {
        let models = &mut self.config.models;
        if models.iter().any(|other| other.id == model.id) {
            let problem = format!("the model {} is there twice", quoted(&model.id));
            return self.mistake(origin, problem);
        }
        models.push(model);
    }

    /// Adds a price, which must be the only one of its model and region.
    pub(super) fn add_price(&mut self, price: Price, origin: Origin) {
        let prices = &mut self.config.prices.list;
        let same = |other: &&Price| (&other.model, &other.region) == (&price.model, &price.region);
        if prices.iter().find(same).is_some() {
            let problem = format!("the price of {} is there twice", quoted(&price.model));
            return self.mistake(origin, problem);
        }
        prices.push(price);
    }

    /// Remembers that a target names an account, which may stand further down.
    pub(super) fn name_account(&mut self, name: String, origin: Origin) {
        self.named_accounts.push((name, origin));
    }

    /// Says that accounts may be missing because something is wrong with the file or with one of them.
    pub(super) fn doubt_accounts(&mut self) {
        self.accounts_in_doubt = true;
    }

    /// Notes targets in accounts that are not there.
    fn check_targets(&mut self) {
        if self.accounts_in_doubt {
            return;
        }
        for (name, origin) in std::mem::take(&mut self.named_accounts) {
            if !self.config.accounts.iter().any(|other| other.name == name) {
                let problem = format!(
                    "a target names the account {}, which no [[accounts]] has",
                    quoted(&name)
                );
                self.mistake(origin, problem);
            }
        }
    }

    /// Notes half a guardrail. Beside other mistakes the missing half may be one of them.
    fn check_guardrail(&mut self) {
        if !self.mistakes.is_empty() {
            return;
        }
        if let Some((origin, problem)) = guardrail::mistake(&self.config.guardrail, &self.origins) {
            self.mistake(origin, problem);
        }
    }

    /// Notes a mistake.
    pub(super) fn mistake(&mut self, origin: Origin, problem: String) {
        self.mistakes.push(Mistake { origin, problem });
    }
}

/// Puts flags over variables over the file over the defaults.
///
/// The file is the one that `--config` or `OUTCROP_CONFIG` names, else `outcrop.toml` in `directory`
/// if it is there.
///
/// # Errors
///
/// Every mistake in any layer, also in a value that another layer replaces.
pub fn load(
    flags: &Flags,
    environment: &Environment,
    directory: &Path,
) -> Result<Loaded, Mistakes> {
    let mut loading = Loading::default();
    let flagged = flags
        .config
        .clone()
        .map(|path| (path, Origin::Flag("--config".to_owned())));
    let named = flagged.or_else(|| {
        let path = environment.get(variables::CONFIG)?.trim();
        Some((path.into(), Origin::Variable(variables::CONFIG.to_owned())))
    });
    file::read(named, directory, &mut loading);
    variables::read(environment, &mut loading);
    for (key, value) in &flags.values {
        if let (Some(setting), Some(value)) = (setting::find("", key), value) {
            let origin = Origin::Flag(format!("--{}", key.replace('_', "-")));
            loading.set(setting, &Value::Untyped(value.trim()), origin);
        }
    }
    file::read_prices(directory, &mut loading);
    loading.check_guardrail();
    loading.check_targets();
    if loading.mistakes.is_empty() {
        Ok(Loaded {
            config: loading.config,
            origins: loading.origins,
        })
    } else {
        Err(Mistakes::new(loading.mistakes))
    }
}
