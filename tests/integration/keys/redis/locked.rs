//! A Redis behind TLS and a password, as `outcrop keys` reaches it.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::redis::{PASSWORD, RedisServer};

/// Runs `outcrop keys` with its store at `url`, trusting `roots` alone.
fn keys(url: &str, roots: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outcrop"))
        .env_clear()
        .env("SSL_CERT_FILE", roots)
        .env("OUTCROP_KEYS_STORE", url)
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .arg("keys")
        .args(arguments)
        .output()
        .unwrap()
}

#[tokio::test]
async fn a_redis_behind_tls_and_a_password_is_used_and_an_impostor_is_not() {
    let Some(server) = RedisServer::start_locked().await else {
        return;
    };
    let (url, roots) = (server.url(), server.certificate());
    let made = keys(&url, &roots, &["create", "--name", "search"]);
    assert!(made.status.success(), "{made:?}");
    let listed = keys(&url, &roots, &["list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("search"));
    // Another database has none.
    let listed = keys(&format!("{url}3"), &roots, &["list"]);
    assert!(listed.status.success(), "{listed:?}");
    assert!(!String::from_utf8_lossy(&listed.stdout).contains("search"));

    let other = RedisServer::start_locked().await.unwrap();
    let plain = url.replace("rediss:", "redis:");
    let wrong = url.replace(PASSWORD, "hunter3");
    let numeric = url.replace("localhost", "127.0.0.1");
    for (url, roots, expected) in [
        (&url, other.certificate(), "certificate"),
        (&numeric, roots.clone(), "certificate"),
        (&wrong, roots.clone(), "authentication failed"),
        (&plain, roots.clone(), "localhost:"),
    ] {
        let refused = keys(url, &roots, &["list"]);
        let error = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success(), "{url}");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("hunter"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
