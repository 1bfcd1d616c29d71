//! How requests prove who sends them: with a Bedrock API key, or with a SigV4 signature.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use http_body_util::Full;

use super::credential_source::CredentialSource;
use super::credentials::{Clock, CredentialsCache, CredentialsError};
use super::error::{Error, SetupError};
use super::signer::Signer;
use crate::config::Environment;

/// What goes into `authorization`.
pub(super) enum Authentication {
    /// The key of `AWS_BEARER_TOKEN_BEDROCK`, marked as sensitive. It wins over all other credentials, as in the SDKs.
    BearerToken(HeaderValue),
    /// A signature for each attempt.
    SigV4 {
        signer: Signer,
        credentials: CredentialsCache,
        clock: Clock,
    },
}

impl Authentication {
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

    /// Signatures with the credentials of `provider`.
    pub(super) fn sigv4(
        signer: Signer,
        provider: SharedCredentialsProvider,
        source: CredentialSource,
        clock: Clock,
    ) -> Self {
        let credentials = CredentialsCache::new(provider, source, Clock::clone(&clock));
        Self::SigV4 {
            signer,
            credentials,
            clock,
        }
    }

    /// Where the credentials come from.
    pub(super) fn source(&self) -> CredentialSource {
        match self {
            Self::BearerToken(_) => CredentialSource::BearerToken,
            Self::SigV4 { credentials, .. } => credentials.source().clone(),
        }
    }

    /// Whether credentials that expire can be replaced by newer ones.
    pub(super) fn is_renewable(&self) -> bool {
        matches!(self, Self::SigV4 { .. })
    }

    /// Whether there are credentials; loads them if need be.
    pub(super) async fn resolve(&self) -> Result<(), CredentialsError> {
        match self {
            Self::BearerToken(_) => Ok(()),
            Self::SigV4 { credentials, .. } => credentials.credentials().await.map(drop),
        }
    }

    /// Puts `authorization` and what belongs to it into `request`. Tells with which credentials, if a provider can
    /// replace them.
    pub(super) async fn authorize(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
    ) -> Result<Option<Credentials>, Error> {
        match self {
            Self::BearerToken(value) => {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
                Ok(None)
            }
            Self::SigV4 {
                signer,
                credentials,
                clock,
            } => {
                let credentials = credentials.credentials().await?;
                signer.sign(request, body, &credentials, clock())?;
                Ok(Some(credentials))
            }
        }
    }

    /// Says that AWS called `refused` expired.
    pub(super) fn forget(&self, refused: Option<&Credentials>) {
        if let (Self::SigV4 { credentials, .. }, Some(refused)) = (self, refused) {
            credentials.forget(refused);
        }
    }
}
