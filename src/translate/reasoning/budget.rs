//! Thinking that is measured in tokens, within the limit of the whole output.

use super::wish::Amount;
use crate::openai::ChatCompletionRequest;
use crate::openai::reasoning::ReasoningEffort;
use crate::translate::context::Context;
use crate::translate::inference::{asked_limit, default_limit};

/// The least budget that Claude takes, in tokens.
const LEAST: u32 = 1024;
/// What must be left of the limit for the answer, in tokens. `maxTokens` counts the thoughts as well.
const LEAST_ANSWER: u32 = 1024;
/// The budgets that pi-ai, OpenClaw's client, has for the words, in tokens.
const BUDGETS: [(ReasoningEffort, u32); 4] = [
    (ReasoningEffort::Minimal, 1024),
    (ReasoningEffort::Low, 2048),
    (ReasoningEffort::Medium, 8192),
    (ReasoningEffort::High, 16_384),
];

/// A budget and the limit that it is part of, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Budget {
    pub(super) tokens: u32,
    pub(super) limit: u32,
}

/// The tokens for an effort.
fn tokens_for(effort: ReasoningEffort) -> u32 {
    let mut budgets = BUDGETS.iter();
    let budget = budgets.find(|(word, _)| *word >= effort);
    budget
        .or(BUDGETS.last())
        .map_or(LEAST, |(_, tokens)| *tokens)
}

/// The least effort that comes with as many tokens.
pub(super) fn effort_for(tokens: u64) -> ReasoningEffort {
    let mut budgets = BUDGETS.iter();
    let budget = budgets.find(|(_, budget)| u64::from(*budget) >= tokens);
    budget.map_or(ReasoningEffort::High, |(word, _)| *word)
}

/// The budget for a wish; none if it would not leave enough for the answer.
///
/// A client that names the tokens itself may have counted them into its limit, as Anthropic and OpenRouter do: that
/// limit is kept if there is room in it.
pub(super) fn budget(
    wish: Amount,
    request: &ChatCompletionRequest<'_>,
    context: &Context<'_>,
) -> Option<Budget> {
    let most = context
        .family
        .max_output_tokens
        .unwrap_or(i32::MAX.unsigned_abs());
    let tokens = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let (wanted, named) = match wish {
        Amount::Tokens(count) => (tokens(count).max(LEAST), true),
        Amount::Effort(effort) => (tokens_for(effort), false),
    };
    let asked = asked_limit(request).map(|(_, limit)| tokens(limit).min(most));
    let has_room = named && asked.is_some_and(|limit| limit.saturating_sub(LEAST_ANSWER) >= wanted);
    let answer = asked
        .or_else(|| default_limit(context.family))
        .unwrap_or(most);
    let limit = if context.add_budget_to_max_tokens && !has_room {
        answer.saturating_add(wanted).min(most)
    } else {
        answer
    };
    let tokens = wanted.min(limit.saturating_sub(LEAST_ANSWER));
    (tokens >= LEAST).then_some(Budget { tokens, limit })
}
