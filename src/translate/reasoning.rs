//! Whether the model is to think, and what is sent so that it does. This is decided before the conversation is
//! built, which looks different when the model thinks; the fields are written last, because a conversation whose
//! thoughts are lost can only go on without.

mod budget;
mod claude;
mod effort;
mod wish;

use serde_json::{Map, Value, json};

use super::context::Context;
use super::conversation::Missing;
use super::notes::Notes;
use crate::bedrock::{EffortField, Family, Reasoning, Sampling, ToolChoiceForms, TopK};
use crate::openai::ChatCompletionRequest;
use crate::openai::reasoning::ReasoningEffort;
use budget::Budget;
use effort::nearest;
use wish::{Wish, wish};

/// The efforts of Nova's `maxReasoningEffort`.
const NOVA_EFFORTS: &[&str] = &["low", "medium", "high"];

/// Those with which it takes `maxTokens`.
const NOVA_EFFORTS_WITH_LIMIT: &[&str] = &["low", "medium"];

/// Whether the model thinks about a request, and what makes it.
#[derive(Debug)]
pub(super) struct Thinking {
    on: bool,
    /// Whether it would, had its conversation allowed it.
    switched_off: bool,
    /// The members of `additionalModelRequestFields` that say so.
    fields: Map<String, Value>,
    limit: Limit,
    reasoning: Reasoning,
}

/// What thinking makes of `maxTokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Limit {
    /// Nothing.
    #[default]
    AsAsked,
    /// This many tokens, those of the thoughts included.
    Tokens(u32),
    /// There must be none.
    Unset,
}

impl Thinking {
    /// Decides whether the model thinks, by what the request says and what the family takes.
    pub(super) fn decide(
        request: &ChatCompletionRequest<'_>,
        context: &Context<'_>,
        notes: &mut Notes,
    ) -> Self {
        let reasoning = context.family.reasoning;
        let options = &request.reasoning;
        match reasoning {
            Reasoning::Budget { .. } | Reasoning::Adaptive(_) => {
                let mut thinking = claude::decide(request, context, notes);
                thinking.on |= is_asked_for_natively(request);
                thinking
            }
            _ => {
                claude::ignore_objects(options, notes);
                let wish = wish(options, false, notes);
                let bounded = context.key_rules.max_tokens.is_some();
                Self::with_word(reasoning, wish, bounded, notes)
            }
        }
    }

    /// Whether the model thinks, asked or unasked.
    pub(super) fn is_on(&self) -> bool {
        self.on
    }

    /// Whether the model would think about the request if its conversation allowed it.
    pub(super) fn is_wanted(&self) -> bool {
        self.on || self.switched_off
    }

    /// Switches thinking off because the conversation lacks the thoughts before the calls whose results come last.
    /// With a budget they must be there ("Expected `thinking` or `redacted_thinking`, but found `tool_use`"). A model
    /// that thinks as it finds right may have had none; but it is not asked to go on from thoughts that are lost. One
    /// that thinks unasked is left alone.
    pub(super) fn settle(&mut self, missing: Missing, notes: &mut Notes) {
        let is_asked = self.fields.contains_key("thinking");
        if self.is_on() && is_asked && (missing == Missing::Lost || self.is_enabled()) {
            self.switch_off(notes);
        }
    }

    /// Takes a budget.
    fn budget(&mut self, budget: Budget) {
        self.on = true;
        self.limit = Limit::Tokens(budget.limit);
    }

    /// Lets the model answer without thinking, where it can; otherwise nothing changes.
    pub(super) fn switch_off(&mut self, notes: &mut Notes) {
        let disabled = match self.reasoning {
            Reasoning::Budget { .. } => None,
            Reasoning::Adaptive(adaptive) if !adaptive.on_by_default => None,
            Reasoning::Adaptive(adaptive) if adaptive.can_be_disabled => {
                Some(json!({"type": "disabled"}))
            }
            _ => return,
        };
        if !std::mem::take(&mut self.on) {
            return;
        }
        self.switched_off = true;
        self.limit = Limit::AsAsked;
        self.fields.shift_remove("thinking");
        claude::forget_interleaving(&mut self.fields);
        claude::lower_effort(&mut self.fields, notes);
        self.fields
            .extend(disabled.map(|disabled| ("thinking".to_owned(), disabled)));
        notes.adjust("thinking", &"disabled");
    }

    /// The family as it is while the model thinks, or does not: what it takes less then.
    pub(super) fn narrow(&self, family: &Family) -> Family {
        let mut family = *family;
        if !self.on {
            return family;
        }
        family.prefill = false;
        let (sampling, forced_calls) = match self.reasoning {
            Reasoning::Budget { .. } | Reasoning::Adaptive(_) => (false, !self.is_enabled()),
            Reasoning::Effort { forced_calls, .. } => (true, forced_calls),
            _ => (self.limit != Limit::Unset, true),
        };
        if !sampling {
            family.sampling = Sampling::Refused;
            family.top_k = TopK::Nowhere;
        }
        if !forced_calls {
            family.tool_choice = ToolChoiceForms::Auto;
        }
        family
    }

    /// Whether thinking has a budget, which makes the model stricter than thinking that adapts itself.
    fn is_enabled(&self) -> bool {
        self.limit != Limit::AsAsked && self.fields.contains_key("thinking")
    }

    /// What becomes of `maxTokens`.
    pub(super) fn limit(&self) -> Limit {
        self.limit
    }

    /// Writes what makes the model think, or keeps it from thinking.
    pub(super) fn write(self, additional: &mut Map<String, Value>) {
        additional.extend(self.fields);
    }

    fn new(reasoning: Reasoning, on: bool) -> Self {
        Self {
            on,
            switched_off: false,
            fields: Map::new(),
            limit: Limit::default(),
            reasoning,
        }
    }

    /// For models that are told in one word, or cannot be told at all. An answer that is `bounded` must have a limit.
    fn with_word(
        reasoning: Reasoning,
        wish: Option<Wish>,
        bounded: bool,
        notes: &mut Notes,
    ) -> Self {
        let (values, on_by_default): (&[&str], bool) = match reasoning {
            Reasoning::ReasoningConfig if bounded => (NOVA_EFFORTS_WITH_LIMIT, false),
            Reasoning::ReasoningConfig => (NOVA_EFFORTS, false),
            Reasoning::Effort {
                values,
                on_by_default,
                ..
            } => (values, on_by_default),
            always => (&[], always == Reasoning::Embedded),
        };
        let mut thinking = Self::new(reasoning, on_by_default);
        let Some(wish) = wish else {
            return thinking;
        };
        let Some(word) = nearest(wish.effort(), values) else {
            if on_by_default || wish.effort() != ReasoningEffort::None {
                notes.ignore(wish.path);
            }
            return thinking;
        };
        wish.note(word, notes);
        thinking.on = word != "none";
        match reasoning {
            Reasoning::ReasoningConfig => {
                let config = json!({"type": "enabled", "maxReasoningEffort": word});
                thinking.fields.insert("reasoningConfig".to_owned(), config);
                if word == "high" {
                    thinking.limit = Limit::Unset;
                }
            }
            Reasoning::Effort { field, .. } => {
                let (name, value) = match field {
                    EffortField::ReasoningEffort => ("reasoning_effort", json!(word)),
                    EffortField::Reasoning => ("reasoning", json!({"effort": word})),
                    EffortField::ReasoningConfig => ("reasoning_config", json!(word)),
                };
                thinking.fields.insert(name.to_owned(), value);
            }
            _ => {}
        }
        thinking
    }
}

/// Whether the `bedrock` object makes Claude think. That is merged over everything else; here it matters because the
/// conversation must then hold its thoughts.
fn is_asked_for_natively(request: &ChatCompletionRequest<'_>) -> bool {
    let fields = request
        .bedrock
        .as_ref()
        .and_then(|object| object.members().get("additionalModelRequestFields"));
    let kind = fields.and_then(|fields| fields.pointer("/thinking/type")?.as_str());
    matches!(kind, Some("enabled" | "adaptive"))
}

#[cfg(test)]
mod tests;
