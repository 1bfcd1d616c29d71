//! Bytes that are no event stream, in the middle of one.

use super::{fails_after_text, with_flipped_bit};
use crate::support::messages::{message, text_delta};

#[tokio::test]
async fn a_wrong_checksum_of_a_prelude_ends_the_stream() {
    fails_after_text(
        &with_flipped_bit(text_delta("lo"), 9),
        Some("upstream_stream_error"),
    )
    .await;
}

#[tokio::test]
async fn a_wrong_checksum_of_a_message_ends_the_stream() {
    let delta = text_delta("lo");
    let last = delta.len() - 1;
    fails_after_text(
        &with_flipped_bit(delta, last),
        Some("upstream_stream_error"),
    )
    .await;
}

#[tokio::test]
async fn a_changed_payload_ends_the_stream() {
    let delta = text_delta("lo");
    let position = delta.len() - 10;
    fails_after_text(
        &with_flipped_bit(delta, position),
        Some("upstream_stream_error"),
    )
    .await;
}

#[tokio::test]
async fn an_oversize_length_ends_the_stream_before_anything_is_buffered() {
    let mut prelude = u32::MAX.to_be_bytes().to_vec();
    prelude.extend(0_u32.to_be_bytes());
    prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
    fails_after_text(&prelude, Some("upstream_stream_error")).await;
}

#[tokio::test]
async fn a_payload_that_is_not_json_ends_the_stream() {
    let headers = [
        (":event-type", "contentBlockDelta"),
        (":message-type", "event"),
    ];
    fails_after_text(&message(&headers, "{"), Some("upstream_stream_error")).await;
}

#[tokio::test]
async fn a_message_without_a_type_ends_the_stream() {
    fails_after_text(&message(&[], "{}"), Some("upstream_stream_error")).await;
}
