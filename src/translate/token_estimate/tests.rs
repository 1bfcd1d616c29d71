use serde_json::{Value, json};

use super::*;
use crate::bedrock::request::S3Location;
use crate::openai::ChatCompletionRequest;
use crate::translate::{Context, converse_request};

const FAMILY: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

fn tokens_of(request: &Value) -> u64 {
    let json = request.to_string();
    let request = ChatCompletionRequest::parse(json.as_bytes()).unwrap();
    let family = Family::of(Some(FAMILY));
    let translation = converse_request(request, &Context::new(&family)).unwrap();
    assert_eq!(
        translation.answer.billing.input_tokens,
        translation.input_tokens
    );
    translation.input_tokens
}

fn tokens(content: &Value, more: &Value) -> u64 {
    let mut request = json!({"model": "m", "messages": [{"role": "user", "content": content}]});
    let members = request.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    tokens_of(&request)
}

#[test]
fn everything_that_a_model_reads_is_estimated() {
    let none = json!({});
    let hi = tokens(&json!("Hi there"), &none);
    assert!((70..=100).contains(&hi), "{hi}");
    let text = "word ".repeat(3000);
    let long = tokens(&json!(text), &none);
    assert!((3000..=6000).contains(&long), "{long}");
    let pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let image = json!([{"type": "text", "text": "Hi there"}, {"type": "image_url", "image_url": {"url": pixel}}]);
    assert_eq!(tokens(&image, &none), hi + 1600);
    let tool = |description: &str| {
        let function = json!({"name": "f", "description": description});
        json!({"tools": [{"type": "function", "function": function}]})
    };
    let small = tokens(&json!("Hi there"), &tool("d"));
    // Nova 2 counts 850 for its instructions.
    assert!(small > hi + 850, "{small}");
    let large = tokens(&json!("Hi there"), &tool(&text));
    assert!(large > small + 4000, "{large}");
    let own = json!({"bedrock": {"additionalModelRequestFields": {"x": text}}});
    assert!(tokens(&json!("Hi there"), &own) > hi + 4000);
}

#[test]
fn texts_that_are_cut_into_small_tokens_are_not_taken_for_english() {
    let none = json!({});
    for (text, least) in [
        // With Claude's tokens, at least one for each character.
        ("露頭は岩盤が地表に現れている場所", 16),
        ("🪨🪨🪨🪨", 8),
        ("3.1415926535897932384626", 12),
        ("Zm9vYmFyQmF6UXV4MTIz", 9),
    ] {
        let estimated = tokens(&json!(text.repeat(100)), &none);
        assert!(estimated >= 100 * least, "{text}: {estimated}");
    }
}

#[test]
fn files_are_not_taken_for_less_than_they_may_hold() {
    let tokens = |format, length: usize| {
        let document = DocumentBlock {
            format,
            name: "f".into(),
            source: MediaSource::Bytes("A".repeat(length).into()),
            citations: None,
        };
        Scale::HIGH.document(&document)
    };
    // A page of text, compressed.
    assert!((500..2000).contains(&tokens("pdf", 5400)));
    assert_eq!(tokens("html", 5400), tokens("txt", 5400));
    assert!((2000..4000).contains(&tokens("html", 5400)));
}

#[test]
fn a_short_file_can_be_a_long_video() {
    let video = |source: &MediaSource<'_>| Scale::HIGH.video(source);
    let of = |length: usize| MediaSource::Bytes("A".repeat(length).into());
    // Half a minute of a screen.
    assert!(video(&of(400_000)) >= 8000);
    assert_eq!(video(&of(30_000_000)), 288_000);
    let location = S3Location {
        uri: "s3://b/v.mp4".into(),
        bucket_owner: None,
    };
    assert_eq!(video(&MediaSource::S3Location(location)), 288_000);
}

#[test]
fn calls_their_results_and_the_system_prompt_are_a_part_of_the_prompt() {
    let text = "word ".repeat(3000);
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": json!({"a": text}).to_string()}});
    let request = json!({"model": "m", "messages": [
        {"role": "system", "content": text},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": text},
    ]});
    let all = tokens_of(&request);
    assert!((15_000..=17_000).contains(&all), "{all}");
}

#[test]
fn no_prompt_is_longer_than_the_model_can_take() {
    let text = "x".repeat(3_000_000);
    assert_eq!(tokens(&json!(text), &json!({})), 200_000);
    // Above 200,000 each token costs twice as much, too.
    let fields = json!({"anthropic_beta": ["context-1m-2025-08-07"]});
    let longer = json!({"bedrock": {"additionalModelRequestFields": fields}});
    assert!(tokens(&json!(text), &longer) > 1_000_000);
}

#[test]
fn answers_are_estimated_by_their_bytes() {
    assert_eq!([0, 1, 3, 4].map(answer_tokens), [0, 1, 1, 2]);
}
