//! Where a Redis is, and how a connection to it is made.

use std::fmt;
use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, IntoConnectionInfo as _, RedisConnectionInfo, RedisError};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tracing::{debug, warn};
use url::{Host, Url};

use super::failure::{self, RedisFailure};
use crate::config::Secret;

/// Where Redis listens when a URL does not say.
const DEFAULT_PORT: u16 = 6379;

/// Where a Redis is. It shows as host and port alone.
pub(super) struct Address {
    host: String,
    port: u16,
    /// Whom to trust, and what name the server has to prove.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// User, password and database.
    settings: RedisConnectionInfo,
}

impl Address {
    /// Reads `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss://` for TLS.
    pub(super) fn of(url: &Secret) -> Result<Self, RedisFailure> {
        let wrong = |reason: &str| RedisFailure::new(&"the URL of the Redis", reason);
        let mut url = Url::parse(url.expose()).map_err(|_| wrong("it is no URL"))?;
        if url.fragment().is_some() {
            // The client that this is built on takes #insecure for "verify nothing".
            return Err(wrong("it may not have a fragment"));
        }
        let host = match url.host() {
            Some(Host::Domain(name)) if !name.is_empty() => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            // Without brackets, as those who connect want it.
            Some(Host::Ipv6(address)) => address.to_string(),
            _ => return Err(wrong("it names no host")),
        };
        let port = url.port().unwrap_or(DEFAULT_PORT);
        let tls = match url.scheme() {
            "redis" => None,
            "rediss" => {
                let name = ServerName::try_from(host.clone())
                    .map_err(|_| wrong("its host is no name that a certificate can have"))?;
                Some((
                    connector(public_roots()).map_err(|error| wrong(&error))?,
                    name,
                ))
            }
            _ => return Err(wrong("it starts with neither redis:// nor rediss://")),
        };
        // TLS is made here, so the client is told of none.
        url.set_scheme("redis")
            .map_err(|()| wrong("it is no URL of a Redis"))?;
        let info = url
            .into_connection_info()
            .map_err(|error| wrong(&error.to_string()))?;
        Ok(Self {
            host,
            port,
            tls,
            settings: info.redis_settings().clone().set_skip_set_lib_name(),
        })
    }

    /// A new connection, which the server has answered on, and what ends with it. It ends by itself when nobody holds it
    /// any more.
    pub(super) async fn connect(
        &self,
    ) -> Result<(MultiplexedConnection, JoinHandle<()>), RedisFailure> {
        let failed = |error: std::io::Error| RedisFailure::new(self, error.to_string());
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(failed)?;
        // A command is one write, which is not to wait for another.
        stream.set_nodelay(true).map_err(failed)?;
        let connection = match &self.tls {
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                self.greet(stream.map_err(failed)?).await
            }
            None => self.greet(stream).await,
        };
        connection.map_err(|error| RedisFailure::of(self, &error))
    }

    /// Authenticates, chooses the database, and waits for an answer: a server that hangs takes connections as well.
    async fn greet<S>(
        &self,
        stream: S,
    ) -> Result<(MultiplexedConnection, JoinHandle<()>), RedisError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Whoever sends a command bounds the wait for its answer.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None);
        let (mut connection, driver) =
            MultiplexedConnection::new_with_config(&self.settings, stream, config).await?;
        let driver = tokio::spawn(driver);
        match redis::cmd("PING").exec_async(&mut connection).await {
            Err(error) if failure::is_final(&error) => Err(error),
            // A user who may not even do that is answered all the same.
            _ => Ok((connection, driver)),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn connector(roots: RootCertStore) -> Result<TlsConnector, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// The operating system's roots, else Mozilla's.
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
    use super::*;

    #[test]
    fn an_address_shows_as_host_and_port_alone() {
        for (url, shown) in [
            ("redis://cache.example", "cache.example:6379"),
            (
                "rediss://app:hunter2@cache.example:6380/2",
                "cache.example:6380",
            ),
            ("redis://:hunter2@[::1]:7000/0?protocol=resp3", "[::1]:7000"),
        ] {
            let address = Address::of(&Secret::new(url)).unwrap();
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn an_address_that_cannot_be_used_is_refused_without_repeating_it() {
        for url in [
            "",
            "cache.example",
            "http://:hunter2@cache.example",
            "redis:///hunter2",
            "redis://:hunter2@cache.example/hunter2",
            "redis://:hunter2@cache.example/0#hunter2",
            "rediss://:hunter2@cache.example/0#insecure",
        ] {
            let refused = Address::of(&Secret::new(url)).map(|address| address.to_string());
            let failure = refused.unwrap_err();
            assert!(
                !format!("{failure} {failure:?}").contains("hunter2"),
                "{failure}"
            );
        }
    }
}
