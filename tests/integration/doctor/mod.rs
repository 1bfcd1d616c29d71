//! `outcrop doctor` as a process, in front of an AWS that fails as a test tells it.
#![expect(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

mod aws;
mod healthy;
mod network;
mod refusals;
mod secrets;
mod settings;

use std::process::Command;

use serde_json::Value;

use self::aws::Aws;
use crate::support::process::outcrop;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const CHECKS: [&str; 12] = [
    "configuration",
    "region",
    "endpoint",
    "DNS",
    "connection",
    "clock",
    "credentials",
    "identity",
    "ListFoundationModels",
    "ListInferenceProfiles",
    "Converse",
    "ConverseStream",
];

/// What came of a run.
struct Outcome {
    code: i32,
    output: String,
    error: String,
}

/// The doctor with example keys in front of the AWS at `url`.
fn doctor(url: &str, arguments: &[&str]) -> Command {
    let arguments: Vec<&str> = ["doctor"].iter().chain(arguments).copied().collect();
    let mut command = outcrop(&arguments);
    command
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET);
    command
}

/// Runs it beside the servers of the test.
async fn run(mut command: Command) -> Outcome {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        output: String::from_utf8(output.stdout).unwrap(),
        error: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs it in front of `aws`.
async fn examine(aws: &Aws, arguments: &[&str]) -> Outcome {
    run(doctor(&aws.url(), arguments)).await
}

impl Outcome {
    /// The line of a check, from its sign on.
    fn line(&self, name: &str) -> &str {
        let is_its = |line: &&str| {
            let mut words = line.split_whitespace();
            words.next().is_some_and(|sign| "✓✗–".contains(sign)) && words.next() == Some(name)
        };
        let line = self.output.lines().find(is_its);
        line.unwrap_or_else(|| panic!("{name} is missing in\n{}", self.output))
    }

    /// The signs of all checks in their order.
    fn signs(&self) -> String {
        let signs = self.output.lines().filter_map(|line| line.chars().next());
        signs.filter(|sign| "✓✗–".contains(*sign)).collect()
    }

    /// The names of the checks that failed, which is also what standard error says.
    fn failed(&self) -> Vec<&str> {
        let failed = self
            .output
            .lines()
            .filter_map(|line| line.strip_prefix("✗ "));
        let failed: Vec<&str> = failed
            .map(|line| line.split("  ").next().unwrap())
            .collect();
        let expected = i32::from(!failed.is_empty());
        assert_eq!(self.code, expected, "{}{}", self.output, self.error);
        if !failed.is_empty() {
            let word = if failed.len() == 1 { "check" } else { "checks" };
            let line = format!(
                "outcrop: {} {word} failed: {}\n",
                failed.len(),
                failed.join(", ")
            );
            assert_eq!(self.error, line);
        }
        failed
    }

    /// The check of this name in the JSON report.
    fn check(&self, name: &str) -> Value {
        let report: Value = serde_json::from_str(&self.output).unwrap();
        let checks = report["checks"].as_array().unwrap().clone();
        let found = checks.into_iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("{name} is missing in\n{}", self.output))
    }
}
