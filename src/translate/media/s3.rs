//! Media that Bedrock fetches from S3 itself, with the gateway's credentials.

use std::borrow::Cow;

use super::Media;
use super::place::Place;
use crate::bedrock::request::{MediaSource, S3Location};
use crate::openai::InvalidRequest;

/// The most characters of a location that Converse takes.
const MOST_CHARACTERS: usize = 1024;

/// Whether `text` is meant as a location in S3.
pub(super) fn is_s3(text: &str) -> bool {
    let scheme = text.get(.."s3://".len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("s3://"))
}

impl<'a> Media<'_, 'a> {
    /// The `s3://bucket/key` in `member` of a part, which holds a `medium`.
    ///
    /// # Errors
    /// Where S3 is not read from, and for what is no such location.
    pub(super) fn in_s3(
        &self,
        uri: Cow<'a, str>,
        place: Place,
        medium: &str,
        member: &str,
    ) -> Result<MediaSource<'a>, InvalidRequest> {
        if !self.family.media.s3 {
            let message = format!("This model does not read from S3: send the {medium} itself.");
            return Err(place.unsupported(message));
        }
        if !self.elsewhere.s3 {
            return Err(place.unsupported(format!(
                "This gateway does not let Bedrock read from S3. Send the {medium} itself, or ask the gateway's operator \
                 to set s3 = true in the section [fetch] of its configuration."
            )));
        }
        if !is_location(&uri) {
            let fault = "a location in S3 has the form 's3://bucket/key'.";
            return Err(place.wrong(medium, member, fault));
        }
        Ok(MediaSource::S3Location(S3Location {
            uri,
            bucket_owner: None,
        }))
    }
}

/// Whether `uri` names a bucket and a key as AWS wants them.
fn is_location(uri: &str) -> bool {
    let (bucket, key) = uri
        .get("s3://".len()..)
        .and_then(|rest| rest.split_once('/'))
        .unwrap_or_default();
    let is_edge = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    (3..=63).contains(&bucket.len())
        && is_edge(bucket.bytes().next())
        && is_edge(bucket.bytes().next_back())
        && bucket
            .bytes()
            .all(|byte| is_edge(Some(byte)) || matches!(byte, b'.' | b'-'))
        && !key.is_empty()
        && uri.chars().count() <= MOST_CHARACTERS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::Family;
    use crate::translate::Elsewhere;

    #[test]
    fn a_location_has_a_bucket_and_a_key() {
        for uri in ["s3://bucket/key.png", "s3://my.bucket-1/a/b c.pdf"] {
            assert!(is_s3(uri));
            assert!(is_location(uri), "{uri}");
        }
        let long = format!("s3://bucket/{}", "x".repeat(MOST_CHARACTERS));
        for uri in [
            "s3://",
            "s3://bucket",
            "s3://bucket/",
            "s3:///key",
            "s3://Bucket/key",
            "s3://-bucket/key",
            "s3://ab/key",
            long.as_str(),
        ] {
            assert!(!is_location(uri), "{uri}");
        }
        assert!(!is_s3("https://bucket.s3.amazonaws.com/key"));
        assert!(!is_s3("s3"));
    }
    #[test]
    fn the_operator_may_keep_bedrock_from_reading() {
        let family = Family::of(Some("amazon.nova-pro-v1:0"));
        let read = |s3| {
            let elsewhere = Elsewhere {
                s3,
                ..Elsewhere::default()
            };
            let place = Place {
                message: 0,
                part: 1,
            };
            Media::new(&family, elsewhere).video(Cow::Borrowed("s3://bucket/a.mp4"), place)
        };
        assert!(read(true).is_ok());
        let refused = read(false).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("messages[0].content[1]"));
        assert!(refused.message.contains("s3 = true"), "{refused}");
    }
}
