//! `CachePointBlock`: where a prefix ends that is worth caching.

use serde::Serialize;

/// `CachePointBlock`: what stands before it is cached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CachePointBlock {
    /// The only kind.
    pub r#type: CachePointType,
    /// How long; absent is five minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl: Option<CacheTtl>,
}

/// `CachePointType`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CachePointType {
    /// `default`
    #[default]
    Default,
}

/// `CacheTTL`: how long a cached prefix lives after its last use. A longer one must stand before a shorter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum CacheTtl {
    /// `5m`
    #[serde(rename = "5m")]
    FiveMinutes,
    /// `1h`
    #[serde(rename = "1h")]
    OneHour,
}

impl CachePointBlock {
    /// A point with a time to live; none is five minutes.
    pub fn new(ttl: Option<CacheTtl>) -> Self {
        Self {
            r#type: CachePointType::Default,
            ttl,
        }
    }
}
