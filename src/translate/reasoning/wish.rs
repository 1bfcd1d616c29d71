//! What a client wants, in OpenAI's words or OpenRouter's.

use super::budget::effort_for;
use crate::openai::reasoning::{ReasoningEffort, ReasoningOptions};
use crate::translate::notes::Notes;

/// How much a client wants the model to think, and where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// The member that says it.
    pub(super) path: &'static str,
    /// How much.
    pub(super) amount: Amount,
}

/// How much a model is to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Amount {
    /// In words.
    Effort(ReasoningEffort),
    /// In tokens, more than none.
    Tokens(u64),
}

impl Wish {
    /// The wish as a word.
    pub(super) fn effort(self) -> ReasoningEffort {
        match self.amount {
            Amount::Effort(effort) => effort,
            Amount::Tokens(tokens) => effort_for(tokens),
        }
    }

    /// Notes the word that was sent, unless it is the client's own.
    pub(super) fn note(self, word: &str, notes: &mut Notes) {
        let own = ReasoningEffort::named(word).map(Amount::Effort);
        if own != Some(self.amount) {
            notes.adjust(self.path, &word);
        }
    }
}

/// The wish that counts; the others, where they want something else, have no effect. OpenRouter's `reasoning` is the
/// more particular and wins over `reasoning_effort`; of its own two measures the one that the model knows counts.
pub(super) fn wish(
    options: &ReasoningOptions,
    prefers_tokens: bool,
    notes: &mut Notes,
) -> Option<Wish> {
    let unified = options.unified;
    let effort = |path, effort| Wish {
        path,
        amount: Amount::Effort(effort),
    };
    let tokens = unified.max_tokens.map(|tokens| Wish {
        path: "reasoning.max_tokens",
        amount: match tokens {
            0 => Amount::Effort(ReasoningEffort::None),
            tokens => Amount::Tokens(tokens),
        },
    });
    let word = unified.effort.map(|word| effort("reasoning.effort", word));
    let (first, second) = if prefers_tokens {
        (tokens, word)
    } else {
        (word, tokens)
    };
    let off = effort("reasoning.enabled", ReasoningEffort::None);
    let on = effort("reasoning.enabled", ReasoningEffort::Medium);
    let mut wishes = [
        (unified.enabled == Some(false)).then_some(off),
        first,
        second,
        options.effort.map(|word| effort("reasoning_effort", word)),
        (unified.enabled == Some(true)).then_some(on),
    ]
    .into_iter()
    .flatten();
    let wish = wishes.next()?;
    for other in wishes {
        let met = other == on && wish.effort() != ReasoningEffort::None;
        if other.amount != wish.amount && !met {
            notes.ignore(other.path);
        }
    }
    Some(wish)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::reasoning::UnifiedReasoning;

    fn of(options: &ReasoningOptions, prefers_tokens: bool) -> (Option<Wish>, Option<String>) {
        let mut notes = Notes::default();
        let wish = wish(options, prefers_tokens, &mut notes);
        (wish, notes.ignored())
    }

    #[test]
    fn the_more_particular_wish_counts_and_the_other_is_named() {
        let options = ReasoningOptions {
            effort: Some(ReasoningEffort::Low),
            unified: UnifiedReasoning {
                effort: Some(ReasoningEffort::High),
                max_tokens: Some(3000),
                enabled: Some(true),
                exclude: false,
            },
            ..ReasoningOptions::default()
        };
        let (wish, ignored) = of(&options, true);
        assert_eq!(wish.unwrap().amount, Amount::Tokens(3000));
        assert_eq!(ignored.unwrap(), "reasoning.effort, reasoning_effort");
        let (wish, ignored) = of(&options, false);
        assert_eq!(wish.unwrap().path, "reasoning.effort");
        assert_eq!(ignored.unwrap(), "reasoning.max_tokens, reasoning_effort");
    }

    #[test]
    fn enabled_is_medium_unless_something_says_how_much() {
        let enabled = |enabled, effort| ReasoningOptions {
            effort,
            unified: UnifiedReasoning {
                enabled: Some(enabled),
                ..UnifiedReasoning::default()
            },
            ..ReasoningOptions::default()
        };
        let (wish, ignored) = of(&enabled(true, None), true);
        assert_eq!(wish.unwrap().effort(), ReasoningEffort::Medium);
        assert_eq!(ignored, None);
        let (wish, ignored) = of(&enabled(true, Some(ReasoningEffort::High)), true);
        assert_eq!(wish.unwrap().effort(), ReasoningEffort::High);
        assert_eq!(ignored, None);
        let (wish, ignored) = of(&enabled(false, Some(ReasoningEffort::High)), true);
        assert_eq!(wish.unwrap().effort(), ReasoningEffort::None);
        assert_eq!(ignored.unwrap(), "reasoning_effort");
        assert_eq!(of(&ReasoningOptions::default(), true), (None, None));
    }
}
