//! Files: which block each becomes, by its bytes, its media type and its name.

use std::borrow::Cow;

use super::Media;
use super::data::{Data, Labelled, is_data_url};
use super::image;
use super::label::{self, Label};
use super::magic::{Magic, magic};
use super::place::Place;
use super::s3;
use crate::bedrock::request::{
    AudioBlock, CitationsConfiguration, ContentBlock, DocumentBlock, ImageBlock, ImageFormat,
    MediaSource, VideoBlock,
};
use crate::openai::InvalidRequest;
use crate::openai::media::{File, is_web_address};

/// The largest document that Converse takes of every model, in bytes: 4.5 MB.
const MOST_BYTES: usize = 4_718_592;
/// The member that holds a file.
const MEMBER: &str = "file.file_data";
/// What a file must be.
const FORMATS: &str = "it is none of the formats that Bedrock takes: pdf, csv, doc, docx, xls, xlsx, html, txt, md. \
                       Where the data does not tell, its media type or the extension of 'filename' must.";

/// What a file is, with its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Document(&'static str),
    Image(ImageFormat),
    Video(&'static str),
    Audio(&'static str),
}

impl<'a> Media<'_, 'a> {
    /// The block that a file becomes.
    ///
    /// # Errors
    /// For files that are elsewhere, and for what the model or Bedrock does not take.
    pub(in crate::translate) fn file(
        &mut self,
        mut file: File<'a>,
        place: Place,
    ) -> Result<ContentBlock<'a>, InvalidRequest> {
        let Some(text) = file.data.take() else {
            return Err(InvalidRequest::unsupported(
                format!("{place}.file.file_id"),
                "Files are not stored here. Send the file itself, as a data URL in 'file_data'.",
            ));
        };
        if is_web_address(&text) {
            let fault = "files are not fetched from addresses. Send the file itself as a data URL.";
            return Err(place.wrong("file", MEMBER, fault));
        }
        let (kind, source) = if s3::is_s3(&text) {
            self.file_in_s3(text, &file, place)?
        } else {
            self.file_in_request(text, &file, place)?
        };
        Ok(match kind {
            Kind::Document(format) => {
                let (key, content) = match &source {
                    MediaSource::Bytes(base64) => (None, base64),
                    MediaSource::S3Location(location) => (Some(&location.uri), &location.uri),
                };
                let name = file.name.as_ref().or(key);
                ContentBlock::Document(DocumentBlock {
                    format,
                    name: Cow::Owned(self.names.give(name.map(AsRef::as_ref), content)),
                    source,
                    citations: file
                        .citations
                        .then_some(CitationsConfiguration { enabled: true }),
                })
            }
            Kind::Image(format) => ContentBlock::Image(ImageBlock { format, source }),
            Kind::Video(format) => ContentBlock::Video(VideoBlock { format, source }),
            Kind::Audio(format) => ContentBlock::Audio(AudioBlock { format, source }),
        })
    }

    fn file_in_request(
        &self,
        text: Cow<'a, str>,
        file: &File<'_>,
        place: Place,
    ) -> Result<(Kind, MediaSource<'a>), InvalidRequest> {
        let wrong = |fault: &str| place.wrong("file", MEMBER, fault);
        let (media_type, data) = if is_data_url(&text) {
            let labelled = Labelled::read(text).map_err(wrong)?;
            (labelled.media_type, labelled.data)
        } else {
            (String::new(), Data::read(text).map_err(wrong)?)
        };
        let labels = [
            label::of_media_type(&media_type),
            file.format.as_deref().and_then(of_format),
            file.name.as_deref().and_then(label::of_name),
        ];
        let kind = kind(magic(&data), &labels).ok_or_else(|| wrong(FORMATS))?;
        self.admit(kind, place)?;
        match kind {
            Kind::Document(format) => self.check_length(&data, format),
            Kind::Image(format) => image::check(&data, format),
            Kind::Video(_) | Kind::Audio(_) => Ok(()),
        }
        .map_err(|fault| wrong(&fault))?;
        Ok((kind, MediaSource::Bytes(data.into_base64())))
    }

    /// A file in S3, whose label must tell its format: nobody looks into it here.
    fn file_in_s3(
        &self,
        uri: Cow<'a, str>,
        file: &File<'_>,
        place: Place,
    ) -> Result<(Kind, MediaSource<'a>), InvalidRequest> {
        let wrong = |fault: &str| place.wrong("file", MEMBER, fault);
        let name = file.name.as_deref();
        let name = name.filter(|name| label::of_name(name).is_some());
        let kind = kind_of_name(name.unwrap_or(&uri)).ok_or_else(|| wrong(FORMATS))?;
        self.admit(kind, place)?;
        let source = self.in_s3(uri, place, "file", MEMBER)?;
        Ok((kind, source))
    }

    /// Whether the model takes what a file is.
    fn admit(&self, kind: Kind, place: Place) -> Result<(), InvalidRequest> {
        let (is_taken, name) = match kind {
            Kind::Document(_) => (self.family.document, "documents"),
            Kind::Image(_) => (self.family.image, "images"),
            Kind::Video(_) => (self.family.video, "videos"),
            Kind::Audio(_) => (self.family.audio, "audio"),
        };
        if is_taken {
            return Ok(());
        }
        Err(place.unsupported(format!("This model does not take {name}.")))
    }

    fn check_length(&self, data: &Data<'_>, format: &str) -> Result<(), String> {
        let rules = self.family.media;
        let is_unbounded = match format {
            "pdf" => rules.large_pdf,
            "docx" => rules.large_docx,
            _ => false,
        };
        let length = data.length();
        if is_unbounded || length <= MOST_BYTES {
            return Ok(());
        }
        Err(format!(
            "it has {length} bytes, and Bedrock takes at most {MOST_BYTES} (4.5 MB) of this format for this model."
        ))
    }
}

/// What a file is: by its bytes, and by its labels where those leave it open.
fn kind(magic: Option<Magic>, labels: &[Option<Label>]) -> Option<Kind> {
    let mut labels = labels.iter().copied().flatten();
    match magic {
        Some(Magic::Pdf) => Some(Kind::Document("pdf")),
        Some(Magic::Image(format)) => Some(Kind::Image(format)),
        Some(Magic::Zip) => labels.find_map(|label| match label {
            Label::Word => Some(Kind::Document("docx")),
            Label::Excel => Some(Kind::Document("xlsx")),
            _ => None,
        }),
        Some(Magic::CompoundFile) => labels.find_map(|label| match label {
            Label::Word => Some(Kind::Document("doc")),
            Label::Excel => Some(Kind::Document("xls")),
            _ => None,
        }),
        // Sound comes in the containers of videos as well.
        Some(Magic::Video(format)) => match labels.next() {
            Some(Label::Audio(format)) => Some(Kind::Audio(format)),
            _ => Some(Kind::Video(format)),
        },
        Some(Magic::Audio(format)) => Some(Kind::Audio(format)),
        // Text has no magic. Windows calls a CSV file an Excel one, so that a second label may know better.
        None => labels.find_map(|label| match label {
            Label::Text(format) => Some(Kind::Document(format)),
            Label::Video(format) => Some(Kind::Video(format)),
            Label::Audio(format) => Some(Kind::Audio(format)),
            Label::Pdf | Label::Word | Label::Excel | Label::Image => None,
        }),
    }
}

/// What the extension of a name alone says.
fn kind_of_name(name: &str) -> Option<Kind> {
    let (_, extension) = name.rsplit_once('.')?;
    let is = |other: &str| extension.eq_ignore_ascii_case(other);
    Some(match label::of_name(name)? {
        Label::Text(format) => Kind::Document(format),
        Label::Pdf => Kind::Document("pdf"),
        Label::Word => Kind::Document(if is("doc") { "doc" } else { "docx" }),
        Label::Excel => Kind::Document(if is("xls") { "xls" } else { "xlsx" }),
        Label::Image => Kind::Image(image::format_of_name(name)?),
        Label::Video(format) => Kind::Video(format),
        Label::Audio(format) => Kind::Audio(format),
    })
}

/// A member `format` is a media type, or an extension.
fn of_format(format: &str) -> Option<Label> {
    let format = format.to_ascii_lowercase();
    label::of_media_type(&format).or_else(|| label::of_name(&format!(".{format}")))
}

#[cfg(test)]
mod tests {
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

    const CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    const NOVA: &str = "amazon.nova-lite-v1:0";
    const ZIP: &[u8] = b"PK\x03\x04\x14\0";
    const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
    const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    fn block(
        data: &str,
        name: Option<&str>,
        model: &str,
    ) -> Result<ContentBlock<'static>, InvalidRequest> {
        let file = File {
            data: Some(Cow::Owned(data.to_owned())),
            name: name.map(|name| Cow::Owned(name.to_owned())),
            ..File::default()
        };
        let place = Place {
            message: 0,
            part: 1,
        };
        let family = Family::of(Some(model));
        Media::new(&family, IN_S3).file(file, place)
    }

    fn url(media_type: &str, bytes: &[u8]) -> String {
        format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
    }

    #[test]
    fn formats_come_from_bytes_then_media_types_then_names() {
        for (data, name, expected) in [
            (url("application/pdf", b"%PDF-1.7"), None, "pdf"),
            (url("text/plain", b"%PDF-1.7"), Some("a.txt"), "pdf"),
            (url(DOCX, ZIP), None, "docx"),
            (url("application/octet-stream", ZIP), Some("a.xlsx"), "xlsx"),
            (url("application/msword", COMPOUND), None, "doc"),
            (url("", COMPOUND), Some("a.XLS"), "xls"),
            (url("text/plain;charset=utf-8", b"hi"), None, "txt"),
            (url("text/markdown", b"# hi"), Some("a.txt"), "md"),
            (url("text/csv", b"a,b"), None, "csv"),
            (url("text/html", b"<p>"), None, "html"),
            (url("application/json", b"{}"), None, "txt"),
            (
                url("application/vnd.ms-excel", b"a,b"),
                Some("a.csv"),
                "csv",
            ),
            (STANDARD.encode(b"hi"), Some("a.md"), "md"),
            (STANDARD.encode(b"%PDF-1.7"), None, "pdf"),
        ] {
            let Ok(ContentBlock::Document(document)) = block(&data, name, CLAUDE) else {
                panic!("{data} {name:?} is a document");
            };
            assert_eq!(document.format, expected, "{data} {name:?}");
        }
    }

    #[test]
    fn what_bedrock_does_not_take_is_refused_with_its_path() {
        for (data, name) in [
            (url("application/octet-stream", b"MZ"), Some("a.exe")),
            (url("application/pdf", b"hi"), Some("a.pdf")),
            (url("application/zip", ZIP), Some("a.zip")),
            (url(DOCX, b"hi"), None),
            (url("", COMPOUND), Some("a.msg")),
            (url("image/svg+xml", b"<svg/>"), None),
            ("data:text/plain,hi".to_owned(), None),
            ("data:text/plain;base64,%".to_owned(), None),
            ("%".to_owned(), Some("a.txt")),
            (STANDARD.encode(b"hi"), None),
            ("https://example.com/a.pdf".to_owned(), Some("a.pdf")),
        ] {
            let refused = block(&data, name, CLAUDE).unwrap_err();
            assert_eq!(
                refused.param.as_deref(),
                Some("messages[0].content[1].file.file_data"),
                "{data} {name:?}"
            );
        }
    }

    #[test]
    fn other_media_become_blocks_of_their_own() {
        let png = url("application/octet-stream", b"\x89PNG\r\n\x1a\n");
        assert!(matches!(
            block(&png, None, CLAUDE),
            Ok(ContentBlock::Image(_))
        ));
        let mp4 = url("video/mp4", b"\0\0\0\x18ftypmp42");
        assert!(matches!(
            block(&mp4, None, NOVA),
            Ok(ContentBlock::Video(VideoBlock { format: "mp4", .. }))
        ));
        let refused = block(&mp4, None, CLAUDE).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("messages[0].content[1]"));
        let wav = url("audio/wav", b"RIFF\0\0\0\0WAVE");
        assert!(block(&wav, None, NOVA).is_err());
        assert!(matches!(
            block(&wav, None, "mistral.voxtral-mini-3b-2507"),
            Ok(ContentBlock::Audio(AudioBlock { format: "wav", .. }))
        ));
    }

    #[test]
    fn some_formats_may_be_larger_for_some_models() {
        let mut pdf = b"%PDF-1.7".to_vec();
        pdf.resize(MOST_BYTES + 1, b' ');
        let text = url("text/plain", &vec![b' '; MOST_BYTES + 1]);
        let pdf = url("application/pdf", &pdf);
        assert!(block(&pdf, None, CLAUDE).is_ok());
        assert!(block(&pdf, None, NOVA).is_ok());
        let refused = block(&pdf, None, "anthropic.claude-3-haiku-20240307-v1:0").unwrap_err();
        assert!(refused.message.contains("4718593 bytes"), "{refused}");
        assert!(block(&text, None, CLAUDE).is_err());
        assert!(block(&text, None, NOVA).is_err());
        let text = url("text/plain", &vec![b' '; MOST_BYTES]);
        assert!(block(&text, None, CLAUDE).is_ok());
    }

    #[test]
    fn files_in_s3_are_named_by_their_key() {
        let Ok(ContentBlock::Document(document)) = block("s3://bucket/reports/q3.docx", None, NOVA)
        else {
            panic!("it is a document");
        };
        assert_eq!(document.format, "docx");
        assert!(matches!(document.source, MediaSource::S3Location(_)));
        assert!(block("s3://bucket/q3", Some("q3.pdf"), NOVA).is_ok());
        assert!(block("s3://bucket/q3", None, NOVA).is_err());
        assert!(block("s3://bucket/q3.pdf", None, CLAUDE).is_err());
    }
}
