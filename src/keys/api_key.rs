//! The key as a client holds it: `sk-outcrop-`, the key's id, 256 random bits, and a checksum.
//!
//! Secret scanners find it by its beginning and can tell a real one by the checksum, and so can a gateway that was given
//! a mistyped one, without looking anything up.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::config::Secret;

/// How every key begins.
const PREFIX: &str = "sk-outcrop-";
/// Letters and digits alone, so that a double click takes the whole key.
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The characters of an id: 71 bits, which nobody draws twice.
const ID_LENGTH: usize = 12;
/// The characters of the secret: 43 of 62 kinds hold 256 bits.
const SECRET_LENGTH: usize = 43;
/// The characters of the checksum, a CRC-32.
const CHECKSUM_LENGTH: usize = 6;
/// The characters of a whole key.
const LENGTH: usize = PREFIX.len() + ID_LENGTH + SECRET_LENGTH + CHECKSUM_LENGTH;

/// What tells a key from all others; no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct KeyId([u8; ID_LENGTH]);

/// A key that was just made. It shows nothing of itself.
#[derive(Debug)]
pub struct ApiKey {
    /// Its id.
    pub id: KeyId,
    /// The whole key: shown once, never kept.
    pub text: Secret,
}

/// Why a text is no key. It says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it is no key of Outcrop's, or it was mistyped")]
pub struct MalformedKey;

impl ApiKey {
    /// A new key of the id; `random` fills bytes with what nobody can guess.
    ///
    /// # Errors
    /// Those of `random`.
    pub fn generate<E>(
        id: KeyId,
        random: impl FnMut(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let secret = draw::<SECRET_LENGTH, E>(random)?;
        let mut text = String::with_capacity(LENGTH);
        text.push_str(PREFIX);
        text.extend(id.0.iter().chain(&secret).copied().map(char::from));
        let checksum = checksum(text.as_bytes());
        text.extend(checksum.map(char::from));
        Ok(Self {
            id,
            text: Secret::new(text),
        })
    }

    /// The id of the key that `text` is, if it has a key's form and checksum.
    ///
    /// # Errors
    /// When it has not.
    pub fn id_of(text: &[u8]) -> Result<KeyId, MalformedKey> {
        let (body, sum) = text
            .split_at_checked(LENGTH - CHECKSUM_LENGTH)
            .ok_or(MalformedKey)?;
        let rest = body.strip_prefix(PREFIX.as_bytes()).ok_or(MalformedKey)?;
        if sum != checksum(body) || !rest.iter().all(u8::is_ascii_alphanumeric) {
            return Err(MalformedKey);
        }
        let (id, _) = rest.split_first_chunk::<ID_LENGTH>().ok_or(MalformedKey)?;
        Ok(KeyId(*id))
    }

    /// What is stored of a key: the SHA-256 digest of all of it.
    pub fn digest_of(text: &[u8]) -> [u8; 32] {
        Sha256::digest(text).into()
    }
}

impl KeyId {
    /// A new id; `random` fills bytes with what nobody can guess.
    ///
    /// # Errors
    /// Those of `random`.
    pub fn generate<E>(random: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        draw(random).map(Self)
    }

    /// Reads an id.
    pub fn parse(text: &str) -> Option<Self> {
        let id: [u8; ID_LENGTH] = text.as_bytes().try_into().ok()?;
        id.iter().all(u8::is_ascii_alphanumeric).then_some(Self(id))
    }

    /// Its twelve letters and digits.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("an id is of twelve letters and digits")
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.as_str().to_owned()
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Draws characters of the alphabet, all as likely as each other.
fn draw<const N: usize, E>(
    mut random: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<[u8; N], E> {
    let mut drawn = [0; N];
    let mut bytes = [0; 64];
    let mut fresh = [].iter();
    for place in &mut drawn {
        loop {
            let Some(byte) = fresh.next() else {
                random(&mut bytes)?;
                fresh = bytes.iter();
                continue;
            };
            // Six bits; the two numbers that the alphabet does not have are drawn again.
            if let Some(character) = ALPHABET.get(usize::from(byte & 63)) {
                *place = *character;
                break;
            }
        }
    }
    Ok(drawn)
}

fn checksum(text: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(text);
    let mut sum = [b'0'; CHECKSUM_LENGTH];
    for place in sum.iter_mut().rev() {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        *place = ALPHABET.get(digit).copied().unwrap_or_default();
        rest /= 62;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn key(seed: u64) -> ApiKey {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut fill = |bytes: &mut [u8]| {
            random.fill(bytes);
            Ok::<(), Infallible>(())
        };
        let id = KeyId::generate(&mut fill).unwrap();
        ApiKey::generate(id, fill).unwrap()
    }

    #[test]
    fn a_key_tells_its_id_and_nothing_else_of_it_shows() {
        let key = key(1);
        let text = key.text.expose();
        assert_eq!(text.len(), 72);
        assert!(
            text.starts_with(&format!("sk-outcrop-{}", key.id)),
            "{text}"
        );
        assert_eq!(ApiKey::id_of(text.as_bytes()), Ok(key.id));
        assert!(!format!("{key:?}").contains(text));
        assert_eq!(key.id.as_str().parse(), Ok(key.id));
    }

    #[test]
    fn one_wrong_character_anywhere_is_told_from_a_key() {
        let key = key(2);
        let text = key.text.expose().as_bytes();
        for index in 0..text.len() {
            for replacement in *b"aZ0-" {
                let mut wrong = text.to_vec();
                if wrong[index] == replacement {
                    continue;
                }
                wrong[index] = replacement;
                assert_eq!(ApiKey::id_of(&wrong), Err(MalformedKey), "{index}");
            }
        }
        for wrong in [&text[..71], &[text, b"0"].concat(), b"", b"sk-outcrop-"] {
            assert_eq!(ApiKey::id_of(wrong), Err(MalformedKey));
        }
    }

    #[test]
    fn every_character_is_drawn() {
        let mut seen: Vec<u8> = (0..200)
            .flat_map(|seed| key(seed).text.expose().as_bytes()[11..66].to_vec())
            .collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, ALPHABET);
    }
}
