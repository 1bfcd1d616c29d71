//! The internet as a test makes it.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use outcrop::config;
use outcrop::fetch::{Addresses, Error, Fetched, ImageFetcher, Network, Resolve, is_public};
use rcgen::generate_simple_self_signed;
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::support::soon;
use crate::upstream::server::{Reply, Server, head};

/// The names that the server's certificate is for.
pub(crate) const HOSTS: [&str; 3] = ["images.test", "cdn.test", "127.0.0.1"];
/// An address on the server of the first name.
pub(crate) const CAT: &str = "https://images.test/cat.gif?size=1";
/// An image of one pixel, in standard base64.
pub(crate) const GIF: &str = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
/// What the server sends for it.
pub(crate) const GIF_BYTES: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01\x44\x00\x3b";

/// Names and where they lead; a name leads to one list after the other, and stays at its last.
#[derive(Default)]
pub(crate) struct Names {
    lists: Mutex<HashMap<String, VecDeque<Vec<SocketAddr>>>>,
    asked: Mutex<Vec<String>>,
}

/// A server, the names that lead to it, and whom to trust.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) names: Arc<Names>,
    certificate: CertificateDer<'static>,
}

impl Names {
    /// Lets `name` lead to `lists`, one after the other.
    pub(crate) fn lead<const N: usize>(&self, name: &str, lists: [Vec<SocketAddr>; N]) {
        let mut names = self.lists.lock().unwrap();
        names.insert(name.to_owned(), lists.into());
    }

    /// The names that were looked up, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Resolve for Names {
    fn resolve<'r>(&'r self, host: &'r str, port: u16) -> Addresses<'r> {
        assert_eq!(port, 443);
        self.asked.lock().unwrap().push(host.to_owned());
        let mut lists = self.lists.lock().unwrap();
        let list = lists.get_mut(host).map(|lists| {
            let next = lists.pop_front().unwrap();
            if lists.is_empty() {
                lists.push_back(next.clone());
            }
            next
        });
        Box::pin(async move { list.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

impl World {
    /// A server that gives `replies`, and to which all of [`HOSTS`] lead.
    pub(crate) async fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        let certified = generate_simple_self_signed(HOSTS.map(str::to_owned)).unwrap();
        let certificate = certified.cert.der().clone();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let server = Server::start_with(replies, Some(TlsAcceptor::from(Arc::new(tls)))).await;
        let names = Arc::new(Names::default());
        for name in HOSTS {
            names.lead(name, [vec![server.address]]);
        }
        Self {
            server,
            names,
            certificate,
        }
    }

    /// A fetcher that knows these names and trusts this server.
    pub(crate) fn fetcher(&self, settings: &config::Fetch) -> ImageFetcher {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).unwrap();
        self.fetcher_trusting(settings, roots)
    }

    /// The same, trusting others.
    pub(crate) fn fetcher_trusting(
        &self,
        settings: &config::Fetch,
        roots: RootCertStore,
    ) -> ImageFetcher {
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let network = Network {
            resolver: Arc::<Names>::clone(&self.names),
            is_public: is_public_or_server,
            tls: Arc::new(tls),
        };
        ImageFetcher::new(settings, network)
    }

    /// Fetches one image with the default settings.
    pub(crate) async fn fetch(&self, address: &str) -> Result<String, Error> {
        one(&self.fetcher(&config::Fetch::default()), address).await
    }
}

/// Fetches one image.
pub(crate) async fn one(fetcher: &ImageFetcher, address: &str) -> Result<String, Error> {
    let image = |images: Fetched| images.images().get(address).unwrap().clone();
    let outcome = soon(fetcher.fetch_all(&[address])).await;
    outcome.map(image).map_err(|failed| {
        assert_eq!(failed.address, address);
        failed.error
    })
}

/// Where the server listens counts as public, beside what is.
fn is_public_or_server(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::LOCALHOST) || is_public(address)
}

/// An address that is not public, on any port.
pub(crate) fn private(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), 443)
}

/// An answer with a body of known length.
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let mut answer = head(status, headers);
    answer.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
    let mut answer = answer.into_bytes();
    answer.extend_from_slice(body);
    Reply::Bytes(answer)
}

/// The image.
pub(crate) fn gif() -> Reply {
    answer(200, &[("content-type", "text/html")], GIF_BYTES)
}

/// A redirect to `target`.
pub(crate) fn redirect(target: &str) -> Reply {
    answer(302, &[("location", target)], b"elsewhere")
}
