//! What asks a gateway's interface for operators.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;
use url::Url;

use super::desk::ADMIN_KEY;
use crate::cli::Failure;
use crate::keys::{
    ApiKey, IssuedKey, KeyChange, KeyDraft, KeyList, KeyView, StoreError, UsageQuestion,
    UsageReport,
};
use crate::upstream::public_tls;

/// The longest time that an answer may take.
const TIME: Duration = Duration::from_secs(30);
/// The most bytes of an answer.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A gateway, and the key for it.
pub(super) struct AdminClient {
    base: Url,
    authorization: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

/// Reads where a gateway's interface is.
pub(super) fn base_url(text: &str) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let is_http = ["http", "https"].contains(&url.scheme());
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !is_http || !is_bare || !url.has_host() {
        return None;
    }
    // The gateway's log tells the address with the path of the interface.
    if url.path().trim_end_matches('/').ends_with("/admin")
        && let Ok(mut path) = url.path_segments_mut()
    {
        path.pop_if_empty().pop();
    }
    Some(url)
}

impl AdminClient {
    pub(super) fn new(base: Url, key: &str) -> Result<Self, Failure> {
        let authorization = HeaderValue::try_from(format!("Bearer {key}"));
        let mut authorization = authorization.map_err(|_| {
            Failure::usage(format!("{ADMIN_KEY} holds no key: no header can hold it"))
        })?;
        authorization.set_sensitive(true);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(TIME));
        let connector = HttpsConnector::from((tcp, public_tls()?));
        Ok(Self {
            base,
            authorization,
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    pub(super) async fn create(&self, draft: &KeyDraft) -> Result<IssuedKey, Failure> {
        self.ask(Method::POST, self.path(&["keys"]), Some(draft))
            .await
    }

    pub(super) async fn keys(&self, with_revoked: bool) -> Result<Vec<KeyView>, Failure> {
        let mut url = self.path(&["keys"]);
        if with_revoked {
            url.query_pairs_mut().append_pair("revoked", "true");
        }
        let list: KeyList = self.get(url).await?;
        Ok(list.data)
    }

    pub(super) async fn key(&self, name: &str) -> Result<KeyView, Failure> {
        self.get(self.of_key(name, &[])?).await
    }

    pub(super) async fn update(&self, name: &str, change: &KeyChange) -> Result<KeyView, Failure> {
        self.ask(Method::PATCH, self.of_key(name, &[])?, Some(change))
            .await
    }

    pub(super) async fn rotate(&self, name: &str, overlap: Duration) -> Result<IssuedKey, Failure> {
        let body = json!({ "overlap": format!("{}s", overlap.as_secs()) });
        self.ask(Method::POST, self.of_key(name, &["rotate"])?, Some(&body))
            .await
    }

    pub(super) async fn revoke(&self, name: &str) -> Result<KeyView, Failure> {
        let url = self.of_key(name, &["revoke"])?;
        self.ask::<Value, _>(Method::POST, url, None).await
    }

    pub(super) async fn usage(&self, question: &UsageQuestion) -> Result<UsageReport, Failure> {
        let mut url = self.path(&["usage"]);
        {
            let mut pairs = url.query_pairs_mut();
            if let Some(key) = &question.key {
                pairs.append_pair("key", &public_name(key));
            }
            if let Some(since) = question.since {
                pairs.append_pair("since", &since.to_string());
            }
            let by: Vec<&str> = question.by.iter().map(|group| group.name()).collect();
            pairs.append_pair("by", &by.join(","));
        }
        self.get(url).await
    }

    fn of_key(&self, name: &str, rest: &[&str]) -> Result<Url, Failure> {
        let name = public_name(name);
        // No key is called so, and in an address it would mean something else.
        if ["", ".", ".."].contains(&name.as_str()) {
            return Err(StoreError::UnknownKey(name).into());
        }
        Ok(self.path(&[&["keys", name.as_str()], rest].concat()))
    }

    /// The address of a resource below that of the gateway.
    fn path(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // An address with a host takes a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("admin").extend(segments);
        }
        url
    }

    async fn get<A: DeserializeOwned>(&self, url: Url) -> Result<A, Failure> {
        self.ask::<Value, A>(Method::GET, url, None).await
    }

    async fn ask<B: Serialize, A: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Option<&B>,
    ) -> Result<A, Failure> {
        let body = match body {
            Some(body) => serde_json::to_vec(body)?,
            None => Vec::new(),
        };
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, concat!("outcrop/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(body))?;
        let answer = timeout(TIME, self.answer(request)).await;
        let (status, bytes) = answer.map_err(|_| self.fault("it did not answer in time"))??;
        if !status.is_success() {
            return Err(self.refusal(status, &bytes));
        }
        serde_json::from_slice(&bytes)
            .map_err(|_| self.fault("its answer is not that of the interface for operators"))
    }

    /// What the gateway, or whoever answers there, refused, and what to do about it.
    fn refusal(&self, status: StatusCode, body: &[u8]) -> Failure {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let error = |member: &str| body.get("error")?.get(member)?.as_str();
        match (status, error("message")) {
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, Some(message)) => {
                Failure::new(format!("the key in {ADMIN_KEY} does not do: {message}"))
            }
            (_, Some(message)) if error("code") != Some("unknown_url") => Failure::new(message),
            _ => self.fault(&format!(
                "it answered {status}; --url must be the address of its [admin] listen"
            )),
        }
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), Failure> {
        let sent = self.client.request(request).await;
        let answer = sent.map_err(|error| {
            let mut cause: &dyn Error = &error;
            while let Some(deeper) = cause.source() {
                cause = deeper;
            }
            self.fault(&cause.to_string())
        })?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|_| self.fault("its answer broke off, or is too long"))?;
        Ok((status, body.to_bytes()))
    }

    fn fault(&self, what: &str) -> Failure {
        Failure::new(format!(
            "the gateway at {} cannot be asked: {what}",
            self.base
        ))
    }
}

/// What may stand in an address: of a whole key only its id.
fn public_name(name: &str) -> String {
    match ApiKey::id_of(name.as_bytes()) {
        Ok(id) => id.to_string(),
        Err(_) => name.to_owned(),
    }
}
