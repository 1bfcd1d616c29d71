//! `outcrop keys list`: all keys.

use clap::Args;

use super::desk::Place;
use super::print_json;
use super::table::{Column, printable, table, when};
use crate::cli::{Failure, print};
use crate::config::Environment;
use crate::keys::{Access, KeyKind, KeyStatus, KeyView};

/// List the keys, the oldest first.
#[derive(Args, Clone, Debug)]
pub(super) struct Arguments {
    /// List revoked keys as well
    #[arg(long)]
    all: bool,

    /// Print everything that is known of them, as JSON
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    place: Place,
}

const COLUMNS: [Column; 9] = [
    Column::Text("ID"),
    Column::Text("NAME"),
    Column::Text("STATUS"),
    Column::Number("SPENT USD"),
    Column::Text("BUDGET"),
    Column::Number("RPM"),
    Column::Number("TPM"),
    Column::Text("EXPIRES"),
    Column::Text("MODELS"),
];

pub(super) async fn run(arguments: Arguments, environment: &Environment) -> Result<(), Failure> {
    let desk = arguments.place.open(Access::Command, environment).await?;
    let keys = desk.keys(arguments.all).await?;
    if arguments.json {
        return print_json(&keys);
    }
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    print(&table(&COLUMNS, &rows))
}

fn row(key: &KeyView) -> Vec<String> {
    let limit =
        |limit: Option<u32>| limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string());
    let limits = &key.limits;
    let spent = key.spending.map(|spending| spending.spent_usd.to_string());
    let budget = limits
        .budget
        .map(|budget| format!("{}/{}", budget.amount, budget.per.name()));
    let status = match (key.status, key.kind) {
        (KeyStatus::Valid, KeyKind::Admin) => "admin",
        (status, _) => status.name(),
    };
    vec![
        key.id.to_string(),
        printable(&key.name).into_owned(),
        status.to_owned(),
        spent.unwrap_or_else(|| "-".to_owned()),
        budget.unwrap_or_else(|| "-".to_owned()),
        limit(limits.rpm),
        limit(limits.tpm),
        key.expires.map_or_else(|| "never".to_owned(), when),
        models(key),
    ]
}

/// The models that a key may use, in words.
pub(super) fn models(key: &KeyView) -> String {
    match &key.limits.models {
        _ if key.kind == KeyKind::Admin => "none".to_owned(),
        None => "all".to_owned(),
        Some(patterns) if patterns.is_empty() => "none".to_owned(),
        Some(patterns) => {
            let patterns: Vec<_> = patterns
                .iter()
                .map(|pattern| printable(pattern.as_str()))
                .collect();
            patterns.join(",")
        }
    }
}
