//! Who calls: the key of a request is compared with the static keys and with the managed ones.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::caller::Caller;
use crate::config::Secret;
use crate::error::{Error, InvalidKey};
use crate::keys::{ApiKey, Keys, StoreState, Timestamp, Unauthenticated};

/// Other headers that clients put a key into: Anthropic's SDKs and Azure's.
const KEY_HEADERS: [&str; 2] = ["x-api-key", "api-key"];

/// All keys that are known.
#[derive(Debug)]
pub(super) struct Callers {
    static_keys: StaticKeys,
    keys: Keys,
}

/// The keys of `OUTCROP_API_KEY`, as digests.
#[derive(Clone, Default)]
struct StaticKeys(Vec<[u8; 32]>);

impl Callers {
    /// Those of `OUTCROP_API_KEY`, and the managed ones.
    pub(super) fn new(static_keys: &[Secret], keys: Keys) -> Self {
        Self {
            static_keys: StaticKeys::new(static_keys),
            keys,
        }
    }

    /// The managed keys.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Whether nobody needs a key: there are no static ones, and no store of managed ones.
    pub(super) fn are_anonymous(&self) -> bool {
        self.static_keys.0.is_empty() && !self.keys.are_required()
    }

    /// Whether nobody can call: there is a store of keys that cannot be opened, and no static key.
    pub(super) fn are_locked_out(&self) -> bool {
        let is_shut = self.keys.store_state() == StoreState::Away && self.keys.store().is_none();
        is_shut && self.static_keys.0.is_empty()
    }

    /// Who sent a request with these headers.
    ///
    /// # Errors
    /// When a key is needed and the request has none that is valid.
    pub(super) fn identify(&self, headers: &HeaderMap, now: Timestamp) -> Result<Caller, Error> {
        if self.are_anonymous() {
            return Ok(Caller::Anonymous);
        }
        let presented = presented(headers).ok_or(Error::Unauthorized(InvalidKey::Missing))?;
        if let Some(digest) = self.static_keys.find(presented) {
            return Ok(Caller::StaticKey(digest));
        }
        match self.keys.authenticate(presented, now) {
            Ok(key) => Ok(Caller::Managed(key)),
            Err(Unauthenticated::Expired(at)) => {
                Err(Error::Unauthorized(InvalidKey::Expired(at.to_string())))
            }
            Err(Unauthenticated::Revoked) => Err(Error::Unauthorized(InvalidKey::Revoked)),
            // A key that was made meanwhile is not known yet. What is no key at all never will be.
            Err(Unauthenticated::Unknown)
                if self.keys.store_state() == StoreState::Away
                    && ApiKey::id_of(presented).is_ok() =>
            {
                Err(Error::Unavailable("the key store does not answer"))
            }
            Err(Unauthenticated::Unknown) => Err(Error::Unauthorized(InvalidKey::Unknown)),
        }
    }
}

impl StaticKeys {
    fn new(keys: &[Secret]) -> Self {
        let digests = keys.iter().map(|key| Sha256::digest(key.expose()).into());
        Self(digests.collect())
    }

    /// The digest of a key, if it is known. All are compared in full, so that the time tells nothing.
    fn find(&self, presented: &[u8]) -> Option<[u8; 32]> {
        let digest = Sha256::digest(presented);
        let known = self
            .0
            .iter()
            .fold(Choice::from(0), |known, key| known | key.ct_eq(&digest));
        bool::from(known).then(|| digest.into())
    }
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaticKeys({})", self.0.len())
    }
}

/// The key of a request, in whichever header it came.
pub(super) fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked("Bearer ".len())?;
        scheme
            .eq_ignore_ascii_case(b"Bearer ")
            .then(|| key.trim_ascii())
    });
    let other = || {
        KEY_HEADERS
            .iter()
            .find_map(|name| headers.get(*name))
            .map(|value| value.as_bytes().trim_ascii())
    };
    bearer.or_else(other).filter(|key| !key.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn find(keys: &[&str], header: &'static str, value: &str) -> Option<[u8; 32]> {
        let keys: Vec<Secret> = keys
            .iter()
            .map(|key| Secret::new((*key).to_owned()))
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_str(value).unwrap());
        StaticKeys::new(&keys).find(presented(&headers)?)
    }

    #[test]
    fn any_of_the_keys_passes_in_any_of_the_headers() {
        for key in ["sk-one", "sk-two"] {
            let digest = Sha256::digest(key).into();
            for (header, value) in [
                ("authorization", format!("Bearer {key}")),
                ("authorization", format!("bearer  {key} ")),
                ("x-api-key", key.to_owned()),
                ("api-key", key.to_owned()),
            ] {
                let found = find(&["sk-one", "sk-two"], header, &value);
                assert_eq!(found, Some(digest), "{header}: {value}");
            }
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for value in [
            "Bearer sk-on",
            "Bearer sk-one1",
            "Bearer SK-ONE",
            "Bearer sk-one,sk-two",
            "Bearer x",
            "Bearer ",
            "Basic sk-one",
            "sk-one",
            "",
        ] {
            assert_eq!(find(&["sk-one"], "authorization", value), None, "{value}");
        }
    }
}
