//! How much a model is to think. OpenAI has `reasoning_effort`; clients that know other models also send
//! OpenRouter's `reasoning` and Anthropic's `thinking` and `output_config`.

use std::borrow::Cow;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::error::InvalidRequest;
use super::json::{Field, Path};

/// The longest value in bytes that is passed on as it stands.
const MAX_PASSED_LENGTH: usize = 256 * 1024;

/// Everything that a request says about thinking.
#[derive(Debug, Default)]
pub struct ReasoningOptions {
    /// `reasoning_effort`.
    pub effort: Option<ReasoningEffort>,
    /// OpenRouter's `reasoning`.
    pub unified: UnifiedReasoning,
    /// Anthropic's `thinking`: `type` is `enabled`, `adaptive` or `disabled`.
    pub thinking: Option<Map<String, Value>>,
    /// Anthropic's `output_config`.
    pub output_config: Map<String, Value>,
}

/// OpenRouter's `reasoning`: one form for all models.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UnifiedReasoning {
    /// How much.
    pub effort: Option<ReasoningEffort>,
    /// How much, in tokens.
    pub max_tokens: Option<u64>,
    /// Whether at all.
    pub enabled: Option<bool>,
    /// Whether the answer leaves the thoughts out.
    pub exclude: bool,
}

/// `ReasoningEffort`, the least first. `max` is Anthropic's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReasoningEffort {
    /// `none`
    None,
    /// `minimal`
    Minimal,
    /// `low`
    Low,
    /// `medium`
    Medium,
    /// `high`
    High,
    /// `xhigh`
    Xhigh,
    /// `max`
    Max,
}

impl ReasoningEffort {
    /// The effort that a word names.
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "minimal" => Self::Minimal,
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "xhigh" => Self::Xhigh,
            "max" => Self::Max,
            _ => return None,
        })
    }
}

impl ReasoningOptions {
    /// Reads one of the four members and tells whether it has a meaning here. Words that nobody knows have none:
    /// new ones come with every generation of models, and no request should fail for one.
    pub(super) fn read<'a>(
        &mut self,
        name: &str,
        field: Field<'a, '_>,
        extras: &mut Vec<Cow<'a, str>>,
    ) -> Result<bool, InvalidRequest> {
        if name == "reasoning_effort" {
            self.effort = ReasoningEffort::named(&field.string()?);
            return Ok(self.effort.is_some());
        }
        if !field.is_object() {
            return Ok(false);
        }
        match name {
            "reasoning" => self.unified = UnifiedReasoning::read(field, extras)?,
            "thinking" => {
                self.thinking = Some(passed_on(field, extras)?).filter(is_anthropics);
                return Ok(self.thinking.is_some());
            }
            _ => self.output_config = passed_on(field, extras)?,
        }
        Ok(true)
    }
}

impl UnifiedReasoning {
    fn read<'a>(
        field: Field<'a, '_>,
        extras: &mut Vec<Cow<'a, str>>,
    ) -> Result<Self, InvalidRequest> {
        let mut unified = Self::default();
        for (name, raw) in field.object()?.0 {
            let path = Path::Member(field.path(), &name);
            let member = Field::new(raw, &path);
            if member.is_empty() {
                continue;
            }
            let known = match name.as_ref() {
                "effort" => {
                    let word = member.string().unwrap_or_default();
                    unified.effort = ReasoningEffort::named(&word);
                    unified.effort.is_some()
                }
                "max_tokens" => {
                    unified.max_tokens = member.unsigned().ok();
                    unified.max_tokens.is_some()
                }
                "enabled" => {
                    unified.enabled = member.boolean().ok();
                    unified.enabled.is_some()
                }
                "exclude" => {
                    let exclude = member.boolean();
                    unified.exclude = exclude == Ok(true);
                    exclude.is_ok()
                }
                _ => false,
            };
            if !known {
                extras.push(Cow::Owned(path.to_string()));
            }
        }
        Ok(unified)
    }
}

/// Whether `thinking` is in Anthropic's shape; that of other vendors looks alike.
fn is_anthropics(thinking: &Map<String, Value>) -> bool {
    let kind = thinking.get("type").and_then(Value::as_str);
    matches!(kind, Some("enabled" | "adaptive" | "disabled"))
}

/// The members of an object as they stand, without those that say nothing.
fn passed_on<'a>(
    field: Field<'a, '_>,
    extras: &mut Vec<Cow<'a, str>>,
) -> Result<Map<String, Value>, InvalidRequest> {
    let mut passed = Map::new();
    for (name, raw) in field.object()?.0 {
        let path = Path::Member(field.path(), &name);
        if Field::new(raw, &path).is_empty() {
            continue;
        }
        match value(raw) {
            Some(value) => drop(passed.insert(name.into_owned(), value)),
            None => extras.push(Cow::Owned(path.to_string())),
        }
    }
    Ok(passed)
}

fn value(raw: &RawValue) -> Option<Value> {
    let text = raw.get();
    (text.len() <= MAX_PASSED_LENGTH)
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::super::ChatCompletionRequest;
    use super::*;

    fn parse(members: &str) -> String {
        format!(r#"{{"model":"m","messages":[],{members}}}"#)
    }

    #[test]
    fn every_effort_is_read_and_an_unknown_one_has_no_effect() {
        for (word, effort) in [
            ("none", Some(ReasoningEffort::None)),
            ("minimal", Some(ReasoningEffort::Minimal)),
            ("xhigh", Some(ReasoningEffort::Xhigh)),
            ("max", Some(ReasoningEffort::Max)),
            ("ultra", None),
        ] {
            let json = parse(&format!(r#""reasoning_effort":"{word}""#));
            let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
            assert_eq!(request.reasoning.effort, effort);
            assert_eq!(request.extras.is_empty(), effort.is_some(), "{word}");
        }
        let json = parse(r#""reasoning_effort":3"#);
        let refused = ChatCompletionRequest::parse(json.as_bytes()).unwrap_err();
        assert_eq!(refused.param.as_deref(), Some("reasoning_effort"));
    }

    #[test]
    fn open_routers_reasoning_is_read_member_by_member() {
        let json = parse(
            r#""reasoning":{"effort":"high","max_tokens":2000,"exclude":true,"enabled":true,"summary":"auto"}"#,
        );
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        let expected = UnifiedReasoning {
            effort: Some(ReasoningEffort::High),
            max_tokens: Some(2000),
            enabled: Some(true),
            exclude: true,
        };
        assert_eq!(request.reasoning.unified, expected);
        assert_eq!(request.extras, ["reasoning.summary"]);
        let json = parse(
            r#""reasoning":{"effort":"a lot","max_tokens":-1,"exclude":"no","enabled":"yes"}"#,
        );
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        assert_eq!(request.reasoning.unified, UnifiedReasoning::default());
        assert_eq!(request.extras.len(), 4);
    }

    #[test]
    fn thinking_counts_in_anthropics_shape_only() {
        for (thinking, counts) in [
            (r#"{"type":"enabled","budget_tokens":2000}"#, true),
            (r#"{"type":"adaptive","display":"summarized"}"#, true),
            (r#"{"type":"disabled"}"#, true),
            (r#"{"type":"auto"}"#, false),
            (r#"{"budget":1}"#, false),
            ("true", false),
        ] {
            let json = parse(&format!(r#""thinking":{thinking}"#));
            let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
            assert_eq!(request.reasoning.thinking.is_some(), counts, "{thinking}");
            assert_eq!(request.extras.is_empty(), counts, "{thinking}");
        }
    }

    #[test]
    fn what_is_too_long_to_pass_on_has_no_effect() {
        let long = "x".repeat(MAX_PASSED_LENGTH);
        let json = parse(&format!(
            r#""output_config":{{"effort":"low","format":"{long}"}}"#
        ));
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        assert_eq!(request.reasoning.output_config.len(), 1);
        assert_eq!(request.extras, ["output_config.format"]);
    }
}
