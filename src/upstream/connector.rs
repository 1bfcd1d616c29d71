//! Connections: direct or through a proxy, plain or TLS, each within `connect_timeout` from the name to the handshake.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use http::header::HeaderValue;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

/// TCP probes begin after this much silence. NAT gateways and load balancers drop connections that are silent for 350 s,
/// and a thinking model can be silent for longer.
const TCP_KEEP_ALIVE: Duration = Duration::from_mins(1);

type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// The inner layer is TLS to a proxy, the outer one TLS to Bedrock; either may be plain.
type Io = MaybeHttpsStream<MaybeHttpsStream<TokioIo<TcpStream>>>;

/// Opens connections for the pool.
#[derive(Clone)]
pub(super) struct Connector {
    to_host: HttpsConnector<HttpConnector>,
    tls: Arc<ClientConfig>,
    proxies: Arc<Matcher>,
    connect_timeout: Duration,
}

/// One connection.
pub(super) struct Stream {
    io: Io,
    /// Whether requests on it are for a proxy to forward: only plain ones are, a tunnel is as good as direct.
    forwarded: bool,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig, proxies: Matcher, connect_timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEP_ALIVE));
        // Shared between the addresses of a name, so that one that is dead does not take all the time.
        tcp.set_connect_timeout(Some(connect_timeout));
        let tls = Arc::new(tls);
        Self {
            to_host: HttpsConnector::from((tcp, Arc::clone(&tls))),
            tls,
            proxies: Arc::new(proxies),
            connect_timeout,
        }
    }

    /// The `proxy-authorization` that a request to `uri` itself must carry. A tunnel's goes with its CONNECT instead.
    pub(super) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        if uri.scheme() != Some(&Scheme::HTTP) {
            return None;
        }
        self.proxies.intercept(uri)?.basic_auth().cloned()
    }

    /// The proxy on the way to `uri`.
    pub(super) fn proxy(&self, uri: &Uri) -> Option<Uri> {
        Some(self.proxies.intercept(uri)?.uri().clone())
    }

    async fn connect(mut self, uri: Uri) -> Result<Stream, BoxError> {
        let Some(proxy) = self.proxies.intercept(&uri) else {
            let io = MaybeHttpsStream::Http(self.to_host.call(uri).await?);
            return Ok(Stream {
                io,
                forwarded: false,
            });
        };
        if uri.scheme() == Some(&Scheme::HTTPS) {
            let io = self.tunnel(&proxy, uri).await?;
            return Ok(Stream {
                io,
                forwarded: false,
            });
        }
        let io = MaybeHttpsStream::Http(self.to_host.call(proxy.uri().clone()).await?);
        Ok(Stream {
            io,
            forwarded: true,
        })
    }

    async fn tunnel(self, proxy: &Intercept, uri: Uri) -> Result<Io, BoxError> {
        let mut tunnel = Tunnel::new(proxy.uri().clone(), self.to_host);
        if let Some(authorization) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(authorization.clone());
        }
        HttpsConnector::from((tunnel, self.tls)).call(uri).await
    }
}

impl Stream {
    /// Whether requests on it are for a proxy to forward.
    pub(super) fn is_forwarded(&self) -> bool {
        self.forwarded
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.to_host.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let limit = connector.connect_timeout;
            let connected = timeout(limit, connector.connect(uri)).await;
            connected.unwrap_or_else(|_| {
                let text = format!("no connection within {limit:?}");
                Err(io::Error::new(io::ErrorKind::TimedOut, text).into())
            })
        })
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.forwarded)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, buffers)
    }
}
