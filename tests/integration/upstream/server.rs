//! An HTTP/1.1 server of few lines: it hands out scripted replies in order and keeps what it was sent.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use aws_smithy_types::str_bytes::StrBytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What the server does with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Writes the bytes and serves the next request on the same connection.
    Bytes(Vec<u8>),
    /// Writes the bytes when the gate is opened, and serves on.
    Held(Arc<Semaphore>, Vec<u8>),
    /// Writes the bytes and then nothing more until the client has gone.
    Stall(Vec<u8>),
    /// Writes the bytes and closes the connection.
    Close(Vec<u8>),
    /// Resets the connection.
    Reset,
}

/// One request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// `POST /model/… HTTP/1.1`.
    pub(crate) line: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

/// Answers by what was asked.
type Answering = dyn Fn(&Received) -> Reply + Send + Sync;

#[derive(Default)]
struct State {
    replies: Mutex<VecDeque<Reply>>,
    /// Answers when the script has ended.
    answering: Option<Box<Answering>>,
    received: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    client_gone: Notify,
    asked: Notify,
}

/// A connection, encrypted or not.
trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn tcp(&self) -> &TcpStream;
}

impl Socket for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Socket for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}

impl Server {
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(replies, None).await
    }

    pub(crate) async fn start_with(
        replies: impl IntoIterator<Item = Reply>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let state = State {
            replies: Mutex::new(replies.into_iter().collect()),
            ..State::default()
        };
        Self::run(state, tls).await
    }

    /// A server without a script, which answers by what it is asked.
    pub(crate) async fn answering(
        answer: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let state = State {
            answering: Some(Box::new(answer)),
            ..State::default()
        };
        Self::run(state, None).await
    }

    async fn run(state: State, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(state);
        let server = Self { address, state };
        tokio::spawn(server.clone().accept(listener, tls));
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Waits until `count` requests have come.
    pub(crate) async fn asked(&self, count: usize) {
        self.asked_until(|received| received.len() >= count).await;
    }

    /// Waits until the requests that have come are as `condition` wants.
    pub(crate) async fn asked_until(&self, condition: impl Fn(&[Received]) -> bool) {
        loop {
            let asked = self.state.asked.notified();
            tokio::pin!(asked);
            asked.as_mut().enable();
            if condition(&self.received()) {
                return;
            }
            asked.await;
        }
    }

    /// Waits until a client has closed a connection on which the server stalls.
    pub(crate) async fn client_gone(&self) {
        self.state.client_gone.notified().await;
    }

    async fn accept(self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.state.connections.fetch_add(1, Ordering::SeqCst);
            let server = self.clone();
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    None => server.serve(stream).await,
                    // A client that does not trust the certificate leaves during the handshake.
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => server.serve(stream).await,
                        Err(_) => None,
                    },
                }
            });
        }
    }

    /// Serves one connection; `None` when the client has closed it.
    async fn serve(&self, mut socket: impl Socket) -> Option<()> {
        loop {
            let received = receive(&mut socket).await?;
            let scripted = self.state.replies.lock().unwrap().pop_front();
            let answering = self.state.answering.as_ref();
            let reply = scripted.unwrap_or_else(|| answering.unwrap()(&received));
            self.state.received.lock().unwrap().push(received);
            self.state.asked.notify_waiters();
            match reply {
                Reply::Bytes(bytes) => socket.write_all(&bytes).await.ok()?,
                Reply::Held(gate, bytes) => {
                    let _open = gate.acquire().await.unwrap();
                    socket.write_all(&bytes).await.ok()?;
                }
                Reply::Close(bytes) => return socket.write_all(&bytes).await.ok(),
                Reply::Reset => return socket.tcp().set_zero_linger().ok(),
                Reply::Stall(bytes) => {
                    socket.write_all(&bytes).await.ok()?;
                    let _ = socket.read(&mut [0]).await;
                    self.state.client_gone.notify_one();
                    return None;
                }
            }
        }
    }
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name)?;
        Some(&found.1)
    }
}

async fn receive(socket: &mut impl Socket) -> Option<Received> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).unwrap();
    let (line, rest) = head.split_once("\r\n").unwrap();
    let headers: Vec<_> = rest
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    socket.read_exact(&mut body).await.ok()?;
    let line = line.to_owned();
    Some(Received {
        line,
        headers,
        body,
    })
}

/// A whole answer with a JSON body.
pub(crate) fn json(status: u16, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut answer = head(status, headers);
    let length = body.len();
    let content =
        format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
    answer.push_str(&content);
    answer.into_bytes()
}

/// The head of an event stream and one HTTP chunk for each of `chunks`, without the end.
pub(crate) fn open_stream(chunks: &[&[u8]]) -> Vec<u8> {
    let mut answer = head(200, &[("x-amzn-requestid", "stream-id")]);
    answer +=
        "content-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut answer = answer.into_bytes();
    for chunk in chunks {
        answer.extend(format!("{:x}\r\n", chunk.len()).bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer
}

/// The same with its end.
pub(crate) fn stream(chunks: &[&[u8]]) -> Vec<u8> {
    let mut answer = open_stream(chunks);
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> String {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\n");
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    head
}

/// An event as Bedrock frames it.
pub(crate) fn event(name: &'static str, payload: &'static str) -> Vec<u8> {
    message(
        &[
            (":event-type", name),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ],
        payload,
    )
}

/// An exception as Bedrock frames it.
pub(crate) fn exception(name: &'static str, payload: &'static str) -> Vec<u8> {
    message(
        &[(":exception-type", name), (":message-type", "exception")],
        payload,
    )
}

pub(crate) fn message(headers: &[(&'static str, &'static str)], payload: &'static str) -> Vec<u8> {
    let message = headers
        .iter()
        .fold(Message::new(payload), |message, (name, value)| {
            message.add_header(Header::new(
                *name,
                HeaderValue::String(StrBytes::from(*value)),
            ))
        });
    let mut frame = Vec::new();
    write_message_to(&message, &mut frame).unwrap();
    frame
}
