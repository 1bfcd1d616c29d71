//! How requests prove who sends them: with a Bedrock API key, or with a SigV4 signature.

use aws_credential_types::Credentials;
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HeaderValue};
use http_body_util::Full;

use super::clock::{AwsClock, Correction};
use super::credential_source::CredentialSource;
use super::credentials::CredentialsCache;
use super::credentials_error::CredentialsError;
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
    pub(super) clock: AwsClock,
}

/// What a signature was made with.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    credentials: Credentials,
    correction: Correction,
}

/// What another attempt has that the refused one had not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cure {
    /// Other credentials.
    Credentials,
    /// Another date.
    Time,
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
    /// The same credentials for signatures to another service of AWS; an API key is for Bedrock alone.
    pub(super) fn of_service(&self, service: &'static str) -> Option<Self> {
        matches!(self.identity, Identity::Credentials(_)).then(|| Self {
            identity: self.identity.clone(),
            signer: self.signer.of_service(service),
            clock: self.clock.clone(),
        })
    }

    /// Puts `authorization` and what belongs to it into `request`. Tells what a signature was made with.
    pub(super) async fn authorize(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
    ) -> Result<Option<Signed>, Error> {
        match &self.identity {
            Identity::BearerToken(value) => {
                request.headers_mut().insert(AUTHORIZATION, value.clone());
                Ok(None)
            }
            Identity::Credentials(credentials) => {
                let credentials = credentials.credentials().await?;
                let (time, correction) = self.clock.corrected();
                self.signer.sign(request, body, &credentials, time)?;
                Ok(Some(Signed {
                    credentials,
                    correction,
                }))
            }
        }
    }

    /// Applies `cure` after AWS refused what was `signed`. Tells whether another attempt would be another one; waits for
    /// newer credentials if need be.
    pub(super) async fn apply(&self, cure: Cure, signed: &Signed) -> bool {
        match (cure, &self.identity) {
            (_, Identity::BearerToken(_)) => false,
            (Cure::Credentials, Identity::Credentials(credentials)) => {
                credentials.replace(&signed.credentials).await
            }
            (Cure::Time, Identity::Credentials(_)) => self.clock.correct(signed.correction),
        }
    }
}

impl Cure {
    /// What may help against `error`.
    pub(super) fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Exception { exception, .. } if exception.is_about_time() => Some(Self::Time),
            Error::Exception { exception, .. } if exception.is_about_credentials() => {
                Some(Self::Credentials)
            }
            _ => None,
        }
    }
}
