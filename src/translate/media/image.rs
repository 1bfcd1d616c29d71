//! Images: as data URLs, in S3, or fetched before.

use std::borrow::Cow;

use super::Media;
use super::data::{Data, Labelled};
use super::dimensions::dimensions;
use super::magic::{Magic, magic};
use super::place::Place;
use super::s3;
use crate::bedrock::request::{ContentBlock, ImageBlock, ImageFormat, MediaSource};
use crate::openai::InvalidRequest;
use crate::openai::media::is_web_address;

/// The member that holds an image.
const MEMBER: &str = "image_url.url";
/// The largest image that Converse takes, in bytes: 3.75 MB.
const MOST_BYTES: usize = 3_932_160;
/// The most pixels of a side.
const MOST_PIXELS: u32 = 8000;
/// What an image must be.
const FORMATS: &str = "the data is none of the formats that Bedrock takes: png, jpeg, gif, webp.";

impl<'a> Media<'_, 'a> {
    /// The image at `url`. Base64 text is copied, not decoded.
    ///
    /// # Errors
    /// For models that take no images, and for what is no image that Bedrock takes.
    pub(in crate::translate) fn image(
        &self,
        url: Cow<'a, str>,
        place: Place,
    ) -> Result<ContentBlock<'a>, InvalidRequest> {
        let wrong = |fault: &str| place.wrong("image", MEMBER, fault);
        if !self.family.image {
            return Err(place.unsupported("This model does not take images."));
        }
        if s3::is_s3(&url) {
            return self.image_in_s3(url, place);
        }
        let data = if is_web_address(&url) {
            let fetched = self
                .elsewhere
                .images
                .and_then(|images| images.get(url.as_ref()));
            let base64 = fetched.ok_or_else(|| not_fetched(place))?;
            Data::read(Cow::Borrowed(base64.as_str()))
        } else {
            Labelled::read(url).map(|labelled| labelled.data)
        };
        let data = data.map_err(wrong)?;
        let Some(Magic::Image(format)) = magic(&data) else {
            return Err(wrong(FORMATS));
        };
        check(&data, format).map_err(|fault| wrong(&fault))?;
        Ok(ContentBlock::Image(ImageBlock {
            format,
            source: MediaSource::Bytes(data.into_base64()),
        }))
    }

    /// An image in S3, whose name must tell its format: nobody looks into it here.
    fn image_in_s3(
        &self,
        uri: Cow<'a, str>,
        place: Place,
    ) -> Result<ContentBlock<'a>, InvalidRequest> {
        let format = format_of_name(&uri);
        let source = self.in_s3(uri, place, "image", MEMBER)?;
        let format = format.ok_or_else(|| {
            let fault = "its name must end with a format that Bedrock takes: png, jpeg, gif, webp.";
            place.wrong("image", MEMBER, fault)
        })?;
        Ok(ContentBlock::Image(ImageBlock { format, source }))
    }
}

/// Whether an image is within Converse's limits.
///
/// # Errors
/// Why not, as the end of a sentence.
pub(super) fn check(data: &Data<'_>, format: ImageFormat) -> Result<(), String> {
    let length = data.length();
    if length > MOST_BYTES {
        return Err(format!(
            "it has {length} bytes, and Bedrock takes at most {MOST_BYTES} (3.75 MB)."
        ));
    }
    match dimensions(data, format) {
        Some((width, height)) if width.max(height) > MOST_PIXELS => Err(format!(
            "it has {width}x{height} pixels, and Bedrock takes at most {MOST_PIXELS} on each side."
        )),
        _ => Ok(()),
    }
}

/// The format that a file's name tells.
pub(super) fn format_of_name(name: &str) -> Option<ImageFormat> {
    let (_, extension) = name.rsplit_once('.')?;
    match extension.to_ascii_lowercase().as_str() {
        "png" => Some(ImageFormat::Png),
        "jpg" | "jpeg" => Some(ImageFormat::Jpeg),
        "gif" => Some(ImageFormat::Gif),
        "webp" => Some(ImageFormat::Webp),
        _ => None,
    }
}

fn not_fetched(place: Place) -> InvalidRequest {
    InvalidRequest::unsupported(
        format!("{place}.{MEMBER}"),
        "This gateway does not fetch images from addresses. Send the image itself as a data URL, \
         'data:image/png;base64,…', or ask the gateway's operator to set images = \"public\" in the section [fetch] \
         of its configuration.",
    )
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::bedrock::Family;
    use crate::translate::Elsewhere;

    /// What may be read in S3.
    const IN_S3: Elsewhere<'_> = Elsewhere {
        images: None,
        s3: true,
    };

    const PLACE: Place = Place {
        message: 2,
        part: 1,
    };

    fn block(url: &str, model: &str) -> Result<ImageBlock<'static>, InvalidRequest> {
        let family = Family::of(Some(model));
        match Media::new(&family, IN_S3).image(Cow::Owned(url.to_owned()), PLACE)? {
            ContentBlock::Image(block) => Ok(block),
            block => panic!("{block:?} is no image"),
        }
    }

    fn read(url: &str) -> Result<(ImageFormat, String), InvalidRequest> {
        let block = block(url, "anthropic.claude-sonnet-4-5-20250929-v1:0")?;
        let MediaSource::Bytes(bytes) = block.source else {
            panic!("a data URL holds bytes");
        };
        Ok((block.format, bytes.into_owned()))
    }

    fn png(width: u32, height: u32, length: usize) -> String {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.resize(length, 0);
        format!("data:image/png;base64,{}", STANDARD.encode(bytes))
    }

    #[test]
    fn the_format_is_what_the_bytes_say() {
        let jpeg = STANDARD.encode([0xff, 0xd8, 0xff, 0xe0, 0, 16]);
        for label in ["image/jpg", "image/png;charset=utf-8", "IMAGE/JPEG", ""] {
            assert_eq!(
                read(&format!("data:{label};base64,{jpeg}")).unwrap(),
                (ImageFormat::Jpeg, jpeg.clone())
            );
        }
    }

    #[test]
    fn what_is_no_image_is_refused_with_its_path() {
        for url in [
            "https://example.com/a.png",
            "ftp://example.com/a.png",
            "data:image/png,abc",
            "data:image/png;base64,",
            "data:image/png;base64,%%%%",
            "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
            "data:application/pdf;base64,JVBERi0xLjcK",
            "not a url",
            "",
        ] {
            assert_eq!(
                read(url).unwrap_err().param.as_deref(),
                Some("messages[2].content[1].image_url.url"),
                "{url}"
            );
        }
    }

    #[test]
    fn a_fetched_image_is_judged_like_any_other() {
        let family = Family::of(Some("anthropic.claude-sonnet-5"));
        let address = "https://example.com/a";
        let read = |base64: &str| {
            let fetched = HashMap::from([(address.to_owned(), base64.to_owned())]);
            let elsewhere = Elsewhere {
                images: Some(&fetched),
                ..Elsewhere::default()
            };
            let image = Media::new(&family, elsewhere).image(Cow::Borrowed(address), PLACE);
            image.map(|block| format!("{block:?}"))
        };
        assert!(
            read("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAA")
                .unwrap()
                .contains("Gif")
        );
        assert!(read("JVBERi0xLjcK").is_err());
    }

    #[test]
    fn size_and_sides_are_bounded() {
        assert!(read(&png(8000, 8000, MOST_BYTES)).is_ok());
        let refused = |url: &str| read(url).unwrap_err().message;
        assert!(refused(&png(8001, 1, 100)).contains("8001x1 pixels"));
        assert!(refused(&png(1, 8001, 100)).contains("1x8001 pixels"));
        assert!(refused(&png(1, 1, MOST_BYTES + 1)).contains("3932161 bytes"));
    }

    #[test]
    fn s3_is_for_the_models_that_take_it() {
        let nova = "amazon.nova-lite-v1:0";
        let cat = block("s3://bucket/cat.JPG", nova).unwrap();
        assert_eq!(cat.format, ImageFormat::Jpeg);
        assert!(matches!(cat.source, MediaSource::S3Location(_)));
        assert!(block("s3://bucket/cat.svg", nova).is_err());
        assert!(block("s3://bucket", nova).is_err());
        assert!(block("s3://bucket/cat.png", "anthropic.claude-sonnet-5").is_err());
    }
}
