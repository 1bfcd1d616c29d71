use super::*;

fn passed(events: &[(&str, Value)]) -> Value {
    let mut collected = PassedEvents::default();
    for (event_type, payload) in events {
        collected.event(event_type, payload.to_string().as_bytes());
    }
    let object = collected.finish().into_object();
    serde_json::from_str(object.get()).unwrap()
}

fn started(index: u64, start: &Value) -> (&'static str, Value) {
    let event = json!({"contentBlockIndex": index, "start": start, "p": "ab"});
    ("contentBlockStart", event)
}

fn delta(index: u64, delta: &Value) -> (&'static str, Value) {
    let event = json!({"contentBlockIndex": index, "delta": delta, "p": "ab"});
    ("contentBlockDelta", event)
}

fn stopped(index: u64) -> (&'static str, Value) {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

#[test]
fn what_openai_has_a_place_for_is_not_repeated() {
    let call = json!({"toolUse": {"toolUseId": "t", "name": "f"}});
    let events = [
        delta(0, &json!({"reasoningContent": {"text": "Hm."}})),
        stopped(0),
        delta(1, &json!({"text": "Hello"})),
        stopped(1),
        started(2, &call),
        delta(2, &json!({"toolUse": {"input": "{}"}})),
        (
            "messageStop",
            json!({"stopReason": "tool_use", "p": "abc", "additionalModelResponseFields": null}),
        ),
    ];
    assert_eq!(passed(&events), json!({"stopReason": "tool_use"}));
}

/// The same answer, whole and as a stream.
#[test]
fn blocks_of_a_stream_become_those_of_a_whole_answer() {
    let search =
        json!({"toolUse": {"toolUseId": "s1", "name": "web_search", "type": "server_tool_use"}});
    let citation = json!({"title": "A book", "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}}});
    let events = [
        started(0, &search),
        delta(0, &json!({"toolUse": {"input": "{\"query\":"}})),
        delta(0, &json!({"toolUse": {"input": "\"Oslo\"}"}})),
        stopped(0),
        started(
            1,
            &json!({"toolResult": {"toolUseId": "s1", "type": "web_search_tool_result", "status": "success"}}),
        ),
        delta(1, &json!({"toolResult": [{"text": "Wet."}]})),
        delta(1, &json!({"toolResult": [{"json": {"a": 1}}]})),
        stopped(1),
        delta(2, &json!({"text": "Oslo is "})),
        delta(2, &json!({"text": "wet."})),
        delta(2, &json!({"citation": citation})),
        stopped(2),
        started(3, &json!({"image": {"format": "png"}})),
        delta(3, &json!({"image": {"source": {"bytes": "iVBO"}}})),
        delta(3, &json!({"image": {"source": {"bytes": "Rw0K"}}})),
        delta(4, &json!({"tomorrow": {"a": "x"}})),
        (
            "messageStop",
            json!({"stopReason": "end_turn", "additionalModelResponseFields": {"stop_sequence": "X"}}),
        ),
        (
            "metadata",
            json!({"usage": {"inputTokens": 1}, "metrics": {"latencyMs": 2}, "trace": {"guardrail": {}}, "p": "a"}),
        ),
    ];
    let whole = json!({
        "output": {"message": {"role": "assistant", "content": [
            {"toolUse": {"toolUseId": "s1", "name": "web_search", "type": "server_tool_use", "input": {"query": "Oslo"}}},
            {"toolResult": {"toolUseId": "s1", "type": "web_search_tool_result", "status": "success",
                "content": [{"text": "Wet."}, {"json": {"a": 1}}]}},
            {"text": "Not repeated."},
            {"citationsContent": {"content": [{"text": "Oslo is wet."}], "citations": [citation]}},
            {"image": {"format": "png", "source": {"bytes": "iVBORw0K"}}},
            {"toolUse": {"toolUseId": "t1", "name": "mine", "input": {}}},
            {"tomorrow": {"a": "x"}},
        ]}},
        "stopReason": "end_turn",
        "additionalModelResponseFields": {"stop_sequence": "X"},
        "usage": {"inputTokens": 1},
        "metrics": {"latencyMs": 2},
        "trace": {"guardrail": {}},
    });
    let text = serde_json::to_string_pretty(&whole).unwrap();
    let object = Passed::of_answer(text.as_bytes()).unwrap().into_object();
    assert!(!object.get().contains('\n'), "{object}");
    let expected: Value = serde_json::from_str(object.get()).unwrap();
    assert_eq!(expected["content"].as_array().unwrap().len(), 5);
    assert_eq!(passed(&events), expected);
}

#[test]
fn a_member_that_comes_twice_is_there_once() {
    let mut collected = PassedEvents::default();
    collected.event("metadata", br#"{"metrics":{"latencyMs":1}}"#);
    collected.event("metadata", br#"{"metrics":{"latencyMs":2}}"#);
    let object = collected.finish().into_object();
    assert_eq!(object.get(), r#"{"metrics":{"latencyMs":2}}"#);
}

#[test]
fn a_call_that_was_cut_off_and_one_without_input() {
    let call = json!({"toolUse": {"toolUseId": "s1", "name": "f", "type": "server_tool_use"}});
    let cut = passed(&[
        started(0, &call),
        delta(0, &json!({"toolUse": {"input": "{\"a"}})),
        started(1, &call),
    ]);
    assert_eq!(cut["content"][0]["toolUse"]["input"], "{\"a");
    assert_eq!(cut["content"][1]["toolUse"]["input"], json!({}));
}

#[test]
fn a_long_text_costs_nothing_once_its_block_has_ended() {
    let mut collected = PassedEvents::default();
    let text = "x".repeat(1024 * 1024);
    for index in 0..17 {
        for (event_type, payload) in [delta(index, &json!({"text": text})), stopped(index)] {
            collected.event(event_type, payload.to_string().as_bytes());
        }
    }
    assert!(collected.blocks.is_empty() && collected.length < 1024);
    assert_eq!(collected.finish().into_object().get(), "{}");
}

#[test]
fn what_is_too_much_or_too_deep_is_left_out_and_said() {
    let mut collected = PassedEvents::default();
    let citation = json!({"source": "x".repeat(1024 * 1024)});
    for index in 0..17 {
        let (event_type, payload) = delta(index, &json!({"citation": citation}));
        collected.event(event_type, payload.to_string().as_bytes());
    }
    assert!(collected.length <= MAX_LENGTH);
    let object = collected.finish().into_object();
    assert!(object.get().ends_with(r#","incomplete":true}"#));

    let mut collected = PassedEvents::default();
    let deep = format!(
        r#"{{"delta":{{"tomorrow":{}{}}}}}"#,
        "[".repeat(200),
        "]".repeat(200)
    );
    collected.event("contentBlockDelta", deep.as_bytes());
    assert_eq!(
        collected.finish().into_object().get(),
        r#"{"incomplete":true}"#
    );
}
