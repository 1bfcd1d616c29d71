//! How requests prove who sends them: with a Bedrock API key, or with a SigV4 signature.

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use http_body_util::Full;

use super::credential_source::CredentialSource;
use super::credentials::{Clock, CredentialsCache, CredentialsError};
use super::error::{Error, SetupError};
use super::signer::Signer;
use crate::config::Environment;

/// Who calls, in whatever region; a clone is the same.
#[derive(Clone)]
pub(super) enum Identity {
    /// The key of `AWS_BEARER_TOKEN_BEDROCK`, marked as sensitive. It wins over all other credentials, as in the SDKs.
    BearerToken(HeaderValue),
    /// Credentials that sign each attempt.
    Credentials(CredentialsCache),
}

/// What goes into `authorization` of the calls to one region.
pub(super) struct Authentication {
    pub(super) identity: Identity,
    pub(super) signer: Signer,
    pub(super) clock: Clock,
}

impl Identity {
    /// The key of `AWS_BEARER_TOKEN_BEDROCK`, without the blanks around it, if it is set and not blank.
    pub(super) fn bearer_token(environment: &Environment) -> Result<Option<Self>, SetupError> {
        let Some(token) = environment.get("AWS_BEARER_TOKEN_BEDROCK").map(str::trim) else {
            return Ok(None);
        };
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .map_err(|_| SetupError::BearerToken)?;
        value.set_sensitive(true);
        Ok(Some(Self::BearerToken(value)))
    }

    /// Where the credentials come from.
    pub(super) fn source(&self) -> CredentialSource {
        match self {
            Self::BearerToken(_) => CredentialSource::BearerToken,
            Self::Credentials(credentials) => credentials.source().clone(),
        }
    }

    /// Whether there are credentials; loads them if need be.
    pub(super) async fn resolve(&self) -> Result<(), CredentialsError> {
        match self {
            Self::BearerToken(_) => Ok(()),
            Self::Credentials(credentials) => credentials.credentials().await.map(drop),
        }
    }
}

impl Authentication {
    /// Whether credentials that expire can be replaced by newer ones.
    pub(super) fn is_renewable(&self) -> bool {
        matches!(self.identity, Identity::Credentials(_))
    }

    /// Puts `authorization` and what belongs to it into `request`. Tells with which credentials, if a provider can
    /// replace them.
    pub(super) async fn authorize(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
    ) -> Result<Option<Credentials>, Error> {
        match &self.identity {
            Identity::BearerToken(value) => {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
                Ok(None)
            }
            Identity::Credentials(credentials) => {
                let credentials = credentials.credentials().await?;
                self.signer
                    .sign(request, body, &credentials, (self.clock)())?;
                Ok(Some(credentials))
            }
        }
    }

    /// Says that AWS called `refused` expired.
    pub(super) fn forget(&self, refused: Option<&Credentials>) {
        if let (Identity::Credentials(credentials), Some(refused)) = (&self.identity, refused) {
            credentials.forget(refused);
        }
    }
}
