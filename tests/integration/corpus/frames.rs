//! Event streams as AWS's own crate reads them.

use std::collections::BTreeMap;

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use bytes::{Bytes, BytesMut};
use outcrop::translate::{Answer, Failure, StreamTranslator};

use crate::wire::HEAD;

/// One message as AWS's own crate reads it: its headers that are text, and its payload.
pub(super) struct Frame {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) payload: Bytes,
}

impl Frame {
    pub(super) fn is_exception(&self) -> bool {
        self.headers.contains_key(":exception-type")
    }
}

/// How a stream fails.
pub(super) fn failure(stream: &[u8]) -> Failure {
    let mut translator = StreamTranslator::new(HEAD, Answer::default());
    let mut out = BytesMut::new();
    let error = translator
        .push(stream, &mut out)
        .and_then(|()| translator.finish(&mut out))
        .unwrap_err();
    Failure::from_answer_error(&error, None)
}

pub(super) fn frames(bytes: &[u8]) -> Vec<Frame> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    let mut decoder = MessageFrameDecoder::new();
    let mut frames = Vec::new();
    while let DecodedFrame::Complete(message) = decoder.decode_frame(&mut bytes).unwrap() {
        let headers = message.headers().iter().filter_map(|header| {
            let value = header.value().as_string().ok()?.as_str().to_owned();
            Some((header.name().as_str().to_owned(), value))
        });
        frames.push(Frame {
            headers: headers.collect(),
            payload: message.payload().clone(),
        });
    }
    frames
}
