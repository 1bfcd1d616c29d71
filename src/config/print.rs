//! What is in force, as text that can be read and read back.

use std::collections::BTreeMap;
use std::fmt;

use super::Config;
use super::mistake::Origin;
use super::setting::SETTINGS;
use super::tables::{table_of_account, table_of_model};
use super::variables::{API_KEY, STATE_KEY};

/// A configuration, and where each of its values comes from.
///
/// It shows as TOML with a comment after every value; secrets are counted, not shown.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is in force.
    pub config: Config,
    /// By option; what is not there is a default.
    pub(super) origins: BTreeMap<String, Origin>,
}

impl fmt::Display for Loaded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "# What is in force, and where each value comes from."
        )?;
        match self.config.api_keys.len() {
            0 => writeln!(formatter, "# No static keys: {API_KEY} is not set.")?,
            1 => writeln!(formatter, "# 1 key, hidden: {API_KEY}.")?,
            count => writeln!(formatter, "# {count} keys, hidden: {API_KEY}.")?,
        }
        match &self.config.state_key {
            None => writeln!(
                formatter,
                "# A random state key, or that of the key store: {STATE_KEY} is not set."
            )?,
            Some(_) => writeln!(formatter, "# 1 state key, hidden: {STATE_KEY}.")?,
        }
        let mut section = "";
        for setting in SETTINGS.iter() {
            if section != setting.section {
                section = setting.section;
                writeln!(formatter, "\n[{section}]")?;
            }
            let origin = self
                .origins
                .get(&setting.name())
                .unwrap_or(&Origin::Default);
            match (setting.show)(&self.config) {
                Some(value) => writeln!(formatter, "{} = {value} # {origin}", setting.key)?,
                None => writeln!(formatter, "# {} is not set", setting.key)?,
            }
        }
        for account in &self.config.accounts {
            write!(formatter, "\n{}", table_of_account(account))?;
        }
        for model in &self.config.models {
            write!(formatter, "\n{}", table_of_model(model))?;
        }
        Ok(())
    }
}

/// What the file may hold beside options.
const LISTS: &str = "
  [[models]]
          Each a model that clients may ask for: id, targets (a list of \"[account/][region/]model\", or of
          { target, weight }), base_model, context_window, max_tokens, cost ({ input, output, cache_read,
          cache_write, cache_write_1h }, USD per million tokens, and long_prompt, { above, input, output }: above how many
          tokens of the prompt it costs so many times as much), prompt_cache, guardrail ({ id, version, trace }); in the
          file alone

  [[accounts]]
          Each an AWS account that targets name: name, role_arn, external_id, region; in the file alone
";

/// Every option for the help: its name, its variable, what it does, and its default.
#[derive(Clone, Copy, Debug)]
pub struct Reference;

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "Options of the configuration file (outcrop.toml), each also an environment variable.\n\
             A flag wins over the variable, the variable over the file.\n",
        )?;
        let defaults = Config::default();
        for setting in SETTINGS.iter() {
            let (name, variable, about) = (setting.name(), setting.variable(), setting.about);
            let default = (setting.show)(&defaults).unwrap_or_else(|| "not set".to_owned());
            write!(
                formatter,
                "\n  {name} / {variable}\n          {about} [default: {default}]\n"
            )?;
        }
        formatter.write_str(LISTS)?;
        write!(
            formatter,
            "\n  {API_KEY}\n          Keys that clients may present, separated by commas; \
             a variable alone, for it is a secret\n"
        )?;
        write!(
            formatter,
            "\n  {STATE_KEY}\n          32 bytes in base64 that authenticate the reasoning which clients keep for \
             the gateway; a variable alone [default: random with each start]\n"
        )
    }
}
