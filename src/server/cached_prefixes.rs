//! What Bedrock's prompt cache did for a request, and why it did nothing.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::bedrock::request::CacheTtl;
use crate::bedrock::response::TokenUsage;
use crate::translate::CachedPrefix;

/// The most prefixes that are remembered, a few dozen bytes each.
const MAX_PREFIXES: usize = 50_000;

/// When prefixes were last used, by model and digest.
#[derive(Debug, Default)]
pub(super) struct CachedPrefixes {
    used: Mutex<HashMap<u64, Instant>>,
}

/// What the prompt cache did for a request that had cache points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheStatus {
    /// Something was read.
    Hit,
    /// Something was written, and nothing of it had been written before.
    FirstWrite,
    /// Something was written again, because it had not been used for too long.
    MissTtlExpired,
    /// Something was written again although it should still have been there.
    MissAvoidable,
}

impl CacheStatus {
    /// The name in logs and metrics.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::FirstWrite => "first_write",
            Self::MissTtlExpired => "miss_ttl_expired",
            Self::MissAvoidable => "miss_avoidable",
        }
    }
}

impl CachedPrefixes {
    /// What the cache did for a request to `model`, and remembers its prefix. There is nothing to tell when nothing
    /// was read nor written: the prefix was too short for the model.
    pub(super) fn status(
        &self,
        model: &str,
        prefix: CachedPrefix,
        usage: &TokenUsage,
    ) -> Option<CacheStatus> {
        let read = usage.cache_read_input_tokens();
        if read == 0 && usage.cache_write_input_tokens() == 0 {
            return None;
        }
        let now = Instant::now();
        let key = key(model, prefix);
        let mut used = self.locked();
        let status = match used.get(&key) {
            _ if read > 0 => CacheStatus::Hit,
            None => CacheStatus::FirstWrite,
            Some(last) if now.duration_since(*last) <= lifetime(prefix.ttl) => {
                CacheStatus::MissAvoidable
            }
            Some(_) => CacheStatus::MissTtlExpired,
        };
        if used.len() >= MAX_PREFIXES {
            used.retain(|_, last| now.duration_since(*last) <= lifetime(CacheTtl::OneHour));
        }
        if used.len() >= MAX_PREFIXES {
            used.clear();
        }
        used.insert(key, now);
        Some(status)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(model: &str, prefix: CachedPrefix) -> u64 {
    let mut hasher = DefaultHasher::new();
    (model, prefix.digest).hash(&mut hasher);
    hasher.finish()
}

fn lifetime(ttl: CacheTtl) -> Duration {
    match ttl {
        CacheTtl::FiveMinutes => Duration::from_mins(5),
        CacheTtl::OneHour => Duration::from_hours(1),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::advance;

    use super::*;

    const PREFIX: CachedPrefix = CachedPrefix {
        digest: 1,
        ttl: CacheTtl::FiveMinutes,
    };

    fn usage(read: u64, written: u64) -> TokenUsage {
        let usage = json!({"cacheReadInputTokens": read, "cacheWriteInputTokens": written});
        serde_json::from_value(usage).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_miss_is_told_from_a_first_write_and_from_a_hit() {
        let prefixes = CachedPrefixes::default();
        let status = |read, written| prefixes.status("m", PREFIX, &usage(read, written));
        assert_eq!(status(0, 9), Some(CacheStatus::FirstWrite));
        assert_eq!(status(9, 5), Some(CacheStatus::Hit));
        assert_eq!(status(0, 14), Some(CacheStatus::MissAvoidable));
        advance(Duration::from_mins(5)).await;
        assert_eq!(status(0, 14), Some(CacheStatus::MissAvoidable));
        advance(Duration::from_secs(301)).await;
        assert_eq!(status(0, 0), None);
        assert_eq!(status(0, 14), Some(CacheStatus::MissTtlExpired));
        let other = CachedPrefix {
            digest: 2,
            ..PREFIX
        };
        for (model, prefix) in [("other", PREFIX), ("m", other)] {
            let status = prefixes.status(model, prefix, &usage(0, 14));
            assert_eq!(status, Some(CacheStatus::FirstWrite));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_prefixes_are_remembered_than_fit() {
        let prefixes = CachedPrefixes::default();
        for digest in 0..u64::try_from(MAX_PREFIXES).unwrap() + 10 {
            let prefix = CachedPrefix { digest, ..PREFIX };
            prefixes.status("m", prefix, &usage(0, 9));
        }
        assert!(prefixes.locked().len() <= MAX_PREFIXES);
    }
}
