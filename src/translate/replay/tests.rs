use bytes::Bytes;
use serde_json::{Value, json};

use super::collector::Collected;
use super::turn::{ReasonedTurn, call_ids};
use super::*;
use crate::bedrock::Family;
use crate::bedrock::event::ReasoningDelta;
use crate::bedrock::request::{ReasoningContentBlock, ReasoningTextBlock};
use crate::openai::ChatCompletionRequest;
use crate::openai::message::Message;
use crate::translate::json_answer::{AnswerTool, JsonAnswer};
use crate::translate::{Answer, Context, Notes, converse_request};

mod sealing;

const SIGNER: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

fn key() -> StateKey {
    StateKey::new([7; 32])
}

fn replay(thinking: bool) -> Replay {
    Replay {
        signer: SIGNER.to_owned(),
        thinking,
        state_key: Some(key()),
    }
}

fn text(text: &str, signature: &str) -> ReasoningContentBlock<'static> {
    ReasoningContentBlock::ReasoningText(ReasoningTextBlock {
        text: text.to_owned().into(),
        signature: Some(signature.to_owned().into()),
    })
}

fn redacted(data: &str) -> ReasoningContentBlock<'static> {
    ReasoningContentBlock::RedactedContent(data.to_owned().into())
}

fn turn(ids: &[&str], blocks: Vec<ReasoningContentBlock<'static>>) -> ReasonedTurn {
    ReasonedTurn {
        signer: SIGNER.to_owned(),
        call_ids: call_ids(ids.iter().copied()).unwrap(),
        blocks,
    }
}

fn collector(replay: Option<Replay>) -> Collector {
    Collector::of(&Answer {
        replay,
        ..Answer::default()
    })
}

/// Collects deltas, each a block's index and a `ReasoningContentBlockDelta`, and then two calls.
fn collect(replay: Replay, deltas: &[(u32, Value)]) -> Option<Collected> {
    let mut collector = collector(Some(replay));
    for (block, delta) in deltas {
        let json = delta.to_string();
        let delta: ReasoningDelta<'_> = serde_json::from_str(&json).unwrap();
        collector.delta(*block, &delta);
    }
    collector.call("tooluse_b", "f");
    collector.call("tooluse_a", "g");
    collector.finish()
}

fn blocks(collected: Option<Collected>) -> Option<Vec<ReasoningContentBlock<'static>>> {
    let reasoning = collected?.turn.reasoning;
    ReasonedTurn::decode(&reasoning).map(|turn| turn.blocks)
}

/// What is restored of an assistant's message with these members, and what is noted.
fn restore(mut restorer: Restorer<'_>, message: &Value) -> (Restored<'static>, Option<String>) {
    let request =
        json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}, message]}).to_string();
    let mut request = ChatCompletionRequest::parse(request.as_bytes()).unwrap();
    let mut notes = Notes::default();
    let message: &mut Message<'_> = &mut request.messages[1];
    let found = match restorer.restore(message, 1, &mut notes) {
        Restored::Blocks(blocks) => {
            let turn = serde_json::to_vec(&json!({"signer": "", "call_ids": [], "blocks": blocks}));
            Restored::Blocks(ReasonedTurn::decode(&turn.unwrap()).unwrap().blocks)
        }
        Restored::WithoutReasoning => Restored::WithoutReasoning,
        Restored::Lost => Restored::Lost,
    };
    (found, notes.ignored())
}

/// An assistant's message with the calls `ids` and more members.
fn calls(ids: &[&str], more: Value) -> Value {
    let calls: Vec<_> = ids
        .iter()
        .map(|id| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}}))
        .collect();
    let mut message = json!({"role": "assistant", "tool_calls": calls});
    let Value::Object(more) = more else { panic!() };
    message.as_object_mut().unwrap().extend(more);
    message
}

fn details(data: &[&str]) -> Value {
    let items: Vec<_> = (0..)
        .zip(data)
        .map(|(index, data): (u32, _)| json!({"type": "reasoning.encrypted", "id": "a", "data": data, "index": index}))
        .collect();
    json!({"reasoning_details": items})
}

#[test]
fn blocks_are_kept_whole_and_in_order_however_they_are_cut() {
    let deltas = [
        (0, json!({"text": "First \"thought\"\n"})),
        (0, json!({"text": "\u{1f600} and more"})),
        (0, json!({"signature": "c2ln"})),
        (0, json!({"signature": "bmVk"})),
        (1, json!({"redactedContent": "c2VjcmV0"})),
        (2, json!({"text": ""})),
        (2, json!({"signature": "aGlkZGVu"})),
        (4, json!({"text": "Last", "signature": "bGFzdA=="})),
    ];
    let expected = vec![
        text("First \"thought\"\n\u{1f600} and more", "c2lnbmVk"),
        redacted("c2VjcmV0"),
        text("", "aGlkZGVu"),
        text("Last", "bGFzdA=="),
    ];
    let collected = collect(replay(false), &deltas).unwrap();
    assert_eq!(collected.turn.call_ids, ["tooluse_b", "tooluse_a"]);
    let sealed = collected.sealed.as_ref().unwrap();
    assert_eq!(sealed.id, "tooluse_b");
    let opened = key().open(&sealed.data).unwrap();
    assert_eq!(opened, collected.turn.reasoning);
    let decoded = ReasonedTurn::decode(&opened).unwrap();
    assert_eq!(decoded, turn(&["tooluse_a", "tooluse_b"], expected.clone()));
    // A block that goes on after another one stays where it began.
    let mut mixed = deltas.to_vec();
    mixed.swap(3, 4);
    assert_eq!(blocks(collect(replay(false), &mixed)), Some(expected));
}

#[test]
fn what_bedrock_would_refuse_is_not_kept() {
    let signed = (0, json!({"text": "a", "signature": "c2ln"}));
    for deltas in [
        vec![signed.clone(), (1, json!({"text": "unsigned"}))],
        vec![signed.clone(), (1, json!({"redactedContent": "no base64"}))],
        vec![(0, json!({"text": "a", "redactedContent": "c2ln"}))],
        vec![
            signed.clone(),
            (
                1,
                json!({"text": "x".repeat(1024 * 1024), "signature": "c2ln"}),
            ),
        ],
        vec![],
    ] {
        assert!(collect(replay(false), &deltas).is_none());
    }
    let empty = (1, json!({"text": ""}));
    assert_eq!(
        blocks(collect(replay(false), &[signed, empty])),
        Some(vec![text("a", "c2ln")])
    );
}

#[test]
fn only_turns_with_calls_are_kept_and_those_without_thoughts_as_such() {
    let mut collector = collector(Some(replay(true)));
    collector.delta(
        0,
        &serde_json::from_str(r#"{"text":"a","signature":"c2ln"}"#).unwrap(),
    );
    assert!(collector.finish().is_none());
    assert_eq!(blocks(collect(replay(true), &[])), Some(vec![]));

    let mut off = Collector::of(&Answer::default());
    off.call("tooluse_a", "f");
    assert!(off.finish().is_none());

    let without_key = Replay {
        state_key: None,
        ..replay(true)
    };
    let collected = collect(without_key, &[]).unwrap();
    assert!(collected.sealed.is_none());
}

#[test]
fn a_call_that_the_client_never_sees_is_none() {
    let tool = AnswerTool {
        name: "answer".to_owned(),
        unwraps: false,
    };
    let answer = Answer {
        replay: Some(replay(true)),
        json: Some(JsonAnswer { tool: Some(tool) }),
        ..Answer::default()
    };
    let mut hidden = Collector::of(&answer);
    hidden.call("tooluse_a", "answer");
    assert!(hidden.finish().is_none());
    let mut seen = Collector::of(&answer);
    seen.call("tooluse_a", "answer");
    seen.call("tooluse_b", "f");
    assert_eq!(seen.finish().unwrap().turn.call_ids, ["tooluse_b"]);
}

#[test]
fn the_most_trusted_source_counts() {
    let ids = ["tooluse_A-1", "tooluse_B-2"];
    let kept = key().seal(&turn(&ids, vec![text("kept", "c2ln")]).encode());
    let remembered = turn(&ids, vec![text("remembered", "c2ln")]).encode();
    let recalled = Recalled::new(vec![Bytes::from(remembered)]);
    let (state_key, with) = (key(), |more: &[Value]| {
        let mut all = json!({});
        for more in more {
            all.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
        }
        // OpenClaw's spelling, in another order.
        calls(&["tooluseB2", "tooluseA1"], all)
    });
    let thinking =
        |text: &str| json!([{"type": "thinking", "thinking": text, "signature": "c2ln"}]);
    let blocks = json!({"thinking_blocks": thinking("blocks")});
    let parts = json!({"content": thinking("parts")});
    let signed = json!({"reasoning_content": "signed", "reasoning_signature": "c2ln"});
    let plain =
        json!({"reasoning_content": "plain", "reasoning": "plain", "reasoning_text": "plain"});
    for (message, expected) in [
        (
            with(&[
                details(&["junk", &kept]),
                blocks.clone(),
                parts.clone(),
                signed.clone(),
            ]),
            "kept",
        ),
        (with(&[blocks, parts.clone(), signed.clone()]), "blocks"),
        (with(&[parts, signed.clone()]), "parts"),
        (with(&[signed]), "signed"),
        (with(&[plain]), "remembered"),
        (with(&[]), "remembered"),
    ] {
        let restorer = Restorer::of(SIGNER, Some(&state_key), &recalled);
        let expected = Restored::Blocks(vec![text(expected, "c2ln")]);
        assert_eq!(restore(restorer, &message), (expected, None), "{message}");
    }
}

#[test]
fn what_is_remembered_is_given_back_once_however_often_its_ids_are_repeated() {
    let remembered = turn(&["a"], vec![text("remembered", "c2ln")]).encode();
    let recalled = Recalled::new(vec![Bytes::from(remembered)]);
    let family = Family::of(Some(SIGNER));
    let context = Context {
        foundation_model: Some(SIGNER),
        recalled: &recalled,
        ..Context::new(&family)
    };
    let mut messages = vec![json!({"role": "user", "content": "Hi"})];
    for _ in 0..3 {
        messages.push(calls(&["a"], json!({})));
        messages.push(json!({"role": "tool", "tool_call_id": "a", "content": "Done."}));
    }
    messages.push(json!({"role": "assistant", "content": "Well."}));
    messages.push(json!({"role": "user", "content": "And?"}));
    let json = json!({"model": SIGNER, "reasoning_effort": "low", "messages": messages});
    let json = json.to_string();
    let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
    let body = converse_request(request, &context).unwrap().body;
    let body = String::from_utf8(body).unwrap();
    assert_eq!(body.matches("remembered").count(), 1, "{body}");
}

#[test]
fn thoughts_come_back_where_the_bedrock_object_asks_for_them() {
    let remembered = turn(&["a"], vec![text("remembered", "c2ln")]).encode();
    let recalled = Recalled::new(vec![Bytes::from(remembered)]);
    let family = Family::of(Some(SIGNER));
    let context = Context {
        foundation_model: Some(SIGNER),
        recalled: &recalled,
        ..Context::new(&family)
    };
    for (kind, comes_back) in [("enabled", true), ("disabled", false)] {
        let thinking = json!({"thinking": {"type": kind, "budget_tokens": 2000}});
        let json = json!({"model": SIGNER, "tools": [{"type": "function", "function": {"name": "f"}}],
            "bedrock": {"additionalModelRequestFields": thinking}, "messages": [
            {"role": "user", "content": "Hi"}, calls(&["a"], json!({})), {"role": "tool", "tool_call_id": "a", "content": "Done."}]});
        let json = json.to_string();
        let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
        let translation = converse_request(request, &context).unwrap();
        let body = String::from_utf8(translation.body).unwrap();
        assert_eq!(body.contains("remembered"), comes_back, "{body}");
        assert_eq!(translation.notes.adjusted(), None);
        assert_eq!(translation.answer.replay.unwrap().thinking, comes_back);
    }
}

#[test]
fn no_more_is_recalled_than_a_model_reads() {
    let turn = Bytes::from(vec![0; 1024 * 1024]);
    for (turns, length) in [(16, 16 * 1024 * 1024), (17, 0)] {
        assert_eq!(Recalled::new(vec![turn.clone(); turns]).length(), length);
    }
}

#[test]
fn blocks_of_both_kinds_come_back_and_unsigned_ones_do_not() {
    let recalled = Recalled::default();
    let restorer = Restorer::of(SIGNER, None, &recalled);
    let blocks = json!({"thinking_blocks": [
        {"type": "thinking", "thinking": "", "signature": "aGlkZGVu"},
        {"type": "thinking", "thinking": "unsigned"},
        {"type": "redacted_thinking", "data": "no base64"},
        {"type": "redacted_thinking", "data": "c2VjcmV0"},
        {"type": "text", "text": "x"},
        5,
    ]});
    let expected = Restored::Blocks(vec![text("", "aGlkZGVu"), redacted("c2VjcmV0")]);
    assert_eq!(restore(restorer, &calls(&["a"], blocks)), (expected, None));
}

#[test]
fn only_the_turns_own_reasoning_by_the_same_model_is_used() {
    let ids = ["a", "b"];
    let own = turn(&ids, vec![text("own", "c2ln")]);
    let other_model = ReasonedTurn {
        signer: "anthropic.claude-opus-4-1-20250805-v1:0".to_owned(),
        ..own.clone()
    };
    let (state_key, other_key) = (key(), StateKey::new([8; 32]));
    for (message_ids, turn, sealed_with) in [
        (&["a"][..], &own, &state_key),
        (&["a", "b", "c"], &own, &state_key),
        (&["a", "c"], &own, &state_key),
        (&[], &own, &state_key),
        (&ids, &other_model, &state_key),
    ] {
        let recalled = Recalled::new(vec![turn.encode().into(), Bytes::from_static(b"junk")]);
        let restorer = Restorer::of(SIGNER, Some(&state_key), &recalled);
        let message = calls(message_ids, details(&[&sealed_with.seal(&turn.encode())]));
        assert_eq!(
            restore(restorer, &message),
            (Restored::Lost, None),
            "{message}"
        );
    }
    let recalled = Recalled::default();
    let restorer = || Restorer::of(SIGNER, Some(&state_key), &recalled);
    let foreign = calls(&ids, details(&[&other_key.seal(&own.encode())]));
    assert_eq!(restore(restorer(), &foreign), (Restored::Lost, None));
    let known = calls(
        &ids,
        details(&[&state_key.seal(&turn(&ids, vec![]).encode())]),
    );
    assert_eq!(
        restore(restorer(), &known),
        (Restored::WithoutReasoning, None)
    );
}

#[test]
fn what_the_client_brought_is_named_when_it_is_left_out_and_what_it_was_given_is_not() {
    let message = calls(
        &["a"],
        json!({
            "content": [{"type": "text", "text": "x"}, {"type": "thinking", "thinking": "t", "signature": "c2ln"}],
            "thinking_blocks": [{"type": "redacted_thinking", "data": "c2ln"}],
            "reasoning_content": "t",
            "reasoning_signature": "c2ln",
            "reasoning_details": [{"type": "reasoning.encrypted", "id": "a", "data": "junk"}],
        }),
    );
    let named = "messages[1].thinking_blocks, messages[1].content[1]".to_owned();
    assert_eq!(
        restore(Restorer::default(), &message),
        (Restored::Lost, Some(named))
    );
    assert_eq!(
        restore(Restorer::after_refusal(), &message),
        (Restored::Lost, None)
    );
}

#[test]
fn a_turn_without_thoughts_is_enough_where_the_model_decides_whether_to_think() {
    for (model, thinks) in [
        (SIGNER, false),
        ("anthropic.claude-opus-4-7", true),
        ("anthropic.claude-sonnet-5", true),
    ] {
        let message = calls(&["a"], json!({}));
        let json = json!({"model": model, "reasoning_effort": "low", "messages": [
            {"role": "user", "content": "Hi"}, message, {"role": "tool", "tool_call_id": "a", "content": "Done."}]});
        let json = json.to_string();
        let known = ReasonedTurn {
            signer: model.to_owned(),
            ..turn(&["a"], vec![])
        };
        let recalled = Recalled::new(vec![known.encode().into()]);
        for (recalled, thinks) in [(&recalled, thinks), (&Recalled::none(), false)] {
            let family = Family::of(Some(model));
            let context = Context {
                foundation_model: Some(model),
                recalled,
                ..Context::new(&family)
            };
            let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
            let translation = converse_request(request, &context).unwrap();
            let adjusted = translation.notes.adjusted().unwrap_or_default();
            assert_eq!(!adjusted.contains("thinking=disabled"), thinks, "{model}");
            // The next turn is known for what it is, so that one loss does not end all thinking.
            assert!(translation.answer.replay.unwrap().thinking);
        }
    }
}

#[test]
fn ids_are_compared_by_letters_and_digits_in_any_order() {
    assert_eq!(
        call_ids(["tooluse_b-1", "a", "a"]),
        call_ids(["a", "tooluseb1"])
    );
    assert_eq!(call_ids(["a", "--"]), None);
    assert_eq!(call_ids([]), None);
}
