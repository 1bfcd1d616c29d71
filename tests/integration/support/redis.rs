//! A Redis of the test's own: started on a free port, and ended with the test.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use rcgen::generate_simple_self_signed;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::soon;

/// What it proves its name with, in its folder.
const CERTIFICATE: &str = "certificate.pem";
const PRIVATE_KEY: &str = "key.pem";

/// How often a port that was free a moment ago may turn out to be taken.
const ATTEMPTS: usize = 20;

/// The password of one that wants a password.
pub(crate) const PASSWORD: &str = "hunter2";

/// A running `redis-server`, or one that was stopped and can be started again with what it holds.
pub(crate) struct RedisServer {
    port: u16,
    folder: TempDir,
    door: Door,
    child: Option<Child>,
}

/// How it is entered.
#[derive(Clone, Copy)]
enum Door {
    /// By whoever comes.
    Open,
    /// By TLS and with the password.
    Locked,
}

impl RedisServer {
    /// Starts one. Without the binary there is none, and the test that asks has nothing to do; in CI it fails.
    pub(crate) async fn start() -> Option<Self> {
        Self::behind(Door::Open).await
    }

    /// Starts one that speaks TLS alone and wants [`PASSWORD`].
    pub(crate) async fn start_locked() -> Option<Self> {
        Self::behind(Door::Locked).await
    }

    #[expect(
        clippy::print_stderr,
        reason = "whoever runs the tests shall know what they did not test"
    )]
    async fn behind(door: Door) -> Option<Self> {
        if !is_installed() {
            assert!(
                env::var_os("CI").is_none_or(|ci| ci != "true"),
                "redis-server is not installed"
            );
            eprintln!("skipped: redis-server is not installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        certify(folder.path());
        for _ in 0..ATTEMPTS {
            let port = free_port();
            if let Some(child) = run(port, folder.path(), door).await {
                return Some(Self {
                    port,
                    folder,
                    door,
                    child: Some(child),
                });
            }
        }
        panic!("redis-server found no free port");
    }

    /// Where it is, and the password if it wants one.
    pub(crate) fn url(&self) -> String {
        let port = self.port;
        match self.door {
            Door::Open => format!("redis://127.0.0.1:{port}/"),
            Door::Locked => format!("rediss://:{PASSWORD}@localhost:{port}/"),
        }
    }

    /// The certificate that one behind TLS shows, for `localhost`.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join(CERTIFICATE)
    }

    /// Kills it, as an operator or the kernel may. What it has answered is in its file.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again at the same place, with what it held.
    pub(crate) async fn restart(&mut self) {
        self.stop();
        // Nobody else listens there: the port is in nobody's range of free ones while its connections linger.
        for _ in 0..ATTEMPTS {
            self.child = run(self.port, self.folder.path(), self.door).await;
            if self.child.is_some() {
                return;
            }
        }
        panic!("redis-server did not start again");
    }

    /// Holds it as it is, connections and all, until it is [resumed](Self::resume).
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let child = self.child.as_ref().unwrap();
        let script = format!("kill -s {name} {}", child.id());
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.unwrap().success());
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn is_installed() -> bool {
    let version = Command::new("redis-server").arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Makes a certificate for `localhost`.
fn certify(folder: &Path) {
    let certified = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join(CERTIFICATE), certified.cert.pem()).unwrap();
    fs::write(
        folder.join(PRIVATE_KEY),
        certified.signing_key.serialize_pem(),
    )
    .unwrap();
}

/// Runs one there until it takes connections; `None` when the port is taken.
async fn run(port: u16, folder: &Path, door: Door) -> Option<Child> {
    let port = port.to_string();
    let mut command = Command::new("redis-server");
    match door {
        Door::Open => command.args(["--port", &port]),
        Door::Locked => command
            .args([
                "--port",
                "0",
                "--tls-port",
                &port,
                "--requirepass",
                PASSWORD,
            ])
            .args([
                "--tls-cert-file",
                CERTIFICATE,
                "--tls-key-file",
                PRIVATE_KEY,
            ])
            .args([
                "--tls-ca-cert-file",
                CERTIFICATE,
                "--tls-auth-clients",
                "no",
            ]),
    };
    let mut child = command
        .args(["--bind", "127.0.0.1", "--save", ""])
        // Each answer is in the file before it is sent; nothing is lost but with the machine.
        .args(["--appendonly", "yes", "--appendfsync", "no"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut log = lines(&mut child);
    while let Some(line) = soon(log.recv()).await {
        if line.contains("Ready to accept connections") {
            return Some(child);
        }
    }
    // It has closed its log, so this does not take long.
    child.wait().unwrap();
    None
}

/// Its log, read to the end so that it never waits for a reader.
fn lines(child: &mut Child) -> UnboundedReceiver<String> {
    let log = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = unbounded_channel();
    thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            // Once it runs nobody listens any more.
            let _ = sender.send(line);
        }
    });
    lines
}
