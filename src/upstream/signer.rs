//! AWS Signature Version 4, over `host`, `content-type` and `x-amz-*` alone: what a proxy on the way adds or changes
//! is not signed.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Request};
use http_body_util::Full;

use super::error::{Error, chain};
use super::region::Region;

/// Both of Bedrock's hosts sign as this service.
const SERVICE: &str = "bedrock";
const SECURITY_TOKEN: &str = "x-amz-security-token";

/// Signs requests for one region.
#[derive(Clone, Debug)]
pub struct Signer {
    region: Region,
    service: &'static str,
}

impl Signer {
    /// A signer whose credential scope names `region`.
    pub fn new(region: Region) -> Self {
        let service = SERVICE;
        Self { region, service }
    }

    /// The same for another service of AWS, such as `sts`.
    #[must_use]
    pub fn of_service(&self, service: &'static str) -> Self {
        let region = self.region.clone();
        Self { region, service }
    }

    /// Adds `x-amz-date`, `authorization` and, with a session token, `x-amz-security-token` to a request. The path must be
    /// encoded already, as it is sent: SigV4 encodes it once more for every service but S3. A signature holds for five
    /// minutes around `time`, so that each attempt needs its own.
    ///
    /// # Errors
    /// [`Error::Request`] when the request cannot be signed.
    pub fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
        credentials: &Credentials,
        time: SystemTime,
    ) -> Result<(), Error> {
        let identity = credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(self.region.as_str())
            .name(self.service)
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| Error::Request(chain(&error)))?
            .into();
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            signed_headers(request.headers()),
            SignableBody::Bytes(body),
        )
        .map_err(|error| Error::Request(chain(&error)))?;
        let output = sign(signable, &parameters).map_err(|error| Error::Request(chain(&error)))?;
        let (instructions, _) = output.into_parts();
        for (name, value) in instructions.headers() {
            let name =
                HeaderName::try_from(name).map_err(|error| Error::Request(error.to_string()))?;
            let mut value =
                HeaderValue::try_from(value).map_err(|error| Error::Request(error.to_string()))?;
            // aws-sigv4 marks the session token only; a signature must not reach a log either.
            value.set_sensitive(name == AUTHORIZATION || name == SECURITY_TOKEN);
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}

fn signed_headers(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .iter()
        .filter(|(name, _)| {
            *name == HOST || *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-")
        })
        .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}
