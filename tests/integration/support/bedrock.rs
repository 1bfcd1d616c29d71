//! A Bedrock that does what a test tells it, byte by byte.

use std::io;
use std::net::SocketAddr;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::soon;

/// A socket on which calls arrive.
pub(crate) struct ScriptedBedrock {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

/// One call and its connection.
pub(crate) struct Call {
    pub(crate) stream: TcpStream,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl ScriptedBedrock {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits for a new connection and the call on it.
    pub(crate) async fn call(&self) -> Call {
        self.try_call().await.unwrap()
    }

    /// The same, unless the gateway closes it.
    pub(crate) async fn try_call(&self) -> io::Result<Call> {
        let (stream, _) = soon(self.listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        soon(Call::receive(stream)).await
    }

    /// Waits for the next call, on the connection of `last` or on a new one.
    pub(crate) async fn call_or(&self, last: Call) -> Call {
        let call = async {
            tokio::select! {
                next = Call::receive(last.stream) => match next {
                    Ok(call) => call,
                    Err(_) => self.call().await,
                },
                call = self.call() => call,
            }
        };
        soon(call).await
    }

    /// The next call, on a new connection, with an event stream begun as its answer.
    pub(crate) async fn stream(&self) -> Call {
        let mut call = self.call().await;
        call.begin_stream().await;
        call
    }
}

impl Call {
    async fn receive(mut stream: TcpStream) -> io::Result<Self> {
        let mut read = BytesMut::new();
        let head = loop {
            if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
                break read.split_to(end + 4);
            }
            if stream.read_buf(&mut read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8(head.to_vec())
            .unwrap()
            .to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = read.to_vec();
        let begun = body.len();
        body.resize(length.map_or(0, |length| length.parse().unwrap()), 0);
        stream.read_exact(&mut body[begun..]).await?;
        Ok(Self { stream, head, body })
    }

    /// Waits for the next call on the same connection.
    pub(crate) async fn next(self) -> Self {
        self.try_next().await.unwrap()
    }

    /// The same, unless the gateway closes it.
    pub(crate) async fn try_next(self) -> io::Result<Self> {
        soon(Self::receive(self.stream)).await
    }

    /// Writes bytes as they are.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Writes the head of an event stream.
    pub(crate) async fn begin_stream(&mut self) {
        self.write(
            "HTTP/1.1 200 OK\r\nx-amzn-requestid: aws-request-1\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
             transfer-encoding: chunked\r\n\r\n",
        )
        .await;
    }

    /// Writes bytes as one HTTP chunk.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.write(chunk(bytes.as_ref())).await;
    }

    /// Ends the body properly.
    pub(crate) async fn end(&mut self) {
        self.write("0\r\n\r\n").await;
    }

    /// Sends a whole short stream.
    pub(crate) async fn stream_all(&mut self, messages: &[Vec<u8>]) {
        self.send(messages.concat()).await;
        self.end().await;
    }

    /// Answers with one whole body.
    pub(crate) async fn answer(&mut self, status: u16, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} Scripted\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.write(answer).await;
    }

    /// Resets the connection.
    pub(crate) fn reset(self) {
        self.stream.set_zero_linger().unwrap();
    }

    /// Waits until the gateway has closed the connection.
    pub(crate) async fn gone(&mut self) {
        let mut byte = [0];
        match soon(self.stream.read(&mut byte)).await {
            Ok(0) | Err(_) => {}
            Ok(_) => panic!("the gateway sent another request instead of leaving"),
        }
    }
}

/// Bytes as one HTTP chunk.
pub(crate) fn chunk(bytes: &[u8]) -> Vec<u8> {
    let mut chunk = format!("{:x}\r\n", bytes.len()).into_bytes();
    chunk.extend_from_slice(bytes);
    chunk.extend_from_slice(b"\r\n");
    chunk
}
