//! The headers of a message: typed values under names.

use bytes::Buf as _;

use super::FrameError;

/// The value of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// Types 0 and 1.
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Int16(i16),
    /// Type 4.
    Int32(i32),
    /// Type 5.
    Int64(i64),
    /// Type 6.
    ByteArray(&'a [u8]),
    /// Type 7.
    String(&'a str),
    /// Type 8, milliseconds since the epoch.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// An iterator over the headers of a message.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<(&'a str, HeaderValue<'a>), FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let header = read_header(&mut self.rest);
        if header.is_none() {
            self.rest = &[];
        }
        Some(header.ok_or(FrameError::Header))
    }
}

fn read_header<'a>(rest: &mut &'a [u8]) -> Option<(&'a str, HeaderValue<'a>)> {
    let name_length = usize::from(rest.try_get_u8().ok()?);
    let name = std::str::from_utf8(take(rest, name_length)?).ok()?;
    let value = match rest.try_get_u8().ok()? {
        0 => HeaderValue::Bool(true),
        1 => HeaderValue::Bool(false),
        2 => HeaderValue::Byte(rest.try_get_i8().ok()?),
        3 => HeaderValue::Int16(rest.try_get_i16().ok()?),
        4 => HeaderValue::Int32(rest.try_get_i32().ok()?),
        5 => HeaderValue::Int64(rest.try_get_i64().ok()?),
        6 => HeaderValue::ByteArray(take_counted(rest)?),
        7 => HeaderValue::String(std::str::from_utf8(take_counted(rest)?).ok()?),
        8 => HeaderValue::Timestamp(rest.try_get_i64().ok()?),
        9 => HeaderValue::Uuid(take(rest, 16)?.try_into().ok()?),
        _ => return None,
    };
    Some((name, value))
}

fn take_counted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let count = usize::from(rest.try_get_u16().ok()?);
    take(rest, count)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(head)
}
