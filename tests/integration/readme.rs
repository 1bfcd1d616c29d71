//! What the README promises, compared with what the binary says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use outcrop::metrics::{KeyRequest, Metrics, RequestOutcome, Tokens};

/// Variables that are told elsewhere than among the options of `serve --help`.
const OTHER_VARIABLES: [&str; 4] = [
    "OUTCROP_ADMIN_KEY",
    "OUTCROP_CLIENT_KEY",
    "OUTCROP_CONFIG",
    "OUTCROP_LOG_FORMAT",
];

#[test]
fn it_names_every_variable_and_no_other() {
    let mut known = variables(&help("serve"));
    assert!(known.len() > 10, "the help was not understood: {known:?}");
    known.extend(OTHER_VARIABLES.map(str::to_owned));
    assert_eq!(variables(&read("README.md")), known);
}

/// The table has the order and the defaults of the help.
#[test]
fn its_options_are_those_of_the_help() {
    let help = help("serve");
    let mut of_help: Vec<(String, String)> = Vec::new();
    for paragraph in help.split("\n\n") {
        let (head, about) = paragraph.split_once('\n').unwrap_or_default();
        let about: Vec<&str> = about.split_whitespace().collect();
        let about = about.join(" ");
        if let Some((name, _)) = head.trim().split_once(" / OUTCROP_") {
            let (_, default) = about.rsplit_once("[default: ").unwrap();
            let default = default
                .strip_suffix(']')
                .unwrap_or(default)
                .trim_matches('"');
            let default = Some(default).filter(|default| *default != "not set");
            of_help.push((name.to_owned(), default.unwrap_or_default().to_owned()));
        }
    }
    let readme = read("README.md");
    let rows = readme.lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [_, name, variable, default, ..] = cells.as_slice() else {
            return None;
        };
        let is_option = variable.starts_with("OUTCROP_") && !name.is_empty();
        is_option.then(|| ((*name).to_owned(), (*default).to_owned()))
    });
    assert!(
        of_help.len() > 20,
        "the help was not understood: {of_help:?}"
    );
    assert_eq!(rows.collect::<Vec<_>>(), of_help);
}

#[test]
fn it_names_every_flag_of_each_command() {
    let readme = read("README.md");
    for command in [
        "serve",
        "models",
        "openclaw",
        "keys create",
        "keys list",
        "keys show",
        "keys update",
        "keys rotate",
        "keys revoke",
        "keys usage",
        "doctor",
        "replay",
    ] {
        let help = help(command);
        let flags: Vec<_> = help
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("--"))
            .map(|line| line.split([' ', '[']).next().unwrap())
            .collect();
        assert!(flags.len() >= 4, "the help was not understood: {flags:?}");
        for flag in flags {
            assert!(readme.contains(&format!("--{flag}")), "{command} --{flag}");
        }
    }
}

/// Numbers are of one run or of its recordings; each line up to the first is what the doctor says.
#[test]
fn its_output_of_the_doctor_is_real() {
    let output = Command::new(env!("CARGO_BIN_EXE_outcrop"))
        .args([
            "doctor",
            "--replay",
            "fixtures",
            "replay.error-access-denied",
        ])
        .current_dir(root())
        .env_clear()
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let lasting = |line: &str| {
        let words = line.split(|letter: char| letter.is_ascii_digit()).next();
        words.unwrap().to_owned()
    };
    let shown: Vec<String> = output.lines().map(lasting).collect();
    assert!(shown.len() > 12, "{output}");
    let readme = read("README.md");
    let lines: Vec<String> = readme.lines().map(lasting).collect();
    assert!(
        lines.windows(shown.len()).any(|lines| lines == shown),
        "{output}"
    );
}

#[test]
fn it_names_every_metric_and_no_other() {
    let page = every_metric().encode();
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let metrics: BTreeSet<_> = types
        .map(|line| match line.split_once(' ').unwrap() {
            (name, "counter") => format!("{name}_total"),
            (name, _) => name.to_owned(),
        })
        .collect();
    let readme = read("README.md");
    let named: BTreeSet<_> = readme
        .split('`')
        .filter(|word| word.starts_with("outcrop_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(named, metrics);
}

#[test]
fn links_between_the_documents_lead_somewhere() {
    let documents = [
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "fixtures/README.md",
    ];
    let mut links = 0;
    for document in documents {
        for link in read(document).split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if !target.is_empty() && !target.contains("://") {
                let path = root().join(document).with_file_name(target);
                assert!(path.exists(), "{document} points to {target}");
                links += 1;
            }
        }
    }
    assert!(links >= 6, "the links were not found");
}

fn help(command: &str) -> String {
    let help = Command::new(env!("CARGO_BIN_EXE_outcrop"))
        .args(command.split(' ').chain(["--help"]))
        .env_clear()
        .output()
        .unwrap();
    String::from_utf8(help.stdout).unwrap()
}

/// Metrics with something counted in each; those with labels are shown only then.
fn every_metric() -> Metrics {
    let metrics = Metrics::new();
    metrics.request_finished(&RequestOutcome {
        route: "/health",
        model: None,
        status: 500,
        stream: false,
        error: Some("unavailable"),
        duration: Duration::ZERO,
    });
    metrics.tokens("model", &Tokens::default());
    metrics.first_token("model", Duration::ZERO);
    metrics.prompt_cache("model", "hit");
    metrics.overhead("/health", false, Duration::ZERO);
    metrics.request_without_key_store(true);
    metrics.upstream_attempt("Converse");
    metrics.upstream_retry("ThrottlingException");
    metrics.upstream_error("ThrottlingException");
    metrics.failover("ThrottlingException");
    metrics.discovery_refresh("success");
    metrics.key_request(&KeyRequest {
        id: "k3yK3yk3yK3y",
        name: "search",
        status: 200,
        tokens: Some(Tokens {
            input: 1,
            ..Tokens::default()
        }),
        cost: Some(0.0),
    });
    metrics
}

fn variables(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !character.is_ascii_uppercase() && character != '_')
        .filter(|word| word.starts_with("OUTCROP_") && word.len() > "OUTCROP_".len())
        .map(str::to_owned)
        .collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}
