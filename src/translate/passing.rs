//! What a client says in Bedrock's own words: the `bedrock` object goes over what was translated, `metadata`
//! becomes tags.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::context::Context;
use super::key_rules::{KeyRules, MAX_TAGS};
use super::notes::Notes;
use super::output_limit::longest_answer;
use crate::bedrock::Terms;
use crate::bedrock::request::{
    ConverseRequest, GuardrailConfiguration, Message, SystemContentBlock, ToolConfiguration,
};
use crate::openai::metadata::Metadata;
use crate::openai::{BedrockObject, InvalidRequest};

/// The most characters of a tag's key, and of its value.
const MAX_TAG_LENGTH: usize = 256;
/// What a tag may hold beside letters and digits: `[a-zA-Z0-9\s:_@$#=/+,-.]`.
const TAG_PUNCTUATION: &[u8] = b" \t\n\x0b\x0c\r:_@$#=/+,-.";
/// Betas of Claude's own API that Bedrock refuses, by how their names begin. What they are for works without them,
/// or not at all.
const REFUSED_BETAS: [&str; 3] = ["advanced-tool-use", "prompt-caching", "compact-2026-01-12"];

/// How the names of fields begin that Bedrock takes for itself from a model's own, by the documentation of `InvokeModel`:
/// `amazon-bedrock-guardrailConfig` narrows what a guardrail checks.
const BEDROCKS_OWN: &str = "amazon-bedrock-";

/// What decides over the client's own settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing<'p> {
    /// The operator's guardrail, which no request can change.
    guardrail: Option<&'p GuardrailConfiguration<'p>>,
    /// What the caller's key lays down.
    key_rules: KeyRules<'p>,
    /// Whether the model may be a Claude.
    claude: bool,
    /// The most tokens of the model's answers, where that is known.
    max_output_tokens: Option<u32>,
    /// Whether ConverseStream is called, which alone knows how a guardrail works on a stream.
    streaming: bool,
}

/// What is sent.
#[derive(Debug)]
pub(super) struct Sent {
    /// The JSON body of Converse and ConverseStream alike.
    pub(super) body: Vec<u8>,
    /// The most tokens of the answer, where that is said.
    pub(super) max_tokens: Option<u32>,
    /// On which terms the call is asked to be processed.
    pub(super) terms: Terms,
}

/// A Converse request whose settings are a tree. The members that follow are those that a prompt cache's prefix
/// is built of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MergedRequest<'a> {
    #[serde(flatten)]
    settings: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<ToolConfiguration<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<SystemContentBlock<'a>>,
    messages: Vec<Message<'a>>,
}

impl<'p> Passing<'p> {
    /// What `context` decides, for a call of ConverseStream or of Converse.
    pub(super) fn new(context: &Context<'p>, streaming: bool) -> Self {
        let model = context.foundation_model;
        Self {
            guardrail: context.guarding.guardrail,
            key_rules: context.key_rules,
            claude: model.is_none_or(|model| model.starts_with("anthropic.")),
            max_output_tokens: context.family.max_output_tokens,
            streaming,
        }
    }

    /// What is sent: `request` with the members of `object` merged over it, and over both the operator's guardrail and what
    /// the key lays down.
    pub(super) fn body(
        self,
        mut request: ConverseRequest<'p>,
        object: Option<BedrockObject>,
        notes: &mut Notes,
    ) -> Result<Sent, InvalidRequest> {
        request.guardrail_config = self.guardrail.cloned();
        let mut members = object.map(BedrockObject::into_members).unwrap_or_default();
        if members.is_empty() {
            let tier = request.service_tier.as_ref().map(|tier| &*tier.r#type);
            let latency = request.performance_config.as_ref();
            return Ok(Sent {
                body: json_bytes(&request)?,
                max_tokens: request.inference_config.max_tokens,
                terms: Terms::of(tier, latency.map(|config| &*config.latency)),
            });
        }
        self.filter(&mut members, notes);
        let metadata = &request.request_metadata;
        self.key_rules.keep_tags(&mut members, metadata, notes);
        let tool_config = request.tool_config.take();
        let system = std::mem::take(&mut request.system);
        let messages = std::mem::take(&mut request.messages);
        let mut settings = tree(&request)?;
        settings.shift_remove("messages");
        merge(&mut settings, members);
        self.key_rules.limit_output(&mut settings, notes);
        Ok(Sent {
            max_tokens: longest_answer(&mut settings, self.max_output_tokens),
            terms: terms(&settings),
            body: json_bytes(&MergedRequest {
                settings,
                tool_config,
                system,
                messages,
            })?,
        })
    }

    /// Takes out what must not be merged, and what Bedrock would refuse.
    fn filter(self, members: &mut Map<String, Value>, notes: &mut Notes) {
        if self.guardrail.is_some() {
            drop_guardrails(members, notes);
        }
        let mode = object_in(members, "guardrailConfig")
            .filter(|_| !self.streaming)
            .and_then(|guardrail| guardrail.shift_remove("streamProcessingMode"));
        if mode.is_some() {
            notes.ignore("bedrock.guardrailConfig.streamProcessingMode");
        }
        if let Some(fields) = object_in(members, "additionalModelRequestFields") {
            self.filter_betas(fields, notes);
        }
    }

    /// Only Claude has betas, and Bedrock refuses a request for some of them.
    fn filter_betas(self, fields: &mut Map<String, Value>, notes: &mut Notes) {
        const PATH: &str = "bedrock.additionalModelRequestFields.anthropic_beta";
        let Some(betas) = fields.get_mut("anthropic_beta") else {
            return;
        };
        let Some(betas) = betas.as_array_mut().filter(|_| self.claude) else {
            if !self.claude {
                fields.shift_remove("anthropic_beta");
                notes.ignore(PATH);
            }
            return;
        };
        let mut index = 0;
        betas.retain(|beta| {
            let refused = beta
                .as_str()
                .is_some_and(|beta| REFUSED_BETAS.iter().any(|start| beta.starts_with(start)));
            if refused {
                notes.ignore(format!("{PATH}[{index}]"));
            }
            index += 1;
            !refused
        });
        if betas.is_empty() {
            fields.shift_remove("anthropic_beta");
        }
    }
}

/// Takes out what could stand against the operator's guardrail. Converse is not known to read names in other letters,
/// or the fields of `InvokeModel`; a guardrail must not hang on that.
fn drop_guardrails(members: &mut Map<String, Value>, notes: &mut Notes) {
    members.retain(|name, _| {
        let guards = name.eq_ignore_ascii_case("guardrailConfig");
        if guards {
            notes.ignore(format!("bedrock.{name}"));
        }
        !guards
    });
    let Some(fields) = object_in(members, "additionalModelRequestFields") else {
        return;
    };
    fields.retain(|name, _| {
        let start = name.get(..BEDROCKS_OWN.len()).unwrap_or_default();
        let own = start.eq_ignore_ascii_case(BEDROCKS_OWN);
        if own {
            notes.ignore(format!("bedrock.additionalModelRequestFields.{name}"));
        }
        !own
    });
}

/// `requestMetadata`: pairs that stand in AWS's invocation logs, the key's before the client's. Pairs that cannot be
/// tags have no effect, nor do those whose names the key has.
pub(super) fn request_metadata<'a>(
    metadata: Metadata<'a>,
    rules: KeyRules<'a>,
    notes: &mut Notes,
) -> BTreeMap<Cow<'a, str>, Cow<'a, str>> {
    let mut tags = rules.request_metadata();
    for (key, value) in metadata {
        let fits = tags.len() < MAX_TAGS && !key.is_empty() && is_tag(&key) && is_tag(&value);
        if fits && !rules.tags.contains_key(&*key) {
            tags.insert(key, value);
        } else {
            notes.ignore(format!("metadata.{key}"));
        }
    }
    tags
}

/// The terms that the members of a request ask for.
fn terms(settings: &Map<String, Value>) -> Terms {
    let member = |object: &str, name| settings.get(object)?.get(name)?.as_str();
    Terms::of(
        member("serviceTier", "type"),
        member("performanceConfig", "latency"),
    )
}

fn is_tag(text: &str) -> bool {
    text.len() <= MAX_TAG_LENGTH
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || TAG_PUNCTUATION.contains(&byte))
}

/// JSON Merge Patch (RFC 7396): objects are merged member by member, null removes, all else replaces.
pub(super) fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.shift_remove(&name)),
            Value::Object(patch) => {
                let place = target.entry(name).or_insert(Value::Null);
                let mut merged = match place.take() {
                    Value::Object(members) => members,
                    _ => Map::new(),
                };
                merge(&mut merged, patch);
                *place = Value::Object(merged);
            }
            value => drop(target.insert(name, value)),
        }
    }
}

fn object_in<'m>(
    members: &'m mut Map<String, Value>,
    name: &str,
) -> Option<&'m mut Map<String, Value>> {
    members.get_mut(name).and_then(Value::as_object_mut)
}

fn tree(request: &ConverseRequest<'_>) -> Result<Map<String, Value>, InvalidRequest> {
    match serde_json::to_value(request) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(unwritable(&error)),
    }
}

fn json_bytes(request: &impl Serialize) -> Result<Vec<u8>, InvalidRequest> {
    serde_json::to_vec(request).map_err(|error| unwritable(&error))
}

fn unwritable(error: &serde_json::Error) -> InvalidRequest {
    InvalidRequest {
        message: format!("The request cannot be written as JSON: {error}."),
        param: None,
        code: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bedrock::Family;
    use crate::openai::ChatCompletionRequest;
    use crate::translate::converse_request;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(members) => members,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn objects_are_merged_nulls_remove_and_all_else_replaces() {
        for (target, patch, merged) in [
            (
                json!({"a": 1, "b": 2}),
                json!({"a": null, "c": 3}),
                json!({"b": 2, "c": 3}),
            ),
            (
                json!({"a": {"b": 1, "c": 2}}),
                json!({"a": {"b": 3}}),
                json!({"a": {"b": 3, "c": 2}}),
            ),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (
                json!({"a": 1}),
                json!({"a": {"b": {"c": null, "d": [null]}}}),
                json!({"a": {"b": {"d": [null]}}}),
            ),
            (json!({"a": {"b": 1}}), json!({"a": 2}), json!({"a": 2})),
            (json!({}), json!({"a": null}), json!({})),
        ] {
            let mut target = object(target);
            merge(&mut target, object(patch));
            assert_eq!(Value::Object(target), merged);
        }
    }

    #[test]
    fn members_of_tomorrow_pass_as_they_stand() {
        let json = br#"{"model":"m","messages":[{"role":"user","content":"Hi"}],
            "bedrock":{"tomorrow":[1,null,{"a":1.5,"b":null}]}}"#;
        let request = ChatCompletionRequest::parse(json).unwrap();
        let family = Family::of(None);
        let body = converse_request(request, &Context::new(&family))
            .unwrap()
            .body;
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"tomorrow":[1,null,{"a":1.5,"b":null}],"messages":[{"role":"user","content":[{"text":"Hi"}]}]}"#
        );
    }

    #[test]
    fn a_tag_is_what_the_service_says() {
        assert!(is_tag("") && is_tag("Team A:_@$#=/+,-.9\t") && is_tag(&"x".repeat(256)));
        for text in ["ä", "a*b", "a\"", "a;", &"x".repeat(257)] {
            assert!(!is_tag(text), "{text}");
        }
    }

    #[test]
    fn seventeen_pairs_are_sixteen_tags() {
        let mut notes = Notes::default();
        let pairs = (0..17).map(|n| (Cow::Owned(format!("k{n:02}")), Cow::Borrowed("v")));
        let tags = request_metadata(pairs.collect(), KeyRules::default(), &mut notes);
        assert_eq!(tags.len(), 16);
        assert_eq!(notes.ignored().as_deref(), Some("metadata.k16"));
    }
}
