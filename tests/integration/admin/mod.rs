//! The interface for operators over sockets, and its description.
#![expect(
    clippy::panic,
    reason = "a test stops where something is not as it should be"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use outcrop::config;
use outcrop::keys::{
    Access, Administration, IssuedKey, KeyDraft, KeyStore, Keys, SqliteStore, Timestamp,
};
use outcrop::metrics::Metrics;
use outcrop::server::Admin;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::client::{Answer, Connection};

mod access;
mod command;
mod description;
mod gateway;
mod schema;
mod work;

/// An operators' interface to a new store, which has one admin key.
pub(super) struct Operators {
    pub(super) address: SocketAddr,
    pub(super) keys: Keys,
    pub(super) store: Arc<dyn KeyStore>,
    pub(super) admin: IssuedKey,
    /// Dropping it stops the interface.
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

impl Operators {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys.db");
        drop(SqliteStore::open(&file, Access::Create).unwrap());
        let store = SqliteStore::open(&file, Access::Gateway).unwrap();
        let store: Arc<dyn KeyStore> = Arc::new(store);
        let admin = create(&store, r#"{"name": "operator", "kind": "admin"}"#).await;
        let (settings, metrics) = (config::Keys::default(), Metrics::new());
        let keys = Keys::from_store(Arc::clone(&store), &settings, &metrics);
        let keys = keys.await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let interface = Admin::new(keys.clone());
        tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            interface
                .serve(listener, stopped, Duration::from_secs(1))
                .await
        });
        Self {
            address,
            keys,
            store,
            admin,
            _stop: stop,
            _folder: folder,
        }
    }

    /// Asks with the admin key.
    pub(super) async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_with(self.admin.key.expose(), method, path, body)
            .await
    }

    /// Asks with any key.
    pub(super) async fn ask_with(&self, key: &str, method: &str, path: &str, body: &str) -> Answer {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        let mut connection = Connection::open(self.address).await;
        connection.send(method, path, &headers, body).await;
        connection.answer().await
    }

    /// Makes a key over the interface.
    pub(super) async fn create(&self, body: &str) -> Value {
        let answer = self.ask("POST", "/admin/keys", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    /// Waits until the gateway knows the last change of the store.
    pub(super) async fn known(&self, key: &str, is_valid: bool) {
        let known = async {
            while self
                .keys
                .authenticate(key.as_bytes(), Timestamp::now())
                .is_ok()
                != is_valid
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        crate::support::soon(known).await;
    }
}

/// Makes a key in a store.
pub(super) async fn create(store: &Arc<dyn KeyStore>, draft: &str) -> IssuedKey {
    let draft = KeyDraft::read(draft.as_bytes()).unwrap();
    let administration = Administration::new(Arc::clone(store));
    administration
        .create(&draft, Timestamp::now())
        .await
        .unwrap()
}
