//! The interface for operators, on an address of its own: what `outcrop keys` does, over HTTP, for holders of an admin key.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;

use self::account::Account;
use self::refusal::Refusal;
use self::route::Route;
use super::authenticate::presented;
use super::connection::ConnectionState;
use super::drain::{Drained, Service, serve_until};
use super::request_body::{BodyBudget, RequestBody};
use super::request_id::{RequestId, X_REQUEST_ID};
use crate::keys::{
    Administration, Key, KeyChange, KeyDraft, KeyKind, KeyList, KeyMistakes, Keys, Rotation,
    Timestamp,
};

mod account;
mod query;
mod refusal;
mod route;

/// The longest body that is read: a key has few settings.
const MOST_BYTES: usize = 256 * 1024;

/// What answers operators.
#[derive(Debug)]
pub struct Admin {
    keys: Keys,
    bodies: BodyBudget,
    draining: watch::Sender<bool>,
}

impl Admin {
    /// The interface to these keys.
    pub fn new(keys: Keys) -> Self {
        Self {
            keys,
            bodies: BodyBudget::new(MOST_BYTES),
            draining: watch::Sender::new(false),
        }
    }

    /// Serves `listener` until `shutdown`, then lets open answers go on for at most `grace`.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        grace: Duration,
    ) -> Drained {
        serve_until(listener, Arc::new(self), shutdown, grace).await
    }

    async fn answer(
        &self,
        head: &Parts,
        body: &mut RequestBody,
        account: &mut Account,
    ) -> Result<Vec<u8>, Refusal> {
        let route = Route::parse(&head.method, head.uri.path())?;
        account.route = route.name();
        let admin = self.authenticate(&head.headers)?;
        account.admin = Some((admin.id, admin.name.clone()));
        let query = query::Pairs::of(head.uri.query());
        let body = match route {
            Route::Create | Route::Update(_) | Route::Rotate(_) | Route::Revoke(_) => {
                let read = body.read(&head.headers, MOST_BYTES, &self.bodies);
                let read = read.await?.0;
                // It may have taken minutes, and the key may have been revoked meanwhile.
                self.authenticate(&head.headers)?;
                read
            }
            _ => Bytes::new(),
        };
        let now = Timestamp::now();
        let keys = self.administration()?;
        match route {
            Route::List => {
                let with_revoked = query.with_revoked()?;
                json(&KeyList::of(keys.keys(with_revoked, now).await?))
            }
            Route::Usage => json(&keys.usage(&query.usage()?, now).await?),
            Route::Create => {
                query.is_empty()?;
                let issued = keys.create(&KeyDraft::read(&body)?, now).await?;
                account.key = Some(issued.view.id);
                json(&issued)
            }
            Route::Key(name) => {
                query.is_empty()?;
                json(&keys.key(&name, now).await?)
            }
            Route::Update(name) => {
                query.is_empty()?;
                let view = keys.update(&name, &KeyChange::read(&body)?, now).await?;
                account.key = Some(view.id);
                json(&view)
            }
            Route::Rotate(name) => {
                query.is_empty()?;
                let rotation = Rotation::read(&body)?;
                let issued = keys.rotate(&name, rotation.overlap, now).await?;
                account.key = Some(issued.view.id);
                json(&issued)
            }
            Route::Revoke(name) => {
                query.is_empty()?;
                refuse_members(&body)?;
                let view = keys.revoke(&name, now).await?;
                account.key = Some(view.id);
                json(&view)
            }
        }
    }

    /// Whose admin key the request holds.
    fn authenticate(&self, headers: &HeaderMap) -> Result<Arc<Key>, Refusal> {
        let presented = presented(headers).ok_or_else(Refusal::no_key)?;
        let key = self
            .keys
            .authenticate(presented, Timestamp::now())
            .map_err(Refusal::of_key)?;
        match key.kind {
            KeyKind::Admin => Ok(key),
            KeyKind::Inference => Err(Refusal::no_admin()),
        }
    }

    fn administration(&self) -> Result<Administration, Refusal> {
        let store = self.keys.store().ok_or_else(Refusal::no_store)?;
        Ok(Administration::new(store))
    }
}

impl Service for Admin {
    type Body = Full<Bytes>;

    async fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        connection: ConnectionState,
    ) -> Response<Self::Body> {
        let (head, incoming) = request.into_parts();
        let request_id = RequestId::of(&head.headers, fastrand::u128(..));
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, request_id.header());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // Some answers hold a key.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let mut account = Account::begin(request_id, connection.request());
        let mut body = RequestBody::new(incoming, &head.headers);
        let (status, text) = match self.answer(&head, &mut body, &mut account).await {
            Ok(text) => (StatusCode::OK, text),
            Err(refusal) => {
                account.error = Some(refusal.label());
                refusal.write_headers(&mut headers);
                (refusal.status(), refusal.body())
            }
        };
        if !body.discard().await {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            connection.leave_unread();
        }
        account.status = Some(status);
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    }

    fn drain(&self) {
        self.draining.send_replace(true);
    }

    async fn draining(&self) {
        // The sender lives in `self`, so this cannot fail.
        let _ = self
            .draining
            .subscribe()
            .wait_for(|draining| *draining)
            .await;
    }
}

/// Refuses a body that says anything: nobody would read it.
fn refuse_members(body: &[u8]) -> Result<(), KeyMistakes> {
    match body.trim_ascii() {
        b"" | b"{}" => Ok(()),
        _ => Err(KeyMistakes::one("the body", "must be empty")),
    }
}

fn json(answer: &impl Serialize) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(answer).map_err(|_| Refusal::unwritable())
}
