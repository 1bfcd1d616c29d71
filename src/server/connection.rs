//! A client's connection that closes gently after a request body was left unread.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long a closed connection is read on at most.
const LINGER_TIME: Duration = Duration::from_secs(5);
/// How many bytes are read on at most.
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// Whether a request body was left unread on a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct LeftUnread(Arc<AtomicBool>);

impl LeftUnread {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A TCP stream that, when a body was left unread, reads on for a while after it was closed for writing.
///
/// Closing a socket with unread bytes makes the kernel send a reset, and a client that is still sending would
/// lose the answer that says why it should stop.
pub(super) struct LingeringStream {
    stream: TcpStream,
    left_unread: LeftUnread,
    linger: Linger,
}

enum Linger {
    Open,
    Reading {
        deadline: Pin<Box<Sleep>>,
        left: usize,
    },
    Closed,
}

impl LingeringStream {
    pub(super) fn new(stream: TcpStream, left_unread: LeftUnread) -> Self {
        Self {
            stream,
            left_unread,
            linger: Linger::Open,
        }
    }
}

impl AsyncRead for LingeringStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for LingeringStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
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
            match &mut this.linger {
                Linger::Open => {
                    ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
                    this.linger = if this.left_unread.get() {
                        Linger::Reading {
                            deadline: Box::pin(sleep(LINGER_TIME)),
                            left: LINGER_BYTES,
                        }
                    } else {
                        Linger::Closed
                    };
                }
                Linger::Reading { deadline, left } => {
                    let mut bytes = [0; 8192];
                    let mut buffer = ReadBuf::new(&mut bytes);
                    match Pin::new(&mut this.stream).poll_read(cx, &mut buffer) {
                        Poll::Ready(Ok(())) if !buffer.filled().is_empty() && *left > 0 => {
                            *left = left.saturating_sub(buffer.filled().len());
                        }
                        Poll::Ready(_) => this.linger = Linger::Closed,
                        Poll::Pending => {
                            ready!(deadline.as_mut().poll(cx));
                            this.linger = Linger::Closed;
                        }
                    }
                }
                Linger::Closed => return Poll::Ready(Ok(())),
            }
        }
    }
}
