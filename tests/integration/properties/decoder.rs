//! The event-stream decoder beside AWS's own.
#![expect(
    clippy::indexing_slicing,
    reason = "a test stops where something is not as it should be"
)]

use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::DateTime;
use aws_smithy_types::event_stream::{Header, HeaderValue as AwsValue, Message as AwsMessage};
use bytes::Bytes;
use outcrop::bedrock::event_stream::{
    FRAMING_LENGTH, FrameError, HeaderValue, Kind, MAX_HEADERS_LENGTH, MAX_MESSAGE_LENGTH, Message,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::wire::{encode, encode_message};

/// `messageStart`, `contentBlockDelta` and `throttlingException` as Bedrock frames them.
const START: &str = "00000081000000526cc176930b3a6576656e742d7479706507000c6d65737361676553746172740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b2270223a2261626364222c22726f6c65223a22617373697374616e74227df512a005";
const DELTA: &str = "000000a6000000576f4a71080b3a6576656e742d74797065070011636f6e74656e74426c6f636b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b2274657874223a2248656c6c6f227d2c2270223a226162636465666768227d3afb5d9c";
const THROTTLED: &str = "000000b0000000614f5086b30f3a657863657074696f6e2d747970650700137468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22546f6f206d616e7920746f6b656e732c20706c656173652077616974206265666f726520747279696e6720616761696e2e227df70ae57f";

fn bytes_of(hex: &str) -> Vec<u8> {
    let digit = |place: usize| u8::from_str_radix(&hex[place..place + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[test]
fn frames_as_bedrock_writes_them_are_read() {
    for (hex, kind, payload) in [
        (
            START,
            Kind::Event("messageStart"),
            r#"{"p":"abcd","role":"assistant"}"#,
        ),
        (
            DELTA,
            Kind::Event("contentBlockDelta"),
            r#"{"contentBlockIndex":0,"delta":{"text":"Hello"},"p":"abcdefgh"}"#,
        ),
        (
            THROTTLED,
            Kind::Exception("throttlingException"),
            r#"{"message":"Too many tokens, please wait before trying again."}"#,
        ),
    ] {
        let bytes = bytes_of(hex);
        let (message, length) = Message::decode(&bytes).unwrap().unwrap();
        assert_eq!(length, bytes.len());
        assert_eq!(message.kind(), Ok(kind));
        assert_eq!(message.payload(), payload.as_bytes());
        assert_eq!(message.headers().count(), 3);
    }
}

#[test]
fn broken_frames_are_told_apart() {
    let good = bytes_of(DELTA);
    let decode = |bytes: &[u8]| Message::decode(bytes).map(|message| message.is_some());
    let broken = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        bytes
    };
    assert_eq!(decode(&broken(9)), Err(FrameError::PreludeChecksum));
    assert_eq!(decode(&broken(3)), Err(FrameError::PreludeChecksum));
    assert_eq!(decode(&broken(90)), Err(FrameError::MessageChecksum));
    assert_eq!(
        decode(&broken(good.len() - 1)),
        Err(FrameError::MessageChecksum)
    );
    assert_eq!(decode(&good[..good.len() - 1]), Ok(false));
    assert_eq!(decode(&good[..11]), Ok(false));
    assert_eq!(decode(&[]), Ok(false));
}

/// Lengths are judged from the prelude alone, long before anybody would wait for what they promise.
#[test]
fn lengths_beyond_the_limits_are_refused_at_once() {
    let decode = |total: usize, headers: usize| {
        let mut bytes = vec![0; 16];
        set_lengths(&mut bytes, total, headers);
        checksum(&mut bytes);
        Message::decode(&bytes[..12]).map(|message| message.is_some())
    };
    assert_eq!(decode(MAX_MESSAGE_LENGTH, 0), Ok(false));
    assert_eq!(
        decode(MAX_MESSAGE_LENGTH + 1, 0),
        Err(FrameError::MessageLength(MAX_MESSAGE_LENGTH + 1))
    );
    assert_eq!(decode(15, 0), Err(FrameError::MessageLength(15)));
    assert!(decode(usize::try_from(u32::MAX).unwrap(), 0).is_err());
    assert_eq!(decode(20, 5), Err(FrameError::HeadersLength(5)));
    assert_eq!(decode(1 << 20, MAX_HEADERS_LENGTH), Ok(false));
    assert_eq!(
        decode(1 << 20, MAX_HEADERS_LENGTH + 1),
        Err(FrameError::HeadersLength(MAX_HEADERS_LENGTH + 1))
    );
}

#[test]
fn malformed_headers_are_refused() {
    for headers in [
        &b"\x01a"[..], // no type
        b"\x01a\x0a",  // an unknown type
        b"\x05a\x00",  // a name that is cut off
        b"\x01a\x02",  // values that are cut off
        b"\x01a\x03\x00",
        b"\x01a\x05\x00\x00",
        b"\x01a\x07\x00\x02x",
        b"\x01a\x06\x00",
        b"\x01a\x09\x00\x00",
        b"\x01a\x07\x00\x01\xff", // text that is not UTF-8
        b"\x01\xff\x00",
    ] {
        let mut bytes = vec![0; 12];
        bytes.extend(headers);
        bytes.extend([0; 4]);
        let total = bytes.len();
        set_lengths(&mut bytes, total, headers.len());
        checksum(&mut bytes);
        assert_eq!(
            Message::decode(&bytes).map(|message| message.is_some()),
            Err(FrameError::Header),
            "{headers:?}"
        );
        assert!(aws_decode(&bytes).is_err(), "{headers:?}");
    }
}

#[test]
fn a_message_without_a_known_type_is_none() {
    let kind = |headers: &[(&str, &str)]| {
        let bytes = encode(headers, "{}");
        let (message, _) = Message::decode(&bytes).unwrap().unwrap();
        message.kind().map(|kind| format!("{kind:?}"))
    };
    for headers in [
        &[][..],
        &[(":event-type", "messageStart")],
        &[(":message-type", "event")],
        &[
            (":message-type", "exception"),
            (":event-type", "messageStart"),
        ],
        &[(":message-type", "gossip"), (":event-type", "messageStart")],
    ] {
        assert_eq!(kind(headers), Err(FrameError::MessageType), "{headers:?}");
    }
    // The message type decides, whatever else is there.
    let both = [
        (":event-type", "messageStart"),
        (":exception-type", "throttlingException"),
        (":message-type", "exception"),
    ];
    assert_eq!(kind(&both).unwrap(), r#"Exception("throttlingException")"#);
    assert!(kind(&[(":message-type", "error")]).is_ok());
}

/// A change to a message's bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Set(Index, u8),
    Cut(Index),
    Insert(Index, u8),
    /// The length of the headers, as far as it fits a byte.
    HeadersLength(u8),
    /// Both checksums made right again.
    Checksum,
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Mutation::Set(place, byte)),
        1 => any::<Index>().prop_map(Mutation::Cut),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Mutation::Insert(place, byte)),
        2 => any::<u8>().prop_map(Mutation::HeadersLength),
        6 => Just(Mutation::Checksum),
    ]
}

impl Mutation {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Set(place, byte) if !bytes.is_empty() => {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            Self::Cut(length) => bytes.truncate(length.index(bytes.len() + 1)),
            Self::Insert(place, byte) => bytes.insert(place.index(bytes.len() + 1), byte),
            Self::HeadersLength(length) if bytes.len() >= FRAMING_LENGTH => bytes[7] = length,
            Self::Checksum if bytes.len() >= FRAMING_LENGTH => {
                let total = u32::try_from(bytes.len()).unwrap();
                bytes[..4].copy_from_slice(&total.to_be_bytes());
                checksum(bytes);
            }
            Self::Set(..) | Self::HeadersLength(_) | Self::Checksum => {}
        }
    }
}

fn set_lengths(bytes: &mut [u8], total: usize, headers: usize) {
    bytes[..4].copy_from_slice(&u32::try_from(total).unwrap().to_be_bytes());
    bytes[4..8].copy_from_slice(&u32::try_from(headers).unwrap().to_be_bytes());
}

/// Makes both checksums right.
fn checksum(bytes: &mut [u8]) {
    let prelude = crc32fast::hash(&bytes[..8]);
    bytes[8..12].copy_from_slice(&prelude.to_be_bytes());
    let end = bytes.len() - 4;
    let message = crc32fast::hash(&bytes[..end]);
    bytes[end..].copy_from_slice(&message.to_be_bytes());
}

fn value() -> impl Strategy<Value = AwsValue> {
    prop_oneof![
        any::<bool>().prop_map(AwsValue::Bool),
        any::<i8>().prop_map(AwsValue::Byte),
        any::<i16>().prop_map(AwsValue::Int16),
        any::<i32>().prop_map(AwsValue::Int32),
        any::<i64>().prop_map(AwsValue::Int64),
        vec(any::<u8>(), 0..8).prop_map(|bytes| AwsValue::ByteArray(Bytes::from(bytes))),
        ".{0,6}".prop_map(|text| AwsValue::String(text.into())),
        (0..4_000_000_000_000_i64)
            .prop_map(|millis| AwsValue::Timestamp(DateTime::from_millis(millis))),
        any::<u128>().prop_map(AwsValue::Uuid),
    ]
}

fn message() -> impl Strategy<Value = AwsMessage> {
    let headers = vec(("[a-z:-]{0,9}", value()), 0..4);
    (headers, vec(any::<u8>(), 0..24)).prop_map(|(headers, payload)| {
        headers.into_iter().fold(
            AwsMessage::new(Bytes::from(payload)),
            |message, (name, value)| message.add_header(Header::new(name, value)),
        )
    })
}

/// AWS's reading of the message that `bytes` begin with; `None` when it waits for more.
fn aws_decode(bytes: &[u8]) -> Result<Option<AwsMessage>, String> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    match MessageFrameDecoder::new().decode_frame(&mut bytes) {
        Ok(DecodedFrame::Complete(message)) => Ok(Some(message)),
        Ok(DecodedFrame::Incomplete) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn assert_same(ours: &Message<'_>, theirs: &AwsMessage) {
    assert_eq!(ours.payload(), &theirs.payload()[..]);
    let headers: Vec<_> = ours.headers().map(Result::unwrap).collect();
    assert_eq!(headers.len(), theirs.headers().len());
    for ((name, value), header) in headers.into_iter().zip(theirs.headers()) {
        assert_eq!(name, header.name().as_str());
        let value = match value {
            HeaderValue::Bool(value) => AwsValue::Bool(value),
            HeaderValue::Byte(value) => AwsValue::Byte(value),
            HeaderValue::Int16(value) => AwsValue::Int16(value),
            HeaderValue::Int32(value) => AwsValue::Int32(value),
            HeaderValue::Int64(value) => AwsValue::Int64(value),
            HeaderValue::ByteArray(value) => AwsValue::ByteArray(Bytes::copy_from_slice(value)),
            HeaderValue::String(value) => AwsValue::String(value.to_owned().into()),
            HeaderValue::Timestamp(value) => AwsValue::Timestamp(DateTime::from_millis(value)),
            HeaderValue::Uuid(value) => AwsValue::Uuid(u128::from_be_bytes(value)),
        };
        assert_eq!(&value, header.value());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn both_decoders_accept_and_refuse_the_same(
        message in message(),
        mutations in vec(mutation(), 0..4),
    ) {
        let mut bytes = encode_message(&message);
        for mutation in mutations {
            mutation.apply(&mut bytes);
        }
        match (Message::decode(&bytes), aws_decode(&bytes)) {
            (Ok(Some((ours, length))), Ok(Some(theirs))) => {
                assert_same(&ours, &theirs);
                prop_assert!(length <= bytes.len());
            }
            (Ok(None), Ok(None)) | (Err(_), Err(_)) => {}
            // Theirs judges a prelude only when the whole message is there; ours does at once.
            (Err(error), Ok(None)) => prop_assert!(matches!(
                error,
                FrameError::PreludeChecksum | FrameError::MessageLength(_) | FrameError::HeadersLength(_)
            )),
            (ours, theirs) => prop_assert!(false, "{:?}: ours {:?}, theirs {:?}", bytes, ours, theirs),
        }
    }
}
