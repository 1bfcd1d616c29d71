//! `outcrop replay` as a process.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use super::FIXTURES;

#[test]
fn a_bad_recording_stops_the_start_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bad.jsonl"), "{\"ms\":1}\n").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_outcrop"))
        .env_clear()
        .args(["replay", "--listen", "127.0.0.1:0", "--fixtures"])
        .arg(folder.path())
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.contains("bad.jsonl:1: the first line must be a header"),
        "{error}"
    );
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_outcrop"))
        .env_clear()
        .args(["replay", "--listen", &address, "--fixtures", FIXTURES])
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    let [line] = error.lines().collect::<Vec<_>>()[..] else {
        panic!("{error}")
    };
    assert!(line.contains(&format!("cannot listen on {address}")) && line.contains("--listen"));
}

#[cfg(unix)]
#[test]
fn the_command_says_where_it_listens_and_ends_with_0_when_it_is_told_to() {
    for signal in ["TERM", "INT"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_outcrop"))
            .env_clear()
            .args([
                "replay",
                "--listen",
                "127.0.0.1:0",
                "--fixtures",
                FIXTURES,
                "--no-auth",
            ])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with("listening on http://127.0.0.1:"));
        assert!(line.is_some());
        let killed = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
    }
}
