//! A stream of chunks becomes messages.

use bytes::{Buf as _, BytesMut};

use super::{FrameError, Message, PRELUDE_LENGTH, length};

/// Cuts a stream of chunks into messages, however the chunks were split.
///
/// A message that lies whole in a chunk is decoded where it lies; only the beginning of an unfinished
/// one is kept until its rest arrives.
#[derive(Debug, Default)]
pub struct Decoder {
    unfinished: BytesMut,
}

impl Decoder {
    /// Hands every message that `chunk` completes to `each`, in order.
    ///
    /// # Errors
    /// The first [`FrameError`], or the first error of `each`; the rest of the chunk is then dropped.
    pub fn push<E: From<FrameError>>(
        &mut self,
        mut chunk: &[u8],
        mut each: impl FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !self.unfinished.is_empty() && !chunk.is_empty() {
            let missing = missing_length(&self.unfinished).min(chunk.len());
            let (head, rest) = chunk.split_at(missing);
            self.unfinished.extend_from_slice(head);
            chunk = rest;
            if let Some((message, length)) = Message::decode(&self.unfinished)? {
                let result = each(message);
                self.unfinished.advance(length);
                result?;
            }
        }
        while let Some((message, length)) = Message::decode(chunk)? {
            each(message)?;
            chunk = chunk.get(length..).unwrap_or_default();
        }
        self.unfinished.extend_from_slice(chunk);
        Ok(())
    }

    /// Says that no more bytes will come.
    ///
    /// # Errors
    /// `FrameError::Truncated` when a message had begun: an end there is a cut, not an end.
    pub fn finish(&self) -> Result<(), FrameError> {
        if self.unfinished.is_empty() {
            Ok(())
        } else {
            Err(FrameError::Truncated)
        }
    }
}

/// How many bytes the unfinished message at the start of `bytes` lacks: the rest of its prelude first,
/// then the rest of the message. At least one, so that a reader always moves on.
fn missing_length(bytes: &[u8]) -> usize {
    let total = match bytes.split_first_chunk::<PRELUDE_LENGTH>() {
        Some((prelude, _)) => length(prelude.as_slice().get_u32()),
        None => PRELUDE_LENGTH,
    };
    total.saturating_sub(bytes.len()).max(1)
}
