//! Videos: as data URLs, or in S3.

use std::borrow::Cow;

use super::Media;
use super::data::Labelled;
use super::label::{self, Label};
use super::magic::{Magic, magic};
use super::place::Place;
use super::s3;
use crate::bedrock::request::{ContentBlock, MediaSource, VideoBlock};
use crate::openai::InvalidRequest;
use crate::openai::media::is_web_address;

/// The member that holds a video.
const MEMBER: &str = "video_url.url";
/// What a video must be.
const FORMATS: &str =
    "it is none of the formats that Bedrock takes: mkv, mov, mp4, webm, flv, mpeg, mpg, wmv, 3gp.";

impl<'a> Media<'_, 'a> {
    /// The video at `url`. Base64 text is copied, not decoded.
    ///
    /// # Errors
    /// For models that take no videos, and for what is no video that Bedrock takes.
    pub(in crate::translate) fn video(
        &self,
        url: Cow<'a, str>,
        place: Place,
    ) -> Result<ContentBlock<'a>, InvalidRequest> {
        let wrong = |fault: &str| place.wrong("video", MEMBER, fault);
        if !self.family.video {
            return Err(place.unsupported("This model does not take videos."));
        }
        if is_web_address(&url) {
            return Err(wrong(
                "videos are not fetched from addresses. Send the video itself as a data URL.",
            ));
        }
        if s3::is_s3(&url) {
            let format = video_format(None, label::of_name(&url));
            let source = self.in_s3(url, place, "video", MEMBER)?;
            let format = format.ok_or_else(|| wrong(FORMATS))?;
            return Ok(ContentBlock::Video(VideoBlock { format, source }));
        }
        let Labelled { media_type, data } = Labelled::read(url).map_err(wrong)?;
        let format = video_format(magic(&data), label::of_media_type(&media_type))
            .ok_or_else(|| wrong(FORMATS))?;
        let source = MediaSource::Bytes(data.into_base64());
        Ok(ContentBlock::Video(VideoBlock { format, source }))
    }
}

/// By its bytes; by its label where those say nothing.
fn video_format(magic: Option<Magic>, label: Option<Label>) -> Option<&'static str> {
    match (magic, label) {
        (Some(Magic::Video(format)), _) | (None, Some(Label::Video(format))) => Some(format),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bedrock::Family;
    use crate::translate::Elsewhere;

    /// What may be read in S3.
    const IN_S3: Elsewhere<'_> = Elsewhere {
        images: None,
        s3: true,
    };

    fn read(url: &str, model: &str) -> Result<&'static str, InvalidRequest> {
        let place = Place {
            message: 0,
            part: 0,
        };
        let family = Family::of(Some(model));
        match Media::new(&family, IN_S3).video(Cow::Owned(url.to_owned()), place)? {
            ContentBlock::Video(video) => Ok(video.format),
            block => panic!("{block:?} is no video"),
        }
    }

    #[test]
    fn videos_are_for_the_models_that_see_them() {
        let nova = "amazon.nova-pro-v1:0";
        // An ISO file of the brand mp42, whatever its label.
        let mp4 = "data:video/quicktime;base64,AAAAGGZ0eXBtcDQy";
        assert_eq!(read(mp4, nova).unwrap(), "mp4");
        assert_eq!(
            read("data:video/x-ms-wmv;base64,aGk=", nova).unwrap(),
            "wmv"
        );
        assert_eq!(read("s3://bucket/a.3gp", nova).unwrap(), "three_gp");
        for url in [
            "https://example.com/a.mp4",
            "data:video/x-msvideo;base64,aGk=",
            "data:video/mp4;base64,R0lGODlhAQAB",
            "s3://bucket/a.gif",
            "a.mp4",
        ] {
            let refused = read(url, nova).unwrap_err();
            assert_eq!(
                refused.param.as_deref(),
                Some("messages[0].content[0].video_url.url")
            );
        }
        for model in ["anthropic.claude-sonnet-5", "amazon.nova-micro-v1:0"] {
            let refused = read(mp4, model).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some("messages[0].content[0]"));
        }
    }
}
