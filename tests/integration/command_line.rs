//! The built binary, as somebody at a terminal or a script meets it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The binary with nothing in its environment, in a working directory of its own.
fn outcrop(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outcrop"));
    command.env_clear().current_dir(directory);
    command
}

/// What came of a run: its exit code, standard output and standard error.
struct Outcome {
    code: Option<i32>,
    output: String,
    error: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            output: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

fn empty() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn run(arguments: &[&str]) -> Outcome {
    outcrop(empty().path())
        .args(arguments)
        .output()
        .unwrap()
        .into()
}

#[test]
fn help_goes_to_standard_output_without_colour() {
    let outcome = run(&["--help"]);
    assert_eq!(outcome.code, Some(0));
    assert_eq!(outcome.error, "");
    assert!(
        outcome
            .output
            .starts_with("Amazon Bedrock behind OpenAI's API"),
        "{}",
        outcome.output
    );
    for name in [
        "\n  serve ",
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/models",
    ] {
        assert!(outcome.output.contains(name), "{name}\n{}", outcome.output);
    }
    assert!(!outcome.output.contains('\u{1b}'));
}

#[test]
fn without_arguments_the_help_is_shown_as_wrong_usage() {
    let outcome = run(&[]);
    assert_eq!(outcome.code, Some(2));
    assert_eq!(outcome.output, "");
    assert!(
        outcome.error.contains("Usage: outcrop"),
        "{}",
        outcome.error
    );
}

#[test]
fn the_version_is_that_of_the_package() {
    let outcome = run(&["--version"]);
    assert_eq!(outcome.code, Some(0));
    assert_eq!(
        outcome.output,
        format!("outcrop {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn the_help_of_serve_can_be_read_alone() {
    let outcome = run(&["serve", "--help"]);
    assert_eq!(outcome.code, Some(0));
    let names = [
        "--listen",
        "--config",
        "--replay",
        "--speed",
        "--record",
        "--grace",
        "--allow-anonymous",
        "--log-format",
        "--print-config",
        "OUTCROP_BEDROCK_REGION",
        "OUTCROP_API_KEY",
        "max_body_bytes",
    ];
    for name in names {
        assert!(
            outcome.output.contains(name),
            "{name} is missing in\n{}",
            outcome.output
        );
    }
}

#[test]
fn a_wrong_flag_is_one_line_with_the_right_one() {
    let outcome = run(&["serve", "--lisen", "127.0.0.1:0"]);
    assert_eq!(outcome.code, Some(2));
    assert_eq!(outcome.output, "");
    assert_eq!(
        outcome.error,
        "outcrop: unexpected argument '--lisen' found; a similar argument exists: '--listen'\n"
    );
}

#[test]
fn wrong_values_and_commands_are_one_line_each() {
    for (arguments, expected) in [
        (&["serf"][..], "unrecognized subcommand 'serf'"),
        (
            &["serve", "--speed", "2"],
            "the following required arguments were not provided: --replay <DIR>",
        ),
        (
            &["serve", "--replay", "d", "--speed", "-1"],
            "invalid value '-1' for '--speed <N>': it must be a number from 0",
        ),
        (
            &["serve", "--replay", "d", "--speed", "fast"],
            "invalid value 'fast' for '--speed <N>'",
        ),
        (
            &["serve", "--log-format", "xml"],
            "invalid value 'xml' for '--log-format <FORMAT>'",
        ),
    ] {
        let outcome = run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}");
        assert!(
            outcome.error.starts_with(&format!("outcrop: {expected}")),
            "{}",
            outcome.error
        );
        assert_eq!(outcome.error.lines().count(), 1, "{}", outcome.error);
    }
}

#[test]
fn three_mistakes_are_three_lines_and_exit_code_two() {
    let directory = empty();
    fs::write(
        directory.path().join("outcrop.toml"),
        "lisen = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let mut command = outcrop(directory.path());
    command
        .args(["serve", "--grace", "soon"])
        .env("OUTCROP_BEDROCK_MAX_ATTEMPTS", "0");
    let outcome = Outcome::from(command.output().unwrap());
    assert_eq!(outcome.code, Some(2));
    assert_eq!(outcome.output, "");
    let expected = [
        "outcrop: outcrop.toml:1:1: unknown key \"lisen\"; did you mean \"listen\"?",
        "outcrop: OUTCROP_BEDROCK_MAX_ATTEMPTS: bedrock.max_attempts must be a whole number from 1 to 10, not \"0\"",
        "outcrop: --grace: grace must be a number of seconds from 0 to 86400, not \"soon\"",
    ];
    assert_eq!(outcome.error.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_missing_configuration_file_is_one_line() {
    let outcome = run(&["serve", "--config", "missing.toml"]);
    assert_eq!(outcome.code, Some(2));
    let start = "outcrop: --config: the file \"missing.toml\" cannot be read: ";
    assert!(outcome.error.starts_with(start), "{}", outcome.error);
    assert_eq!(outcome.error.lines().count(), 1, "{}", outcome.error);
}

#[test]
fn print_config_prints_what_is_in_force_with_secrets_hidden() {
    let directory = empty();
    fs::write(directory.path().join("outcrop.toml"), "grace = 7\n").unwrap();
    let mut command = outcrop(directory.path());
    command.args([
        "serve",
        "--print-config",
        "--listen",
        "[::1]:0",
        "--allow-anonymous",
    ]);
    command
        .env("OUTCROP_API_KEY", "sk-secret")
        .env("OUTCROP_KEEP_ALIVE", "0.5");
    let outcome = Outcome::from(command.output().unwrap());
    assert_eq!((outcome.code, outcome.error.as_str()), (Some(0), ""));
    for line in [
        "# 1 key, hidden: OUTCROP_API_KEY.",
        "listen = \"[::1]:0\" # --listen",
        "grace = 7 # outcrop.toml:1:9",
        "allow_anonymous = true # --allow-anonymous",
        "keep_alive = 0.5 # OUTCROP_KEEP_ALIVE",
        "commit_after = 60 # default",
        "[bedrock]",
    ] {
        assert!(
            outcome.output.lines().any(|printed| printed == line),
            "{line}\n{}",
            outcome.output
        );
    }
    assert!(!outcome.output.contains("sk-secret"));
}

#[test]
fn a_blank_variable_counts_as_unset() {
    let directory = empty();
    let mut command = outcrop(directory.path());
    command.args(["serve", "--print-config"]);
    command
        .env("OUTCROP_LOG_FORMAT", "")
        .env("OUTCROP_LISTEN", " ")
        .env("OUTCROP_CONFIG", "");
    let outcome = Outcome::from(command.output().unwrap());
    assert_eq!((outcome.code, outcome.error.as_str()), (Some(0), ""));
    // Both may be in the key store all the same.
    assert!(outcome.output.contains(
        "# No static keys: OUTCROP_API_KEY is not set.\n\
         # A random state key, or that of the key store: OUTCROP_STATE_KEY is not set.\n"
    ));
    assert!(
        outcome
            .output
            .contains("listen = \"127.0.0.1:4000\" # default\n")
    );
}
