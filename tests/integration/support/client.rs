//! A client of few lines: nothing is hidden between a test and the bytes on its connection.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::soon;

/// One connection to a server.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    address: SocketAddr,
    read: BytesMut,
}

/// Status and headers of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Head {
    /// A header's text; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }
}

impl Answer {
    /// A header's text; empty when it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        header(&self.headers, name)
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Status, type and code of an error answer, which must have all four members of OpenAI's.
    pub(crate) fn error(&self) -> (u16, String, Option<String>) {
        let body = self.json();
        let error = body["error"].as_object().unwrap();
        for member in ["message", "type", "param", "code"] {
            assert!(error.contains_key(member), "{body}");
        }
        assert_eq!(self.header("content-type"), "application/json");
        let text = |member: &str| error[member].as_str().map(str::to_owned);
        assert!(
            text("message").is_some_and(|message| !message.is_empty()),
            "{body}"
        );
        (self.status, text("type").unwrap(), text("code"))
    }

    /// The message of an error answer.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            address,
            read: BytesMut::new(),
        }
    }

    /// Writes bytes as they are.
    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        soon(self.stream.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Writes a request with a body of known length.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) {
        let body = body.as_ref();
        let mut request = self.request_head(method, path, headers);
        request.extend(["content-length: ", &body.len().to_string(), "\r\n\r\n"]);
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.write(request).await;
    }

    /// The head of a request without its last, empty line. `host` is this server's unless `headers` names one.
    pub(crate) fn request_head(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "host") {
            head.extend(["host: ", &self.address.to_string(), "\r\n"]);
        }
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head
    }

    /// Asks for a chat completion.
    pub(crate) async fn chat(&mut self, body: &Value) {
        let headers = [("content-type", "application/json")];
        self.send("POST", "/v1/chat/completions", &headers, body.to_string())
            .await;
    }

    /// Reads status and headers.
    pub(crate) async fn head(&mut self) -> Head {
        let text = self.until(b"\r\n\r\n").await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        let mut lines = text.lines();
        let status = lines.next().unwrap();
        assert!(status.starts_with("HTTP/1.1 "), "{status}");
        let mut headers = HeaderMap::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            let value = HeaderValue::from_str(value).unwrap();
            headers.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), value);
        }
        Head {
            status: status[9..12].parse().unwrap(),
            headers,
        }
    }

    /// Reads the next chunk of a chunked body; `None` is its proper end.
    pub(crate) async fn chunk(&mut self) -> Option<Bytes> {
        self.try_chunk().await.unwrap()
    }

    /// The same, for connections that may break.
    pub(crate) async fn try_chunk(&mut self) -> io::Result<Option<Bytes>> {
        let line = self.until(b"\r\n").await?;
        let digits = std::str::from_utf8(&line).unwrap().trim_end();
        let length = usize::from_str_radix(digits, 16).unwrap();
        let mut chunk = self.exactly(length + 2).await?;
        assert_eq!(&chunk[length..], b"\r\n");
        chunk.truncate(length);
        Ok((length > 0).then_some(chunk))
    }

    /// Reads the whole body that `head` announces.
    pub(crate) async fn body(&mut self, head: &Head) -> Vec<u8> {
        if head.header("transfer-encoding") == "chunked" {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk().await {
                body.extend_from_slice(&chunk);
            }
            return body;
        }
        let length = head.header("content-length").parse().unwrap();
        self.exactly(length).await.unwrap().to_vec()
    }

    /// Reads a whole answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let body = self.body(&head).await;
        let Head { status, headers } = head;
        Answer {
            status,
            headers,
            body,
        }
    }

    /// Waits for the server to close the connection, and says whether nothing more came before that.
    pub(crate) async fn ends(&mut self) -> bool {
        let mut rest = Vec::new();
        let ended = soon(self.stream.read_to_end(&mut rest)).await;
        ended.is_ok() && rest.is_empty() && self.read.is_empty()
    }

    async fn until(&mut self, end: &[u8]) -> io::Result<Bytes> {
        loop {
            let found = self
                .read
                .windows(end.len())
                .position(|window| window == end);
            if let Some(position) = found {
                return Ok(self.read.split_to(position + end.len()).freeze());
            }
            self.more().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Bytes> {
        while self.read.len() < length {
            self.more().await?;
        }
        Ok(self.read.split_to(length).freeze())
    }

    async fn more(&mut self) -> io::Result<()> {
        match soon(self.stream.read_buf(&mut self.read)).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
