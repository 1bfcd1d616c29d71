//! One request to one host. The name is looked up once, and only an address that was checked is connected to: a
//! second lookup could give another one.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderMap, HeaderValue, LOCATION, USER_AGENT,
};
use http::{Request, StatusCode};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Host;

use super::error::Error;
use super::image_fetcher::Limits;
use super::location::Location;
use super::network::Network;

/// The most addresses of a host that are tried.
const MOST_ADDRESSES: usize = 4;
/// The longest response head, in bytes.
const MOST_HEAD_BYTES: usize = 64 * 1024;
/// What is told of the client, the same for every fetch: whose request it is for is nobody's business.
const AGENT: &str = concat!("outcrop/", env!("CARGO_PKG_VERSION"));
const ACCEPTED: &str = "image/png, image/jpeg, image/gif, image/webp";

/// What a host answered.
pub(super) enum Answer {
    /// A body, whole.
    Body(Bytes),
    /// The address to ask instead.
    Redirect(Location),
}

/// Asks for `location` once. The caller watches over the time.
///
/// # Errors
/// When the host is not public, cannot be reached, or answers with anything but 200 and a redirect.
pub(super) async fn get(
    network: &Network,
    location: &Location,
    limits: &Limits,
) -> Result<Answer, Error> {
    let addresses = addresses(network, location).await?;
    let stream = connect(network, location, &addresses, limits.time).await?;
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(MOST_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| Error::Interrupted)?;
    let mut exchange = pin!(exchange(sender, location, limits.most_bytes));
    // The connection moves bytes while it is polled; it may be done before all of them are read.
    tokio::select! {
        biased;
        answer = &mut exchange => answer,
        _ = connection => exchange.await,
    }
}

/// The public ones among the addresses of the host.
async fn addresses(network: &Network, location: &Location) -> Result<Vec<SocketAddr>, Error> {
    let port = Location::port();
    let found = match location.host()? {
        Host::Ipv4(address) => vec![SocketAddr::from((address, port))],
        Host::Ipv6(address) => vec![SocketAddr::from((address, port))],
        Host::Domain(name) => network
            .resolver
            .resolve(name, port)
            .await
            .map_err(|_| Error::NotPublic)?,
    };
    let mut public: Vec<_> = found
        .into_iter()
        .filter(|address| (network.is_public)(address.ip()))
        .collect();
    public.truncate(MOST_ADDRESSES);
    if public.is_empty() {
        return Err(Error::NotPublic);
    }
    Ok(public)
}

/// Connects to the first of `addresses` that answers and proves to be the host. They share `time`, so that a dead one
/// does not take all of it; the last one has what is left.
async fn connect(
    network: &Network,
    location: &Location,
    addresses: &[SocketAddr],
    time: Duration,
) -> Result<TlsStream<TcpStream>, Error> {
    let name = match location.host()? {
        Host::Ipv4(address) => ServerName::IpAddress(address.into()),
        Host::Ipv6(address) => ServerName::IpAddress(address.into()),
        Host::Domain(name) => {
            ServerName::try_from(name.to_owned()).map_err(|_| Error::Malformed)?
        }
    };
    let tls = TlsConnector::from(Arc::clone(&network.tls));
    let attempt = async |address: &SocketAddr| {
        let stream = TcpStream::connect(address).await?;
        tls.connect(name.clone(), stream).await
    };
    let (last, others) = addresses.split_last().ok_or(Error::NotPublic)?;
    let count = u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let share = time.checked_div(count).unwrap_or(time);
    for address in others {
        if let Ok(Ok(stream)) = timeout(share, attempt(address)).await {
            return Ok(stream);
        }
    }
    attempt(last).await.map_err(|_| Error::Connection)
}

async fn exchange(
    mut sender: http1::SendRequest<Empty<Bytes>>,
    location: &Location,
    most_bytes: usize,
) -> Result<Answer, Error> {
    let response = sender
        .send_request(request(location)?)
        .await
        .map_err(|_| Error::Interrupted)?;
    let (head, body) = response.into_parts();
    match head.status {
        StatusCode::OK => read(body, most_bytes).await.map(Answer::Body),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let target = target(&head.headers).ok_or(Error::Interrupted)?;
            location.redirected(target).map(Answer::Redirect)
        }
        status => Err(Error::Status(status.as_u16())),
    }
}

fn request(location: &Location) -> Result<Request<Empty<Bytes>>, Error> {
    let host = HeaderValue::from_str(location.authority()).map_err(|_| Error::Malformed)?;
    Request::get(location.path_and_query())
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, ACCEPTED)
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| Error::Malformed)
}

fn target(headers: &HeaderMap) -> Option<&str> {
    std::str::from_utf8(headers.get(LOCATION)?.as_bytes()).ok()
}

async fn read(mut body: Incoming, most_bytes: usize) -> Result<Bytes, Error> {
    let too_large = Error::TooLarge(most_bytes);
    // A declared length is the lower bound; without one it is zero.
    if body.size_hint().lower() > u64::try_from(most_bytes).unwrap_or(u64::MAX) {
        return Err(too_large);
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::Interrupted)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > most_bytes {
            return Err(too_large);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}
