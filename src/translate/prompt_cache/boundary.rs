//! Automatic cache points: after the tools, after the system prompt, and at the end of the last two user turns.

use super::length::tokens_before;
use super::place::{Place, Rules};
use crate::bedrock::request::{ContentBlock, ConversationRole, ConverseRequest, Message as Turn};
use crate::translate::conversation::OPERATOR_NOTE;
use crate::translate::turn::RESULTS_SEEN;

/// How many user turns get a point: the last, which the next request reads, and the one before it, which the
/// request before this one wrote.
const ROLLING: usize = 2;

/// What OpenClaw says of the moment stands between these, in a message that it moves to the end of each request.
const INTERNAL_CONTEXT: (&str, &str) = (
    "<<<BEGIN_OPENCLAW_INTERNAL_CONTEXT>>>",
    "<<<END_OPENCLAW_INTERNAL_CONTEXT>>>",
);

/// Whether the model has said something already. A question alone comes once, and what nobody reads again costs
/// more when it is cached.
pub(super) fn has_history(request: &ConverseRequest<'_>) -> bool {
    let is_history = |turn: &Turn<'_>| turn.role == ConversationRole::Assistant;
    request.messages.iter().any(is_history)
}

/// The places that are worth a point, the most valuable first. `turns` are the messages that the next request
/// repeats.
pub(super) fn places(
    request: &ConverseRequest<'_>,
    turns: &[Turn<'_>],
    rules: &Rules,
) -> Vec<Place> {
    let user = turns.iter().enumerate().rev();
    let user = user.filter(|(index, _)| rules.takes_points(*index));
    let user = user.filter(|(index, _)| !turns.get(index + 1).is_some_and(is_seam));
    let rolling = user.filter_map(|(index, turn)| {
        let block = last_stable(turn)?;
        Some(Place::Block { turn: index, block })
    });
    let system = request.system.len().checked_sub(1).map(Place::System);
    let tools = request.tool_config.iter().filter(|_| rules.cache.tools);
    let tools = tools.filter_map(|config| config.tools.len().checked_sub(1).map(Place::Tool));
    rolling
        .take(ROLLING)
        .chain(system)
        .chain(tools)
        .filter(|place| tokens_before(request, *place) >= u64::from(rules.cache.min_tokens))
        .collect()
}

/// Whether an assistant turn was only put between the halves of a user turn. The client sent both at once, so that
/// no request ended with the first.
fn is_seam(turn: &Turn<'_>) -> bool {
    matches!(turn.content.as_slice(), [ContentBlock::Text(text)] if text == RESULTS_SEEN)
}

/// The block of a user turn after which a point may stand and will be read again: what follows it is not there
/// in the next request, or not at this place.
///
/// The same turn gives the same block in every request, whether the client keeps what follows or not.
fn last_stable(turn: &Turn<'_>) -> Option<usize> {
    if turn.role != ConversationRole::User {
        return None;
    }
    turn.content.iter().rposition(|block| match block {
        ContentBlock::Text(text) => !is_of_the_moment(text),
        ContentBlock::Image(_) | ContentBlock::ToolResult(_) => true,
        // Bedrock refuses a point right after documents and videos; a guarded block is a plain one next time.
        _ => false,
    })
}

/// Whether a client makes this text anew at the end of each request: OpenClaw's context, and the reminders that
/// other clients add as a system message.
fn is_of_the_moment(text: &str) -> bool {
    let (begin, end) = INTERNAL_CONTEXT;
    text.starts_with(OPERATOR_NOTE)
        || (text.trim_start().starts_with(begin) && text.trim_end().ends_with(end))
}
