//! The binary: arguments → logs → runtime → run → exit code.

use std::env;
use std::process::ExitCode;

use outcrop::cli;
use outcrop::config::Environment;

fn main() -> ExitCode {
    let environment = Environment::from_process();
    match cli::run(env::args_os(), &environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
