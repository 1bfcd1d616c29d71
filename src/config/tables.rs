//! `[[accounts]]` and `[[models]]` as text that can be read back.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::{Account, Cost, Guardrail, LongPrompt, Model, Target};

/// An account as the file would have it.
pub(super) fn table_of_account(account: &Account) -> String {
    let mut lines = header("[[accounts]]");
    put(&mut lines, "name", Some(account.name.as_str()));
    put(&mut lines, "role_arn", account.role_arn.as_deref());
    put(&mut lines, "external_id", account.external_id.as_deref());
    put(&mut lines, "region", account.region.as_deref());
    lines
}

/// A model as the file would have it.
pub(super) fn table_of_model(model: &Model) -> String {
    let targets: Vec<Value> = model.targets.iter().map(target).collect();
    let mut lines = header("[[models]]");
    put(&mut lines, "id", Some(model.id.as_str()));
    put(
        &mut lines,
        "targets",
        Some(targets).filter(|targets| !targets.is_empty()),
    );
    put(&mut lines, "base_model", model.base_model.as_deref());
    put(
        &mut lines,
        "context_window",
        model.context_window.map(i64::from),
    );
    put(&mut lines, "max_tokens", model.max_tokens.map(i64::from));
    put(&mut lines, "cost", model.cost.map(cost));
    put(&mut lines, "prompt_cache", model.prompt_cache);
    put(
        &mut lines,
        "guardrail",
        model.guardrail.as_ref().map(guardrail),
    );
    lines
}

fn target(target: &Target) -> Value {
    let places = [&target.account, &target.region].into_iter().flatten();
    let parts: Vec<&str> = places.chain([&target.model]).map(String::as_str).collect();
    let name = parts.join("/");
    match target.weight {
        None => name.into(),
        Some(weight) => {
            let entries = [
                ("target", name.into()),
                ("weight", i64::from(weight).into()),
            ];
            table(entries.map(|(key, value)| (key, Some(value))))
        }
    }
}

fn cost(cost: Cost) -> Value {
    table([
        ("input", Some(cost.input.into())),
        ("output", Some(cost.output.into())),
        ("cache_read", cost.cache_read.map(Value::from)),
        ("cache_write", cost.cache_write.map(Value::from)),
        ("cache_write_1h", cost.cache_write_1h.map(Value::from)),
        ("long_prompt", cost.long_prompt.map(long_prompt)),
    ])
}

fn long_prompt(long: LongPrompt) -> Value {
    table([
        ("above", i64::try_from(long.above).ok().map(Value::from)),
        ("input", Some(long.input.into())),
        ("output", Some(long.output.into())),
    ])
}

fn guardrail(guardrail: &Guardrail) -> Value {
    let text = |text: &Option<String>| text.clone().map(Value::from);
    table([
        ("id", text(&guardrail.id)),
        ("version", text(&guardrail.version)),
        ("trace", text(&guardrail.trace)),
    ])
}

fn table<const N: usize>(entries: [(&str, Option<Value>); N]) -> Value {
    let entries = entries
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Table(entries.collect::<Table>())
}

fn header(name: &str) -> String {
    format!("{name}\n")
}

/// Adds a line `key = value`, where there is a value.
fn put(lines: &mut String, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        let value: Value = value.into();
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{key} = {value}");
    }
}
