//! Whatever a client says about thinking, sampling and length, the model that it asks takes what becomes of it.

use outcrop::bedrock::Family;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::fixture::{Operation, check_request};
use outcrop::openai::ChatCompletionRequest;
use outcrop::translate::{Context, converse_request};
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use crate::families::MODELS;

const EFFORTS: [&str; 8] = [
    "none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra",
];

fn effort() -> impl Strategy<Value = Value> {
    select(EFFORTS.to_vec()).prop_map(Value::from)
}

fn tokens() -> impl Strategy<Value = Value> {
    prop_oneof![Just(0u64), 1..3000u64, 3000..200_000u64, any::<u64>()].prop_map(Value::from)
}

fn thinking() -> impl Strategy<Value = Value> {
    let kind = select(vec!["enabled", "adaptive", "disabled", "auto"]);
    let display = select(vec!["summarized", "omitted"]);
    (kind, of(tokens()), of(display)).prop_map(
        |(kind, tokens, display)| json!({"type": kind, "budget_tokens": tokens, "display": display}),
    )
}

/// OpenRouter's `reasoning`.
fn unified() -> impl Strategy<Value = Value> {
    (of(effort()), of(tokens()), of(any::<bool>()), any::<bool>()).prop_map(
        |(effort, tokens, enabled, exclude)| {
            json!({"effort": effort, "max_tokens": tokens, "enabled": enabled, "exclude": exclude})
        },
    )
}

/// A request's members but for its model, tools and messages.
fn members() -> impl Strategy<Value = Map<String, Value>> {
    let limit = tokens().prop_filter("a limit is at least 1", |tokens| *tokens != 0);
    let named = |name: &'static str, value: BoxedStrategy<Value>| {
        weighted(0.4, value.prop_map(move |value| (name.to_owned(), value))).boxed()
    };
    let share = (0.0..=1.0).prop_map(Value::from).boxed();
    vec![
        named("reasoning_effort", effort().boxed()),
        named("reasoning", unified().boxed()),
        named("thinking", thinking().boxed()),
        named(
            "output_config",
            effort()
                .prop_map(|effort| json!({ "effort": effort }))
                .boxed(),
        ),
        named("max_completion_tokens", limit.boxed()),
        named("temperature", share.clone()),
        named("top_p", share),
        named("top_k", (1..600u64).prop_map(Value::from).boxed()),
        named("stop", Just(json!(["END"])).boxed()),
    ]
    .prop_map(|members| members.into_iter().flatten().collect())
}

/// Conversations that end with a question, with results, and with the beginning of an answer.
fn messages() -> impl Strategy<Value = Value> {
    let question = json!({"role": "user", "content": "How warm is it?"});
    let call = json!({"role": "assistant", "tool_calls": [
        {"id": "call_1", "function": {"name": "get", "arguments": "{}"}}]});
    let result = json!({"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"});
    let answer = json!({"role": "assistant", "content": "It is"});
    select(vec![
        json!([question]),
        json!([question, call, result]),
        json!([question, answer]),
        json!([question, call, result, answer, question]),
    ])
}

fn tool_choice() -> impl Strategy<Value = Value> {
    let named = json!({"type": "function", "function": {"name": "get"}});
    select(vec![json!("auto"), json!("required"), named])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_is_asked_is_sent_in_a_form_that_the_model_takes(
        model in select(MODELS.to_vec()),
        members in members(),
        messages in messages(),
        choice in of(tool_choice()),
        add_budget in any::<bool>(),
    ) {
        let family = Family::of(foundation_model(model).unwrap());
        let mut request = Value::Object(members);
        request["model"] = Value::from(model);
        request["messages"] = messages;
        if let Some(choice) = choice.filter(|_| family.tools) {
            request["tools"] = json!([{"type": "function", "function": {"name": "get"}}]);
            request["tool_choice"] = choice;
        }
        let request = request.to_string();
        let parsed = ChatCompletionRequest::parse(request.as_bytes()).unwrap();
        let context = Context {
            add_budget_to_max_tokens: add_budget,
            ..Context::new(&family)
        };
        let translation = converse_request(parsed, &context).unwrap();
        let body: Value = serde_json::from_slice(&translation.body).unwrap();
        let operation = if translation.streamable {
            Operation::ConverseStream
        } else {
            Operation::Converse
        };
        let checked = check_request(model, operation, &body, false);
        prop_assert_eq!(checked, Ok(()), "{} {}", request, body);
    }
}
