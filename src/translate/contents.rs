//! What messages say becomes blocks, each kind where it may stand.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::media::{Media, Place};
use super::prompt_cache::{Mark, Marks};
use crate::bedrock::Family;
use crate::bedrock::request::{ContentBlock, ToolResultContentBlock};
use crate::openai::InvalidRequest;
use crate::openai::cache_control::CacheControl;
use crate::openai::content::{Content, ContentPart};
use crate::openai::error::excerpt;
use crate::openai::message::Message;

/// Bedrock refuses a tool result without content.
const NO_OUTPUT: &str = "(no output)";
/// The text of a result that was an image, which follows after the results.
const SEE_IMAGE: &str = "(see the attached image)";
/// Stands behind documents and videos. Bedrock wants a text beside a document, and some models take no cache point
/// directly behind either; because it is the message's own, the message is the same bytes wherever it stands.
const SEE_FILE: &str = "(see the attached file)";

/// The contents of one conversation's messages; each is taken once.
pub(super) struct Contents<'b, 'a> {
    pub(super) messages: Vec<Message<'a>>,
    pub(super) family: &'b Family,
    pub(super) media: Media<'b, 'a>,
    /// The client's cache points in the message that was read last.
    pub(super) marks: Marks<'a>,
    /// Those of them whose part is still to be read.
    controls: VecDeque<CacheControl<'a>>,
}

/// A block, and the part of the client's request that it was.
pub(super) struct Placed<'a> {
    pub(super) block: ContentBlock<'a>,
    pub(super) place: Place,
}

impl Placed<'_> {
    fn is_text(&self) -> bool {
        matches!(self.block, ContentBlock::Text(_))
    }
}

/// What a call returned.
pub(super) struct ToolResult<'a> {
    /// At least one block.
    pub(super) content: Vec<ToolResultContentBlock<'a>>,
    /// What to put after the results, because the model does not take it inside one.
    pub(super) after: Vec<Placed<'a>>,
    /// The client's cache points after the result.
    pub(super) marks: Vec<Mark<'a>>,
}

impl<'b, 'a> Contents<'b, 'a> {
    pub(super) fn new(
        messages: Vec<Message<'a>>,
        family: &'b Family,
        media: Media<'b, 'a>,
    ) -> Self {
        Self {
            messages,
            family,
            media,
            marks: Marks::default(),
            controls: VecDeque::new(),
        }
    }

    /// What a user says: texts and media in their order, no text blank.
    pub(super) fn blocks(&mut self, index: usize) -> Result<Vec<Placed<'a>>, InvalidRequest> {
        let mut blocks = self.parts(index)?;
        if let Some(text) = see_file(&blocks) {
            self.marks.pass_one_more(blocks.len());
            blocks.push(text);
        }
        Ok(blocks)
    }

    /// What a tool message says where it cannot stand as a result. Its texts say whose they are, and there is at
    /// least one.
    pub(super) fn told_result(
        &mut self,
        index: usize,
        id: &str,
    ) -> Result<Vec<Placed<'a>>, InvalidRequest> {
        let mut blocks = self.blocks(index)?;
        if !blocks.iter().any(Placed::is_text) {
            let place = Place {
                message: index,
                part: 0,
            };
            let block = ContentBlock::Text(Cow::Borrowed(stand_in(&blocks)));
            blocks.insert(0, Placed { block, place });
        }
        for placed in &mut blocks {
            if let ContentBlock::Text(text) = &mut placed.block {
                *text = Cow::Owned(format!("[Result of the tool call {id}] {text}"));
            }
        }
        Ok(blocks)
    }

    fn parts(&mut self, index: usize) -> Result<Vec<Placed<'a>>, InvalidRequest> {
        let mut blocks = Vec::new();
        for (part, content) in self.take(index).into_iter().enumerate() {
            let place = Place {
                message: index,
                part,
            };
            let block = match content {
                ContentPart::Text(text) | ContentPart::Refusal(text) => {
                    not_blank(text).map(ContentBlock::Text)
                }
                ContentPart::ImageUrl(url) => Some(self.media.image(url, place)?),
                ContentPart::File(file) => Some(self.media.file(file, place)?),
                ContentPart::VideoUrl(url) => Some(self.media.video(url, place)?),
                ContentPart::InputAudio(audio) => Some(self.media.audio(audio, place)?),
                ContentPart::Thinking(_) => None,
                ContentPart::Other(kind) => return Err(untranslatable(place, &kind)),
            };
            blocks.extend(block.map(|block| Placed { block, place }));
            self.mark(index, Some(part), blocks.len());
        }
        self.mark(index, None, blocks.len());
        Ok(blocks)
    }

    /// The texts of a system or assistant message, none of them blank.
    pub(super) fn texts(&mut self, index: usize) -> Result<Vec<Cow<'a, str>>, InvalidRequest> {
        let mut texts = Vec::new();
        for (part, content) in self.take(index).into_iter().enumerate() {
            let place = Place {
                message: index,
                part,
            };
            match content {
                ContentPart::Text(text) | ContentPart::Refusal(text) => {
                    texts.extend(not_blank(text));
                }
                ContentPart::Thinking(_) => {}
                ContentPart::ImageUrl(_)
                | ContentPart::File(_)
                | ContentPart::VideoUrl(_)
                | ContentPart::InputAudio(_) => {
                    return Err(place.unsupported(
                        "Images, files, videos and audio can only be sent in user and tool messages.",
                    ));
                }
                ContentPart::Other(kind) => return Err(untranslatable(place, &kind)),
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
        let mut after = Vec::new();
        for Placed { block, place } in self.parts(index)? {
            match block {
                ContentBlock::Text(text) => content.push(ToolResultContentBlock::Text(text)),
                ContentBlock::Image(image) if self.family.image_in_tool_result => {
                    content.push(ToolResultContentBlock::Image(image));
                }
                ContentBlock::Document(document) if self.family.document_in_tool_result => {
                    content.push(ToolResultContentBlock::Document(document));
                }
                block => after.push(Placed { block, place }),
            }
        }
        if content.is_empty() {
            let text = Cow::Borrowed(stand_in(&after));
            content.push(ToolResultContentBlock::Text(text));
        }
        if let Some(text) = see_file(&after) {
            after.push(text);
        }
        // A point stands beside a result, never in one.
        let marks = self.marks.take_after(usize::MAX);
        Ok(ToolResult {
            content,
            after,
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
}

/// The text that `blocks` lack: one beside documents, and one behind a document or video at the end.
fn see_file<'a>(blocks: &[Placed<'_>]) -> Option<Placed<'a>> {
    let last = blocks.last()?;
    let is_document = |placed: &Placed<'_>| matches!(placed.block, ContentBlock::Document(_));
    let lacks_text = blocks.iter().any(is_document) && !blocks.iter().any(Placed::is_text);
    let ends_open = matches!(
        last.block,
        ContentBlock::Document(_) | ContentBlock::Video(_)
    );
    (lacks_text || ends_open).then_some(Placed {
        block: ContentBlock::Text(Cow::Borrowed(SEE_FILE)),
        place: last.place,
    })
}

/// What stands for the text of a result without any.
fn stand_in(blocks: &[Placed<'_>]) -> &'static str {
    match blocks.first().map(|placed| &placed.block) {
        None => NO_OUTPUT,
        Some(ContentBlock::Image(_)) => SEE_IMAGE,
        Some(_) => SEE_FILE,
    }
}

/// Bedrock refuses blank text wherever it stands.
fn not_blank(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.trim().is_empty()).then_some(text)
}

fn untranslatable(place: Place, kind: &str) -> InvalidRequest {
    place.unsupported(format!(
        "Content of type '{}' cannot be sent to Bedrock by this gateway.",
        excerpt(kind)
    ))
}
