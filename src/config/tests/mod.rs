use std::fs;

use tempfile::TempDir;

use super::{Environment, Flags, Loaded, Mistakes, load};

mod file;
mod layers;
mod models;
mod prices;
mod values;
mod variables;

/// A working directory with `text` as its `outcrop.toml`.
fn directory(text: &str) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("outcrop.toml"), text).unwrap();
    directory
}

fn from_file(text: &str) -> Result<Loaded, Mistakes> {
    let directory = directory(text);
    load(&Flags::default(), &Environment::default(), directory.path())
}

fn from_variables(pairs: &[(&str, &str)]) -> Result<Loaded, Mistakes> {
    let directory = tempfile::tempdir().unwrap();
    let environment = Environment::from_pairs(pairs.iter().copied());
    load(&Flags::default(), &environment, directory.path())
}

/// The mistakes of a file, without the directory it stands in.
fn mistakes(text: &str) -> Vec<String> {
    let directory = directory(text);
    let result = load(&Flags::default(), &Environment::default(), directory.path());
    let prefix = format!("{}/", directory.path().display());
    result
        .unwrap_err()
        .lines()
        .map(|line| line.replace(&prefix, ""))
        .collect()
}

fn variable_mistakes(pairs: &[(&str, &str)]) -> Vec<String> {
    from_variables(pairs).unwrap_err().lines().collect()
}

/// The one mistake that `value` makes of the option `key`, without its place.
fn mistake(key: &str, value: &str) -> String {
    let (section, key) = key.split_once('.').unwrap_or(("", key));
    let header = if section.is_empty() {
        String::new()
    } else {
        format!("[{section}]\n")
    };
    let lines = mistakes(&format!("{header}{key} = {value}\n"));
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (_, problem) = lines[0].split_once(": ").unwrap();
    problem.to_owned()
}
