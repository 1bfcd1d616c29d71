//! Base64 text that is passed on as it stands: checked, measured, and looked into here and there.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The bytes of a medium, as standard base64 with padding.
#[derive(Clone, Debug)]
pub(super) struct Data<'a> {
    base64: Cow<'a, str>,
}

/// The `image/png` of a data URL in lower case without parameters, and its data.
pub(super) struct Labelled<'a> {
    pub(super) media_type: String,
    pub(super) data: Data<'a>,
}

impl<'a> Labelled<'a> {
    /// Reads a data URL.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn read(url: Cow<'a, str>) -> Result<Self, &'static str> {
        let header_length = url.find(',').filter(|_| is_data_url(&url));
        let Some(header_length) = header_length else {
            return Err("a data URL was expected, 'data:image/png;base64,…'.");
        };
        let (header, _) = url.split_at(header_length);
        let mut parameters = header.get("data:".len()..).unwrap_or_default().split(';');
        let media_type = parameters.next().unwrap_or_default();
        let media_type = media_type.trim().to_ascii_lowercase();
        if !parameters.any(|parameter| parameter.trim().eq_ignore_ascii_case("base64")) {
            return Err("the data URL must be base64-encoded.");
        }
        let data = Data::read(cut_front(url, header_length + 1))?;
        Ok(Self { media_type, data })
    }
}

impl<'a> Data<'a> {
    /// Takes base64 text. Line breaks, the URL-safe alphabet and missing padding are mended. Spaces are not: they
    /// stand in text that is no base64 at all, and where a form has lost its plus signs.
    ///
    /// # Errors
    /// For anything else, as the end of a sentence.
    pub(super) fn read(text: Cow<'a, str>) -> Result<Self, &'static str> {
        let base64 = padded(text).ok_or("the base64 data is malformed.")?;
        Ok(Self { base64 })
    }

    /// The base64 text.
    pub(super) fn into_base64(self) -> Cow<'a, str> {
        self.base64
    }

    /// How many bytes it stands for.
    pub(super) fn length(&self) -> usize {
        let padding = self.base64.bytes().rev().take_while(|byte| *byte == b'=');
        (self.base64.len() / 4 * 3).saturating_sub(padding.count())
    }

    /// Up to `length` of the bytes from `offset` on; only these are decoded.
    pub(super) fn bytes(&self, offset: usize, length: usize) -> Vec<u8> {
        let start = offset / 3 * 4;
        let end = (offset + length).div_ceil(3) * 4;
        let text = self.base64.get(start..end.min(self.base64.len()));
        let mut bytes = text
            .and_then(|text| STANDARD.decode(text).ok())
            .unwrap_or_default();
        bytes.drain(..(offset % 3).min(bytes.len()));
        bytes.truncate(length);
        bytes
    }
}

/// Whether `text` begins as a data URL does.
pub(super) fn is_data_url(text: &str) -> bool {
    let scheme = text.get(.."data:".len());
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
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

/// Standard base64 with padding, as Bedrock wants it; `None` for what cannot be mended.
fn padded(data: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if is_base64(&data) {
        return Some(data);
    }
    let mut mended: String = data
        .chars()
        .filter(|character| !matches!(character, '\r' | '\n'))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<Labelled<'_>, &'static str> {
        Labelled::read(Cow::Borrowed(url))
    }

    #[test]
    fn data_urls_have_a_media_type_and_data() {
        for (url, media_type) in [
            ("data:image/png;base64,aGk=", "image/png"),
            ("DATA:Text/Plain;charset=utf-8;BASE64,aGk=", "text/plain"),
            ("data:;base64,aGk=", ""),
        ] {
            let labelled = read(url).unwrap();
            assert_eq!(labelled.media_type, media_type);
            assert_eq!(labelled.data.into_base64(), "aGk=");
        }
        for url in [
            "",
            "aGk=",
            "data:image/png,hi",
            "data:image/png;base64",
            "data:image/png;base64,",
            "data:image/png;base64,%%%%",
            "data:image/png;base64,A===",
            "data:text/plain;base64,hello world",
            "https://example.com/a,b;base64",
        ] {
            assert!(read(url).is_err(), "{url}");
        }
    }

    #[test]
    fn loose_base64_is_mended() {
        let bytes = [0xff, 0xd8, 0xff, 0xfb, 0xff, 0xfe, 1];
        let loose = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
        let broken_lines = format!("{}\r\n{}", &loose[..4], &loose[4..]);
        let data = Data::read(Cow::Owned(broken_lines)).unwrap();
        assert_eq!(data.into_base64(), STANDARD.encode(bytes));
    }

    #[test]
    fn any_part_can_be_read_without_the_rest() {
        let all: Vec<u8> = (0..=40).collect();
        for length in 1..all.len() {
            let bytes = &all[..length];
            let data = Data::read(Cow::Owned(STANDARD.encode(bytes))).unwrap();
            assert_eq!(data.length(), length);
            for offset in 0..length + 4 {
                for wanted in 0..8 {
                    let expected: Vec<u8> =
                        bytes.iter().copied().skip(offset).take(wanted).collect();
                    assert_eq!(
                        data.bytes(offset, wanted),
                        expected,
                        "{length} {offset} {wanted}"
                    );
                }
            }
        }
    }
}
