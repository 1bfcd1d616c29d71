//! The built binary as a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::client::Connection;
use super::soon;

/// A running `outcrop`; it is killed when the test ends.
pub(crate) struct Process {
    child: Child,
    lines: UnboundedReceiver<String>,
    /// What it wrote to standard error so far, line by line.
    pub(crate) log: Vec<String>,
}

/// `outcrop` with nothing in its environment but what cannot be missed.
pub(crate) fn outcrop(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_outcrop"));
    // A home would have profiles, and another working directory perhaps a configuration.
    command
        .env_clear()
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .args(arguments);
    command
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let standard_error = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = unbounded_channel();
        thread::spawn(move || {
            for line in standard_error.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            log: Vec::new(),
        }
    }

    /// Waits for a line that holds `text`, and returns it.
    pub(crate) async fn line_with(&mut self, text: &str) -> String {
        while let Some(line) = soon(self.lines.recv()).await {
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
        panic!("it ended without {text:?}: {:#?}", self.log);
    }

    /// Waits for the line that says where it listens.
    pub(crate) async fn address(&mut self) -> SocketAddr {
        let line = self.line_with("listening on http://").await;
        let (_, address) = line.split_once("listening on http://").unwrap();
        let end = address.find('"').unwrap_or(address.len());
        address[..end].parse().unwrap()
    }

    pub(crate) async fn connect(&mut self) -> Connection {
        Connection::open(self.address().await).await
    }

    pub(crate) fn signal(&self, name: &str) {
        let script = format!("kill -s {name} {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &script])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for its end and reads the rest of what it wrote.
    pub(crate) async fn ended(mut self) -> (ExitStatus, Vec<String>) {
        while let Some(line) = soon(self.lines.recv()).await {
            self.log.push(line);
        }
        // It has closed its standard error, so this does not take long.
        (self.child.wait().unwrap(), std::mem::take(&mut self.log))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
