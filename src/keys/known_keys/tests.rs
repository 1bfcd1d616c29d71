use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::config::Secret;
use crate::keys::{KeyKind, KeyLimits};

/// 2026-11-20T18:40:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_200_000_000);

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(NOW.millis() + millis)
}

/// A key's text and record, each seed another.
fn key(seed: u64) -> (Secret, Key) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut fill = |bytes: &mut [u8]| {
        random.fill(bytes);
        Ok::<(), Infallible>(())
    };
    let Ok(id) = KeyId::generate(&mut fill);
    let Ok(api_key) = ApiKey::generate(id, fill);
    let record = Key {
        id,
        name: format!("key {seed}"),
        kind: KeyKind::Inference,
        secrets: vec![proof(&api_key.text, None)],
        created: NOW,
        expires: None,
        revoked: None,
        limits: KeyLimits::default(),
        tags: BTreeMap::new(),
        revision: seed,
    };
    (api_key.text, record)
}

/// Another text of the same id, as a rotation makes it.
fn rotated(id: KeyId, seed: u64) -> Secret {
    let mut random = fastrand::Rng::with_seed(seed);
    let Ok(api_key) = ApiKey::generate(id, |bytes| {
        random.fill(bytes);
        Ok::<(), Infallible>(())
    });
    api_key.text
}

fn proof(text: &Secret, expires: Option<Timestamp>) -> KeySecret {
    KeySecret {
        digest: ApiKey::digest_of(text.expose().as_bytes()),
        expires,
    }
}

fn known(keys: impl IntoIterator<Item = Key>) -> KnownKeys {
    KnownKeys::default().after(Changes {
        revision: 1,
        keys: keys.into_iter().collect(),
    })
}

/// Whose key it is at a moment.
fn whose(known: &KnownKeys, text: &Secret, now: Timestamp) -> Result<KeyId, Unauthenticated> {
    let key = known.authenticate(text.expose().as_bytes(), now)?;
    Ok(key.id)
}

#[test]
fn a_key_that_is_not_valid_any_more_is_told_to_whoever_has_it_alone() {
    let (expired, mut expiring) = key(1);
    expiring.expires = Some(at(10));
    let (revoked, mut revoking) = key(2);
    revoking.revoked = Some(at(5));
    revoking.expires = Some(at(1));
    let (id_1, id_2) = (expiring.id, revoking.id);
    let known = known([expiring, revoking]);

    assert_eq!(whose(&known, &expired, at(9)), Ok(id_1));
    let ended = Unauthenticated::Expired(at(10));
    assert_eq!(whose(&known, &expired, at(10)), Err(ended));
    let ended = Unauthenticated::Revoked;
    assert_eq!(whose(&known, &revoked, at(0)), Err(ended));
    for id in [id_1, id_2] {
        let guessed = rotated(id, 3);
        let unknown = Unauthenticated::Unknown;
        assert_eq!(whose(&known, &guessed, at(20)), Err(unknown));
    }
}

#[test]
fn a_change_takes_the_place_of_the_key_and_leaves_the_others() {
    let ((first, first_key), (second, second_key)) = (key(1), key(2));
    let revoked = Key {
        revoked: Some(at(0)),
        ..first_key.clone()
    };
    let before = known([first_key, second_key]);
    let after = before.after(Changes {
        revision: 2,
        keys: vec![revoked],
    });
    assert_eq!(after.revision(), 2);
    assert!(whose(&before, &first, at(1)).is_ok());
    let ended = Unauthenticated::Revoked;
    assert_eq!(whose(&after, &first, at(1)), Err(ended));
    assert!(whose(&after, &second, at(1)).is_ok());
}

#[test]
fn as_much_is_compared_for_an_id_that_nobody_has() {
    let (one, plain) = key(1);
    let (two, mut rotating) = key(2);
    let replacement = rotated(rotating.id, 4);
    rotating.secrets.insert(0, proof(&replacement, None));
    let guessed = rotated(plain.id, 5);
    let (stranger, _) = key(3);
    let known = known([plain, rotating]);
    for (text, is_known) in [
        (one.expose().as_bytes(), true),
        (two.expose().as_bytes(), true),
        (replacement.expose().as_bytes(), true),
        (guessed.expose().as_bytes(), false),
        (stranger.expose().as_bytes(), false),
        (b"sk-outcrop-", false),
        (b"sk-proj-something", false),
        (b"", false),
    ] {
        let digest = ApiKey::digest_of(text);
        let mut compared = 0;
        let answer = known.authenticate_by(text, at(0), |one, other| {
            assert_eq!(other, &digest, "the digest of what was presented");
            compared += 1;
            one.ct_eq(other)
        });
        assert_eq!(answer.is_ok(), is_known);
        assert_eq!(compared, COMPARISONS);
    }
}

#[test]
fn being_the_same_as_the_dummy_proves_nothing() {
    let (text, record) = key(1);
    let (stranger, _) = key(2);
    let without_secrets = Key {
        secrets: Vec::new(),
        ..record
    };
    let known = known([without_secrets]);
    for text in [text, stranger] {
        let answer = known.authenticate_by(text.expose().as_bytes(), at(0), |_, _| Choice::from(1));
        assert_eq!(answer, Err(Unauthenticated::Unknown));
    }
}

#[test]
fn of_ten_thousand_random_and_mutated_keys_none_passes() {
    let keys: Vec<_> = (0..10).map(key).collect();
    let known = known(keys.iter().map(|(_, record)| record.clone()));
    let mut random = fastrand::Rng::with_seed(77);
    for round in 0..10_000 {
        let (text, record) = random.choice(&keys).unwrap();
        let mut bytes = text.expose().as_bytes().to_vec();
        match round % 5 {
            0 => {
                bytes.resize(random.usize(..200), 0);
                random.fill(&mut bytes);
            }
            1 => {
                let place = random.usize(..bytes.len());
                bytes[place] ^= random.u8(1..);
            }
            2 => {
                let place = random.usize(..bytes.len());
                bytes.truncate(place);
            }
            3 => bytes.insert(random.usize(..=bytes.len()), random.u8(..)),
            // Right in form and checksum, with the id of a key that there is.
            _ => {
                let guessed = rotated(record.id, 1000 + round);
                bytes = guessed.expose().as_bytes().to_vec();
            }
        }
        let answer = known.authenticate(&bytes, at(0));
        assert_eq!(answer, Err(Unauthenticated::Unknown), "{bytes:?}");
    }
    for (text, record) in &keys {
        assert_eq!(whose(&known, text, at(0)), Ok(record.id));
    }
}

proptest! {
    /// Rotations in a row, each with an overlap of its own: a text is valid until the overlap of the next ends.
    #[test]
    fn a_rotated_key_is_valid_until_its_overlap_ends(
        rotations in vec((1_u64..1000, 0_u64..3000), 0..6),
        asked in 0_u64..8000,
        expires in proptest::option::of(0_u64..8000),
    ) {
        let (text, mut record) = key(1);
        record.expires = expires.map(at);
        let mut texts = vec![(text, u64::MAX)];
        let mut now = 0;
        for (seed, (pause, overlap)) in (10..).zip(rotations) {
            now += pause;
            let text = rotated(record.id, seed);
            let last = record.secrets.first_mut().unwrap();
            last.expires = Some(at(now + overlap));
            texts.last_mut().unwrap().1 = now + overlap;
            record.secrets.insert(0, proof(&text, None));
            texts.push((text, u64::MAX));
        }
        let id = record.id;
        let known = known([record]);
        for (text, end) in texts {
            let end = end.min(expires.unwrap_or(u64::MAX));
            let expected = if asked < end { Ok(id) } else { Err(Unauthenticated::Expired(at(end))) };
            prop_assert_eq!(whose(&known, &text, at(asked)), expected);
        }
    }
}
