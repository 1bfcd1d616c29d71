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
/// The names under which models' own requests ask for several answers at once, each as long as the limit allows.
const NATIVE_CHOICES: [&str; 5] = [
    "n",
    "best_of",
    "num_generations",
    "numResults",
    "candidate_count",
];
/// How long an answer is taken to be whose length nobody bounds: what models write for whom Converse knows no limit.
pub const UNBOUNDED_ANSWER: u32 = 4096;
/// The least thinking budget that Claude takes, and what it needs beside it for an answer, in tokens.
const LEAST_BUDGET: u64 = 1024;

/// The longest answer that `settings`, the members of a Converse request, allow, in tokens: several answers together, and
/// thoughts that do not count as a part of it. `most` is the model's own limit, where that is known. `None` where nothing
/// is said.
pub(super) fn longest_answer(settings: &mut Map<String, Value>, most: Option<u32>) -> Option<u32> {
    let most = most.unwrap_or(UNBOUNDED_ANSWER);
    let config = settings.get("inferenceConfig");
    let is_bounded = config.is_some_and(|config| config.get("maxTokens").is_some());
    let said = output_limits(settings).into_iter();
    let said = said.map(|limit| tokens(limit)).max();
    // A native name that the model does not know bounds nothing.
    let said = said.filter(|said| is_bounded || *said > most);
    let fields = settings.get_mut("additionalModelRequestFields");
    let Some(fields) = fields.and_then(Value::as_object_mut) else {
        return said;
    };
    let longest = said.unwrap_or(most);
    // Between calls Claude may think more than the limit says.
    let budget = fields.get("thinking");
    let budget = budget.and_then(|thinking| thinking.get("budget_tokens"));
    let thoughts = budget
        .map(tokens)
        .filter(|budget| *budget >= longest)
        .unwrap_or(0);
    let choices = native_choices(fields).map(|count| tokens(count)).max();
    if thoughts == 0 && choices.is_none_or(|choices| choices <= 1) {
        return said;
    }
    let choices = choices.unwrap_or(1).max(1);
    Some(longest.saturating_add(thoughts).saturating_mul(choices))
}

/// Leaves one answer of those that the client asks for in the model's own words: a limit holds for each of them.
pub(super) fn limit_choices(settings: &mut Map<String, Value>, notes: &mut Notes) {
    let fields = settings.get_mut("additionalModelRequestFields");
    let Some(fields) = fields.and_then(Value::as_object_mut) else {
        return;
    };
    for count in native_choices(fields) {
        if *count != 1 {
            *count = 1.into();
            notes.adjust("bedrock.additionalModelRequestFields.n", &1);
        }
    }
}

fn native_choices(fields: &mut Map<String, Value>) -> impl Iterator<Item = &mut Value> {
    let fields = fields.iter_mut();
    fields.filter_map(|(name, value)| NATIVE_CHOICES.contains(&name.as_str()).then_some(value))
}

/// A number of tokens. What is no whole number bounds nothing for sure, whatever a model makes of it.
fn tokens(value: &Value) -> u32 {
    let tokens = value.as_u64().map(u32::try_from);
    tokens.and_then(Result::ok).unwrap_or(u32::MAX)
}

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
pub(super) fn limit_thinking(settings: &mut Map<String, Value>, limit: u64, notes: &mut Notes) {
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
    if budget.as_u64().is_some_and(|budget| budget < limit) {
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
