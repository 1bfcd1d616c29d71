//! The flags of a key's settings, which `create` and `update` share.

use std::collections::BTreeMap;

use clap::Args;

use crate::bedrock::Money;
use crate::cli::Failure;
use crate::keys::{BudgetChange, Change, KeyChange, ModelPattern, Moment, Period};

/// What takes a limit away.
const NONE: &str = "none";

/// What a key may.
#[derive(Args, Clone, Debug)]
pub(super) struct SettingFlags {
    /// Models it may use, by the id that clients ask for or the one that Bedrock knows; * stands for any characters:
    /// 'us.anthropic.*,gpt-4o'. '*' is all of them, '' none at all
    #[arg(long, value_name = "PATTERNS")]
    models: Vec<String>,

    /// Requests per minute, or none for no limit
    #[arg(long, value_name = "N", value_parser = number)]
    rpm: Option<Change<u32>>,

    /// Tokens per minute, of prompts and answers, or none for no limit
    #[arg(long, value_name = "N", value_parser = number)]
    tpm: Option<Change<u32>>,

    /// Requests at the same time, or none for no limit
    #[arg(long, value_name = "N", value_parser = number)]
    concurrency: Option<Change<u32>>,

    /// US dollars it may spend, or none for no limit
    #[arg(long, value_name = "USD", value_parser = dollars)]
    budget: Option<Change<Money>>,

    /// What the budget is for, by the calendar in UTC [default: month]
    #[arg(long, value_name = "PERIOD", value_enum)]
    per: Option<Period>,

    /// When it ends: 90d, 2027-01-31, 2027-01-31T18:00:00Z, or never
    #[arg(long, value_name = "WHEN", value_parser = end)]
    expires: Option<Change<Moment>>,

    /// The most tokens of one answer, or none for no limit
    #[arg(long, value_name = "N", value_parser = number)]
    max_tokens: Option<Change<u32>>,

    /// Guardrail that its calls have to pass, before that of the configuration, or none
    #[arg(long, value_name = "ID:VERSION", value_parser = guardrail)]
    guardrail: Option<Change<String>>,

    /// Tag that goes into AWS's invocation logs with each call; can be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = tag)]
    tag: Vec<(String, String)>,

    /// Refuse the bedrock object in its requests
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    no_bedrock: Option<bool>,

    /// With a budget, allow models whose price nobody knows; they count as nothing
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_unpriced: Option<bool>,
}

impl SettingFlags {
    /// What they change of a key.
    ///
    /// # Errors
    /// When one takes back what another says.
    pub(super) fn change(self) -> Result<KeyChange, Failure> {
        let budget = match (self.budget, self.per) {
            (None, None) => Change::Keep,
            (Some(Change::Clear), None) => Change::Clear,
            (Some(Change::Clear), Some(_)) => {
                return Err(Failure::usage(
                    "--per is for a budget, and --budget is none",
                ));
            }
            (amount, per) => {
                let amount = match amount {
                    Some(Change::Set(amount)) => Some(amount),
                    _ => None,
                };
                Change::Set(BudgetChange { amount, per })
            }
        };
        let mut tags = BTreeMap::new();
        for (name, value) in self.tag {
            if tags.contains_key(&name) {
                return Err(Failure::usage(format!("--tag names {name} twice")));
            }
            tags.insert(name, Some(value));
        }
        Ok(KeyChange {
            name: None,
            expires: self.expires.unwrap_or_default(),
            models: patterns(&self.models),
            rpm: self.rpm.unwrap_or_default(),
            tpm: self.tpm.unwrap_or_default(),
            concurrency: self.concurrency.unwrap_or_default(),
            budget,
            max_tokens: self.max_tokens.unwrap_or_default(),
            guardrail: self.guardrail.unwrap_or_default(),
            no_bedrock: self.no_bedrock,
            allow_unpriced: self.allow_unpriced,
            tags,
        })
    }
}

/// The patterns of all flags; none of them leaves things as they are, empty ones allow no model.
fn patterns(flags: &[String]) -> Change<Vec<ModelPattern>> {
    if flags.is_empty() {
        return Change::Keep;
    }
    let patterns = flags.iter().flat_map(|flag| flag.split(',')).map(str::trim);
    let patterns = patterns.filter(|pattern| !pattern.is_empty());
    Change::Set(patterns.map(ModelPattern::new).collect())
}

fn number(text: &str) -> Result<Change<u32>, &'static str> {
    if text == NONE {
        return Ok(Change::Clear);
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number
        .map(Change::Set)
        .ok_or("it must be a whole number from 1 to 4294967295, or none")
}

fn dollars(text: &str) -> Result<Change<Money>, &'static str> {
    if text == NONE {
        return Ok(Change::Clear);
    }
    let amount = text.parse().ok().and_then(Money::from_usd);
    amount
        .filter(|amount| *amount > Money::ZERO)
        .map(Change::Set)
        .ok_or("it must be a number of US dollars above 0 and up to 9000000, or none")
}

fn end(text: &str) -> Result<Change<Moment>, &'static str> {
    if text == "never" {
        return Ok(Change::Clear);
    }
    Moment::parse(text).map(Change::Set)
}

fn guardrail(text: &str) -> Result<Change<String>, &'static str> {
    match text {
        NONE => Ok(Change::Clear),
        text if text.contains(':') => Ok(Change::Set(text.to_owned())),
        _ => Err("it must be ID:VERSION, or none"),
    }
}

fn tag(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        settings: SettingFlags,
    }

    fn change(arguments: &[&str]) -> String {
        let arguments = [&["x"], arguments].concat();
        let command = Command::try_parse_from(arguments).unwrap();
        serde_json::to_string(&command.settings.change().unwrap()).unwrap()
    }

    #[test]
    fn flags_become_the_change_that_the_admin_interface_takes() {
        for (arguments, expected) in [
            (&[][..], "{}"),
            (
                &["--models", "us.anthropic.*, gpt-4o", "--models", "nova"],
                r#"{"models":["us.anthropic.*","gpt-4o","nova"]}"#,
            ),
            (&["--models", ""], r#"{"models":[]}"#),
            (
                &["--rpm", "60", "--tpm", "none"],
                r#"{"rpm":60,"tpm":null}"#,
            ),
            (
                &["--budget", "12.50", "--per", "week"],
                r#"{"budget":{"usd":12.5,"per":"week"}}"#,
            ),
            (&["--per", "total"], r#"{"budget":{"per":"total"}}"#),
            (&["--budget", "none"], r#"{"budget":null}"#),
            (&["--expires", "90d"], r#"{"expires":"7776000s"}"#),
            (&["--expires", "never"], r#"{"expires":null}"#),
            (
                &["--tag", "team=search", "--tag", "a=b=c"],
                r#"{"tags":{"a":"b=c","team":"search"}}"#,
            ),
            (
                &["--no-bedrock", "--allow-unpriced=false"],
                r#"{"no_bedrock":true,"allow_unpriced":false}"#,
            ),
            (&["--guardrail", "gr1:2"], r#"{"guardrail":"gr1:2"}"#),
        ] {
            assert_eq!(change(arguments), expected, "{arguments:?}");
        }
    }

    #[test]
    fn values_that_cannot_be_are_refused() {
        for arguments in [
            ["--rpm", "0"],
            ["--rpm", "-1"],
            ["--rpm", "4294967296"],
            ["--budget", "0"],
            ["--budget", "NaN"],
            ["--budget", "1e9"],
            ["--per", "year"],
            ["--expires", "soon"],
            ["--tag", "team"],
            ["--guardrail", "gr1"],
        ] {
            assert!(
                Command::try_parse_from(["x", arguments[0], arguments[1]]).is_err(),
                "{arguments:?}"
            );
        }
    }
}
