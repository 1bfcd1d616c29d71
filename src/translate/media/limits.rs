//! How many images and documents may stand in one message.

use super::place::Place;
use crate::bedrock::Family;
use crate::bedrock::request::ContentBlock;
use crate::openai::InvalidRequest;

/// The most images of one message, and of images and documents where they count together.
const MOST_IMAGES: usize = 20;
/// The most documents of one message.
const MOST_DOCUMENTS: usize = 5;

/// The media of one turn so far.
#[derive(Debug, Default)]
pub(in crate::translate) struct TurnMedia {
    images: usize,
    documents: usize,
}

impl TurnMedia {
    /// Counts a block that stands at `place` in the client's request.
    ///
    /// # Errors
    /// For the first that is more than a turn may have.
    pub(in crate::translate) fn add(
        &mut self,
        block: &ContentBlock<'_>,
        place: Place,
        family: &Family,
    ) -> Result<(), InvalidRequest> {
        match block {
            ContentBlock::Image(_) => self.images += 1,
            ContentBlock::Document(_) => self.documents += 1,
            _ => return Ok(()),
        }
        let together = family.media.counted_together && self.images + self.documents > MOST_IMAGES;
        let what = if self.documents > MOST_DOCUMENTS {
            format!("{MOST_DOCUMENTS} documents")
        } else if self.images > MOST_IMAGES {
            format!("{MOST_IMAGES} images")
        } else if together {
            format!("{MOST_IMAGES} images and documents")
        } else {
            return Ok(());
        };
        Err(InvalidRequest::value(
            place.to_string(),
            format!(
                "Bedrock takes at most {what} in one turn. Messages of the user that follow each other are one turn."
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::bedrock::request::{DocumentBlock, ImageBlock, ImageFormat, MediaSource};

    /// How many of `blocks` a turn takes.
    fn taken(model: &str, blocks: &[ContentBlock<'_>]) -> usize {
        let family = Family::of(Some(model));
        let mut media = TurnMedia::default();
        let refused = blocks.iter().enumerate().find_map(|(part, block)| {
            let place = Place { message: 0, part };
            let refused = media.add(block, place, &family).err()?;
            assert_eq!(refused.param, Some(format!("messages[0].content[{part}]")));
            Some(part)
        });
        refused.unwrap_or(blocks.len())
    }

    fn image<'a>() -> ContentBlock<'a> {
        ContentBlock::Image(ImageBlock {
            format: ImageFormat::Png,
            source: MediaSource::Bytes(Cow::Borrowed("aGk=")),
        })
    }

    fn document<'a>() -> ContentBlock<'a> {
        ContentBlock::Document(DocumentBlock {
            format: "txt",
            name: Cow::Borrowed("a"),
            source: MediaSource::Bytes(Cow::Borrowed("aGk=")),
            citations: None,
        })
    }

    #[test]
    fn images_and_documents_are_counted() {
        let many = |block: fn() -> ContentBlock<'static>, count: usize| {
            std::iter::repeat_with(block)
                .take(count)
                .collect::<Vec<_>>()
        };
        let (claude, nova) = ("anthropic.claude-sonnet-5", "amazon.nova-pro-v1:0");
        for model in [claude, nova] {
            assert_eq!(taken(model, &many(image, 20)), 20);
            assert_eq!(taken(model, &many(image, 21)), 20);
            assert_eq!(taken(model, &many(document, 6)), 5);
        }
        let mut both = many(image, 18);
        both.extend(many(document, 3));
        assert_eq!(taken(claude, &both), 20);
        assert_eq!(taken(nova, &both), 21);
        let texts = vec![ContentBlock::Text(Cow::Borrowed("hi"))];
        assert_eq!(taken(nova, &texts), 1);
    }
}
