//! Which part of a conversation a guardrail checks.

use std::borrow::Cow;

use serde_json::Value;

use super::context::Guarding;
use crate::bedrock::request::{
    ContentBlock, ConversationRole, GuardContentBlock, GuardText, ImageBlock, ImageFormat, Message,
};
use crate::openai::ChatCompletionRequest;

/// Marks the new input of a request whose guardrail, the operator's or the client's, checks nothing else.
pub(super) fn guard(
    messages: &mut [Message<'_>],
    request: &ChatCompletionRequest<'_>,
    guarding: Guarding<'_>,
) {
    let object = request.bedrock.as_ref();
    let asked = object.and_then(|object| object.members().get("guardrailConfig"));
    let guarded = guarding.guardrail.is_some() || asked.is_some_and(Value::is_object);
    if guarded && guarding.only_new_input {
        guard_new_input(messages);
    }
}

/// Marks the text and the images of the last user turn as what a guardrail checks; it then passes over everything
/// else. A turn of results alone is left as it is, and so is a conversation that ends with the assistant: then all
/// is checked.
fn guard_new_input(messages: &mut [Message<'_>]) {
    let last = messages.last_mut();
    let Some(turn) = last.filter(|turn| turn.role == ConversationRole::User) else {
        return;
    };
    for block in &mut turn.content {
        let taken = std::mem::replace(block, ContentBlock::Text(Cow::Borrowed("")));
        *block = match taken {
            ContentBlock::Text(text) => {
                ContentBlock::GuardContent(GuardContentBlock::Text(GuardText { text }))
            }
            ContentBlock::Image(image) if is_guarded(&image) => {
                ContentBlock::GuardContent(GuardContentBlock::Image(image))
            }
            other => other,
        };
    }
}

/// `GuardrailConverseImageBlock` knows two formats.
fn is_guarded(image: &ImageBlock<'_>) -> bool {
    matches!(image.format, ImageFormat::Png | ImageFormat::Jpeg)
}
