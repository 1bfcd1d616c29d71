//! A client's connection: bounded in how long it may refuse to take bytes, and gentle when it closes with a
//! request body unread.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may take no byte of what is sent to it. hyper stops polling the answer meanwhile, so that
/// none of the answer's own limits would end it.
const STALL_TIME: Duration = Duration::from_mins(5);
/// How long a connection with an unread body is read on, once it is closed for writing.
const LINGER_TIME: Duration = Duration::from_secs(5);
/// How many bytes are read on at most.
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// What a connection and the requests on it know of each other; a clone is the same.
#[derive(Clone, Debug, Default)]
pub(super) struct ConnectionState {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    left_unread: AtomicBool,
    requests: AtomicUsize,
    /// Whether the client has yet to take bytes that it was sent.
    behind: AtomicBool,
}

/// A request that is being answered.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Shared>);

impl ConnectionState {
    /// Says that a request body was left unread, and that the connection will be closed for it.
    pub(super) fn leave_unread(&self) {
        self.shared.left_unread.store(true, Ordering::Relaxed);
    }

    /// Counts a request until its answer has ended.
    pub(super) fn request(&self) -> InFlight {
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(&self.shared))
    }

    /// Whether no request is being answered, and every answer was taken.
    pub(super) fn is_idle(&self) -> bool {
        let Shared {
            requests, behind, ..
        } = &*self.shared;
        requests.load(Ordering::Relaxed) == 0 && !behind.load(Ordering::Relaxed)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream to a client.
///
/// Closing a socket with unread bytes makes the kernel send a reset, and a client that is still sending would
/// lose the answer that says why it should stop. So when a body was left unread, the stream reads on for a
/// while after it was closed for writing.
pub(super) struct ClientStream<S> {
    stream: S,
    state: ConnectionState,
    /// Since when the client takes nothing.
    stall: Option<Pin<Box<Sleep>>>,
    closing: Closing,
}

enum Closing {
    Open,
    Lingering {
        deadline: Pin<Box<Sleep>>,
        left: usize,
    },
    Closed,
}

impl<S> ClientStream<S> {
    pub(super) fn new(stream: S, state: ConnectionState) -> Self {
        Self {
            stream,
            state,
            stall: None,
            closing: Closing::Open,
        }
    }

    /// Passes `written` on; while nothing can be written the time runs.
    fn bounded<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        let behind = &self.state.shared.behind;
        behind.store(written.is_pending(), Ordering::Relaxed);
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let stall = self
            .stall
            .get_or_insert_with(|| Box::pin(sleep(STALL_TIME)));
        ready!(stall.as_mut().poll(cx));
        let text = "the client takes no bytes";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.bounded(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.bounded(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            match &mut this.closing {
                Closing::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.closing = if this.state.shared.left_unread.load(Ordering::Relaxed) {
                        Closing::Lingering {
                            deadline: Box::pin(sleep(LINGER_TIME)),
                            left: LINGER_BYTES,
                        }
                    } else {
                        Closing::Closed
                    };
                }
                Closing::Lingering { deadline, left } => {
                    let mut bytes = [0; 8192];
                    let mut buffer = ReadBuf::new(&mut bytes);
                    match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                        Poll::Ready(Ok(())) if !buffer.filled().is_empty() && *left > 0 => {
                            *left = left.saturating_sub(buffer.filled().len());
                        }
                        Poll::Ready(_) => this.closing = Closing::Closed,
                        Poll::Pending => {
                            ready!(deadline.as_mut().poll(cx));
                            this.closing = Closing::Closed;
                        }
                    }
                }
                Closing::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut client, server) = duplex(4);
        let mut stream = ClientStream::new(server, ConnectionState::default());
        stream.write_all(b"1234").await.unwrap();
        let error = stream.write_all(b"5").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let mut taken = [0; 4];
        client.read_exact(&mut taken).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_client_is_not() {
        let (mut client, server) = duplex(1);
        let mut stream = ClientStream::new(server, ConnectionState::default());
        let reading = tokio::spawn(async move {
            let mut taken = Vec::new();
            while taken.len() < 5 {
                sleep(STALL_TIME / 2).await;
                taken.push(client.read_u8().await.unwrap());
            }
            taken
        });
        stream.write_all(b"12345").await.unwrap();
        assert_eq!(reading.await.unwrap(), b"12345");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_unread_is_read_before_the_connection_closes() {
        for left_unread in [false, true] {
            let (mut client, server) = duplex(16);
            let state = ConnectionState::default();
            let mut stream = ClientStream::new(server, state.clone());
            client.write_all(b"unread").await.unwrap();
            if left_unread {
                state.leave_unread();
            }
            stream.shutdown().await.unwrap();
            let mut rest = [0; 16];
            let mut buffer = ReadBuf::new(&mut rest);
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let read = Pin::new(&mut stream).poll_read(&mut cx, &mut buffer);
            assert_eq!(read.is_pending(), left_unread);
        }
    }
}
