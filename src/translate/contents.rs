//! What messages say becomes blocks, each kind where it may stand.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::image::image;
use super::prompt_cache::{Mark, Marks};
use crate::bedrock::Family;
use crate::bedrock::request::{ContentBlock, ImageBlock, ToolResultContentBlock};
use crate::openai::InvalidRequest;
use crate::openai::cache_control::CacheControl;
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
    /// The client's cache points in the message that was read last.
    pub(super) marks: Marks<'a>,
    /// Those of them whose part is still to be read.
    controls: VecDeque<CacheControl<'a>>,
}

/// What a call returned.
pub(super) struct ToolResult<'a> {
    /// At least one block.
    pub(super) content: Vec<ToolResultContentBlock<'a>>,
    /// Images to put after the results, for models that take none inside one.
    pub(super) images: Vec<ContentBlock<'a>>,
    /// The client's cache points after the result.
    pub(super) marks: Vec<Mark<'a>>,
}

impl<'b, 'a> Contents<'b, 'a> {
    pub(super) fn new(messages: Vec<Message<'a>>, family: &'b Family) -> Self {
        Self {
            messages,
            family,
            marks: Marks::default(),
            controls: VecDeque::new(),
        }
    }

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
                ContentPart::Thinking(_) => {}
                ContentPart::Other(kind) => return Err(untranslatable(index, part, &kind)),
            }
            self.mark(index, Some(part), blocks.len());
        }
        self.mark(index, None, blocks.len());
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
                ContentPart::Thinking(_) => {}
                ContentPart::ImageUrl(_) => {
                    return Err(InvalidRequest::unsupported(
                        format!("messages[{index}].content[{part}]"),
                        "Images can only be sent in user and tool messages.",
                    ));
                }
                ContentPart::Other(kind) => return Err(untranslatable(index, part, &kind)),
            }
            self.mark(index, Some(part), texts.len());
        }
        let refusal = self
            .messages
            .get_mut(index)
            .and_then(|message| message.refusal.take());
        texts.extend(refusal.and_then(not_blank));
        self.mark(index, None, texts.len());
        Ok(texts)
    }

    /// Takes the client's cache points after a whole message out; they are not read with its contents then.
    pub(super) fn marks_of_message(&mut self, index: usize) -> Vec<Mark<'a>> {
        let Some(message) = self.messages.get_mut(index) else {
            return Vec::new();
        };
        let controls = &mut message.cache_controls;
        let whole = controls.extract_if(.., |control| control.part.is_none());
        whole
            .map(|control| Mark::new(control, &format!("messages[{index}]")))
            .collect()
    }

    /// Keeps the cache points that the client set after a part, or after the whole message; the first `blocks`
    /// blocks of the message stand before them.
    fn mark(&mut self, index: usize, part: Option<usize>, blocks: usize) {
        let end = |part: Option<usize>| part.unwrap_or(usize::MAX);
        let controls = &mut self.controls;
        while let Some(control) = controls.pop_front_if(|control| end(control.part) <= end(part)) {
            let mark = Mark::new(control, &format!("messages[{index}]"));
            self.marks.push(blocks, mark);
        }
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
        // A point stands beside a result, never in one.
        let marks = self.marks.take_after(usize::MAX);
        Ok(ToolResult {
            content,
            images,
            marks,
        })
    }

    fn take(&mut self, index: usize) -> Vec<ContentPart<'a>> {
        let Some(message) = self.messages.get_mut(index) else {
            return Vec::new();
        };
        self.controls = std::mem::take(&mut message.cache_controls).into();
        // Those of the whole message come last, wherever it has them.
        let controls = self.controls.make_contiguous();
        controls.sort_by_key(|control| control.part.unwrap_or(usize::MAX));
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
