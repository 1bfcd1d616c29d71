//! A store of keys in a file of its own, and gateways that follow it.

use std::sync::Arc;

use outcrop::config::{Config, StoreLocation};
use outcrop::keys::{
    self, Access, Administration, IssuedKey, KeyDraft, KeyStore, Timestamp, UsageQuery, UsageRow,
};
use serde_json::Value;
use tempfile::TempDir;

use super::client::{Answer, Connection};
use super::gateway::Running;

/// A file with keys.
pub(crate) struct KeyFile {
    folder: TempDir,
    store: Arc<dyn KeyStore>,
    pub(crate) administration: Administration,
}

impl KeyFile {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = StoreLocation::Sqlite(folder.path().join("outcrop.db"));
        let store = keys::open(&file, Access::Create).await.unwrap();
        Self {
            folder,
            administration: Administration::new(Arc::clone(&store)),
            store,
        }
    }

    /// The file, as options name it.
    pub(crate) fn location(&self) -> String {
        format!("sqlite:{}", self.folder.path().join("outcrop.db").display())
    }

    /// `config` with this file as the store of keys.
    pub(crate) fn config(&self, mut config: Config) -> Config {
        config.keys.store = StoreLocation::Sqlite(self.folder.path().join("outcrop.db"));
        config
    }

    /// Makes a key, with what the members of `draft` say.
    pub(crate) async fn issue(&self, draft: Value) -> IssuedKey {
        self.issue_at(Timestamp::now(), draft).await
    }

    /// The same at another time.
    pub(crate) async fn issue_at(&self, now: Timestamp, draft: Value) -> IssuedKey {
        let draft = KeyDraft::read(draft.to_string().as_bytes()).unwrap();
        self.administration.create(&draft, now).await.unwrap()
    }

    /// All usage that the file holds.
    pub(crate) async fn usage(&self) -> Vec<UsageRow> {
        self.store.usage(&UsageQuery::default()).await.unwrap()
    }
}

/// The header that presents a key.
pub(crate) fn bearer(key: &IssuedKey) -> String {
    format!("Bearer {}", key.key.expose())
}

impl Running {
    /// One chat completion with a key, on a connection of its own.
    pub(crate) async fn chat_as(&self, key: &IssuedKey, body: &Value) -> Answer {
        self.begin_chat_as(key, body).await.answer().await
    }

    /// The same, sent and not yet read.
    pub(crate) async fn begin_chat_as(&self, key: &IssuedKey, body: &Value) -> Connection {
        self.begin_post_as(key, "/v1/chat/completions", body).await
    }

    /// Any request with a body.
    pub(crate) async fn begin_post_as(
        &self,
        key: &IssuedKey,
        path: &str,
        body: &Value,
    ) -> Connection {
        let mut connection = self.connect().await;
        let bearer = bearer(key);
        let headers = [("authorization", bearer.as_str())];
        connection
            .send("POST", path, &headers, body.to_string())
            .await;
        connection
    }

    /// One without.
    pub(crate) async fn get_as(&self, key: &IssuedKey, path: &str) -> Answer {
        self.get_with(path, &[("authorization", &bearer(key))])
            .await
    }
}
