//! Accept, serve, drain.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};
use tracing::{debug, warn};

use super::connection::{ClientStream, ConnectionState};
use super::gateway::Gateway;

/// How long a connection may be idle, or take to send a request's head.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// The same once the gateway is told to stop: half a head must not hold a deployment up.
const LAST_HEAD_TIME: Duration = Duration::from_secs(2);
/// The pause after a failed accept: most often there are no file descriptors left, and trying on would spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long the connections that are cut may take to notice.
const CUT_TIME: Duration = Duration::from_secs(1);

/// How a gateway ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The connections that were still busy when the time was up, and were cut.
    pub cut: usize,
}

/// What answers the requests that come to a listener.
pub(super) trait Service: Send + Sync + 'static {
    /// What answers are made of.
    type Body: Body<Data = Bytes, Error = Infallible> + Send + 'static;

    /// Answers one request; whatever goes wrong becomes an answer here.
    fn serve(
        self: Arc<Self>,
        request: Request<Incoming>,
        connection: ConnectionState,
    ) -> impl Future<Output = Response<Self::Body>> + Send;

    /// Says that no new work is wanted.
    fn drain(&self);

    /// Waits until no new work is wanted.
    fn draining(&self) -> impl Future<Output = ()> + Send;

    /// Waits until nothing goes on for a client that left. It begins to end when no new work is wanted.
    fn nobody_left(&self) -> impl Future<Output = ()> + Send {
        ready(())
    }
}

/// Serves `listener` until `shutdown`, then stops accepting and lets open answers go on for at most `grace`.
pub async fn run(
    listener: TcpListener,
    gateway: Arc<Gateway>,
    shutdown: impl Future<Output = ()>,
    grace: Duration,
) -> Drained {
    serve_until(listener, gateway, shutdown, grace).await
}

/// The same for anything that answers requests.
pub(super) async fn serve_until<S: Service>(
    listener: TcpListener,
    service: Arc<S>,
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
                Ok((stream, _)) => serve(stream, &service, &graceful, &mut connections),
                Err(error) => {
                    warn!(%error, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    service.drain();
    let all = async {
        graceful.shutdown().await;
        while connections.join_next().await.is_some() {}
    };
    let mut cut = 0;
    if timeout(grace, all).await.is_err() {
        while connections.try_join_next().is_some() {}
        cut = connections.len();
        let _ = timeout(CUT_TIME, connections.shutdown()).await;
    }
    // What was read on without a client ended when the draining began, and is accounted for a moment later.
    let _ = timeout(CUT_TIME, service.nobody_left()).await;
    Drained { cut }
}

fn serve<S: Service>(
    stream: TcpStream,
    service: &Arc<S>,
    graceful: &GracefulShutdown,
    connections: &mut JoinSet<()>,
) {
    // Tokens are small and must leave at once.
    let _ = stream.set_nodelay(true);
    let state = ConnectionState::default();
    let io = TokioIo::new(ClientStream::new(stream, state.clone()));
    let answers = service_fn({
        let (service, state) = (Arc::clone(service), state.clone());
        move |request| {
            let (service, state) = (Arc::clone(&service), state.clone());
            async move { Ok::<_, Infallible>(service.serve(request, state).await) }
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(io, answers);
    let connection = graceful.watch(connection);
    let service = Arc::clone(service);
    connections.spawn(async move {
        tokio::select! {
            ended = connection => if let Err(error) = ended {
                debug!(%error, "a connection ended badly");
            },
            () = without_request(&*service, &state) => debug!("a connection without a request was cut"),
        }
    });
}

/// Waits until no new work is wanted and the connection still has no whole request.
async fn without_request(service: &impl Service, state: &ConnectionState) {
    service.draining().await;
    let mut looks = interval(LAST_HEAD_TIME);
    // The first look is immediate.
    looks.tick().await;
    loop {
        looks.tick().await;
        if state.is_idle() {
            return;
        }
    }
}
