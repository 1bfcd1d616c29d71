//! Whether the model thinks decides what the conversation looks like, and what the conversation holds decides
//! whether the model can think: here the two are brought together.

use super::context::Context;
use super::conversation::{Conversation, conversation};
use super::notes::Notes;
use super::reasoning::Thinking;
use super::replay::{Replay, Restorer};
use super::tool_names::ToolNames;
use crate::openai::{ChatCompletionRequest, InvalidRequest};

/// The conversation, with the model's reasoning in it, and whether the model thinks about it: not when it lacks
/// reasoning that it would need.
///
/// # Errors
/// For content that Bedrock or the model cannot take, and when nothing is left to send.
pub(super) fn settled_conversation<'a>(
    request: &mut ChatCompletionRequest<'a>,
    context: &Context<'a>,
    tool_names: &mut ToolNames,
    notes: &mut Notes,
) -> Result<(Thinking, Conversation<'a>), InvalidRequest> {
    let mut thinking = Thinking::decide(request, context, notes);
    if !context.replay {
        thinking.switch_off(notes);
    }
    let mut conversation = conversation(
        std::mem::take(&mut request.messages),
        &thinking.narrow(context.family),
        restorer(&thinking, context),
        context.elsewhere,
        tool_names,
        notes,
    )?;
    if let Some(missing) = conversation.missing_reasoning {
        thinking.settle(missing, notes);
    }
    if !thinking.is_on() {
        conversation.drop_reasoning();
    } else if !context.replay {
        notes.adjust("reasoning", &"dropped");
    }
    Ok((thinking, conversation))
}

/// What brings the model's reasoning back to it: only while it thinks, and not what Bedrock has just refused.
fn restorer<'c>(thinking: &Thinking, context: &Context<'c>) -> Restorer<'c> {
    match context.foundation_model {
        _ if !context.replay => Restorer::after_refusal(),
        Some(signer) if thinking.is_on() && context.family.replays_reasoning => {
            Restorer::of(signer, context.state_key, context.recalled)
        }
        _ => Restorer::default(),
    }
}

/// What the answer's reasoning needs so that it can come back.
pub(super) fn replay(thinking: &Thinking, context: &Context<'_>) -> Option<Replay> {
    let signer = context.foundation_model?;
    context.family.replays_reasoning.then(|| Replay {
        signer: signer.to_owned(),
        thinking: thinking.is_wanted(),
        state_key: context.state_key.cloned(),
    })
}
