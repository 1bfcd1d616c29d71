//! What a key lays down for its requests, whatever they say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::notes::Notes;
use super::output_limit::{limit_choices, limit_thinking, output_limits};
use crate::bedrock::Family;
use crate::openai::{BedrockObject, InvalidRequest};

/// The most tags that Converse takes.
pub(super) const MAX_TAGS: usize = 16;

/// What a key lays down for its requests, whatever they say.
#[derive(Clone, Copy, Debug)]
pub struct KeyRules<'k> {
    /// The most tokens of an answer, thoughts included.
    pub max_tokens: Option<u32>,
    /// Pairs for `requestMetadata`, at most 16 that Converse takes.
    pub tags: &'k BTreeMap<String, String>,
    /// Whether a request may not hold a `bedrock` object.
    pub no_bedrock: bool,
}

impl Default for KeyRules<'_> {
    /// No rules.
    fn default() -> Self {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        Self {
            max_tokens: None,
            tags: NONE,
            no_bedrock: false,
        }
    }
}

impl<'k> KeyRules<'k> {
    /// Whether a request may say something in Bedrock's own words.
    ///
    /// # Errors
    /// When it does, and the key was made without that right.
    pub fn permit(&self, object: Option<&BedrockObject>) -> Result<(), InvalidRequest> {
        if self.no_bedrock && object.is_some() {
            let message = "This key may not use the 'bedrock' object.";
            return Err(InvalidRequest::unsupported("bedrock", message));
        }
        Ok(())
    }

    /// The family as it is for answers of the key's length.
    pub(super) fn bound(&self, family: &Family) -> Family {
        let Some(limit) = self.max_tokens else {
            return *family;
        };
        let most = family
            .max_output_tokens
            .map_or(limit, |most| most.min(limit));
        Family {
            max_output_tokens: Some(most),
            min_output_tokens: family.min_output_tokens.min(most),
            ..*family
        }
    }

    /// The key's tags, as the beginning of `requestMetadata`.
    pub(super) fn request_metadata<'a>(&self) -> BTreeMap<Cow<'a, str>, Cow<'a, str>>
    where
        'k: 'a,
    {
        let tags = self.tags.iter();
        tags.map(|(key, value)| (key.as_str().into(), value.as_str().into()))
            .collect()
    }

    /// Takes out of `members`, which go over `translated`, what stands against the key's tags: pairs of the same names, pairs
    /// for which there is no room beside them, and what would replace all of them.
    pub(super) fn keep_tags(
        &self,
        members: &mut Map<String, Value>,
        translated: &BTreeMap<Cow<'_, str>, Cow<'_, str>>,
        notes: &mut Notes,
    ) {
        const PATH: &str = "bedrock.requestMetadata";
        let Some(metadata) = members.get_mut("requestMetadata") else {
            return;
        };
        if self.tags.is_empty() {
            return;
        }
        let Some(pairs) = metadata.as_object_mut() else {
            members.shift_remove("requestMetadata");
            notes.ignore(PATH);
            return;
        };
        let mut room = MAX_TAGS.saturating_sub(translated.len());
        pairs.retain(|name, value| {
            let is_another = !value.is_null() && !translated.contains_key(name.as_str());
            let kept = !self.tags.contains_key(name) && (!is_another || room > 0);
            room = room.saturating_sub((kept && is_another).into());
            if !kept {
                notes.ignore(format!("{PATH}.{name}"));
            }
            kept
        });
    }

    /// Lowers what `settings` says of the answer's length to the key's limit, or says it there where nothing is said.
    pub(super) fn limit_output(&self, settings: &mut Map<String, Value>, notes: &mut Notes) {
        let Some(limit) = self.max_tokens else {
            return;
        };
        let config = settings.entry("inferenceConfig").or_insert(Value::Null);
        if !config.is_object() {
            *config = Value::Object(Map::new());
        }
        if let Some(config) = config.as_object_mut() {
            config.entry("maxTokens").or_insert(Value::Null);
        }
        let (mut lowered, mut longest) = (false, 0);
        for tokens in output_limits(settings) {
            let within = tokens.as_u64().filter(|tokens| *tokens <= limit.into());
            longest = longest.max(within.unwrap_or_else(|| limit.into()));
            if within.is_none() {
                *tokens = limit.into();
                lowered = true;
            }
        }
        if lowered {
            notes.adjust("max_tokens", &limit);
        }
        limit_choices(settings, notes);
        limit_thinking(settings, longest, notes);
    }
}

#[cfg(test)]
mod tests;
