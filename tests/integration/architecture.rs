//! What ARCHITECTURE.md promises of the sources: who imports whom, what the pure rooms do not know, how long
//! files are, and that every dependency has its reason. Code of tests is exempt.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, and the rooms that each may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("openai", &[]),
    ("bedrock", &[]),
    ("config", &[]),
    ("metrics", &[]),
    ("translate", &["openai", "bedrock"]),
    ("error", &["openai", "translate"]),
    ("upstream", &["bedrock", "error", "config", "metrics"]),
    (
        "models",
        &["openai", "bedrock", "config", "metrics", "upstream"],
    ),
    ("store", &["error", "config"]),
    ("keys", &["bedrock", "error", "config", "metrics", "store"]),
    ("fetch", &["config"]),
    ("fixture", &["bedrock", "error"]),
    ("recall", &["error", "config", "store"]),
    (
        "server",
        &[
            "openai",
            "translate",
            "bedrock",
            "error",
            "config",
            "metrics",
            "upstream",
            "models",
            "fetch",
            "fixture",
            "recall",
            "store",
            "keys",
        ],
    ),
    (
        "cli",
        &[
            "openai",
            "translate",
            "bedrock",
            "error",
            "config",
            "metrics",
            "upstream",
            "models",
            "fetch",
            "fixture",
            "recall",
            "store",
            "keys",
            "server",
        ],
    ),
];

/// The rooms without a socket, a clock, randomness or an environment.
const PURE: [&str; 3] = ["openai", "translate", "bedrock"];

/// The outside world by name: crates, types, and modules of `std`.
const WORLD: [&str; 8] = [
    "tokio",
    "hyper",
    "hyper_util",
    "fastrand",
    "rand",
    "SystemTime",
    "Instant",
    "getrandom",
];
const WORLDLY_MODULES: [&str; 5] = [
    "std::env",
    "std::net",
    "std::fs",
    "std::thread",
    "std::process",
];

/// Of AWS's crates only the one with its types is pure; the dates of listings are read with it.
fn is_of_the_world(word: &str) -> bool {
    word.starts_with("aws_") && word != "aws_smithy_types"
}

/// The most lines of a file, without its inline tests.
const MOST_LINES: usize = 450;

#[test]
fn rooms_import_only_what_they_may() {
    let mut broken = Vec::new();
    for source in sources() {
        let Some(room) = &source.room else { continue };
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
            broken.push(format!(
                "{} is in a room that the import rule does not know: `{room}`",
                source.name
            ));
            continue;
        };
        for imported in source.imported_rooms() {
            if imported != *room && !allowed.contains(&imported.as_str()) {
                broken.push(format!(
                    "{} imports `{imported}`, which `{room}` may not",
                    source.name
                ));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn pure_rooms_do_not_know_the_world() {
    let mut broken = Vec::new();
    for source in sources() {
        if source
            .room
            .as_ref()
            .is_some_and(|room| PURE.contains(&room.as_str()))
        {
            let worldly = source.worldly_words();
            broken.extend(
                worldly
                    .iter()
                    .map(|word| format!("{} is pure and names `{word}`", source.name)),
            );
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn files_stay_short() {
    let long = sources()
        .into_iter()
        .filter(|source| source.lines > MOST_LINES);
    let long: Vec<_> = long
        .map(|source| {
            format!(
                "{} has {} lines; {MOST_LINES} are the most",
                source.name, source.lines
            )
        })
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_dependency_has_a_line_of_reason() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let architecture = read("ARCHITECTURE.md");
    let names: BTreeSet<_> = ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|table| manifest.get(*table)?.as_table())
        .flat_map(|table| table.keys())
        .collect();
    assert!(names.len() > 30, "the manifest was not understood");
    for name in names {
        let row = |line: &str| {
            line.starts_with('|')
                && line
                    .split('|')
                    .nth(1)
                    .is_some_and(|cell| cell.contains(&format!("`{name}`")))
        };
        assert!(
            architecture.lines().any(row),
            "ARCHITECTURE.md gives no reason for the dependency `{name}`"
        );
    }
}

#[test]
fn the_map_names_every_room() {
    let architecture = read("ARCHITECTURE.md");
    for source in sources() {
        let Some(room) = source.room else { continue };
        let named = architecture.contains(&format!("`{room}/`"))
            || architecture.contains(&format!("`{room}.rs`"));
        assert!(named, "ARCHITECTURE.md does not name the room `{room}`");
    }
}

#[test]
fn every_form_of_import_is_seen() {
    let imported = |path: &str, code: &str| Source::new(path, code).imported_rooms();
    let rooms = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(
        imported("openai/chunk.rs", "use crate::server::Gateway;"),
        rooms(&["server"])
    );
    assert_eq!(
        imported("openai/chunk.rs", "let a = crate::cli::run();"),
        rooms(&["cli"])
    );
    let group = "use crate::{bedrock::{self, Family}, config,\n    upstream::Bedrock};";
    assert_eq!(
        imported("openai/chunk.rs", group),
        rooms(&["bedrock", "config", "upstream"])
    );
    assert_eq!(
        imported("openai/chunk.rs", "use super::super::server;"),
        rooms(&["server"])
    );
    assert_eq!(
        imported("openai/mod.rs", "use super::server;"),
        rooms(&["server"])
    );
    assert_eq!(
        imported("error.rs", "use super::server;"),
        rooms(&["server"])
    );
    assert_eq!(
        imported("openai/chunk.rs", "use super::tool::Tool; // crate::server"),
        rooms(&[])
    );
    assert_eq!(
        imported(
            "openai/chunk.rs",
            "/// [`crate::server`]\nmod tests {\n use crate::cli;\n}"
        ),
        rooms(&["cli"])
    );
    assert_eq!(
        imported(
            "openai/chunk.rs",
            "#[cfg(test)]\nmod tests {\n use crate::cli;\n}\n"
        ),
        rooms(&[])
    );
}

#[test]
fn every_worldly_word_is_seen() {
    let worldly = |code: &str| Source::new("openai/chunk.rs", code).worldly_words();
    for code in [
        "use tokio::time::sleep;",
        "use std::time::Instant;",
        "use std::time::{Duration, SystemTime};",
        "let x = fastrand::u8(..);",
        "use aws_sigv4::sign;",
        "use std::env;",
        "use std::{borrow::Cow, fs};",
        "std::net::TcpStream::connect(a)",
    ] {
        assert_eq!(worldly(code).len(), 1, "{code}");
    }
    for code in [
        "use std::time::Duration;",
        "// tokio",
        "let instantly = 1;",
        "env!(\"X\")",
        "use std::borrow::Cow;",
    ] {
        assert!(worldly(code).is_empty(), "{code}");
    }
}

/// One file of `src` without its comments and inline tests.
struct Source {
    /// Its path below `src`.
    name: String,
    /// The top-level module that it belongs to; none for `lib.rs` and `main.rs`.
    room: Option<String>,
    /// How deep its module lies; 1 for a room itself.
    depth: usize,
    code: String,
    lines: usize,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let code = own
            .lines()
            .map(|line| line.split("//").next().unwrap())
            .collect::<Vec<_>>();
        let path = name.strip_suffix(".rs").unwrap();
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let room = path
            .split('/')
            .next()
            .filter(|room| !["lib", "main"].contains(room));
        Self {
            name: name.to_owned(),
            room: room.map(str::to_owned),
            depth: path.split('/').count(),
            lines: own.lines().count(),
            code: code.join("\n"),
        }
    }

    /// The rooms whose names follow `crate::`, or as many `super::` as lead out of this one.
    fn imported_rooms(&self) -> BTreeSet<String> {
        let out = "super::".repeat(self.depth);
        let paths = self
            .code
            .split("crate::")
            .skip(1)
            .chain(self.code.split(&out).skip(1));
        paths.flat_map(first_names).collect()
    }

    /// What it names of the outside world.
    fn worldly_words(&self) -> BTreeSet<String> {
        let words = words(&self.code).filter(|word| WORLD.contains(word) || is_of_the_world(word));
        let modules = self
            .code
            .split("std::")
            .skip(1)
            .flat_map(first_names)
            .map(|name| format!("std::{name}"));
        let modules = modules.filter(|path| WORLDLY_MODULES.contains(&path.as_str()));
        words.map(str::to_owned).chain(modules).collect()
    }
}

/// The names at the beginning of the rest of a path: one, or those of a group in braces.
fn first_names(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else {
        return words(rest).next().map(str::to_owned).into_iter().collect();
    };
    let (mut names, mut depth, mut begins) = (Vec::new(), 0, true);
    for (at, character) in group.char_indices() {
        match character {
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            '{' => depth += 1,
            ',' if depth == 0 => begins = true,
            _ if begins && !character.is_whitespace() => {
                names.extend(words(&group[at..]).next().map(str::to_owned));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

/// All of `src` but files of tests.
fn sources() -> Vec<Source> {
    let folder = root().join("src");
    let mut files = Vec::new();
    collect(&folder, &mut files);
    let sources = files.iter().map(|file| {
        let name = file
            .strip_prefix(&folder)
            .unwrap()
            .to_str()
            .unwrap()
            .replace('\\', "/");
        Source::new(&name, &fs::read_to_string(file).unwrap())
    });
    let sources: Vec<_> = sources.collect();
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if stem == "tests" || stem.ends_with("_tests") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}
