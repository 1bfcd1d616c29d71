use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::BytesMut;
use serde_json::{Value, json};

use super::{Billing, Consumption, Pricing};
use crate::bedrock::response::TokenUsage;
use crate::bedrock::{Cost, Money, Price, Terms};
use crate::openai::ErrorObject;
use crate::translate::{Answer, ChunkHead, StreamTranslator, chat_completion, chat_completion_of};

/// A token costs a cent, and one of an answer ten.
const PRICE: Price = Price {
    input: 1e4,
    output: 1e5,
    cache_read: None,
    cache_write: None,
    cache_write_1h: None,
    long_prompt: None,
};

fn answer(price: Option<Price>, is_shown: bool) -> Answer {
    Answer {
        include_usage: true,
        billing: Billing {
            pricing: Pricing { price, is_shown },
            terms: Terms::of(Some("flex"), None),
            input_tokens: 100,
        },
        ..Answer::default()
    }
}

fn consumption(input: u64, output: u64, dollars: Option<f64>, estimated: bool) -> Consumption {
    Consumption {
        usage: TokenUsage::uncached(input, output),
        cost: dollars.map(|dollars| Cost {
            amount: Money::from_usd(dollars).unwrap(),
            estimated: false,
        }),
        estimated,
    }
}

fn whole(text: &str, more: &Value) -> Vec<u8> {
    let mut response = json!({
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 2, "outputTokens": 3, "totalTokens": 5},
    });
    let members = response.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    response.to_string().into_bytes()
}

fn frame(name: &str, payload: &Value) -> Vec<u8> {
    let header = |name: &'static str, value: &str| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.to_string().into_bytes())
        .add_header(header(":event-type", name))
        .add_header(header(":message-type", "event"));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

fn delta(block: u32, delta: &Value) -> Vec<u8> {
    let event = json!({"contentBlockIndex": block, "delta": delta});
    frame("contentBlockDelta", &event)
}

fn translator(answer: Answer) -> StreamTranslator {
    let head = ChunkHead {
        id: "chatcmpl-1",
        created: 1,
        model: "m",
    };
    StreamTranslator::new(head, answer)
}

/// The usage of the last chunk before `[DONE]`.
fn usage_of(sse: &[u8]) -> Value {
    let text = std::str::from_utf8(sse).unwrap();
    let chunks: Vec<&str> = text
        .split("\n\n")
        .filter(|chunk| !chunk.is_empty())
        .collect();
    let [.., last, "data: [DONE]"] = chunks.as_slice() else {
        panic!("{text}");
    };
    let chunk: Value = serde_json::from_str(last.strip_prefix("data: ").unwrap()).unwrap();
    chunk["usage"].clone()
}

#[test]
fn a_whole_answer_costs_what_bedrock_counted_on_the_terms_that_it_names() {
    for (more, dollars) in [
        (json!({}), 0.16),
        (json!({"serviceTier": {"type": "default"}}), 0.32),
        (json!({"serviceTier": {"type": "priority"}}), 0.56),
        (json!({"performanceConfig": {"latency": "standard"}}), 0.16),
    ] {
        let json = whole("Hi", &more);
        let completion = chat_completion(&json, "id", 1, "m", &answer(Some(PRICE), true)).unwrap();
        assert_eq!(
            completion.consumption,
            consumption(2, 3, Some(dollars), false)
        );
        let body: Value = serde_json::from_slice(&completion.body).unwrap();
        assert_eq!(body["usage"]["cost"], dollars, "{more}");
    }
}

#[test]
fn a_cost_that_nobody_knows_or_may_know_is_not_told() {
    let optimized = json!({"performanceConfig": {"latency": "optimized"}});
    for (answer, more, dollars) in [
        (answer(Some(PRICE), false), json!({}), Some(0.16)),
        (answer(None, true), json!({}), None),
        (answer(Some(PRICE), true), optimized, None),
    ] {
        let json = whole("Hi", &more);
        let completion = chat_completion(&json, "id", 1, "m", &answer).unwrap();
        assert_eq!(completion.consumption, consumption(2, 3, dollars, false));
        let body: Value = serde_json::from_slice(&completion.body).unwrap();
        assert_eq!(body["usage"].get("cost"), None, "{body}");
    }
}

#[test]
fn several_answers_cost_what_they_cost_together() {
    let [cheap, dear] =
        ["default", "priority"].map(|tier| whole("Hi", &json!({"serviceTier": {"type": tier}})));
    let answer = answer(Some(PRICE), true);
    let answers = [(&*cheap, &answer), (&*dear, &answer)];
    let completion = chat_completion_of(&answers, "id", 1, "m").unwrap();
    let expected = consumption(2, 3, Some(0.32), false) + consumption(2, 3, Some(0.56), false);
    assert_eq!(completion.consumption, expected);
    let body: Value = serde_json::from_slice(&completion.body).unwrap();
    assert_eq!(body["usage"]["cost"], 0.88);
    let unknown = whole("Hi", &json!({"serviceTier": {"type": "reserved"}}));
    let answers = [(&*cheap, &answer), (&*unknown, &answer)];
    let completion = chat_completion_of(&answers, "id", 1, "m").unwrap();
    assert_eq!(completion.consumption.cost, None);
    assert_eq!(completion.consumption.usage.prompt_tokens(), 4);
}

#[test]
fn an_answer_that_bedrock_did_not_count_is_estimated() {
    let json = whole("Hi", &json!({"usage": null}));
    let completion = chat_completion(&json, "id", 1, "m", &answer(None, false)).unwrap();
    assert!(completion.consumption.estimated);
    assert_eq!(completion.consumption.usage.input_tokens, 100);
    assert!(completion.consumption.usage.output_tokens > 0);
}

#[test]
fn a_stream_is_estimated_by_what_was_seen_until_bedrock_counts_it() {
    let mut translator = translator(answer(Some(PRICE), true));
    let mut out = BytesMut::new();
    let mut taken = |translator: &mut StreamTranslator, bytes: Vec<u8>| {
        translator.push(&bytes, &mut out).unwrap();
        translator.consumption()
    };
    let estimate = |output: u32| {
        consumption(
            100,
            output.into(),
            Some(0.5 + 0.05 * f64::from(output)),
            true,
        )
    };
    let start = frame("messageStart", &json!({"role": "assistant"}));
    assert_eq!(taken(&mut translator, start), estimate(0));
    let thought = delta(0, &json!({"reasoningContent": {"text": "abcdef"}}));
    assert_eq!(taken(&mut translator, thought), estimate(2));
    // A signature holds the thoughts in full, of which the text may be a summary.
    let signature = delta(
        0,
        &json!({"reasoningContent": {"signature": "a".repeat(28)}}),
    );
    assert_eq!(taken(&mut translator, signature), estimate(10));
    let text = delta(1, &json!({"text": "abcdefghi"}));
    assert_eq!(taken(&mut translator, text), estimate(13));
    let call =
        json!({"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "abc"}}});
    assert_eq!(
        taken(&mut translator, frame("contentBlockStart", &call)),
        estimate(14)
    );
    let input = delta(2, &json!({"toolUse": {"input": "{}    "}}));
    assert_eq!(taken(&mut translator, input), estimate(16));
    let stop = frame("messageStop", &json!({"stopReason": "tool_use"}));
    assert_eq!(taken(&mut translator, stop), estimate(16));
    let counted = json!({"usage": {"inputTokens": 2, "outputTokens": 3, "totalTokens": 5}, "serviceTier": {"type": "default"}});
    let exact = taken(&mut translator, frame("metadata", &counted));
    assert_eq!(exact, consumption(2, 3, Some(0.32), false));
    assert_eq!(usage_of(&out)["cost"], 0.32);
}

#[test]
fn a_stream_that_breaks_is_still_accounted_for() {
    let mut translator = translator(answer(Some(PRICE), true));
    let mut out = BytesMut::new();
    translator
        .push(&delta(0, &json!({"text": "abc"})), &mut out)
        .unwrap();
    let error = ErrorObject {
        message: "It broke.".to_owned(),
        r#type: "server_error".into(),
        param: None,
        code: None,
    };
    translator.fail(&error, &mut out);
    assert_eq!(
        translator.consumption(),
        consumption(100, 1, Some(0.55), true)
    );
}

#[test]
fn a_stream_of_a_whole_answer_costs_the_same() {
    let mut translator = translator(answer(Some(PRICE), true));
    let mut out = BytesMut::new();
    let json = whole("Hi", &json!({"serviceTier": {"type": "priority"}}));
    translator.push_whole(&json, &mut out).unwrap();
    assert_eq!(
        translator.consumption(),
        consumption(2, 3, Some(0.56), false)
    );
    assert_eq!(usage_of(&out)["cost"], 0.56);
}

#[test]
fn several_streams_tell_what_they_cost_together() {
    let mut choices: Vec<_> = (0..2)
        .map(|index| {
            let answer = Answer {
                choices: 2,
                ..answer(Some(PRICE), true)
            };
            translator(answer).for_choice(index)
        })
        .collect();
    let mut out = BytesMut::new();
    for choice in &mut choices {
        choice
            .push_whole(&whole("Hi", &json!({})), &mut out)
            .unwrap();
    }
    StreamTranslator::end_choices(&mut choices, &mut out);
    assert_eq!(usage_of(&out)["cost"], 0.32);
}
