//! `application/vnd.amazon.eventstream` messages, decoded in place.
//!
//! The names are Smithy's: a *message* is a *prelude* (total length, headers length, checksum),
//! *headers*, a *payload* and a checksum. Nothing here allocates for a message that arrives whole.

use std::fmt;

use bytes::Buf as _;
use thiserror::Error;

mod decoder;
mod header;

pub use decoder::Decoder;
pub use header::{HeaderValue, Headers};

/// Bytes of the prelude: total length, headers length and the CRC-32 of these eight bytes.
pub const PRELUDE_LENGTH: usize = 12;
/// Bytes of a message around its headers and payload: the prelude and the closing CRC-32.
pub const FRAMING_LENGTH: usize = PRELUDE_LENGTH + 4;
/// The most bytes that the headers of one message may have, as in botocore.
pub const MAX_HEADERS_LENGTH: usize = 128 * 1024;
/// The most bytes that one message may have: botocore's 24 MiB of payload, its headers and the framing.
pub const MAX_MESSAGE_LENGTH: usize = 24 * 1024 * 1024 + MAX_HEADERS_LENGTH + FRAMING_LENGTH;

/// Why bytes are not an event-stream message. After any of these the stream cannot be resynchronised.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// The prelude's own checksum is wrong, so neither length can be trusted.
    #[error("the prelude's checksum does not match")]
    PreludeChecksum,
    /// The checksum over the whole message is wrong.
    #[error("the message's checksum does not match")]
    MessageChecksum,
    /// The total length is below the framing or above [`MAX_MESSAGE_LENGTH`].
    #[error("a message cannot be {0} bytes long")]
    MessageLength(usize),
    /// The headers do not fit the message or are above [`MAX_HEADERS_LENGTH`].
    #[error("headers cannot be {0} bytes long here")]
    HeadersLength(usize),
    /// A header has an unknown type, a name or a value that is cut off, or text that is not UTF-8.
    #[error("a header is malformed")]
    Header,
    /// A message without `:message-type`, or with one that the protocol does not know.
    #[error("a message has no known :message-type")]
    MessageType,
    /// The stream ended inside a message.
    #[error("the stream ended inside a message")]
    Truncated,
}

/// One whole message whose checksums, lengths and headers have been checked.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    headers: &'a [u8],
    payload: &'a [u8],
}

/// What a message is, from its `:message-type` and the header that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// An `event`, named by `:event-type`.
    Event(&'a str),
    /// A modeled `exception`, named by `:exception-type`.
    Exception(&'a str),
    /// An unmodeled `error`, from `:error-code` and `:error-message`.
    Error {
        /// `:error-code`, empty when absent.
        code: &'a str,
        /// `:error-message`, empty when absent.
        message: &'a str,
    },
}

impl<'a> Message<'a> {
    /// Decodes the message that `bytes` begin with, and tells how many bytes it took.
    /// `None` means that more bytes are needed.
    ///
    /// The prelude is checked as soon as it is there, so that a corrupt length is an error at once and
    /// never a reason to wait for gigabytes.
    ///
    /// # Errors
    /// Any [`FrameError`] except `Truncated` and `MessageType`.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<(Self, usize)>, FrameError> {
        let Some((prelude, _)) = bytes.split_first_chunk::<PRELUDE_LENGTH>() else {
            return Ok(None);
        };
        let (mut fields, mut checksum) = prelude.split_at(8);
        if crc32fast::hash(fields) != checksum.get_u32() {
            return Err(FrameError::PreludeChecksum);
        }
        let total = length(fields.get_u32());
        let headers = length(fields.get_u32());
        if !(FRAMING_LENGTH..=MAX_MESSAGE_LENGTH).contains(&total) {
            return Err(FrameError::MessageLength(total));
        }
        if headers > total - FRAMING_LENGTH || headers > MAX_HEADERS_LENGTH {
            return Err(FrameError::HeadersLength(headers));
        }
        let Some(message) = bytes.get(..total) else {
            return Ok(None);
        };
        let (checked, mut checksum) = message.split_at(total - 4);
        if crc32fast::hash(checked) != checksum.get_u32() {
            return Err(FrameError::MessageChecksum);
        }
        let (headers, payload) = checked
            .split_at(PRELUDE_LENGTH)
            .1
            .split_at_checked(headers)
            .ok_or(FrameError::HeadersLength(headers))?;
        let message = Self { headers, payload };
        message.headers().try_for_each(|header| header.map(drop))?;
        Ok(Some((message, total)))
    }

    /// The message's payload, JSON for every Bedrock event.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The headers in the order they were sent; all are well formed once the message is decoded.
    pub fn headers(&self) -> Headers<'a> {
        Headers::new(self.headers)
    }

    /// What the message is. `:message-type` decides first, because exceptions carry no `:event-type`
    /// and a reader of `:event-type` alone would skip them.
    ///
    /// # Errors
    /// `FrameError::MessageType` when `:message-type` is absent or unknown, or the header that
    /// should name the event or exception is absent.
    pub fn kind(&self) -> Result<Kind<'a>, FrameError> {
        let [
            mut message_type,
            mut event,
            mut exception,
            mut code,
            mut text,
        ] = [None; 5];
        for header in self.headers() {
            let (name, HeaderValue::String(value)) = header? else {
                continue;
            };
            match name {
                ":message-type" => message_type = Some(value),
                ":event-type" => event = Some(value),
                ":exception-type" => exception = Some(value),
                ":error-code" => code = Some(value),
                ":error-message" => text = Some(value),
                _ => {}
            }
        }
        let kind = match message_type {
            Some("event") => event.map(Kind::Event),
            Some("exception") => exception.map(Kind::Exception),
            Some("error") => Some(Kind::Error {
                code: code.unwrap_or_default(),
                message: text.unwrap_or_default(),
            }),
            _ => None,
        };
        kind.ok_or(FrameError::MessageType)
    }
}

impl fmt::Debug for Message<'_> {
    /// Shows the lengths only: payloads are somebody's conversation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("headers_length", &self.headers.len())
            .field("payload_length", &self.payload.len())
            .finish()
    }
}

fn length(field: u32) -> usize {
    usize::try_from(field).unwrap_or(usize::MAX)
}
