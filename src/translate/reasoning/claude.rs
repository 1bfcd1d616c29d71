//! Claude's forms: a budget until 4.5, and since 4.6 thinking that adapts itself. Anthropic's own objects,
//! `thinking` and `output_config`, are passed on and win over everything else.

use serde_json::{Map, Value, json};

use super::Thinking;
use super::budget::budget;
use super::effort::nearest;
use super::wish::{Amount, Wish, wish};
use crate::bedrock::{Adaptive, Reasoning};
use crate::openai::ChatCompletionRequest;
use crate::openai::reasoning::{ReasoningEffort, ReasoningOptions};
use crate::translate::context::Context;
use crate::translate::notes::Notes;

/// Lets Claude 4.0 to 4.5 think between their calls.
const INTERLEAVED: &str = "interleaved-thinking-2025-05-14";
/// Lets Claude Opus 4.5 take an effort.
const EFFORT: &str = "effort-2025-11-24";
/// The efforts of the models that do not know `xhigh`.
const EFFORTS: &[&str] = &["low", "medium", "high", "max"];
/// All efforts.
const EFFORTS_WITH_XHIGH: &[&str] = &["low", "medium", "high", "xhigh", "max"];
/// The efforts that a model takes that does not think although it could.
const EFFORTS_WITHOUT_THINKING: &[&str] = &["low", "medium", "high"];

/// What a request wants, in Anthropic's words.
#[derive(Clone, Copy)]
enum Asked {
    /// Nothing was said.
    Nothing,
    /// `disabled`, said at this path.
    Disabled(&'static str),
    /// `enabled`.
    Enabled(Wish),
    /// `adaptive`, with an effort.
    Adaptive(Option<Wish>),
}

/// A decision that is being made.
struct Decision<'d, 'a> {
    request: &'d ChatCompletionRequest<'a>,
    context: &'d Context<'d>,
    notes: &'d mut Notes,
    thinking: Thinking,
}

/// Decides for a Claude that thinks.
pub(super) fn decide(
    request: &ChatCompletionRequest<'_>,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Thinking {
    let reasoning = context.family.reasoning;
    let on_by_default = match reasoning {
        Reasoning::Adaptive(adaptive) => adaptive.on_by_default,
        _ => false,
    };
    let wish = wish(
        &request.reasoning,
        matches!(reasoning, Reasoning::Budget { .. }),
        notes,
    );
    let mut decision = Decision {
        request,
        context,
        notes,
        thinking: Thinking::new(reasoning, on_by_default),
    };
    let asked = decision.asked(wish);
    match (asked, reasoning) {
        (Asked::Nothing, _) => decision.configure(None),
        (Asked::Disabled(path), _) => decision.disable(path),
        (Asked::Enabled(wish), Reasoning::Adaptive(Adaptive { budget: false, .. })) => {
            decision.notes.adjust("thinking", &"adaptive");
            decision.adapt(Some(wish));
        }
        (Asked::Enabled(wish), _) => decision.enable(wish),
        (Asked::Adaptive(wish), Reasoning::Budget { .. }) => {
            decision.notes.adjust("thinking", &"enabled");
            decision.enable(decision.own_effort().or(wish).unwrap_or(Wish {
                path: "thinking",
                amount: Amount::Effort(ReasoningEffort::High),
            }));
        }
        (Asked::Adaptive(wish), _) => decision.adapt(wish),
    }
    decision.thinking
}

/// Names Anthropic's objects as ignored, for models that know neither.
pub(super) fn ignore_objects(options: &ReasoningOptions, notes: &mut Notes) {
    if options.thinking.is_some() {
        notes.ignore("thinking");
    }
    if !options.output_config.is_empty() {
        notes.ignore("output_config");
    }
}

/// Lowers an effort that is not taken without thinking.
pub(super) fn lower_effort(fields: &mut Map<String, Value>, notes: &mut Notes) {
    let effort = fields
        .get_mut("output_config")
        .and_then(|config| config.get_mut("effort"));
    if let Some(effort) = effort
        && let Some(asked) = effort.as_str().and_then(ReasoningEffort::named)
        && let Some(word) = nearest(asked, EFFORTS_WITHOUT_THINKING)
        && effort != word
    {
        notes.adjust("output_config.effort", &word);
        *effort = Value::from(word);
    }
}

/// Leaves out the beta that thinking between calls needs, when there is no thinking.
pub(super) fn forget_interleaving(fields: &mut Map<String, Value>) {
    let Some(Value::Array(betas)) = fields.get_mut("anthropic_beta") else {
        return;
    };
    betas.retain(|beta| beta != INTERLEAVED);
    if betas.is_empty() {
        fields.shift_remove("anthropic_beta");
    }
}

impl Decision<'_, '_> {
    /// What the request wants. `thinking` wins over a wish in other words, which then only says how much.
    fn asked(&mut self, wish: Option<Wish>) -> Asked {
        let own = self.request.reasoning.thinking.as_ref();
        let kind = own.and_then(|own| own.get("type")?.as_str());
        let tokens = own.and_then(|own| own.get("budget_tokens")?.as_u64());
        let is_off = |wish: &Wish| wish.effort() == ReasoningEffort::None;
        let counts = kind == Some("enabled") && tokens.is_some();
        if !counts && own.is_some_and(|own| own.contains_key("budget_tokens")) {
            self.notes.ignore("thinking.budget_tokens");
        }
        match (kind, wish) {
            (None, None) => Asked::Nothing,
            (None, Some(wish)) if is_off(&wish) => Asked::Disabled(wish.path),
            (None, Some(wish)) => match self.context.family.reasoning {
                Reasoning::Budget { .. } => Asked::Enabled(wish),
                _ => Asked::Adaptive(Some(wish)),
            },
            (Some("disabled"), wish) => {
                self.lose(wish.filter(|wish| !is_off(wish)));
                Asked::Disabled("thinking")
            }
            (Some("enabled"), wish) => {
                let wanted = wish.filter(|wish| tokens.is_none() && !is_off(wish));
                self.lose(wish.filter(|_| wanted.is_none()));
                Asked::Enabled(wanted.unwrap_or(match tokens {
                    Some(tokens) => Wish {
                        path: "thinking.budget_tokens",
                        amount: Amount::Tokens(tokens),
                    },
                    None => Wish {
                        path: "thinking",
                        amount: Amount::Effort(ReasoningEffort::Medium),
                    },
                }))
            }
            (Some(_), wish) => {
                self.lose(wish.filter(is_off));
                Asked::Adaptive(wish.filter(|wish| !is_off(wish)))
            }
        }
    }

    /// Notes that a wish has no effect beside `thinking`.
    fn lose(&mut self, wish: Option<Wish>) {
        if let Some(wish) = wish {
            self.notes.ignore(wish.path);
        }
    }

    /// Keeps the model from thinking, where that needs saying and can be said.
    fn disable(&mut self, path: &'static str) {
        let must_be_said = self.thinking.on;
        match self.thinking.reasoning {
            Reasoning::Adaptive(adaptive) if must_be_said && !adaptive.can_be_disabled => {
                self.notes.ignore(path);
                self.configure(None);
            }
            _ => {
                self.thinking.on = false;
                if must_be_said {
                    self.insert("thinking", json!({"type": "disabled"}));
                }
                self.configure(None);
                lower_effort(&mut self.thinking.fields, self.notes);
            }
        }
    }

    /// Enables thinking with a budget, if there is room for one.
    fn enable(&mut self, wish: Wish) {
        let Some(budget) = budget(wish.amount, self.request, self.context) else {
            self.notes.ignore(wish.path);
            self.configure(None);
            return;
        };
        if matches!(wish.amount, Amount::Tokens(tokens) if tokens != u64::from(budget.tokens)) {
            self.notes.adjust(wish.path, &budget.tokens);
        }
        self.thinking.budget(budget);
        let mut thinking = self.own_object("enabled");
        thinking.insert("budget_tokens".to_owned(), Value::from(budget.tokens));
        self.insert("thinking", Value::Object(thinking));
        self.configure(None);
        if let Reasoning::Budget {
            interleaved_beta: true,
            ..
        } = self.thinking.reasoning
        {
            self.beta(INTERLEAVED);
        }
    }

    /// Lets the model think as much as it finds right for an effort. Thoughts that it would hide are summarized,
    /// unless the request has a `thinking` of this kind already or does not want them.
    fn adapt(&mut self, wish: Option<Wish>) {
        let hides_text = match self.thinking.reasoning {
            Reasoning::Adaptive(adaptive) => adaptive.hides_text,
            _ => false,
        };
        let own = self.request.reasoning.thinking.as_ref();
        let is_own = own.is_some_and(|own| {
            own.contains_key("display") || own.get("type").is_some_and(|kind| kind == "adaptive")
        });
        let mut thinking = self.own_object("adaptive");
        let excluded = self.request.reasoning.unified.exclude;
        if self.context.gov_cloud {
            if thinking.shift_remove("display").is_some() {
                self.notes.ignore("thinking.display");
            }
        } else if hides_text && !is_own && !excluded {
            thinking.insert("display".to_owned(), Value::from("summarized"));
        }
        self.thinking.on = true;
        self.insert("thinking", Value::Object(thinking));
        self.configure(wish);
    }

    /// The request's own `thinking` as one of `kind`.
    fn own_object(&self, kind: &str) -> Map<String, Value> {
        let own = self.request.reasoning.thinking.clone();
        let mut thinking = own.unwrap_or_default();
        thinking.insert("type".to_owned(), Value::from(kind));
        if kind == "adaptive" {
            thinking.shift_remove("budget_tokens");
        }
        thinking
    }

    /// The effort of the request's own `output_config`.
    fn own_effort(&self) -> Option<Wish> {
        let word = self.request.reasoning.output_config.get("effort")?;
        Some(Wish {
            path: "output_config.effort",
            amount: Amount::Effort(ReasoningEffort::named(word.as_str()?)?),
        })
    }

    /// Passes `output_config` on, with the effort that is wished for unless it has its own.
    fn configure(&mut self, wish: Option<Wish>) {
        let mut config = Map::new();
        let own = &self.request.reasoning.output_config;
        let (efforts, adapts): (&[&str], bool) = match self.thinking.reasoning {
            Reasoning::Adaptive(adaptive) if adaptive.xhigh => (EFFORTS_WITH_XHIGH, true),
            Reasoning::Adaptive(_) => (EFFORTS, true),
            Reasoning::Budget {
                effort_beta: true, ..
            } => (EFFORTS_WITHOUT_THINKING, false),
            _ => (&[], false),
        };
        let own_effort = self.own_effort();
        let effort = own_effort.or(wish);
        if let (Some(wish), Some(effort)) = (wish, effort)
            && wish.path != effort.path
            && wish.effort() != effort.effort()
        {
            self.notes.ignore(wish.path);
        }
        match effort.map(|effort| (effort, nearest(effort.effort(), efforts))) {
            Some((effort, Some(word))) => {
                effort.note(word, self.notes);
                config.insert("effort".to_owned(), Value::from(word));
            }
            Some((effort, None)) => self.notes.ignore(effort.path),
            None => {}
        }
        for (name, value) in own {
            let taken = match name.as_str() {
                "effort" if own_effort.is_some() => continue,
                // A word that nobody knows.
                "effort" => false,
                "format" => self.context.family.structured_output,
                _ => adapts,
            };
            if taken {
                config.insert(name.clone(), value.clone());
            } else {
                self.notes.ignore(format!("output_config.{name}"));
            }
        }
        if !adapts && config.contains_key("effort") {
            self.beta(EFFORT);
        }
        if !config.is_empty() {
            self.insert("output_config", Value::Object(config));
        }
    }

    fn beta(&mut self, name: &str) {
        let betas = self.thinking.fields.entry("anthropic_beta");
        if let Value::Array(betas) = betas.or_insert_with(|| Value::Array(Vec::new())) {
            betas.push(Value::from(name));
        }
    }

    fn insert(&mut self, name: &str, value: Value) {
        self.thinking.fields.insert(name.to_owned(), value);
    }
}
