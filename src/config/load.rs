//! The layers over each other: defaults, the file, the variables, the flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::mistake::{Mistake, Mistakes, Origin};
use super::setting::{self, Setting};
use super::value::Value;
use super::{Config, Environment, Loaded, file, guardrail, variables};

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
    loading.check_guardrail();
    if loading.mistakes.is_empty() {
        Ok(Loaded {
            config: loading.config,
            origins: loading.origins,
        })
    } else {
        Err(Mistakes::new(loading.mistakes))
    }
}
