//! Embeddings: texts keep their order however they are split into calls, numbers survive, and nothing makes it panic.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outcrop::bedrock::EmbeddingModel;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::fixture::{Operation, check_request};
use outcrop::openai::EmbeddingRequest;
use outcrop::openai::embedding::EncodingFormat;
use outcrop::translate::{EmbeddingCalls, embeddings};
use proptest::collection::vec;
use proptest::num::f32::{NEGATIVE, NORMAL, POSITIVE, SUBNORMAL, ZERO};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const MODELS: [&str; 6] = [
    "amazon.titan-embed-text-v1",
    "amazon.titan-embed-text-v2:0",
    "cohere.embed-english-v3",
    "cohere.embed-multilingual-v3",
    "us.cohere.embed-v4:0",
    "amazon.nova-2-multimodal-embeddings-v1:0",
];

/// The texts of a call, in any model's form.
fn texts_of(body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let one = body
        .get("inputText")
        .or_else(|| body.pointer("/singleEmbeddingParams/text/value"));
    let several = body.get("texts").and_then(Value::as_array);
    let several = several.into_iter().flatten();
    one.into_iter()
        .chain(several)
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

proptest! {
    #[test]
    fn texts_keep_their_order_and_every_call_is_taken(
        model in select(&MODELS[..]),
        texts in vec(".{1,20}", 1..250),
        input_type in option::of(select(&["query", "document", "classification", "clustering"][..])),
        truncate in option::of(select(&["NONE", "START", "END"][..])),
    ) {
        let json = json!({"model": model, "input": texts, "input_type": input_type, "truncate": truncate}).to_string();
        let request = EmbeddingRequest::parse(json.as_bytes()).unwrap();
        let takes = EmbeddingModel::of(foundation_model(model).unwrap().unwrap()).unwrap();
        let (calls, _) = EmbeddingCalls::new(&request, takes).unwrap();
        let mut sent = Vec::new();
        let mut full = true;
        for call in calls.calls() {
            // Only the last call may have room.
            prop_assert!(full);
            full = call.texts == takes.texts_per_call;
            let body: Value = serde_json::from_slice(&call.body).unwrap();
            prop_assert_eq!(check_request(model, Operation::InvokeModel, &body, false), Ok(()));
            let texts = texts_of(&call.body);
            prop_assert_eq!(texts.len(), call.texts);
            sent.extend(texts);
        }
        prop_assert_eq!(sent, texts);
    }

    #[test]
    fn floats_survive_base64_to_the_last_bit(
        numbers in vec(vec(NORMAL | SUBNORMAL | ZERO | POSITIVE | NEGATIVE, 1..40), 1..5),
    ) {
        let json = json!({"embeddings": {"float": "numbers"}}).to_string();
        let json = json.replace("\"numbers\"", &serde_json::to_string(&numbers).unwrap());
        let read = embeddings(json.as_bytes(), numbers.len(), EncodingFormat::Base64).unwrap();
        for (embedding, numbers) in read.embeddings.iter().zip(&numbers) {
            let bytes = STANDARD.decode(embedding.trim_matches('"')).unwrap();
            let expected: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            prop_assert_eq!(bytes, expected);
        }
        let floats = embeddings(json.as_bytes(), numbers.len(), EncodingFormat::Float).unwrap();
        for (embedding, numbers) in floats.embeddings.iter().zip(&numbers) {
            prop_assert_eq!(embedding, &serde_json::to_string(numbers).unwrap());
        }
    }

    #[test]
    fn any_answer_is_embeddings_or_an_error(
        json in prop_oneof![
            vec(any::<u8>(), 0..200),
            r#"\{"embedding(s|sByType)?":(\[\[|\[|\{"float":\[?)?[-0-9eE.,"n\[\]{} ]{0,40}\]{0,2}\}{1,2}"#.prop_map(String::into_bytes),
        ],
        texts in 0_usize..4,
    ) {
        for format in [EncodingFormat::Float, EncodingFormat::Base64] {
            if let Ok(read) = embeddings(&json, texts, format) {
                prop_assert_eq!(read.embeddings.len(), texts);
                for embedding in read.embeddings {
                    prop_assert!(serde_json::from_str::<Value>(&embedding).is_ok());
                }
            }
        }
    }

    #[test]
    fn any_request_is_read_or_refused(
        json in prop_oneof![
            vec(any::<u8>(), 0..200),
            r#"\{"model":"m","(input|dimensions|encoding_format|input_type|truncate|bedrock)":[-0-9a-z.,"\[\]{}: ]{0,40}\}"#
                .prop_map(String::into_bytes),
        ],
    ) {
        if let Ok(request) = EmbeddingRequest::parse(&json) {
            prop_assert!(!request.input.is_empty());
            prop_assert!(request.input.iter().all(|text| !text.is_empty()));
        }
    }
}
