//! Parts that hold files, videos and sound.

use std::borrow::Cow;

use super::content::{Content, ContentPart};
use super::error::InvalidRequest;
use super::json::{Field, Path};
use super::message::{Message, Role};

/// The member `file` of a `file` part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct File<'a> {
    /// A data URL, or base64 alone.
    pub data: Option<Cow<'a, str>>,
    /// The file's name.
    pub name: Option<Cow<'a, str>>,
    /// A media type, which LiteLLM's clients send beside the data.
    pub format: Option<Cow<'a, str>>,
    /// The id of a file that was uploaded before.
    pub id: Option<Cow<'a, str>>,
    /// Whether the part has `citations: {"enabled": true}`, as Anthropic's documents do.
    pub citations: bool,
}

/// The member `input_audio` of an `input_audio` part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputAudio<'a> {
    /// Base64.
    pub data: Cow<'a, str>,
    /// `wav`, `mp3` or another name of a format.
    pub format: Cow<'a, str>,
}

impl<'a> File<'a> {
    /// Reads the member; what has no meaning here is added to `extras`, as paths below `path`.
    pub(super) fn read(
        field: Field<'a, '_>,
        path: &str,
        extras: &mut Vec<String>,
    ) -> Result<Self, InvalidRequest> {
        let mut file = Self::default();
        for (name, raw) in field.object()?.0 {
            let place = Path::Member(field.path(), &name);
            let member = Field::new(raw, &place);
            if member.is_empty() {
                continue;
            }
            match name.as_ref() {
                "file_data" => file.data = Some(member.string()?),
                "filename" => file.name = Some(member.string()?),
                "format" => file.format = Some(member.string()?),
                "file_id" => file.id = Some(member.string()?),
                _ => extras.push(format!("{path}.{name}")),
            }
        }
        if file.data.is_some() && file.id.take().is_some() {
            extras.push(format!("{path}.file_id"));
        }
        if file.data.is_none() && file.id.is_none() {
            return Err(InvalidRequest::missing(Path::Member(
                field.path(),
                "file_data",
            )));
        }
        Ok(file)
    }
}

impl<'a> InputAudio<'a> {
    /// Reads the member; what has no meaning here is added to `extras`, as paths below `path`.
    pub(super) fn read(
        field: Field<'a, '_>,
        path: &str,
        extras: &mut Vec<String>,
    ) -> Result<Self, InvalidRequest> {
        let (mut data, mut format) = (None, None);
        for (name, raw) in field.object()?.0 {
            let place = Path::Member(field.path(), &name);
            let member = Field::new(raw, &place);
            if member.is_empty() {
                continue;
            }
            match name.as_ref() {
                "data" => data = Some(member.string()?),
                "format" => format = Some(member.string()?),
                _ => extras.push(format!("{path}.{name}")),
            }
        }
        let missing = |name| InvalidRequest::missing(Path::Member(field.path(), name));
        Ok(Self {
            data: data.ok_or_else(|| missing("data"))?,
            format: format.ok_or_else(|| missing("format"))?,
        })
    }
}

/// `citations: {"enabled": true}`; anything else than an object with `enabled` is refused.
pub(super) fn read_citations(field: Field<'_, '_>) -> Result<bool, InvalidRequest> {
    let mut enabled = false;
    for (name, raw) in field.object()?.0 {
        let place = Path::Member(field.path(), &name);
        let member = Field::new(raw, &place);
        if name == "enabled" && !member.is_null() {
            enabled = member.boolean()?;
        }
    }
    Ok(enabled)
}

/// An image of the user's or a tool's that is named by a web address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageAddress<'r> {
    /// The message's index.
    pub message: usize,
    /// The part's index in its content.
    pub part: usize,
    /// The address.
    pub address: &'r str,
}

/// Every such image of `messages`, in their order.
pub fn image_addresses<'r>(messages: &'r [Message<'_>]) -> Vec<ImageAddress<'r>> {
    let mut addresses = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let Content::Parts(parts) = &message.content else {
            continue;
        };
        if !matches!(message.role, Role::User | Role::Tool | Role::Function) {
            continue;
        }
        for (part, content) in parts.iter().enumerate() {
            if let ContentPart::ImageUrl(url) = content
                && is_web_address(url)
            {
                addresses.push(ImageAddress {
                    message: index,
                    part,
                    address: url,
                });
            }
        }
    }
    addresses
}

/// Whether `text` is an address on the web, http or https.
pub fn is_web_address(text: &str) -> bool {
    let scheme = text.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::openai::ChatCompletionRequest;

    #[test]
    fn an_id_beside_the_file_itself_has_no_effect() {
        let extras = |file: Value| {
            let json = json!({"model": "m", "messages": [
                {"role": "user", "content": [{"type": "file", "file": file}]},
            ]})
            .to_string();
            let mut request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
            request.messages.remove(0).extras
        };
        let both = json!({"file_id": "file-1", "filename": "a.txt", "file_data": "aGk="});
        assert_eq!(extras(both), ["content[0].file.file_id"]);
        // Alone it is refused later, with what to do instead.
        assert!(extras(json!({"file_id": "file-1"})).is_empty());
    }
}
