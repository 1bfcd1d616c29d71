//! The width and height of an image, from its header alone.

use super::data::Data;
use crate::bedrock::request::ImageFormat;

/// The most segments of a JPEG that are stepped over; cameras write a few dozen.
const MOST_SEGMENTS: usize = 4096;

/// Width and height in pixels; `None` when the header does not tell, which is then left to Bedrock.
pub(super) fn dimensions(data: &Data<'_>, format: ImageFormat) -> Option<(u32, u32)> {
    match format {
        ImageFormat::Png => png(data),
        ImageFormat::Gif => gif(data),
        ImageFormat::Jpeg => jpeg(data),
        ImageFormat::Webp => webp(data),
    }
}

/// `IHDR` is always the first chunk.
fn png(data: &Data<'_>) -> Option<(u32, u32)> {
    let chunk = data.bytes(12, 12);
    let sides = chunk.strip_prefix(b"IHDR")?;
    Some((big(sides.get(..4)?), big(sides.get(4..8)?)))
}

fn gif(data: &Data<'_>) -> Option<(u32, u32)> {
    let sides = data.bytes(6, 4);
    Some((little(sides.get(..2)?), little(sides.get(2..4)?)))
}

/// Steps from segment to segment until one begins a frame.
fn jpeg(data: &Data<'_>) -> Option<(u32, u32)> {
    let mut at = 2;
    for _ in 0..MOST_SEGMENTS {
        let segment = data.bytes(at, 9);
        let [0xff, marker, rest @ ..] = segment.as_slice() else {
            return None;
        };
        at += match (marker, rest) {
            // Padding before a marker.
            (0xff, _) => 1,
            // Markers without a length.
            (0x01 | 0xd0..=0xd8, _) => 2,
            // Tables and the like between the markers of frames.
            (0xc4 | 0xc8 | 0xcc, [high, low, ..]) => 2 + length(*high, *low)?,
            (0xc0..=0xcf, [_, _, _, sides @ ..]) => {
                return Some((big(sides.get(2..4)?), big(sides.get(..2)?)));
            }
            // The image's end, or its data without a frame before.
            (0xd9 | 0xda, _) => return None,
            (_, [high, low, ..]) => 2 + length(*high, *low)?,
            _ => return None,
        };
    }
    None
}

/// The length of a segment, its own two bytes included.
fn length(high: u8, low: u8) -> Option<usize> {
    let length = usize::from(u16::from_be_bytes([high, low]));
    (length >= 2).then_some(length)
}

fn webp(data: &Data<'_>) -> Option<(u32, u32)> {
    let chunk = data.bytes(12, 18);
    let (kind, payload) = (chunk.get(..4)?, chunk.get(8..)?);
    match kind {
        // Extended: a canvas of 24 bits each, minus one, behind flags.
        b"VP8X" => Some((
            little(payload.get(4..7)?) + 1,
            little(payload.get(7..10)?) + 1,
        )),
        // Lossless: 14 bits each, minus one, behind a signature.
        b"VP8L" => {
            let bits = little(payload.strip_prefix(b"\x2f")?.get(..4)?);
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        // Lossy: 14 bits each behind the start code of a key frame.
        b"VP8 " => {
            let sides = payload.get(3..)?.strip_prefix(b"\x9d\x01\x2a")?;
            Some((
                little(sides.get(..2)?) & 0x3fff,
                little(sides.get(2..4)?) & 0x3fff,
            ))
        }
        _ => None,
    }
}

/// A number whose last byte counts most.
fn little(bytes: &[u8]) -> u32 {
    let number = |number, byte: &u8| (number << 8) | u32::from(*byte);
    bytes.iter().rev().fold(0, number)
}

/// A number whose first byte counts most.
fn big(bytes: &[u8]) -> u32 {
    let number = |number, byte: &u8| (number << 8) | u32::from(*byte);
    bytes.iter().fold(0, number)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn of(bytes: &[u8], format: ImageFormat) -> Option<(u32, u32)> {
        let data = Data::read(Cow::Owned(STANDARD.encode(bytes))).unwrap();
        dimensions(&data, format)
    }

    #[test]
    fn every_format_tells_width_and_height() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\x1f\x41\0\0\0\x02\x08";
        assert_eq!(of(png, ImageFormat::Png), Some((8001, 2)));
        let gif = b"GIF89a\x41\x1f\x02\0\0";
        assert_eq!(of(gif, ImageFormat::Gif), Some((8001, 2)));
        let lossy = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\x30\x01\0\x9d\x01\x2a\x41\x5f\x02\x40";
        assert_eq!(of(lossy, ImageFormat::Webp), Some((8001, 2)));
        let lossless = b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x40\x5f\0\0\0\0\0\0\0";
        assert_eq!(of(lossless, ImageFormat::Webp), Some((8001, 2)));
        let extended = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x40\x1f\0\x01\0\0";
        assert_eq!(of(extended, ImageFormat::Webp), Some((8001, 2)));
    }

    #[test]
    fn a_jpegs_frame_stands_behind_other_segments() {
        let mut jpeg = b"\xff\xd8\xff\xe1\xff\xff".to_vec();
        jpeg.extend(vec![0xc0; 0xffff - 2]);
        // A table, whose marker lies among those of frames, padding, a restart marker.
        jpeg.extend(b"\xff\xc4\0\x04\x01\x02\xff\xff\xff\xd0");
        jpeg.extend(b"\xff\xc2\0\x11\x08\0\x02\x1f\x41\x03");
        assert_eq!(of(&jpeg, ImageFormat::Jpeg), Some((8001, 2)));
    }

    #[test]
    fn broken_headers_tell_nothing() {
        for (bytes, format) in [
            (
                b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0".as_slice(),
                ImageFormat::Png,
            ),
            (
                b"\x89PNG\r\n\x1a\n\0\0\0\x0dCgBI\0\0\0\0\0\0\0\0",
                ImageFormat::Png,
            ),
            (b"GIF89a\0", ImageFormat::Gif),
            (b"\xff\xd8", ImageFormat::Jpeg),
            (b"\xff\xd8\xff\xe0\0\0\0\0\0\0\0", ImageFormat::Jpeg),
            (b"\xff\xd8\xff\xda\0\x02\0\0\0\0\0", ImageFormat::Jpeg),
            (b"\xff\xd8\0\0\0\0\0\0\0\0\0", ImageFormat::Jpeg),
            (
                b"RIFF\0\0\0\0WEBPALPH\0\0\0\0\0\0\0\0\0\0",
                ImageFormat::Webp,
            ),
        ] {
            assert_eq!(of(bytes, format), None, "{bytes:?}");
        }
        let padding = [b"\xff\xd8".to_vec(), vec![0xff; 100_000]].concat();
        assert_eq!(of(&padding, ImageFormat::Jpeg), None);
    }
}
