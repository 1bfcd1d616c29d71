//! Images, documents, videos and sound.

use std::borrow::Cow;

use serde::Serialize;

/// `S3Location`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Location<'a> {
    /// `s3://bucket/key`
    pub uri: Cow<'a, str>,
    /// The account that owns the bucket, twelve digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket_owner: Option<Cow<'a, str>>,
}

/// Where media is: `ImageSource`, `DocumentSource`, `VideoSource` and `AudioSource` have these members in common.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum MediaSource<'a> {
    /// Standard base64 with padding.
    Bytes(Cow<'a, str>),
    /// An object in S3 that the gateway's credentials may read.
    S3Location(S3Location<'a>),
}

/// `DocumentBlock`.
#[derive(Clone, Debug, Serialize)]
pub struct DocumentBlock<'a> {
    /// `pdf`, `csv`, `doc`, `docx`, `xls`, `xlsx`, `html`, `txt` or `md`.
    pub format: &'static str,
    /// Unique in the conversation; letters, digits, single spaces, hyphens, parentheses and brackets.
    pub name: Cow<'a, str>,
    /// Its bytes, or where they are.
    pub source: MediaSource<'a>,
    /// Whether the answer must say what it took from where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub citations: Option<CitationsConfiguration>,
}

/// `CitationsConfig`.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct CitationsConfiguration {
    /// Only ever `true`.
    pub enabled: bool,
}

/// `VideoBlock`.
#[derive(Clone, Debug, Serialize)]
pub struct VideoBlock<'a> {
    /// `mkv`, `mov`, `mp4`, `webm`, `flv`, `mpeg`, `mpg`, `wmv` or `three_gp`.
    pub format: &'static str,
    /// Its bytes, or where they are.
    pub source: MediaSource<'a>,
}

/// `AudioBlock`.
#[derive(Clone, Debug, Serialize)]
pub struct AudioBlock<'a> {
    /// One of the names that Converse declares, such as `mp3` and `wav`.
    pub format: &'static str,
    /// Its bytes, or where they are.
    pub source: MediaSource<'a>,
}

/// `ImageBlock`.
#[derive(Clone, Debug, Serialize)]
pub struct ImageBlock<'a> {
    /// The image's real format.
    pub format: ImageFormat,
    /// Its bytes, or where they are.
    pub source: MediaSource<'a>,
}

/// `ImageFormat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// WebP.
    Webp,
}
