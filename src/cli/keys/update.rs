//! `outcrop keys update`: other limits for a key.

use clap::Args;

use super::desk::{Place, told};
use super::settings::SettingFlags;
use super::{print_json, show};
use crate::cli::{Failure, print};
use crate::config::Environment;
use crate::keys::{Access, KeyChange};

/// Change what a key may; what is not named stays as it is.
///
/// A running gateway follows within two seconds. What was spent counts towards a new budget of the same period.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// Id or name of the key
    #[arg(value_name = "KEY")]
    key: String,

    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    settings: SettingFlags,

    /// Take a tag away; can be given several times
    #[arg(long, value_name = "NAME")]
    untag: Vec<String>,

    /// Print what is known of the key, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let mut change = KeyChange {
        name: arguments.name,
        ..arguments.settings.change()?
    };
    for tag in arguments.untag {
        if let Some(Some(_)) = change.tags.get(&tag) {
            let line = format!("--untag takes {tag} away, which --tag sets");
            return Err(Failure::usage(line));
        }
        change.tags.insert(tag, None);
    }
    if change == KeyChange::default() {
        let line = "there is nothing to change; outcrop keys update --help tells what can be";
        return Err(Failure::usage(line));
    }
    told(change.check().map_err(Into::into))?;
    let desk = arguments.place.open(Access::Command, environment).await?;
    let key = desk.update(&arguments.key, &change).await?;
    if arguments.json {
        return print_json(&key);
    }
    print(&show::card(&key))
}
