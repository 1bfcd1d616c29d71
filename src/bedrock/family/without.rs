//! A family without what Bedrock refused, so that nothing but the family has to know of refusals.

use super::{Adaptive, Family, Reasoning, Sampling, StopSequences, ToolChoiceForms};
use crate::bedrock::Refusal;

impl Family {
    /// The same family without a feature that Bedrock refused.
    #[must_use]
    pub fn without(self, refusal: Refusal) -> Self {
        match refusal {
            Refusal::ToolChoice | Refusal::ToolChoiceAny | Refusal::ForcedChoiceWithThinking => {
                Self {
                    tool_choice: ToolChoiceForms::Auto,
                    ..self
                }
            }
            Refusal::ToolChoiceTool => Self {
                tool_choice: match self.tool_choice {
                    ToolChoiceForms::All => ToolChoiceForms::AutoAny,
                    less => less,
                },
                ..self
            },
            Refusal::StrictTools => Self {
                strict_tools: false,
                ..self
            },
            Refusal::StreamingTools => Self {
                streaming_tools: false,
                ..self
            },
            Refusal::Temperature => Self {
                sampling: match self.sampling {
                    Sampling::Temperature | Sampling::Refused => Sampling::Refused,
                    _ => Sampling::TopP,
                },
                ..self
            },
            Refusal::TopP => Self {
                sampling: match self.sampling {
                    Sampling::TopP | Sampling::Refused => Sampling::Refused,
                    _ => Sampling::Temperature,
                },
                ..self
            },
            Refusal::TemperatureWithTopP => Self {
                sampling: match self.sampling {
                    Sampling::Free => Sampling::EitherOne,
                    less => less,
                },
                ..self
            },
            Refusal::StopSequences => Self {
                stop_sequences: StopSequences::Refused,
                ..self
            },
            Refusal::Prefill => Self {
                prefill: false,
                ..self
            },
            Refusal::CachePoint => Self {
                prompt_cache: None,
                ..self
            },
            Refusal::Thinking | Refusal::ThinkingMember => Self {
                reasoning: Reasoning::None,
                ..self
            },
            Refusal::ThinkingDisabled => Self {
                reasoning: match self.reasoning {
                    Reasoning::Adaptive(adaptive) => Reasoning::Adaptive(Adaptive {
                        can_be_disabled: false,
                        ..adaptive
                    }),
                    other => other,
                },
                ..self
            },
            Refusal::ThinkingEnabled => Self {
                reasoning: match self.reasoning {
                    Reasoning::Adaptive(adaptive) => Reasoning::Adaptive(Adaptive {
                        budget: false,
                        ..adaptive
                    }),
                    _ => Reasoning::None,
                },
                ..self
            },
            Refusal::StructuredOutput | Refusal::OutputSchema => Self {
                structured_output: false,
                ..self
            },
            // The model takes reasoning, only not what this conversation holds.
            Refusal::ReasoningReplay => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_refused_is_left_out() {
        let family = Family::of(None);
        for (refusals, sampling) in [
            (&[Refusal::Temperature][..], Sampling::TopP),
            (&[Refusal::TopP], Sampling::Temperature),
            (&[Refusal::Temperature; 2], Sampling::TopP),
            (&[Refusal::TopP, Refusal::Temperature], Sampling::Refused),
            (&[Refusal::Temperature, Refusal::TopP], Sampling::Refused),
            (&[Refusal::TemperatureWithTopP], Sampling::EitherOne),
            (
                &[Refusal::TopP, Refusal::TemperatureWithTopP],
                Sampling::Temperature,
            ),
        ] {
            let left = refusals
                .iter()
                .fold(family, |left, refusal| left.without(*refusal));
            assert_eq!(left, Family { sampling, ..family }, "{refusals:?}");
        }
    }
}
