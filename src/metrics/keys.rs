//! What each managed key does. Its id and its name are labels, never the key itself.

use std::sync::atomic::AtomicU64;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Tokens;
use super::labels::{Key, KeyKind, KeyRequest as Labels, TokenKind};
use super::names::Names;

/// How many keys become labels; every further one is `other`.
const MAX_KEYS: usize = 500;

/// A request with a managed key, once it has ended.
#[derive(Clone, Copy, Debug)]
pub struct KeyRequest<'a> {
    /// The key's id.
    pub id: &'a str,
    /// What its operator calls it.
    pub name: &'a str,
    /// The HTTP status that was sent.
    pub status: u16,
    /// The tokens that it took, estimates included; `None` when Bedrock took nothing.
    pub tokens: Option<Tokens>,
    /// What they cost in US dollars, where that is known.
    pub cost: Option<f64>,
}

/// The metrics of all keys.
#[derive(Debug)]
pub(super) struct KeyMetrics {
    ids: Names,
    names: Names,
    requests: Family<Labels, Counter>,
    tokens: Family<KeyKind, Counter>,
    cost: Family<Key, Counter<f64, AtomicU64>>,
}

impl Default for KeyMetrics {
    fn default() -> Self {
        Self {
            ids: Names::new(MAX_KEYS),
            names: Names::new(MAX_KEYS),
            requests: Family::default(),
            tokens: Family::default(),
            cost: Family::default(),
        }
    }
}

impl KeyMetrics {
    /// Gives each its name.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "key_requests",
            "Requests with a managed key that ended",
            self.requests.clone(),
        );
        registry.register(
            "key_tokens",
            "Tokens that managed keys took, estimates included",
            self.tokens.clone(),
        );
        registry.register(
            "key_cost_usd",
            "What they cost in US dollars, where the price is known",
            self.cost.clone(),
        );
    }

    /// Counts a request and what it took.
    pub(super) fn request(&self, request: &KeyRequest<'_>) {
        let key = self.names.label(Some(request.name));
        let key_id = self.ids.label(Some(request.id));
        let labels = Labels {
            key: key.clone(),
            key_id: key_id.clone(),
            status: request.status,
        };
        self.requests.get_or_create(&labels).inc();
        if let Some(tokens) = request.tokens {
            for (kind, count) in [
                (TokenKind::Input, tokens.input),
                (TokenKind::Output, tokens.output),
                (TokenKind::CacheRead, tokens.cache_read),
                (TokenKind::CacheWrite, tokens.cache_write),
            ] {
                if count > 0 {
                    let labels = KeyKind {
                        key: key.clone(),
                        key_id: key_id.clone(),
                        kind,
                    };
                    self.tokens.get_or_create(&labels).inc_by(count);
                }
            }
        }
        if let Some(cost) = request.cost {
            self.cost.get_or_create(&Key { key, key_id }).inc_by(cost);
        }
    }
}
