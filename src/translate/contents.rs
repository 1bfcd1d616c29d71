//! What messages say becomes blocks, each kind where it may stand.

use std::borrow::Cow;

use super::image::image;
use crate::bedrock::Family;
use crate::bedrock::request::{ContentBlock, ImageBlock, ToolResultContentBlock};
use crate::openai::InvalidRequest;
use crate::openai::content::{Content, ContentPart};
use crate::openai::error::excerpt;
use crate::openai::message::Message;

/// Bedrock refuses a tool result without content.
const NO_OUTPUT: &str = "(no output)";
/// The content of a result that was an image, which follows after the results.
const SEE_IMAGE: &str = "(see the attached image)";

/// The contents of one conversation's messages; each is taken once.
pub(super) struct Contents<'b, 'a> {
    pub(super) messages: Vec<Message<'a>>,
    pub(super) family: &'b Family,
}

/// What a call returned.
pub(super) struct ToolResult<'a> {
    /// At least one block.
    pub(super) content: Vec<ToolResultContentBlock<'a>>,
    /// Images to put after the results, for models that take none inside one.
    pub(super) images: Vec<ContentBlock<'a>>,
}

impl<'a> Contents<'_, 'a> {
    /// What a user says: texts and images in their order, no text blank.
    pub(super) fn blocks(&mut self, index: usize) -> Result<Vec<ContentBlock<'a>>, InvalidRequest> {
        let mut blocks = Vec::new();
        for (part, content) in self.take(index).into_iter().enumerate() {
            match content {
                ContentPart::Text(text) | ContentPart::Refusal(text) => {
                    blocks.extend(not_blank(text).map(ContentBlock::Text));
                }
                ContentPart::ImageUrl(url) => {
                    blocks.push(ContentBlock::Image(self.image(url, index, part)?));
                }
                ContentPart::Thinking => {}
                ContentPart::Other(kind) => return Err(untranslatable(index, part, &kind)),
            }
        }
        Ok(blocks)
    }

    /// The texts of a system or assistant message, none of them blank.
    pub(super) fn texts(&mut self, index: usize) -> Result<Vec<Cow<'a, str>>, InvalidRequest> {
        let mut texts = Vec::new();
        for (part, content) in self.take(index).into_iter().enumerate() {
            match content {
                ContentPart::Text(text) | ContentPart::Refusal(text) => {
                    texts.extend(not_blank(text));
                }
                ContentPart::Thinking => {}
                ContentPart::ImageUrl(_) => {
                    return Err(InvalidRequest::unsupported(
                        format!("messages[{index}].content[{part}]"),
                        "Images can only be sent in user and tool messages.",
                    ));
                }
                ContentPart::Other(kind) => return Err(untranslatable(index, part, &kind)),
            }
        }
        let refusal = self
            .messages
            .get_mut(index)
            .and_then(|message| message.refusal.take());
        texts.extend(refusal.and_then(not_blank));
        Ok(texts)
    }

    /// What a tool message says.
    pub(super) fn result(&mut self, index: usize) -> Result<ToolResult<'a>, InvalidRequest> {
        let mut content = Vec::new();
        let mut images = Vec::new();
        for block in self.blocks(index)? {
            match block {
                ContentBlock::Text(text) => content.push(ToolResultContentBlock::Text(text)),
                ContentBlock::Image(image) if self.family.image_in_tool_result => {
                    content.push(ToolResultContentBlock::Image(image));
                }
                image => images.push(image),
            }
        }
        if content.is_empty() {
            let text = if images.is_empty() {
                NO_OUTPUT
            } else {
                SEE_IMAGE
            };
            content.push(ToolResultContentBlock::Text(Cow::Borrowed(text)));
        }
        Ok(ToolResult { content, images })
    }

    fn take(&mut self, index: usize) -> Vec<ContentPart<'a>> {
        let Some(message) = self.messages.get_mut(index) else {
            return Vec::new();
        };
        match std::mem::replace(&mut message.content, Content::Absent) {
            Content::Absent => Vec::new(),
            Content::Text(text) => vec![ContentPart::Text(text)],
            Content::Parts(parts) => parts,
        }
    }

    fn image(
        &self,
        url: Cow<'a, str>,
        index: usize,
        part: usize,
    ) -> Result<ImageBlock<'a>, InvalidRequest> {
        let path = format!("messages[{index}].content[{part}]");
        if !self.family.image {
            let message = "This model does not take images.";
            return Err(InvalidRequest::unsupported(path, message));
        }
        image(url, &format!("{path}.image_url.url"))
    }
}

/// Bedrock refuses blank text wherever it stands.
fn not_blank(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.trim().is_empty()).then_some(text)
}

fn untranslatable(message: usize, part: usize, kind: &str) -> InvalidRequest {
    InvalidRequest::unsupported(
        format!("messages[{message}].content[{part}]"),
        format!(
            "Content of type '{}' cannot be sent to Bedrock by this gateway.",
            excerpt(kind)
        ),
    )
}
