//! Who calls, and what that caller may.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::keys::{Key, KeyKind};
use crate::models::Target;
use crate::recall::Owner;

/// Who calls.
#[derive(Clone, PartialEq)]
pub(super) enum Caller {
    /// Somebody on this host, where no key is needed.
    Anonymous,
    /// Somebody with a key of `OUTCROP_API_KEY`, by the SHA-256 digest of it. It has no limits.
    StaticKey([u8; 32]),
    /// Somebody with a managed key.
    Managed(Arc<Key>),
}

impl Caller {
    /// Whose turns are remembered.
    pub(super) fn owner(&self) -> Owner {
        match self {
            Self::Anonymous => Owner::Anonymous,
            Self::StaticKey(digest) => Owner::StaticKey(*digest),
            Self::Managed(key) => Owner::ManagedKey(key.id.as_str().into()),
        }
    }

    /// The managed key, if it is one.
    pub(super) fn key(&self) -> Option<&Arc<Key>> {
        match self {
            Self::Managed(key) => Some(key),
            Self::Anonymous | Self::StaticKey(_) => None,
        }
    }

    /// Whether this caller may ask models.
    ///
    /// # Errors
    /// For a key that manages others: who finds it in a script shall not spend money with it.
    pub(super) fn may_infer(&self) -> Result<(), Error> {
        match self.kind() {
            Some(KeyKind::Admin) => Err(Error::NotPermitted(
                "This key manages other keys, and cannot ask models. Use a key that outcrop keys create made without \
                 --admin.",
            )),
            Some(KeyKind::Inference) | None => Ok(()),
        }
    }

    /// Whether this caller may see what all callers do.
    ///
    /// # Errors
    /// For a key that asks models.
    pub(super) fn may_observe(&self) -> Result<(), Error> {
        match self.kind() {
            Some(KeyKind::Inference) => Err(Error::NotPermitted(
                "This key is for asking models. The metrics tell of all keys: use one that outcrop keys create --admin \
                 made, or one of OUTCROP_API_KEY.",
            )),
            Some(KeyKind::Admin) | None => Ok(()),
        }
    }

    /// Whether this caller may use a model that clients know as `label` where `target` says.
    pub(super) fn may_use(&self, label: &str, target: &Target) -> bool {
        self.key().is_none_or(|key| {
            let meant = target.instead_of();
            let called = [Some(target.model_id.as_str()), meant];
            let mut called = called.into_iter().flatten();
            called.any(|id| key.limits.allow_model(label, id))
        })
    }

    fn kind(&self) -> Option<KeyKind> {
        self.key().map(|key| key.kind)
    }
}

impl fmt::Debug for Caller {
    /// Leaves the digest out: keys of few characters could be guessed from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::StaticKey(_) => f.write_str("StaticKey(hidden)"),
            Self::Managed(key) => write!(f, "Managed({})", key.id.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_digest_is_shown() {
        let shown = format!("{:?}", Caller::StaticKey([171; 32]));
        assert_eq!(shown, "StaticKey(hidden)");
    }
}
