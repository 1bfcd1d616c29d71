//! The input of the answer's tool.

use super::Piece;
use super::characters::{Characters, Value, is_whitespace};

/// How an input begins that is a copy of its schema with the answer in it.
const COPIES: [&str; 2] = [r#"{"properties":{"#, r#"{"type":"object","properties":{"#];
/// The most bytes that are held back to find out.
const MAX_OPENING: usize = 256;

/// Reads the input, in any split, and passes it on as it comes.
#[derive(Debug, Default)]
pub(super) struct CallReader {
    place: Place,
    /// The opening as it came, escaped.
    held: String,
    /// The opening without whitespace, as far as it may be that of a copy.
    seen: String,
    /// Whether something was passed on.
    told: bool,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// Where the input is the answer or a copy of its schema.
    Opening,
    /// In an input that is the answer.
    #[default]
    Answer,
    /// In the answer inside a copy.
    Inside(Value),
    /// After the answer.
    Over,
}

impl CallReader {
    /// A reader that looks for copies of the schema when the answer cannot be mistaken for one.
    pub(super) fn new(unwraps: bool) -> Self {
        Self {
            place: if unwraps {
                Place::Opening
            } else {
                Place::Answer
            },
            ..Self::default()
        }
    }

    /// Nothing that follows is the answer.
    pub(super) fn pass_over(&mut self) {
        self.place = Place::Over;
        self.told = true;
    }

    pub(super) fn push(&mut self, escaped: &str, sink: &mut impl FnMut(Piece<'_>)) {
        let mut from = 0;
        for (range, ascii) in Characters::of(escaped) {
            match &mut self.place {
                Place::Answer | Place::Over => break,
                Place::Inside(value) => {
                    if value.ends_with(ascii) {
                        self.tell(escaped.get(from..range.end), sink);
                        self.place = Place::Over;
                    }
                }
                Place::Opening => match self.opening(ascii) {
                    Some(true) => {
                        let mut value = Value::default();
                        value.ends_with(ascii);
                        self.place = Place::Inside(value);
                        self.held.clear();
                        from = range.start;
                    }
                    Some(false) if self.held.len() + range.end <= MAX_OPENING => {}
                    _ => self.release(sink),
                },
            }
        }
        match self.place {
            Place::Answer | Place::Inside(_) => self.tell(escaped.get(from..), sink),
            Place::Opening => self.held.push_str(escaped),
            Place::Over => {}
        }
    }

    /// Ends the input. One without any text is an empty object.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        if matches!(self.place, Place::Opening) {
            self.release(sink);
        }
        if !self.told {
            self.tell(Some("{}"), sink);
        }
        self.pass_over();
    }

    /// Whether the opening is that of a copy, with this character; absent when it cannot become one any more.
    fn opening(&mut self, ascii: Option<u8>) -> Option<bool> {
        let in_string = self.seen.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
        if is_whitespace(ascii) && !in_string {
            return Some(false);
        }
        self.seen.push(char::from(ascii?));
        COPIES
            .iter()
            .find(|copy| copy.starts_with(&self.seen))
            .map(|copy| copy.len() == self.seen.len())
    }

    /// What was held back is the answer's beginning.
    fn release(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        self.place = Place::Answer;
        let held = std::mem::take(&mut self.held);
        self.tell(Some(&held), sink);
    }

    fn tell(&mut self, escaped: Option<&str>, sink: &mut impl FnMut(Piece<'_>)) {
        if let Some(escaped) = escaped.filter(|escaped| !escaped.is_empty()) {
            self.told = true;
            sink(Piece::Content(escaped));
        }
    }
}
