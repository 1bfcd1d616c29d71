//! `outcrop keys create`: a new key.

use clap::Args;

use super::desk::{Place, told};
use super::settings::SettingFlags;
use super::{print_json, tell};
use crate::cli::{Failure, print};
use crate::config::Environment;
use crate::keys::{Access, IssuedKey, KeyChange, KeyDraft, KeyKind, Timestamp};

/// Make a key and print it: this is the only time that it is shown.
///
/// The store is made if there is none yet. From then on the gateway wants a key of every client.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// What you call it; no other key that is in use may have the name
    #[arg(long, value_name = "NAME")]
    name: String,

    /// Make a key that manages keys and cannot ask models
    #[arg(long)]
    admin: bool,

    #[command(flatten)]
    settings: SettingFlags,

    /// Print the key with everything that is known of it, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let kind = if arguments.admin {
        KeyKind::Admin
    } else {
        KeyKind::Inference
    };
    let draft = KeyDraft {
        kind,
        settings: KeyChange {
            name: Some(arguments.name),
            ..arguments.settings.change()?
        },
    };
    told(draft.check(Timestamp::now()))?;
    let desk = arguments.place.open(Access::Create, environment).await?;
    print_issued(&desk.create(&draft).await?, arguments.json)
}

/// Prints a key that was just made: in a pipe nothing else, so that a script can take it.
pub(super) fn print_issued(issued: &IssuedKey, json: bool) -> Result<(), Failure> {
    if json {
        return print_json(issued);
    }
    print(&format!("{}\n", issued.key.expose()))?;
    tell(&format!(
        "This is the key '{}' (id {}). Keep it: it is not shown again.",
        issued.view.name, issued.view.id
    ));
    Ok(())
}
