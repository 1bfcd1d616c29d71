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
    /// What the cache did for a request to `model`, and remembers its prefixes. There is nothing to tell when
    /// nothing was read nor written: the request had no points, or its prefixes were too short.
    pub(super) fn status(
        &self,
        model: &str,
        prefixes: &[CachedPrefix],
        usage: &TokenUsage,
    ) -> Option<CacheStatus> {
        let (read, written) = (
            usage.cache_read_input_tokens(),
            usage.cache_write_input_tokens(),
        );
        if prefixes.is_empty() || (read == 0 && written == 0) {
            return None;
        }
        let now = Instant::now();
        let mut used = self.locked();
        let idle = |prefix: &CachedPrefix| {
            let last = used.get(&key(model, prefix))?;
            Some(now.duration_since(*last) <= lifetime(prefix.ttl))
        };
        let known: Vec<bool> = prefixes.iter().filter_map(idle).collect();
        let status = match known.as_slice() {
            _ if read > 0 => CacheStatus::Hit,
            [] => CacheStatus::FirstWrite,
            known if known.contains(&true) => CacheStatus::MissAvoidable,
            _ => CacheStatus::MissTtlExpired,
        };
        if used.len() + prefixes.len() > MAX_PREFIXES {
            used.retain(|_, last| now.duration_since(*last) <= lifetime(CacheTtl::OneHour));
        }
        if used.len() + prefixes.len() > MAX_PREFIXES {
            used.clear();
        }
        used.extend(prefixes.iter().map(|prefix| (key(model, prefix), now)));
        Some(status)
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<u64, Instant>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(model: &str, prefix: &CachedPrefix) -> u64 {
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

    const SHORT: CachedPrefix = CachedPrefix {
        digest: 1,
        ttl: CacheTtl::FiveMinutes,
    };
    const LONG: CachedPrefix = CachedPrefix {
        digest: 2,
        ttl: CacheTtl::FiveMinutes,
    };

    fn usage(read: u64, written: u64) -> TokenUsage {
        let usage = json!({"cacheReadInputTokens": read, "cacheWriteInputTokens": written});
        serde_json::from_value(usage).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_miss_is_told_from_a_first_write_and_from_a_hit() {
        let prefixes = CachedPrefixes::default();
        let status =
            |prefix: &[_], read, written| prefixes.status("m", prefix, &usage(read, written));
        assert_eq!(status(&[SHORT], 0, 9), Some(CacheStatus::FirstWrite));
        assert_eq!(status(&[SHORT, LONG], 9, 5), Some(CacheStatus::Hit));
        assert_eq!(
            status(&[SHORT, LONG], 0, 14),
            Some(CacheStatus::MissAvoidable)
        );
        advance(Duration::from_mins(5)).await;
        assert_eq!(status(&[LONG], 0, 14), Some(CacheStatus::MissAvoidable));
        advance(Duration::from_secs(301)).await;
        assert_eq!(status(&[LONG], 0, 14), Some(CacheStatus::MissTtlExpired));
        assert_eq!(
            prefixes.status("other", &[LONG], &usage(0, 14)),
            Some(CacheStatus::FirstWrite)
        );
        assert_eq!(status(&[], 9, 9), None);
        assert_eq!(status(&[SHORT], 0, 0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_prefixes_are_remembered_than_fit() {
        let prefixes = CachedPrefixes::default();
        for digest in 0..u64::try_from(MAX_PREFIXES).unwrap() + 10 {
            let prefix = CachedPrefix { digest, ..SHORT };
            prefixes.status("m", &[prefix], &usage(0, 9));
        }
        assert!(prefixes.locked().len() <= MAX_PREFIXES);
    }
}
