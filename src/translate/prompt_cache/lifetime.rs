//! How long a cached prefix lives: five minutes after its last use, or one hour.

use super::super::notes::Notes;
use crate::bedrock::PromptCache;
use crate::bedrock::request::CacheTtl;
use crate::openai::cache_control::PromptCacheOptions;

/// What a client calls a time to live; `None` for a name that nobody gave one.
fn named(name: &str) -> Option<CacheTtl> {
    match name {
        "5m" | "in_memory" => Some(CacheTtl::FiveMinutes),
        // More than five minutes; Bedrock has nothing between them and an hour, and nothing longer.
        "30m" | "1h" | "24h" => Some(CacheTtl::OneHour),
        _ => None,
    }
}

fn name(ttl: CacheTtl) -> &'static str {
    match ttl {
        CacheTtl::FiveMinutes => "5m",
        CacheTtl::OneHour => "1h",
    }
}

/// The lifetime that a model gives to what was asked for as `asked`, under `path`. Where it is another one, the
/// client is told.
pub(super) fn granted(asked: &str, path: &str, cache: PromptCache, notes: &mut Notes) -> CacheTtl {
    let granted = match named(asked) {
        Some(CacheTtl::OneHour) if cache.one_hour => CacheTtl::OneHour,
        _ => CacheTtl::FiveMinutes,
    };
    if asked != name(granted) && asked != "in_memory" {
        notes.adjust(path, &name(granted));
    }
    granted
}

/// The lifetime of points that ask for none of their own. `prompt_cache_options` counts more than the deprecated
/// `prompt_cache_retention`.
pub(super) fn usual(
    options: &PromptCacheOptions<'_>,
    cache: PromptCache,
    notes: &mut Notes,
) -> CacheTtl {
    let retention = options.retention.as_deref();
    match options.ttl.as_deref() {
        Some(ttl) => {
            if retention.is_some() {
                notes.ignore("prompt_cache_retention");
            }
            granted(ttl, "prompt_cache_options.ttl", cache, notes)
        }
        None => retention.map_or(CacheTtl::FiveMinutes, |retention| {
            granted(retention, "prompt_cache_retention", cache, notes)
        }),
    }
}
