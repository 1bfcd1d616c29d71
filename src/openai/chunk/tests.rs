use super::*;

#[test]
fn numbers_are_written_in_full() {
    for number in [0, 7, 10, 409, u32::MAX] {
        assert_eq!(decimal(number, &mut [0; 10]), number.to_string().as_bytes());
    }
}

#[test]
fn the_role_stands_in_the_first_chunk_alone() {
    let mut writer = ChunkWriter::new("chatcmpl-1", 7, "a\"b", true);
    let mut out = BytesMut::new();
    writer.content(r#""Hi""#, &mut out);
    writer.content(r#""!""#, &mut out);
    writer.finish(FinishReason::Stop, Some("flex"), &mut out);
    writer.end(Some(&Usage::default()), Some("flex"), None, &mut out);
    ChunkWriter::done(&mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    let events: Vec<_> = text
        .split_terminator("\n\n")
        .map(|event| event.strip_prefix("data: ").unwrap())
        .collect();
    let (done, chunks) = events.split_last().unwrap();
    assert_eq!(*done, "[DONE]");
    let chunks: Vec<serde_json::Value> = chunks
        .iter()
        .map(|chunk| serde_json::from_str(chunk).unwrap())
        .collect();
    assert_eq!(
        chunks[0]["choices"][0]["delta"],
        serde_json::json!({"role": "assistant", "content": "Hi"})
    );
    assert_eq!(
        chunks[1]["choices"][0]["delta"],
        serde_json::json!({"content": "!"})
    );
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[2]["service_tier"], "flex");
    assert!(chunks[2]["usage"].is_null() && chunks[2].get("usage").is_some());
    assert_eq!(chunks[3]["choices"], serde_json::json!([]));
    assert_eq!(chunks[3]["usage"]["total_tokens"], 0);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["model"] == "a\"b" && chunk["created"] == 7)
    );
}

#[test]
fn the_chunk_that_ends_an_answer_holds_what_there_is() {
    let bedrock = RawValue::from_string(r#"{"stopReason":"end_turn"}"#.to_owned()).unwrap();
    let usage = Usage::default();
    let end = |include_usage, usage, bedrock| -> serde_json::Value {
        let writer = ChunkWriter::new("chatcmpl-1", 7, "m", include_usage).for_choice(3);
        let mut out = BytesMut::new();
        writer.end(usage, None, bedrock, &mut out);
        let chunk = out.strip_prefix(b"data: ").unwrap();
        serde_json::from_slice(chunk).unwrap()
    };
    let both = end(true, Some(&usage), Some(&*bedrock));
    assert_eq!(both["usage"]["total_tokens"], 0);
    assert_eq!(both["bedrock"]["stopReason"], "end_turn");
    let lost = end(true, None, Some(&*bedrock));
    assert_eq!(
        (&lost["usage"], &lost["choices"]),
        (&serde_json::Value::Null, &serde_json::json!([]))
    );
    assert!(lost.get("usage").is_some());
    assert_eq!(end(false, None, Some(&*bedrock)).get("usage"), None);
}

#[test]
fn every_chunk_of_a_choice_names_its_number() {
    let mut writer = ChunkWriter::new("chatcmpl-1", 7, "m", false).for_choice(3);
    let mut out = BytesMut::new();
    writer.content(r#""Hi""#, &mut out);
    writer.keep_alive(&mut out);
    writer.finish(FinishReason::Stop, None, &mut out);
    let text = String::from_utf8(out.to_vec()).unwrap();
    assert_eq!(
        text.matches(r#""choices":[{"index":3,"delta":{"#).count(),
        3,
        "{text}"
    );
}
