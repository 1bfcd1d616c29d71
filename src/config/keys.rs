//! `[keys]`, `[admin]` and `[prices]`: who may call, who manages that, and what it costs.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use url::Url;

use super::{Price, Secret};

/// How managed keys are kept and enforced.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Where they are kept, with their limits, budgets and usage.
    pub store: StoreLocation,
    /// What becomes of requests while a shared store does not answer; `None` refuses keys with a budget and lets the
    /// rest that is known pass.
    pub on_store_failure: Option<OnStoreFailure>,
    /// Whether clients are told what an answer costs.
    pub expose_cost: bool,
}

/// What becomes of requests while a shared store does not answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OnStoreFailure {
    /// They are refused.
    Deny,
    /// Those with a key that is known pass, within limits that this gateway keeps by itself.
    AllowKnown,
}

/// Where the operator's interface is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Admin {
    /// The address that it listens on; `None` serves none.
    pub listen: Option<SocketAddr>,
}

/// Where prices come from beside the built-in table and the models of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    /// A file of prices that go over those of the table.
    pub file: Option<PathBuf>,
    /// What stands in it; a model and a region are there once.
    pub list: Vec<Price>,
}

/// Where keys are kept. It shows without the password that a URL may hold.
#[derive(Clone, Debug)]
pub enum StoreLocation {
    /// A file of one gateway.
    Sqlite(PathBuf),
    /// A Redis or Valkey that several gateways share: `redis://` or `rediss://`.
    Redis(Secret),
}

impl StoreLocation {
    /// Reads `sqlite:FILE`, `redis://…` or `rediss://…`.
    ///
    /// # Errors
    /// With what is wrong, which never repeats a URL.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(file) = text.strip_prefix("sqlite:") {
            return match file {
                "" => Err("sqlite: names no file"),
                "//" | ":memory:" => Err("it must be a file"),
                _ => Ok(Self::Sqlite(file.into())),
            };
        }
        let url = Url::parse(text).map_err(|_| "it is neither sqlite:FILE nor a URL")?;
        match url.scheme() {
            "redis" | "rediss" if url.host_str().is_some_and(|host| !host.is_empty()) => {
                Ok(Self::Redis(Secret::new(text)))
            }
            "redis" | "rediss" => Err("it names no host"),
            _ => Err("it starts with none of sqlite:, redis:// and rediss://"),
        }
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Redis(_) => None,
        }
    }
}

impl Default for StoreLocation {
    fn default() -> Self {
        Self::Sqlite("outcrop.db".into())
    }
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "sqlite:{}", file.display()),
            Self::Redis(url) => match Url::parse(url.expose()) {
                Ok(mut url) => {
                    if url.password().is_some() {
                        // A URL with a host takes a password.
                        let _ = url.set_password(Some("hidden"));
                    }
                    url.set_query(None);
                    write!(f, "{url}")
                }
                Err(_) => f.write_str("redis://"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_file_or_a_redis_and_shows_no_password() {
        for (text, shown) in [
            ("sqlite:outcrop.db", "sqlite:outcrop.db"),
            (
                "sqlite:/var/lib/outcrop/keys.db",
                "sqlite:/var/lib/outcrop/keys.db",
            ),
            ("redis://localhost", "redis://localhost"),
            (
                "rediss://cache.example:6380/2",
                "rediss://cache.example:6380/2",
            ),
            (
                "redis://:secret@cache.example/0",
                "redis://:hidden@cache.example/0",
            ),
            (
                "redis://app:secret@cache.example",
                "redis://app:hidden@cache.example",
            ),
        ] {
            let location = StoreLocation::parse(text).unwrap();
            assert_eq!(location.to_string(), shown);
            assert!(!format!("{location:?}").contains("secret"), "{location:?}");
        }
        for text in [
            "",
            "outcrop.db",
            "sqlite:",
            "sqlite::memory:",
            "redis://",
            "http://cache",
            "redis",
        ] {
            assert!(StoreLocation::parse(text).is_err(), "{text}");
        }
    }
}
