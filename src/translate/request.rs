//! A chat completion request becomes a Converse request.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::context::Context;
use super::conversation::{Conversation, conversation};
use super::guardrail::guard;
use super::inference::inference_configuration;
use super::json_answer::JsonAnswer;
use super::notes::Notes;
use super::passing::{Passing, request_metadata};
use super::prompt_cache::{Wishes, set_points};
use super::reasoning::Thinking;
use super::replay::{Replay, Restorer};
use super::response_format::{Circumstances, Form, form};
use super::tool_names::ToolNames;
use super::tools::{ToolRequest, tool_configuration};
use crate::bedrock::Family;
use crate::bedrock::request::{
    ConverseRequest, PerformanceConfiguration, ServiceTier, ToolConfiguration,
};
use crate::openai::tool::ToolChoice;
use crate::openai::{ChatCompletionRequest, InvalidRequest};

/// A request in Bedrock's words, and what the answer to it needs to know.
#[derive(Debug)]
pub struct Translation {
    /// The JSON body of Converse and ConverseStream alike.
    pub body: Vec<u8>,
    /// Whether ConverseStream can serve it; otherwise a stream is made from Converse's answer.
    pub streamable: bool,
    /// How the answer must look.
    pub answer: Answer,
    /// What had no effect, or another one.
    pub notes: Notes,
}

/// How the answer to a request must look.
#[derive(Clone, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked for by a member of its own"
)]
pub struct Answer {
    /// The tools' names in both directions.
    pub tool_names: ToolNames,
    /// Whether a call must be a `function_call`, because the request had the deprecated `functions`.
    pub legacy_functions: bool,
    /// Whether the thoughts are left out.
    pub exclude_reasoning: bool,
    /// Whether a stream ends with a chunk of usage.
    pub include_usage: bool,
    /// How its reasoning can come back, where the model takes it.
    pub replay: Option<Replay>,
    /// Whether the request named a tier, so that the answer names the one that served it.
    pub service_tier: bool,
    /// Whether the answer must be JSON that the model was asked for with a tool or in words.
    pub json: Option<JsonAnswer>,
    /// Whether the request had a `bedrock` object, so that the answer has one.
    pub bedrock: bool,
    /// How many choices the answer has: each is one call's. 0 is 1.
    pub choices: u32,
}

impl Answer {
    fn to(
        request: &ChatCompletionRequest<'_>,
        tool_names: ToolNames,
        replay: Option<Replay>,
        json: Option<JsonAnswer>,
    ) -> Self {
        Self {
            tool_names,
            exclude_reasoning: request.reasoning.unified.exclude,
            legacy_functions: request.legacy_functions,
            include_usage: request.include_usage,
            replay,
            service_tier: request.service_tier.is_some(),
            json,
            bedrock: request.bedrock.is_some(),
            choices: request.n.unwrap_or(1),
        }
    }
}

/// Translates a request.
///
/// # Errors
/// For what cannot be honoured and would make the answer wrong; [`Notes`] hold what merely has no effect.
pub fn converse_request<'a>(
    mut request: ChatCompletionRequest<'a>,
    context: &Context<'a>,
) -> Result<Translation, InvalidRequest> {
    refuse_untranslatable(&request)?;
    let mut notes = Notes::default();
    let mut tool_names = ToolNames::default();
    let mut additional = Map::new();
    for extra in &request.extras {
        notes.ignore(extra.as_ref());
    }
    let member = tools_member(&request);
    let mut wishes = register_tools(&mut request, member, &mut tool_names);
    let (thinking, mut conversation) =
        settled_conversation(&mut request, context, &mut tool_names, &mut notes)?;
    let family = &thinking.narrow(context.family);
    wishes.options = std::mem::take(&mut request.prompt_cache);
    wishes.marks.append(&mut conversation.marks);
    wishes.repeated = conversation.repeated;
    let called = !conversation.called.is_empty();
    let tools = ToolRequest {
        tools: std::mem::take(&mut request.tools),
        choice: request.tool_choice.take(),
        member,
    };
    let mut form = match request.response_format.take() {
        Some(format) => {
            let circumstances = Circumstances {
                family,
                tools: &tools,
                names: &tool_names,
                conversation: &mut conversation,
            };
            form(format, circumstances, &mut notes)?
        }
        None => Form::default(),
    };
    let none = tools.choice == Some(ToolChoice::None);
    let alone = form.stands_alone(&tools);
    let tool_config = if alone {
        None
    } else {
        tool_configuration(
            tools,
            conversation.called,
            family,
            &mut tool_names,
            &mut notes,
        )?
    };
    let tool_config = form.join(tool_config, family);
    if let Some(tools) = &tool_config
        && (request.sequential_tool_calls || request.legacy_functions)
        && !(none || alone)
    {
        one_call_at_a_time(tools, &request, family, &mut additional, &mut notes);
    }
    let inference_config = inference_configuration(
        &mut request,
        family,
        thinking.limit(),
        &mut additional,
        &mut notes,
    );
    let replay =
        replay(&thinking, context).filter(|_| tool_config.is_some() && !request.legacy_functions);
    thinking.write(&mut additional);
    form.take_effort(&mut additional);
    let answer = Answer::to(&request, tool_names, replay, form.json);
    let mut converse = ConverseRequest {
        inference_config,
        additional_model_request_fields: additional,
        performance_config: performance_configuration(request.latency.take(), &mut notes),
        service_tier: service_tier(request.service_tier.take(), &mut notes),
        output_config: form.output_config,
        guardrail_config: None,
        request_metadata: request_metadata(std::mem::take(&mut request.metadata), &mut notes),
        additional_model_response_field_paths: Vec::new(),
        tool_config,
        system: conversation.system,
        messages: conversation.messages,
    };
    set_points(&mut converse, wishes, context, &mut notes);
    guard(&mut converse.messages, &request, context.guarding);
    let streamable = family.streaming_tools || (converse.tool_config.is_none() && !called);
    let passing = Passing::new(context, request.stream && streamable);
    let body = passing.body(converse, request.bedrock.take(), &mut notes)?;
    notes.sort(&request.members);
    Ok(Translation {
        body,
        streamable,
        answer,
        notes,
    })
}

/// The member that the tools stand in.
fn tools_member(request: &ChatCompletionRequest<'_>) -> &'static str {
    if request.legacy_functions {
        "functions"
    } else {
        "tools"
    }
}

/// Registers the tools' names, before those of the history, which grows: a replaced name must not change from turn
/// to turn. Returns where the client wants cache points after them.
fn register_tools<'a>(
    request: &mut ChatCompletionRequest<'a>,
    member: &str,
    names: &mut ToolNames,
) -> Wishes<'a> {
    let mut wishes = Wishes::default();
    for (index, tool) in request.tools.iter_mut().enumerate() {
        let name = names.register(tool.name.clone());
        let cache_control = tool.cache_control.take();
        wishes.add_tool(cache_control, &format!("{member}[{index}]"), name);
    }
    wishes
}

/// The conversation, with the model's reasoning in it, and whether the model thinks about it: not when it lacks
/// reasoning that it would need.
fn settled_conversation<'a>(
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
        &restorer(&thinking, context),
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
fn replay(thinking: &Thinking, context: &Context<'_>) -> Option<Replay> {
    let signer = context.foundation_model?;
    context.family.replays_reasoning.then(|| Replay {
        signer: signer.to_owned(),
        thinking: thinking.is_wanted(),
        state_key: context.state_key.cloned(),
    })
}

/// What would make the answer wrong if it were left out.
fn refuse_untranslatable(request: &ChatCompletionRequest<'_>) -> Result<(), InvalidRequest> {
    let refuse = |param: &str, message: String| Err(InvalidRequest::unsupported(param, message));
    if request.logprobs {
        return refuse(
            "logprobs",
            "Bedrock returns no log probabilities.".to_owned(),
        );
    }
    if request.top_logprobs.is_some_and(|count| count > 0) {
        return refuse(
            "top_logprobs",
            "Bedrock returns no log probabilities.".to_owned(),
        );
    }
    if request.audio {
        return refuse(
            "modalities",
            "Only text can be produced: 'modalities' must be [\"text\"].".to_owned(),
        );
    }
    Ok(())
}

/// Claude's switch against parallel calls. It carries a tool choice of its own, which collides with
/// `toolConfig.toolChoice`, so it is sent only where that is left unsaid.
fn one_call_at_a_time(
    tools: &ToolConfiguration<'_>,
    request: &ChatCompletionRequest<'_>,
    family: &Family,
    additional: &mut Map<String, Value>,
    notes: &mut Notes,
) {
    if family.parallel_tool_switch && tools.tool_choice.is_none() {
        additional.insert(
            "tool_choice".to_owned(),
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        );
    } else if request.sequential_tool_calls {
        notes.ignore("parallel_tool_calls");
    }
}

fn performance_configuration<'a>(
    latency: Option<Cow<'a, str>>,
    notes: &mut Notes,
) -> Option<PerformanceConfiguration<'a>> {
    match latency?.as_ref() {
        "standard" => None,
        "optimized" => Some(PerformanceConfiguration {
            latency: Cow::Borrowed("optimized"),
        }),
        _ => {
            notes.ignore("performance_config");
            None
        }
    }
}

/// `auto` and `default` are what Bedrock does unasked; OpenAI's other tiers do not exist there.
fn service_tier<'a>(tier: Option<Cow<'a, str>>, notes: &mut Notes) -> Option<ServiceTier<'a>> {
    let tier = tier?;
    match tier.as_ref() {
        "auto" | "default" => None,
        "flex" | "priority" | "reserved" => Some(ServiceTier { r#type: tier }),
        _ => {
            notes.ignore("service_tier");
            None
        }
    }
}
