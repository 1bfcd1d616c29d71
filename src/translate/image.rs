//! Images from data URLs.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::bedrock::request::{ImageBlock, ImageFormat, MediaSource};
use crate::openai::InvalidRequest;

/// The base64 characters that hold the first twelve bytes, enough to tell every format.
const MAGIC_LENGTH: usize = 16;

/// The image that `url` holds; `path` names the member in complaints. The base64 text is copied, not decoded.
///
/// # Errors
/// For an address to fetch, for data that is not base64, and for a format that Bedrock does not take. The
/// format is told by the first bytes: labels are often wrong (`image/jpg`, everything as png).
pub(super) fn image<'a>(url: Cow<'a, str>, path: &str) -> Result<ImageBlock<'a>, InvalidRequest> {
    let scheme = url.split(':').next().unwrap_or_default();
    if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") {
        return Err(InvalidRequest::unsupported(
            path,
            "Images are not fetched from addresses. Send the image itself as a data URL: \
             'data:image/png;base64,…'.",
        ));
    }
    let wrong = |message: &str| {
        InvalidRequest::value(path, format!("Invalid image in '{path}': {message}"))
    };
    let header_length = url
        .find(',')
        .filter(|_| scheme.eq_ignore_ascii_case("data"));
    let Some(header_length) = header_length else {
        return Err(wrong("a data URL was expected, 'data:image/png;base64,…'."));
    };
    let (header, _) = url.split_at(header_length);
    if !header
        .split(';')
        .skip(1)
        .any(|parameter| parameter.trim().eq_ignore_ascii_case("base64"))
    {
        return Err(wrong("the data URL must be base64-encoded."));
    }
    let data = padded(cut_front(url, header_length + 1))
        .ok_or_else(|| wrong("the base64 data is malformed."))?;
    let format = format(&data).ok_or_else(|| {
        wrong("the data is none of the formats that Bedrock takes: png, jpeg, gif, webp.")
    })?;
    Ok(ImageBlock {
        format,
        source: MediaSource::Bytes(data),
    })
}

fn cut_front(text: Cow<'_, str>, length: usize) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(length..).unwrap_or_default()),
        Cow::Owned(mut text) => {
            text.drain(..length);
            Cow::Owned(text)
        }
    }
}

/// Standard base64 with padding, as Bedrock wants it. Line breaks, the URL-safe alphabet and missing padding
/// are mended; anything else is `None`.
fn padded(data: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if is_base64(&data) {
        return Some(data);
    }
    let mut mended: String = data
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|character| match character {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !mended.len().is_multiple_of(4) {
        mended.push('=');
    }
    is_base64(&mended).then_some(Cow::Owned(mended))
}

fn is_base64(data: &str) -> bool {
    let digits = data
        .strip_suffix("==")
        .or_else(|| data.strip_suffix('='))
        .unwrap_or(data);
    !data.is_empty()
        && data.len().is_multiple_of(4)
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

fn format(data: &str) -> Option<ImageFormat> {
    let start = data.get(..MAGIC_LENGTH.min(data.len()))?;
    let bytes = STANDARD.decode(start).ok()?;
    match bytes.as_slice() {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(ImageFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [b'G', b'I', b'F', b'8', ..] => Some(ImageFormat::Gif),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(ImageFormat::Webp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(ImageFormat, String), InvalidRequest> {
        let block = image(Cow::Borrowed(url), "here")?;
        let MediaSource::Bytes(bytes) = block.source else {
            panic!("a data URL holds bytes");
        };
        Ok((block.format, bytes.into_owned()))
    }

    #[test]
    fn the_format_is_what_the_bytes_say() {
        let png = STANDARD.encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
        let jpeg = STANDARD.encode([0xff, 0xd8, 0xff, 0xe0, 0, 16]);
        let gif = STANDARD.encode(b"GIF89a\x01\0\x01\0");
        let webp = STANDARD.encode(b"RIFF\x24\0\0\0WEBPVP8 ");
        for (data, format) in [
            (&png, ImageFormat::Png),
            (&jpeg, ImageFormat::Jpeg),
            (&gif, ImageFormat::Gif),
            (&webp, ImageFormat::Webp),
        ] {
            for label in ["image/jpg", "image/png;charset=utf-8", "IMAGE/JPEG", ""] {
                assert_eq!(
                    read(&format!("data:{label};base64,{data}")).unwrap(),
                    (format, data.clone())
                );
            }
        }
    }

    #[test]
    fn loose_base64_is_mended() {
        let bytes = [0xff, 0xd8, 0xff, 0xfb, 0xff, 0xfe, 1];
        let loose = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let broken_lines = format!("{}\n{}", &loose[..4], &loose[4..]);
        assert_eq!(
            read(&format!("data:image/jpeg;base64,{broken_lines}"))
                .unwrap()
                .1,
            STANDARD.encode(bytes)
        );
    }

    #[test]
    fn what_is_no_image_is_refused_with_its_path() {
        for url in [
            "https://example.com/a.png",
            "ftp://example.com/a.png",
            "data:image/png,abc",
            "data:image/png;base64,",
            "data:image/png;base64,%%%%",
            "data:image/png;base64,A===",
            "data:image/svg+xml;base64,PHN2Zz48L3N2Zz4=",
            "not a url",
            "",
        ] {
            assert_eq!(
                read(url).unwrap_err().param.as_deref(),
                Some("here"),
                "{url}"
            );
        }
    }
}
