//! A chat completion request becomes a Converse request.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::consumption::Billing;
use super::context::Context;
use super::guardrail::guard;
use super::inference::{asked_limit, default_limit, inference_configuration};
use super::notes::Notes;
use super::passing::{Passing, request_metadata};
use super::prompt_cache::{CachedPrefix, Wishes, cached_prefix, set_points};
use super::response_format::{Circumstances, Form, form};
use super::settings::{performance_configuration, service_tier};
use super::settle::{replay, settled_conversation};
use super::token_estimate::prompt_tokens;
use super::tool_names::ToolNames;
use super::tools::{ToolRequest, tool_configuration};
use crate::bedrock::Family;
use crate::bedrock::request::{ConverseRequest, ToolConfiguration};
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
    /// What the prompt cache is to keep, if anything.
    pub cached_prefix: Option<CachedPrefix>,
    /// The tokens of the prompt, rather too many than too few.
    pub input_tokens: u64,
    /// The most tokens of the answer, thoughts included, where the request says so.
    pub max_tokens: Option<u32>,
}

/// Translates a request.
///
/// # Errors
/// For what cannot be honoured and would make the answer wrong; [`Notes`] hold what merely has no effect.
pub fn converse_request<'a>(
    request: ChatCompletionRequest<'a>,
    context: &Context<'a>,
) -> Result<Translation, InvalidRequest> {
    refuse_untranslatable(&request)?;
    context.key_rules.permit(request.bedrock.as_ref())?;
    let is_limited = asked_limit(&request).is_some();
    let family = &context.key_rules.bound(context.family);
    let mut translation = permitted(request, &Context { family, ..*context })?;
    let sent = translation.max_tokens;
    if !is_limited
        && sent == context.key_rules.max_tokens
        && sent != default_limit(context.family)
        && let Some(limit) = sent
    {
        translation.notes.adjust("max_tokens", &limit);
    }
    Ok(translation)
}

/// Translates a request that its key may make, for a family whose answers are as long as the key allows.
fn permitted<'a>(
    mut request: ChatCompletionRequest<'a>,
    context: &Context<'a>,
) -> Result<Translation, InvalidRequest> {
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
        Some(format) => form(
            format,
            Circumstances {
                family,
                tools: &tools,
                names: &tool_names,
                conversation: &mut conversation,
            },
            &mut notes,
        )?,
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
    let metadata = std::mem::take(&mut request.metadata);
    let answer = Answer::to(&request, tool_names, replay, form.json);
    let mut converse = ConverseRequest {
        inference_config,
        additional_model_request_fields: additional,
        performance_config: performance_configuration(request.latency.take(), &mut notes),
        service_tier: service_tier(request.service_tier.take(), &mut notes),
        output_config: form.output_config,
        guardrail_config: None,
        request_metadata: request_metadata(metadata, context.key_rules, &mut notes),
        additional_model_response_field_paths: Vec::new(),
        tool_config,
        system: conversation.system,
        messages: conversation.messages,
    };
    set_points(&mut converse, wishes, context, &mut notes);
    guard(&mut converse.messages, &request, context.guarding);
    let streamable = family.streaming_tools || (converse.tool_config.is_none() && !called);
    let cached_prefix = cached_prefix(&converse);
    let input_tokens = prompt_tokens(&converse, request.bedrock.as_ref(), context.family);
    let passing = Passing::new(context, request.stream && streamable);
    let sent = passing.body(converse, request.bedrock.take(), &mut notes)?;
    notes.sort(&request.members);
    Ok(Translation {
        body: sent.body,
        streamable,
        answer: answer.billed(Billing::new(context.pricing, sent.terms, input_tokens)),
        notes,
        cached_prefix,
        input_tokens,
        max_tokens: sent.max_tokens,
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
