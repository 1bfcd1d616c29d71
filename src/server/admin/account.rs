//! What the log says of an operator's request: who did what to which key.

use http::StatusCode;
use tokio::time::Instant;
use tracing::info;

use crate::keys::KeyId;
use crate::server::connection::InFlight;
use crate::server::request_id::RequestId;

/// One request. Dropping it writes its line, also when the operator left before the answer.
#[derive(Debug)]
pub(super) struct Account {
    begun: Instant,
    request_id: RequestId,
    /// The route's name, or `unknown`.
    pub(super) route: &'static str,
    /// The id and the name of the admin key.
    pub(super) admin: Option<(KeyId, String)>,
    /// The key that was made or changed.
    pub(super) key: Option<KeyId>,
    pub(super) status: Option<StatusCode>,
    pub(super) error: Option<&'static str>,
    _in_flight: InFlight,
}

impl Account {
    pub(super) fn begin(request_id: RequestId, in_flight: InFlight) -> Self {
        Self {
            begun: Instant::now(),
            request_id,
            route: "unknown",
            admin: None,
            key: None,
            status: None,
            error: None,
            _in_flight: in_flight,
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let admin = self.admin.as_ref();
        info!(
            target: "outcrop::admin",
            request_id = self.request_id.as_str(),
            route = self.route,
            // nginx's status for a client that left before there was one.
            status = self.status.map_or(499, |status| status.as_u16()),
            duration_ms = self.begun.elapsed().as_secs_f64() * 1e3,
            admin_key_id = admin.map(|(id, _)| id.as_str()),
            admin_key_name = admin.map(|(_, name)| name.as_str()),
            key_id = self.key.as_ref().map(KeyId::as_str),
            error = self.error,
            "request"
        );
    }
}
