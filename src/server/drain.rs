//! Accept, serve, drain.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection::{LeftUnread, LingeringStream};
use super::gateway::Gateway;

/// How long a connection may be idle, or take to send a request's head.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// The pause after a failed accept: most often there are no file descriptors left, and trying on would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The connections that were still busy when the time was up, and were cut.
    pub cut: usize,
}

/// Serves `listener` until `shutdown`, then stops accepting and lets open answers go on for at most `grace`.
pub async fn run(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) -> Drained {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => serve(stream, &gateway, &graceful, &mut connections),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    gateway.drain();
    let _ = timeout(grace, graceful.shutdown()).await;
    while connections.try_join_next().is_some() {}
    let cut = connections.len();
    connections.shutdown().await;
    Drained { cut }
}

fn serve(
    stream: TcpStream,
    gateway: &Arc<Gateway>,
    graceful: &GracefulShutdown,
    connections: &mut JoinSet<()>,
) {
    // Tokens are small and must leave at once.
    let _ = stream.set_nodelay(true);
    let left_unread = LeftUnread::default();
    let io = TokioIo::new(LingeringStream::new(stream, left_unread.clone()));
    let gateway = Arc::clone(gateway);
    let service = service_fn(move |request| {
        let (gateway, left_unread) = (Arc::clone(&gateway), left_unread.clone());
        async move { Ok::<_, Infallible>(gateway.handle(request, &left_unread).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(io, service);
    let connection = graceful.watch(connection);
    connections.spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "a connection ended badly");
        }
    });
}
