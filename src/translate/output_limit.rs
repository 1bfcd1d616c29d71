//! Where a Converse request says how long an answer may be.

use serde_json::{Map, Value};

use super::notes::Notes;

/// The names under which models' own requests say how long an answer may be. Converse's `maxTokens` becomes one of them;
/// what a client sets beside it in `additionalModelRequestFields` must not win.
const NATIVE_NAMES: [&str; 8] = [
    "max_tokens",
    "max_tokens_to_sample",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
    "max_gen_len",
    "maxTokens",
    "maxTokenCount",
];
/// The objects in which some models' own requests say it.
const NATIVE_OBJECTS: [&str; 2] = ["inferenceConfig", "textGenerationConfig"];
/// The least thinking budget that Claude takes, and what it needs beside it for an answer, in tokens.
const LEAST_BUDGET: u32 = 1024;

/// All that `settings`, the members of a Converse request, say of the answer's length.
pub(super) fn output_limits(settings: &mut Map<String, Value>) -> Vec<&mut Value> {
    let mut limits = Vec::new();
    for (name, value) in settings {
        match (name.as_str(), value) {
            ("inferenceConfig", Value::Object(config)) => {
                limits.extend(config.get_mut("maxTokens"));
            }
            ("additionalModelRequestFields", Value::Object(fields)) => {
                for (name, value) in fields {
                    if NATIVE_NAMES.contains(&name.as_str()) {
                        limits.push(value);
                    } else if NATIVE_OBJECTS.contains(&name.as_str()) {
                        limits.extend(value.as_object_mut().into_iter().flat_map(native));
                    }
                }
            }
            _ => {}
        }
    }
    limits
}

fn native(members: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    let members = members.iter_mut();
    members.filter_map(|(name, value)| NATIVE_NAMES.contains(&name.as_str()).then_some(value))
}

/// Keeps what the client says of thinking in the model's own words within the limit, which counts thoughts too: Claude's
/// budget, for which there may be no room, and Nova's highest effort, which takes no limit at all.
pub(super) fn limit_thinking(settings: &mut Map<String, Value>, limit: u32, notes: &mut Notes) {
    let fields = settings.get_mut("additionalModelRequestFields");
    let Some(fields) = fields.and_then(Value::as_object_mut) else {
        return;
    };
    let effort = fields.get_mut("reasoningConfig");
    if let Some(effort) = effort.and_then(|config| config.get_mut("maxReasoningEffort"))
        && effort == "high"
    {
        *effort = "medium".into();
        notes.adjust("reasoningConfig.maxReasoningEffort", &"medium");
    }
    let budget = fields.get_mut("thinking");
    let Some(budget) = budget.and_then(|thinking| thinking.get_mut("budget_tokens")) else {
        return;
    };
    if budget.as_u64().is_some_and(|budget| budget < limit.into()) {
        return;
    }
    if limit > LEAST_BUDGET {
        let most = limit.saturating_sub(LEAST_BUDGET).max(LEAST_BUDGET);
        *budget = most.into();
        notes.adjust("thinking.budget_tokens", &most);
    } else {
        fields.shift_remove("thinking");
        notes.adjust("thinking", &"disabled");
    }
}
