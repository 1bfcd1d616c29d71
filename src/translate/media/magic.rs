//! What the first bytes of a medium say it is. Labels are often wrong: `image/jpg`, everything as png.

use super::data::Data;
use crate::bedrock::request::ImageFormat;

/// How many bytes are looked at; a Matroska file names its kind within the first of them.
const LENGTH: usize = 64;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Magic {
    /// An image of this format.
    Image(ImageFormat),
    /// A PDF.
    Pdf,
    /// A zip archive, which newer Office files are.
    Zip,
    /// A compound file, which older Office files are.
    CompoundFile,
    /// A video in this format of Converse's.
    Video(&'static str),
    /// Sound in this format of Converse's.
    Audio(&'static str),
}

/// What `data` is, if its first bytes tell.
pub(super) fn magic(data: &Data<'_>) -> Option<Magic> {
    let bytes = data.bytes(0, LENGTH);
    let bytes = bytes.as_slice();
    image(bytes)
        .map(Magic::Image)
        .or_else(|| document(bytes))
        .or_else(|| container(bytes))
        .or_else(|| stream(bytes))
}

fn image(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(b"\xff\xd8\xff") {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"GIF8") {
        Some(ImageFormat::Gif)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::Webp)
    } else {
        None
    }
}

fn document(bytes: &[u8]) -> Option<Magic> {
    // Some programs write a byte order mark or blank lines before a PDF, and every reader takes that.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii_start().starts_with(b"%PDF") {
        Some(Magic::Pdf)
    } else if bytes.starts_with(b"PK\x03\x04") {
        Some(Magic::Zip)
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        Some(Magic::CompoundFile)
    } else {
        None
    }
}

/// Containers that hold video or sound, and say what they are in their own words.
fn container(bytes: &[u8]) -> Option<Magic> {
    if bytes.get(4..8) == Some(b"ftyp") {
        return match bytes.get(8..12)? {
            b"qt  " => Some(Magic::Video("mov")),
            b"M4A " | b"M4B " => Some(Magic::Audio("m4a")),
            [b'3', b'g', ..] => Some(Magic::Video("three_gp")),
            // Images in the same container, which Bedrock does not take.
            b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" | b"avif" | b"avis" => None,
            _ => Some(Magic::Video("mp4")),
        };
    }
    if bytes.starts_with(b"\x1a\x45\xdf\xa3") {
        let is_webm = bytes.windows(4).any(|window| window == b"webm");
        return Some(Magic::Video(if is_webm { "webm" } else { "mkv" }));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WAVE") {
        return Some(Magic::Audio("wav"));
    }
    bytes.starts_with(b"OggS").then(|| {
        let is_opus = bytes.windows(8).any(|window| window == b"OpusHead");
        Magic::Audio(if is_opus { "opus" } else { "ogg" })
    })
}

fn stream(bytes: &[u8]) -> Option<Magic> {
    match bytes {
        [b'F', b'L', b'V', 1, ..] => Some(Magic::Video("flv")),
        [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11, ..] => Some(Magic::Video("wmv")),
        [0, 0, 1, 0xba | 0xb3, ..] => Some(Magic::Video("mpeg")),
        [b'f', b'L', b'a', b'C', ..] => Some(Magic::Audio("flac")),
        [b'I', b'D', b'3', ..] | [0xff, 0xfb | 0xf3 | 0xf2, ..] => Some(Magic::Audio("mp3")),
        [0xff, 0xf1 | 0xf9, ..] => Some(Magic::Audio("aac")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn of(bytes: &[u8]) -> Option<Magic> {
        magic(&Data::read(Cow::Owned(STANDARD.encode(bytes))).unwrap())
    }

    #[test]
    fn formats_are_told_by_their_first_bytes() {
        let mut webm = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84".to_vec();
        webm.extend_from_slice(b"webm");
        let mut opus = b"OggS\0\x02".to_vec();
        opus.extend_from_slice(&[0; 22]);
        opus.extend_from_slice(b"OpusHead");
        for (bytes, expected) in [
            (
                b"\x89PNG\r\n\x1a\n".as_slice(),
                Magic::Image(ImageFormat::Png),
            ),
            (b"\xff\xd8\xff\xe0", Magic::Image(ImageFormat::Jpeg)),
            (b"GIF89a", Magic::Image(ImageFormat::Gif)),
            (b"RIFF\0\0\0\0WEBPVP8 ", Magic::Image(ImageFormat::Webp)),
            (b"%PDF-1.7", Magic::Pdf),
            (b"\xef\xbb\xbf\r\n%PDF-1.7", Magic::Pdf),
            (b"PK\x03\x04\x14", Magic::Zip),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Magic::CompoundFile),
            (b"\0\0\0\x18ftypmp42", Magic::Video("mp4")),
            (b"\0\0\0\x14ftypqt  ", Magic::Video("mov")),
            (b"\0\0\0\x14ftyp3gp4", Magic::Video("three_gp")),
            (b"\0\0\0\x1cftypM4A ", Magic::Audio("m4a")),
            (b"\x1a\x45\xdf\xa3matroska", Magic::Video("mkv")),
            (&webm, Magic::Video("webm")),
            (b"FLV\x01\x05", Magic::Video("flv")),
            (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Magic::Video("wmv")),
            (b"\0\0\x01\xba", Magic::Video("mpeg")),
            (b"RIFF\0\0\0\0WAVEfmt ", Magic::Audio("wav")),
            (b"OggS\0\x02", Magic::Audio("ogg")),
            (&opus, Magic::Audio("opus")),
            (b"fLaC\0", Magic::Audio("flac")),
            (b"ID3\x04", Magic::Audio("mp3")),
            (b"\xff\xfb\x90", Magic::Audio("mp3")),
            (b"\xff\xf1\x50", Magic::Audio("aac")),
        ] {
            assert_eq!(of(bytes), Some(expected), "{bytes:?}");
        }
        for bytes in [
            b"hello, world".as_slice(),
            b"\0\0\0\x18ftypheic",
            b"RIFF\0\0\0\0AVI ",
            b"<svg/>",
            b"P",
            b"\xff",
        ] {
            assert_eq!(of(bytes), None, "{bytes:?}");
        }
    }
}
