//! What clients keep for the gateway comes back as it was, or not at all.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::turn::ReasonedTurn;
use super::{key, redacted, text, turn};
use crate::bedrock::request::ReasoningContentBlock;

fn any_block() -> impl Strategy<Value = ReasoningContentBlock<'static>> {
    prop_oneof![
        (".*", "[A-Za-z0-9+/]{1,40}").prop_map(|(thought, signature)| text(&thought, &signature)),
        "[A-Za-z0-9+/]{4}".prop_map(|data| redacted(&data)),
    ]
}

proptest! {
    #[test]
    fn what_is_sealed_opens_to_the_same(ids in vec("[A-Za-z0-9_-]{0,9}[A-Za-z0-9]", 1..5), blocks in vec(any_block(), 0..5)) {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let turn = turn(&ids, blocks);
        let opened = key().open(&key().seal(&turn.encode())).unwrap();
        prop_assert_eq!(ReasonedTurn::decode(&opened), Some(turn));
    }

    #[test]
    fn what_was_changed_does_not_open(content in vec(any::<u8>(), 0..80), place in any::<prop::sample::Index>(), letter in "[A-Za-z0-9+/]") {
        let sealed = key().seal(&content);
        let place = place.index(sealed.len());
        let mut changed = sealed.clone();
        changed.replace_range(place..=place, &letter);
        // The bits behind the last byte mean nothing, and base64 with any of them set is refused anyway.
        prop_assume!(changed != sealed);
        prop_assert_eq!(key().open(&changed), None);
        prop_assert_eq!(key().open(&sealed[..place]), None);
    }

    #[test]
    fn junk_does_not_open(junk in ".*", bytes in vec(any::<u8>(), 0..80)) {
        prop_assert_eq!(key().open(&junk), None);
        let _ = ReasonedTurn::decode(&bytes);
    }
}
