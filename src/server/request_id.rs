//! Request ids: the client's own where it is sane, else a new one.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header that carries it; the OpenAI SDKs show its value in their exceptions.
pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The most characters of a client's own id that are kept.
const MAX_LENGTH: usize = 128;

/// The id of one request: letters, digits, `-`, `_`, `.`.
#[derive(Clone, Debug)]
pub(super) struct RequestId(String);

impl RequestId {
    /// Takes the client's `x-request-id`, or makes one from `random` bits.
    pub(super) fn of(headers: &HeaderMap, random: u128) -> Self {
        let own = headers
            .get(X_REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|id| is_sane(id));
        Self(own.map_or_else(|| made("req_", random), str::to_owned))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).unwrap_or_else(|_| HeaderValue::from_static("invalid"))
    }
}

/// The id of a completion: it carries AWS's request id, else `random` bits.
pub(super) fn completion_id(upstream: Option<&str>, random: u128) -> String {
    match upstream.filter(|id| is_sane(id)) {
        Some(id) => format!("chatcmpl-{id}"),
        None => made("chatcmpl-", random),
    }
}

fn made(prefix: &str, random: u128) -> String {
    let mut id = prefix.to_owned();
    // Writing to a string does not fail.
    let _ = write!(id, "{random:032x}");
    id
}

fn is_sane(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_sane_id_of_the_clients_is_kept() {
        let id = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(X_REQUEST_ID, HeaderValue::from_str(value).unwrap());
            RequestId::of(&headers, 1).0
        };
        assert_eq!(id("trace-1_a.b"), "trace-1_a.b");
        for value in ["", "a b", "a;b", &"x".repeat(129)] {
            assert_eq!(id(value), "req_00000000000000000000000000000001");
        }
    }
}
