//! Images, documents, videos and sound: what parts hold becomes blocks, within the limits of Bedrock and the model.
//! Their base64 text is copied as it stands; only the bytes that tell what it is are decoded.

use self::document_names::DocumentNames;
use super::context::Elsewhere;
use crate::bedrock::Family;

mod audio;
mod data;
mod dimensions;
mod document_names;
mod file;
mod image;
mod label;
mod limits;
mod magic;
mod place;
mod s3;
mod video;

pub(super) use self::limits::TurnMedia;
pub(super) use self::place::Place;

/// The media of one conversation.
pub(super) struct Media<'b, 'a> {
    family: &'b Family,
    elsewhere: Elsewhere<'a>,
    names: DocumentNames,
}

impl<'b, 'a> Media<'b, 'a> {
    /// The media of a conversation with a model of `family`.
    pub(super) fn new(family: &'b Family, elsewhere: Elsewhere<'a>) -> Self {
        Self {
            family,
            elsewhere,
            names: DocumentNames::default(),
        }
    }
}
