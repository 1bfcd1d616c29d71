//! `outcrop keys show`: all that is known of one key.

use clap::Args;

use super::desk::Place;
use super::list::models;
use super::print_json;
use super::table::{printable, when};
use crate::cli::{Failure, print};
use crate::config::Environment;
use crate::keys::{Access, KeyKind, KeyView};

/// Show what a key may, and what is spent of its budget.
///
/// The key itself cannot be shown: it is not kept. A whole key may be given instead of its id, to learn whose it is.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// Id or name of the key
    #[arg(value_name = "KEY")]
    key: String,

    /// Print it as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let desk = arguments.place.open(Access::Command, environment).await?;
    let key = desk.key(&arguments.key).await?;
    if arguments.json {
        return print_json(&key);
    }
    print(&card(&key))
}

/// A line for each thing that is known.
pub(super) fn card(key: &KeyView) -> String {
    let limits = &key.limits;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let kind = match key.kind {
        KeyKind::Inference => "inference",
        KeyKind::Admin => "admin",
    };
    let budget = limits.budget.map(|budget| {
        let until = match key.spending.and_then(|spending| spending.renewed) {
            Some(renewed) => format!(", renewed {renewed}"),
            None => String::new(),
        };
        format!("{} USD, {}{until}", budget.amount, budget.per.name())
    });
    let spent = key.spending.map(|spending| {
        format!(
            "{} USD, {} reserved, {} left",
            spending.spent_usd, spending.reserved_usd, spending.left_usd
        )
    });
    let overlaps = key.overlaps.iter().map(|end| Some(when(*end)));
    let tags = key
        .tags
        .iter()
        .map(|(name, value)| Some(format!("{name}={value}")));
    let facts = [
        ("id", Some(key.id.to_string())),
        ("name", Some(key.name.clone())),
        ("kind", Some(kind.to_owned())),
        ("status", Some(key.status.name().to_owned())),
        ("created", Some(when(key.created))),
        ("expires", key.expires.map(when)),
        ("revoked", key.revoked.map(when)),
        ("models", Some(models(key))),
        ("rpm", number(limits.rpm)),
        ("tpm", number(limits.tpm)),
        ("concurrency", number(limits.concurrency)),
        ("budget", budget),
        ("spent", spent),
        ("max tokens", number(limits.max_tokens)),
        ("guardrail", limits.guardrail.clone()),
        ("no bedrock", limits.no_bedrock.then(|| "yes".to_owned())),
        (
            "unpriced",
            limits.allow_unpriced.then(|| "allowed".to_owned()),
        ),
    ];
    let overlaps = overlaps.map(|end| ("old until", end));
    let tags = tags.map(|tag| ("tag", tag));
    let facts = facts.into_iter().chain(overlaps).chain(tags);
    let mut card = String::new();
    for (name, value) in facts {
        if let Some(value) = value {
            card.extend([&format!("{name:11}  "), &*printable(&value), "\n"]);
        }
    }
    card
}
