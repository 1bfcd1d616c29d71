//! One bare connection to an endpoint, for whoever asks why calls do not get through. It is made by the connector of the
//! calls themselves, so that proxies, private authorities and limits are the ones in force.

use std::time::SystemTime;

use aws_smithy_types::date_time::{DateTime, Format};
use bytes::Bytes;
use http::header::{DATE, HOST, HeaderValue, PROXY_AUTHORIZATION, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, Request, Uri};
use http_body_util::Empty;
use hyper::client::conn::http1;
use tower_service::Service as _;

use super::AGENT;
use super::connector::{Connector, Stream};
use super::endpoint::Endpoint;
use super::error::{Error, chain};

/// How an endpoint is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The endpoint's own host and port.
    pub host: Host,
    /// Whether the connection is TLS.
    pub is_encrypted: bool,
    /// The proxy on the way, which then resolves the endpoint's name.
    pub proxy: Option<Host>,
}

/// A host to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// A name or an address, the latter without brackets.
    pub name: String,
    /// The TCP port.
    pub port: u16,
}

/// An open connection to an endpoint on which nothing was sent yet.
pub struct Reached {
    stream: Stream,
    uri: Uri,
    proxy_authorization: Option<HeaderValue>,
}

impl Way {
    /// The way that `connector` takes to `endpoint`.
    pub(super) fn of(endpoint: &Endpoint, connector: &Connector) -> Result<Self, Error> {
        let uri = root(endpoint)?;
        Ok(Self {
            host: Host::of(&uri),
            is_encrypted: uri.scheme() == Some(&Scheme::HTTPS),
            proxy: connector.proxy(&uri).map(|proxy| Host::of(&proxy)),
        })
    }
}

impl Host {
    fn of(uri: &Uri) -> Self {
        let default = if uri.scheme() == Some(&Scheme::HTTPS) {
            443
        } else {
            80
        };
        let name = uri.host().unwrap_or_default();
        Self {
            name: name.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(default),
        }
    }
}

impl Reached {
    /// Opens a connection to `endpoint`: name, proxy, TCP and TLS.
    pub(super) async fn open(endpoint: &Endpoint, mut connector: Connector) -> Result<Self, Error> {
        let uri = root(endpoint)?;
        let proxy_authorization = connector.proxy_authorization(&uri);
        let stream = connector.call(uri.clone()).await;
        Ok(Self {
            stream: stream.map_err(|error| Error::Unreachable(chain(&*error)))?,
            uri,
            proxy_authorization,
        })
    }

    /// Asks without a signature for nothing in particular. Whatever the answer is, its `Date` header tells the other side's
    /// clock, to the second; `None` when it has none.
    ///
    /// # Errors
    /// [`Error::Interrupted`] when there is no answer.
    pub async fn date(self) -> Result<Option<SystemTime>, Error> {
        let interrupted = |error: hyper::Error| Error::Interrupted(chain(&error));
        let request = self.request()?;
        let (mut sender, connection) = http1::handshake(self.stream).await.map_err(interrupted)?;
        // It ends with the sender; what went wrong on it, the answer tells.
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request).await.map_err(interrupted);
        connection.abort();
        Ok(date(answer?.headers()))
    }

    /// Only a proxy that forwards plain HTTP wants the whole address.
    fn request(&self) -> Result<Request<Empty<Bytes>>, Error> {
        let target = if self.stream.is_forwarded() {
            self.uri.clone()
        } else {
            let path = self.uri.path_and_query().cloned();
            path.unwrap_or_else(|| PathAndQuery::from_static("/"))
                .into()
        };
        let authority = self
            .uri
            .authority()
            .map_or("", |authority| authority.as_str());
        let mut request = Request::builder()
            .uri(target)
            .header(HOST, authority)
            .header(USER_AGENT, AGENT);
        if let Some(value) = &self.proxy_authorization {
            request = request.header(PROXY_AUTHORIZATION, value);
        }
        request
            .body(Empty::new())
            .map_err(|error| Error::Request(error.to_string()))
    }
}

fn root(endpoint: &Endpoint) -> Result<Uri, Error> {
    let uri = format!("{endpoint}/").parse();
    uri.map_err(|error: http::uri::InvalidUri| Error::Request(error.to_string()))
}

fn date(headers: &HeaderMap) -> Option<SystemTime> {
    let text = headers.get(DATE)?.to_str().ok()?;
    let date = DateTime::from_str(text, Format::HttpDate).ok()?;
    SystemTime::try_from(date).ok()
}
