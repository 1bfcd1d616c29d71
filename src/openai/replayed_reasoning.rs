//! Reasoning on an assistant's message. OpenAI has no member for it; these are the ones that clients send back.

use std::borrow::Cow;

use super::json::{Field, Path};

/// Reasoning that an assistant's message carries beside its content. What is malformed
/// has no effect, like an unknown member: a history must not end a session.
#[derive(Debug, Default)]
pub struct ReplayedReasoning<'a> {
    /// `data` of the items of `reasoning_details` whose type is `reasoning.encrypted`, the shape of `OpenRouter`'s.
    pub encrypted: Vec<Cow<'a, str>>,
    /// `thinking_blocks`, `LiteLLM`'s copies of Anthropic's blocks.
    pub thinking_blocks: Vec<ThinkingBlock<'a>>,
    /// `reasoning_content`: all text.
    pub content: Option<Cow<'a, str>>,
    /// `reasoning_signature`: the signature of that text.
    pub signature: Option<Cow<'a, str>>,
    /// The members above that were there.
    members: Vec<&'static str>,
}

/// A block of Anthropic's Messages API, in `thinking_blocks` or among the parts of a content.
#[derive(Debug)]
pub enum ThinkingBlock<'a> {
    /// `thinking`; the signature is empty when there is none.
    Thinking {
        /// The thinking.
        thinking: Cow<'a, str>,
        /// What proves that the model wrote it.
        signature: Cow<'a, str>,
    },
    /// `redacted_thinking`: encrypted, base64.
    Redacted(Cow<'a, str>),
}

impl<'a> ReplayedReasoning<'a> {
    /// Reads the member `name` if it is one of reasoning and has its form, and says whether it is. Items of
    /// `reasoning_details` of another kind are noted in `extras`.
    pub(super) fn read(
        &mut self,
        name: &str,
        field: Field<'a, '_>,
        extras: &mut Vec<String>,
    ) -> bool {
        // `reasoning` and `reasoning_text` are what other gateways call the text.
        let known = [
            "reasoning_content",
            "reasoning_signature",
            "reasoning_details",
            "thinking_blocks",
            "reasoning",
            "reasoning_text",
        ];
        let Some(member) = known.into_iter().find(|known| *known == name) else {
            return false;
        };
        match member {
            "reasoning_content" if field.is_string() => self.content = field.string().ok(),
            "reasoning_signature" if field.is_string() => self.signature = field.string().ok(),
            "thinking_blocks" if field.is_array() => {
                let blocks = elements(field, ThinkingBlock::read);
                self.thinking_blocks = blocks.into_iter().flatten().collect();
            }
            "reasoning_details" if field.is_array() => {
                let details = elements(field, encrypted);
                if details.iter().any(Option::is_none) {
                    extras.push(member.to_owned());
                }
                self.encrypted = details.into_iter().flatten().collect();
            }
            "reasoning" | "reasoning_text" => {}
            _ => return false,
        }
        self.members.push(member);
        true
    }

    /// How many items there are.
    pub(super) fn elements(&self) -> usize {
        self.encrypted.len() + self.thinking_blocks.len()
    }

    /// The members that were there.
    pub(super) fn into_members(self) -> Vec<&'static str> {
        self.members
    }
}

impl<'a> ThinkingBlock<'a> {
    /// Reads a block; one of another type is none.
    pub(super) fn read(field: Field<'a, '_>) -> Option<Self> {
        let [kind, thinking, signature, data] =
            texts(field, ["type", "thinking", "signature", "data"])?;
        match kind.as_ref() {
            "thinking" => Some(Self::Thinking {
                thinking,
                signature,
            }),
            "redacted_thinking" => Some(Self::Redacted(data)),
            _ => None,
        }
    }
}

/// What an item of `reasoning_details` holds that only a gateway can read.
fn encrypted<'a>(field: Field<'a, '_>) -> Option<Cow<'a, str>> {
    let [kind, data] = texts(field, ["type", "data"])?;
    (kind == "reasoning.encrypted").then_some(data)
}

fn elements<'a, T>(field: Field<'a, '_>, read: impl Fn(Field<'a, '_>) -> T) -> Vec<T> {
    let elements = field.array().unwrap_or_default().into_iter().enumerate();
    elements
        .map(|(index, raw)| read(Field::new(raw, &Path::Element(field.path(), index))))
        .collect()
}

/// The members of these names, empty where they are absent or no strings; none when `field` is no object.
fn texts<'a, const N: usize>(field: Field<'a, '_>, names: [&str; N]) -> Option<[Cow<'a, str>; N]> {
    let mut texts = [const { Cow::Borrowed("") }; N];
    for (name, raw) in field.object().ok()?.0 {
        let path = Path::Member(field.path(), &name);
        let places = names.iter().zip(&mut texts);
        for (_, text) in places.filter(|(wanted, _)| **wanted == name) {
            *text = Field::new(raw, &path).string().unwrap_or_default();
        }
    }
    Some(texts)
}
