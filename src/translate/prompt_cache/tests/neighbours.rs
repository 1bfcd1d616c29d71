//! Blocks that a point may not follow.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::super::{Anchor, Mark, Wishes, set_points};
use super::CLAUDE;
use crate::bedrock::Family;
use crate::bedrock::request::{
    ContentBlock, ConversationRole, ConverseRequest, DocumentBlock, InferenceConfiguration,
    MediaSource, Message as Turn, ReasoningContentBlock,
};
use crate::openai::cache_control::CacheControl;
use crate::translate::{Context, Notes};

fn text(text: &str) -> ContentBlock<'_> {
    ContentBlock::Text(Cow::Borrowed(text))
}

/// A document that is long enough to be cached.
fn document<'a>() -> ContentBlock<'a> {
    ContentBlock::Document(DocumentBlock {
        format: "txt",
        name: Cow::Borrowed("a"),
        source: MediaSource::Bytes(Cow::Owned("A".repeat(80_000))),
        citations: None,
    })
}

/// The messages of a request of these turns with their points; the client has set one after `anchor`.
fn with_point(
    turns: Vec<(ConversationRole, Vec<ContentBlock<'_>>)>,
    anchor: Anchor<'_>,
) -> (Value, Option<String>) {
    let turns = turns.into_iter();
    let mut request = ConverseRequest {
        inference_config: InferenceConfiguration::default(),
        additional_model_request_fields: Map::new(),
        performance_config: None,
        service_tier: None,
        output_config: None,
        guardrail_config: None,
        request_metadata: BTreeMap::new(),
        additional_model_response_field_paths: Vec::new(),
        tool_config: None,
        system: Vec::new(),
        messages: turns
            .map(|(role, content)| Turn { role, content })
            .collect(),
    };
    let control = CacheControl {
        path: "cache_control".to_owned(),
        part: None,
        ttl: None,
    };
    let wishes = Wishes {
        marks: vec![(anchor, Mark::new(control, "messages[9]"))],
        repeated: request.messages.len(),
        ..Wishes::default()
    };
    let family = Family::of(Some(CLAUDE));
    let mut notes = Notes::default();
    set_points(&mut request, wishes, &Context::new(&family), &mut notes);
    let messages = serde_json::to_value(&request.messages).unwrap();
    (messages, notes.ignored())
}

#[test]
fn a_text_stands_between_a_document_and_a_point() {
    let turns = vec![
        (ConversationRole::User, vec![text("Read."), document()]),
        (ConversationRole::Assistant, vec![text("Done.")]),
        (ConversationRole::User, vec![document(), text("And this?")]),
    ];
    let (messages, ignored) = with_point(turns, Anchor::Block { turn: 2, later: 1 });
    let content = &messages[2]["content"];
    assert_eq!(content[1], json!({"text": "(end of the file)"}));
    assert_eq!(content[2], json!({"cachePoint": {"type": "default"}}));
    assert_eq!(content[3], json!({"text": "And this?"}));
    assert_eq!(ignored, None);
    // An automatic point could only stand before the document, where it is too early.
    assert_eq!(messages[0]["content"].as_array().unwrap().len(), 2);
}

#[test]
fn an_automatic_point_stands_before_documents_at_the_end() {
    let turns = vec![
        (
            ConversationRole::User,
            vec![document(), text("Read."), document()],
        ),
        (ConversationRole::Assistant, vec![text("Done.")]),
        (ConversationRole::User, vec![text("Thanks.")]),
    ];
    let (messages, _) = with_point(turns, Anchor::Block { turn: 2, later: 0 });
    let content = &messages[0]["content"];
    assert_eq!(content[2], json!({"cachePoint": {"type": "default"}}));
    assert!(content[3].get("document").is_some());
}

#[test]
fn none_stands_after_reasoning() {
    let thought = ReasoningContentBlock::RedactedContent(Cow::Borrowed("AAAA"));
    let turns = vec![
        (ConversationRole::User, vec![text("Why?")]),
        (
            ConversationRole::Assistant,
            vec![ContentBlock::ReasoningContent(thought), text("So.")],
        ),
        (ConversationRole::User, vec![text("Thanks.")]),
    ];
    let (messages, ignored) = with_point(turns, Anchor::Block { turn: 1, later: 1 });
    assert_eq!(ignored.unwrap(), "messages[9].cache_control");
    assert!(!messages.to_string().contains("cachePoint"));
}
