//! Static keys: who may use the gateway.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::config::Secret;
use crate::error::Error;
use crate::recall::Owner;

/// Other headers that clients put a key into: Anthropic's SDKs and Azure's.
const KEY_HEADERS: [&str; 2] = ["x-api-key", "api-key"];

/// The keys that are known, as digests. Without any key nobody needs one.
#[derive(Clone, Default)]
pub struct ApiKeys {
    digests: Vec<[u8; 32]>,
}

impl ApiKeys {
    /// The keys of `OUTCROP_API_KEY`.
    pub fn new(keys: &[Secret]) -> Self {
        Self {
            digests: keys
                .iter()
                .map(|key| Sha256::digest(key.expose()).into())
                .collect(),
        }
    }

    /// Whether there are none, so that anybody on this host may call.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty()
    }

    /// Checks the key of a request and says whose it is. All digests are compared in full, so that the time tells
    /// nothing.
    ///
    /// # Errors
    /// When keys are needed and the request has none of them.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<Owner, Error> {
        if self.is_empty() {
            return Ok(Owner::Anonymous);
        }
        let presented = presented(headers).ok_or(Error::Unauthorized { presented: false })?;
        let digest = Sha256::digest(presented);
        let known = self
            .digests
            .iter()
            .fold(Choice::from(0), |known, key| known | key.ct_eq(&digest));
        if known.into() {
            Ok(Owner::StaticKey(digest.into()))
        } else {
            Err(Error::Unauthorized { presented: true })
        }
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({} keys)", self.digests.len())
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

    fn check(keys: &[&str], header: &'static str, value: &str) -> Result<Owner, Error> {
        let keys: Vec<Secret> = keys
            .iter()
            .map(|key| Secret::new((*key).to_owned()))
            .collect();
        let mut headers = HeaderMap::new();
        headers.insert(header, HeaderValue::from_str(value).unwrap());
        ApiKeys::new(&keys).check(&headers)
    }

    #[test]
    fn any_of_the_keys_passes_in_any_of_the_headers() {
        for key in ["sk-one", "sk-two"] {
            let owner = Owner::StaticKey(Sha256::digest(key).into());
            for (header, value) in [
                ("authorization", format!("Bearer {key}")),
                ("authorization", format!("bearer  {key} ")),
                ("x-api-key", key.to_owned()),
                ("api-key", key.to_owned()),
            ] {
                let checked = check(&["sk-one", "sk-two"], header, &value);
                assert_eq!(checked, Ok(owner.clone()), "{header}: {value}");
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
        ] {
            assert_eq!(
                check(&["sk-one"], "authorization", value),
                Err(Error::Unauthorized { presented: true })
            );
        }
        for value in ["Bearer ", "Basic sk-one", "sk-one", ""] {
            assert_eq!(
                check(&["sk-one"], "authorization", value),
                Err(Error::Unauthorized { presented: false })
            );
        }
    }

    #[test]
    fn without_keys_nobody_needs_one() {
        let checked = check(&[], "authorization", "Bearer anything");
        assert_eq!(checked, Ok(Owner::Anonymous));
    }
}
