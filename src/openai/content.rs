//! What a message says: one text, or a list of parts.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::cache_control::CacheControl;
use super::error::InvalidRequest;
use super::json::{Field, Path};
use super::media::{File, InputAudio, read_citations};
use super::replayed_reasoning::ThinkingBlock;

/// What a message says.
#[derive(Debug)]
pub enum Content<'a> {
    /// Nothing: null or no member.
    Absent,
    /// One text.
    Text(Cow<'a, str>),
    /// A list of parts.
    Parts(Vec<ContentPart<'a>>),
}

/// One part of a message's content.
#[derive(Debug)]
pub enum ContentPart<'a> {
    /// `text`; also `input_text` and `output_text`, its names in the Responses API.
    Text(Cow<'a, str>),
    /// `refusal`
    Refusal(Cow<'a, str>),
    /// `image_url`, also `input_image`; its `detail` has no meaning for Bedrock.
    ImageUrl(Cow<'a, str>),
    /// `file`
    File(File<'a>),
    /// `video_url`
    VideoUrl(Cow<'a, str>),
    /// `input_audio`
    InputAudio(InputAudio<'a>),
    /// `thinking` and `redacted_thinking`, which Anthropic's clients replay; none once it was taken.
    Thinking(Option<ThinkingBlock<'a>>),
    /// Any other kind, by its `type`.
    Other(Cow<'a, str>),
}

/// The members of a part that can hold what it says; null is as if absent.
#[derive(Default)]
struct Members<'a> {
    kind: Option<Cow<'a, str>>,
    text: Option<&'a RawValue>,
    refusal: Option<&'a RawValue>,
    image_url: Option<&'a RawValue>,
    cache_controls: Vec<CacheControl<'a>>,
    video_url: Option<&'a RawValue>,
    file: Option<&'a RawValue>,
    input_audio: Option<&'a RawValue>,
    citations: Option<&'a RawValue>,
}

impl<'a> Content<'a> {
    /// Reads `content`; members without a meaning here are added to `extras`, as paths below the message, and
    /// cache points to `cache_controls`.
    pub(super) fn read(
        field: Field<'a, '_>,
        extras: &mut Vec<String>,
        cache_controls: &mut Vec<CacheControl<'a>>,
    ) -> Result<Self, InvalidRequest> {
        if field.is_string() {
            return field.string().map(Self::Text);
        }
        if !field.is_array() {
            return Err(field.wrong("a string or an array of content parts"));
        }
        let parts = field.array()?.into_iter().enumerate().map(|(index, raw)| {
            let path = Path::Element(field.path(), index);
            ContentPart::read(Field::new(raw, &path), index, extras, cache_controls)
        });
        parts.collect::<Result<_, _>>().map(Self::Parts)
    }
}

impl<'a> ContentPart<'a> {
    fn read(
        field: Field<'a, '_>,
        index: usize,
        extras: &mut Vec<String>,
        cache_controls: &mut Vec<CacheControl<'a>>,
    ) -> Result<Self, InvalidRequest> {
        // Some clients put bare strings among the parts.
        if field.is_string() {
            return field.string().map(Self::Text);
        }
        let mut members = Members::read(field, index, extras)?;
        cache_controls.append(&mut members.cache_controls);
        let kind = members
            .kind
            .clone()
            .ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "type")))?;
        members.note_unread(&kind, index, extras);
        let text = |raw: Option<&'a RawValue>, name| {
            let path = Path::Member(field.path(), name);
            let raw = raw.ok_or_else(|| InvalidRequest::missing(path))?;
            Field::new(raw, &path).string()
        };
        Ok(match kind.as_ref() {
            "text" | "input_text" | "output_text" => Self::Text(text(members.text, "text")?),
            "refusal" => Self::Refusal(text(members.refusal, "refusal")?),
            "image_url" | "input_image" => Self::ImageUrl(read_url(
                members.image_url,
                "image_url",
                field,
                index,
                extras,
            )?),
            "video_url" => Self::VideoUrl(read_url(
                members.video_url,
                "video_url",
                field,
                index,
                extras,
            )?),
            "file" => Self::File(members.read_file(field, index, extras)?),
            "input_audio" => {
                let path = Path::Member(field.path(), "input_audio");
                let raw = members.input_audio;
                let raw = raw.ok_or_else(|| InvalidRequest::missing(path))?;
                let place = format!("content[{index}].input_audio");
                Self::InputAudio(InputAudio::read(Field::new(raw, &path), &place, extras)?)
            }
            "thinking" | "redacted_thinking" => Self::Thinking(ThinkingBlock::read(field)),
            _ => Self::Other(kind),
        })
    }
}

impl<'a> Members<'a> {
    fn read(
        field: Field<'a, '_>,
        index: usize,
        extras: &mut Vec<String>,
    ) -> Result<Self, InvalidRequest> {
        let mut members = Self::default();
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            if member.is_null() {
                continue;
            }
            match name.as_ref() {
                "type" => members.kind = Some(member.string()?),
                "text" => members.text = Some(raw),
                "refusal" => members.refusal = Some(raw),
                "image_url" => members.image_url = Some(raw),
                "video_url" => members.video_url = Some(raw),
                "file" => members.file = Some(raw),
                "input_audio" => members.input_audio = Some(raw),
                "citations" => members.citations = Some(raw),
                // What thinking is made of.
                "thinking" | "signature" | "data" => {}
                _ if member.is_empty() => {}
                name => {
                    let path = format!("content[{index}].{name}");
                    match CacheControl::read(name, member, Some(index), path) {
                        Ok(control) => members.cache_controls.push(control),
                        Err(path) => extras.push(path),
                    }
                }
            }
        }
        Ok(members)
    }

    fn read_file(
        &self,
        part: Field<'a, '_>,
        index: usize,
        extras: &mut Vec<String>,
    ) -> Result<File<'a>, InvalidRequest> {
        let path = Path::Member(part.path(), "file");
        let raw = self.file.ok_or_else(|| InvalidRequest::missing(path))?;
        let mut file = File::read(
            Field::new(raw, &path),
            &format!("content[{index}].file"),
            extras,
        )?;
        if let Some(raw) = self.citations {
            let path = Path::Member(part.path(), "citations");
            file.citations = read_citations(Field::new(raw, &path))?;
        }
        Ok(file)
    }
}

impl Members<'_> {
    /// Notes what a part holds beside what its kind says.
    fn note_unread(&self, kind: &str, index: usize, extras: &mut Vec<String>) {
        let held = [
            ("text", self.text.is_some(), kind.ends_with("text")),
            ("refusal", self.refusal.is_some(), kind == "refusal"),
            (
                "image_url",
                self.image_url.is_some(),
                kind.contains("image"),
            ),
            ("video_url", self.video_url.is_some(), kind == "video_url"),
            ("file", self.file.is_some(), kind == "file"),
            (
                "input_audio",
                self.input_audio.is_some(),
                kind == "input_audio",
            ),
            ("citations", self.citations.is_some(), kind == "file"),
        ];
        for (name, is_there, is_read) in held {
            if is_there && !is_read {
                extras.push(format!("content[{index}].{name}"));
            }
        }
    }
}

/// An address: `{url, detail}`, or the bare text that some clients send. `member` is its name in the `part`.
fn read_url<'a>(
    raw: Option<&'a RawValue>,
    member: &str,
    part: Field<'a, '_>,
    index: usize,
    extras: &mut Vec<String>,
) -> Result<Cow<'a, str>, InvalidRequest> {
    let path = Path::Member(part.path(), member);
    let raw = raw.ok_or_else(|| InvalidRequest::missing(path))?;
    let field = Field::new(raw, &path);
    if field.is_string() {
        return field.string();
    }
    let mut url = None;
    for (name, raw) in field.object()?.0 {
        let path = Path::Member(field.path(), &name);
        let value = Field::new(raw, &path);
        match name.as_ref() {
            "url" if !value.is_null() => url = Some(value.string()?),
            "detail" if !value.is_empty() && value.raw().get() != r#""auto""# => {
                extras.push(format!("content[{index}].{member}.detail"));
            }
            "url" | "detail" => {}
            _ if value.is_empty() => {}
            _ => extras.push(format!("content[{index}].{member}.{name}")),
        }
    }
    url.ok_or_else(|| InvalidRequest::missing(Path::Member(field.path(), "url")))
}
