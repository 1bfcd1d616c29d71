//! JSON in a text: alone, or in a fence, perhaps after a phrase.

use super::characters::{Characters, Value, is_blank, is_whitespace};
use super::{MAX_HELD_LENGTH, Piece};

/// The most characters of the word after a fence: `json`.
const MAX_LANGUAGE: u8 = 16;

/// Reads a text, in any split, and passes its first JSON object on as it comes. The object must open a line, or
/// stand in a fence that does.
#[derive(Debug, Default)]
pub(super) struct TextReader {
    place: Place,
    /// What came before the object, escaped.
    held: String,
    /// Where its last line begins.
    line: usize,
}

#[derive(Clone, Copy, Debug, Default)]
enum Place {
    /// At a line's beginning, perhaps after spaces: an object or a fence may open here.
    #[default]
    LineStart,
    /// In the backticks of a fence, after this many.
    Backticks(u8),
    /// In the word after them, after this many characters.
    Language(u8),
    /// After a fence's opening: only an object makes it one.
    Fence,
    /// In a line of prose.
    Line,
    /// In the object.
    Object(Value),
    /// After the object. What closes a fence is not told.
    After { spoken: bool },
    /// After a call: nothing that follows is the answer.
    Beside,
    /// In a text that is too long to be held back.
    Plain,
}

impl TextReader {
    /// Whether an object was found, or given up.
    pub(super) fn has_answer(&self) -> bool {
        matches!(
            self.place,
            Place::Object(_) | Place::After { .. } | Place::Plain
        )
    }

    pub(super) fn push(&mut self, escaped: &str, sink: &mut impl FnMut(Piece<'_>)) {
        let mut from = 0;
        for (range, ascii) in Characters::of(escaped) {
            let before = escaped.get(from..range.start).unwrap_or_default();
            match &mut self.place {
                Place::Plain | Place::Beside | Place::After { spoken: true } => break,
                Place::Object(object) => {
                    if object.ends_with(ascii) {
                        content(escaped.get(from..range.end), sink);
                        from = range.end;
                        self.place = Place::After { spoken: false };
                    }
                }
                Place::After { spoken } => {
                    if is_whitespace(ascii) || ascii == Some(b'`') {
                        from = range.end;
                    } else {
                        *spoken = true;
                    }
                }
                _ => {
                    self.place = self.place.after(ascii);
                    let length = self.held.len() + (range.end - from);
                    if matches!(self.place, Place::Object(_)) {
                        self.held.push_str(before);
                        self.open(sink);
                        from = range.start;
                    } else if length > MAX_HELD_LENGTH {
                        content(Some(&std::mem::take(&mut self.held)), sink);
                        self.place = Place::Plain;
                    } else if ascii == Some(b'\n') && matches!(self.place, Place::LineStart) {
                        self.line = length;
                    }
                }
            }
        }
        let rest = escaped.get(from..).unwrap_or_default();
        match self.place {
            Place::Object(_) | Place::Plain => content(Some(rest), sink),
            Place::After { .. } | Place::Beside => reasoning(rest, sink),
            _ => self.held.push_str(rest),
        }
    }

    /// A call begins: what was held back is said beside it.
    pub(super) fn interrupt(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        if self.has_answer() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        if !is_blank(&held) {
            reasoning(&held, sink);
        }
        self.place = Place::Beside;
    }

    /// The text ends: without an object it is the content itself.
    pub(super) fn finish(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        content(Some(&std::mem::take(&mut self.held)), sink);
    }

    /// Leaves out what opened the object; what was said before is told.
    fn open(&mut self, sink: &mut impl FnMut(Piece<'_>)) {
        let held = std::mem::take(&mut self.held);
        let said = held.get(..self.line).unwrap_or_default();
        if !is_blank(said) {
            reasoning(said, sink);
        }
    }
}

impl Place {
    /// Where the text is after one more character, before any object.
    fn after(self, ascii: Option<u8>) -> Self {
        match (self, ascii) {
            (
                Self::LineStart | Self::Language(_) | Self::Fence | Self::Backticks(3),
                Some(b'{'),
            ) => {
                let mut object = Value::default();
                object.ends_with(ascii);
                Self::Object(object)
            }
            (Self::LineStart, Some(b'`')) => Self::Backticks(1),
            (Self::Backticks(count @ (1 | 2)), Some(b'`')) => Self::Backticks(count + 1),
            (Self::Backticks(3), Some(byte)) if byte.is_ascii_alphanumeric() => Self::Language(1),
            (Self::Language(count @ 1..MAX_LANGUAGE), Some(byte))
                if byte.is_ascii_alphanumeric() =>
            {
                Self::Language(count + 1)
            }
            (Self::Backticks(3) | Self::Language(_) | Self::Fence, _) if is_whitespace(ascii) => {
                Self::Fence
            }
            (_, Some(b'\n')) => Self::LineStart,
            (Self::LineStart, _) if is_whitespace(ascii) => Self::LineStart,
            _ => Self::Line,
        }
    }
}

fn content(escaped: Option<&str>, sink: &mut impl FnMut(Piece<'_>)) {
    if let Some(escaped) = escaped.filter(|escaped| !escaped.is_empty()) {
        sink(Piece::Content(escaped));
    }
}

fn reasoning(escaped: &str, sink: &mut impl FnMut(Piece<'_>)) {
    if !escaped.is_empty() {
        sink(Piece::Reasoning(escaped));
    }
}
