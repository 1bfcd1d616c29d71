//! What of the world the fetching sees; tests hand it another.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::net::lookup_host;

use super::address::is_public;

/// The addresses of a host, in the order in which they are to be tried.
pub type Addresses<'r> = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'r>>;

/// Finds the addresses of a host.
pub trait Resolve: Send + Sync {
    /// Looks `host` up, once.
    fn resolve<'r>(&'r self, host: &'r str, port: u16) -> Addresses<'r>;
}

/// The operating system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'r>(&'r self, host: &'r str, port: u16) -> Addresses<'r> {
        Box::pin(async move { Ok(lookup_host((host, port)).await?.collect()) })
    }
}

/// How hosts are found, which of them count as public, and whom TLS trusts.
#[derive(Clone)]
pub struct Network {
    /// Finds addresses.
    pub resolver: Arc<dyn Resolve>,
    /// Whether an address may be connected to.
    pub is_public: fn(IpAddr) -> bool,
    /// The trusted authorities.
    pub tls: Arc<ClientConfig>,
}

impl Network {
    /// The internet as this host sees it.
    pub fn public(tls: ClientConfig) -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            is_public,
            tls: Arc::new(tls),
        }
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network").finish_non_exhaustive()
    }
}
