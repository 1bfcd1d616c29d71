//! Whom TLS trusts: the operating system's roots, else Mozilla's, or the private authorities of a CA bundle.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tracing::{debug, warn};

use super::error::SetupError;
use super::profile::Profile;
use crate::config::Environment;

/// The certificates that `AWS_CA_BUNDLE`, else `ca_bundle` of the profile, names. As in botocore they are trusted
/// instead of the usual roots, not beside them.
#[derive(Clone, Debug)]
pub(super) struct CaBundle {
    path: PathBuf,
    pem: Vec<u8>,
}

impl CaBundle {
    /// Reads the bundle, if one is configured.
    pub(super) fn load(
        environment: &Environment,
        profile: &Profile,
    ) -> Result<Option<Self>, SetupError> {
        let path = environment
            .get("AWS_CA_BUNDLE")
            .or_else(|| profile.get("ca_bundle"));
        let Some(path) = path.map(PathBuf::from) else {
            return Ok(None);
        };
        match fs::read(&path) {
            Ok(pem) => Ok(Some(Self { path, pem })),
            Err(error) => Err(SetupError::CaBundle {
                path,
                reason: error.to_string(),
            }),
        }
    }

    /// The file's content.
    pub(super) fn pem(&self) -> &[u8] {
        &self.pem
    }

    fn roots(&self) -> Result<RootCertStore, SetupError> {
        let refused = |reason: String| SetupError::CaBundle {
            path: self.path.clone(),
            reason,
        };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&self.pem) {
            let certificate = certificate.map_err(|error| refused(error.to_string()))?;
            roots
                .add(certificate)
                .map_err(|error| refused(error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(refused("it holds no certificate in PEM form".to_owned()));
        }
        Ok(roots)
    }
}

/// The TLS of all connections. ALPN offers nothing: Bedrock then speaks HTTP/1.1.
pub(super) fn client_config(bundle: Option<&CaBundle>) -> Result<ClientConfig, SetupError> {
    let roots = match bundle {
        Some(bundle) => bundle.roots()?,
        None => public_roots(),
    };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SetupError::Tls(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The TLS of connections to strangers: whoever the public authorities vouch for, never a private bundle.
///
/// # Errors
/// When the cryptography offers no version of TLS.
pub fn public_tls() -> Result<ClientConfig, SetupError> {
    client_config(None)
}

fn public_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for error in &native.errors {
        debug!(%error, "a root certificate of the system was not read");
    }
    roots.add_parsable_certificates(native.certs);
    if roots.is_empty() {
        warn!("the system has no root certificates, Mozilla's are used");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tempfile::NamedTempFile;

    use super::*;

    async fn configure(path: &str) -> Result<ClientConfig, SetupError> {
        let environment = Environment::from_pairs([("AWS_CA_BUNDLE", path)]);
        let profile = Profile::load(&environment).await.unwrap();
        client_config(CaBundle::load(&environment, &profile)?.as_ref())
    }

    #[tokio::test]
    async fn a_bundle_that_cannot_be_used_says_which_file_and_why() {
        let error = configure("/absent/ca.pem").await.unwrap_err().to_string();
        assert!(error.contains("/absent/ca.pem"), "{error}");
        let contents = [
            "",
            "not a certificate",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        ];
        for content in contents {
            let mut file = NamedTempFile::new().unwrap();
            file.write_all(content.as_bytes()).unwrap();
            let path = file.path().to_str().unwrap();
            let error = configure(path).await.unwrap_err().to_string();
            assert!(error.contains(path) && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn without_a_bundle_there_are_roots() {
        assert!(!public_roots().is_empty());
        client_config(None).unwrap();
    }
}
