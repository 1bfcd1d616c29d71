//! What asks a gateway's interface for operators.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::{Method, Request};
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

use crate::cli::Failure;
use crate::keys::{
    ApiKey, IssuedKey, KeyChange, KeyDraft, KeyList, KeyView, UsageQuestion, UsageReport,
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
    let url = Url::parse(text).ok()?;
    let is_http = ["http", "https"].contains(&url.scheme());
    let is_bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (is_http && is_bare && url.has_host()).then_some(url)
}

impl AdminClient {
    pub(super) fn new(base: Url, key: &str) -> Result<Self, Failure> {
        let authorization = HeaderValue::try_from(format!("Bearer {key}"));
        let mut authorization = authorization.map_err(|_| {
            Failure::usage("the key in OUTCROP_ADMIN_KEY is none: no header can hold it")
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
        self.get(self.of_key(name, &[])).await
    }

    pub(super) async fn update(&self, name: &str, change: &KeyChange) -> Result<KeyView, Failure> {
        self.ask(Method::PATCH, self.of_key(name, &[]), Some(change))
            .await
    }

    pub(super) async fn rotate(&self, name: &str, overlap: Duration) -> Result<IssuedKey, Failure> {
        let body = json!({ "overlap": format!("{}s", overlap.as_secs()) });
        self.ask(Method::POST, self.of_key(name, &["rotate"]), Some(&body))
            .await
    }

    pub(super) async fn revoke(&self, name: &str) -> Result<KeyView, Failure> {
        let url = self.of_key(name, &["revoke"]);
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

    fn of_key(&self, name: &str, rest: &[&str]) -> Url {
        let name = public_name(name);
        self.path(&[&["keys", name.as_str()], rest].concat())
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
        let (succeeded, bytes) = answer.map_err(|_| self.fault("it did not answer in time"))??;
        if succeeded {
            serde_json::from_slice(&bytes)
                .map_err(|_| self.fault("its answer is not that of the interface for operators"))
        } else {
            let error: Value = serde_json::from_slice(&bytes).unwrap_or_default();
            match error.pointer("/error/message").and_then(Value::as_str) {
                Some(message) => Err(Failure::new(message)),
                None => Err(self.fault("it refused, and did not say why")),
            }
        }
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<(bool, Bytes), Failure> {
        let sent = self.client.request(request).await;
        let answer = sent.map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            self.fault(&cause.unwrap_or_else(|| error.to_string()))
        })?;
        let succeeded = answer.status().is_success();
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|_| self.fault("its answer broke off, or is too long"))?;
        Ok((succeeded, body.to_bytes()))
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
