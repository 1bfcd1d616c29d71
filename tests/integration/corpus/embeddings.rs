//! Recorded calls of embeddings models: what was asked becomes the same request again, and every number of the
//! answer arrives.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::bedrock::{EmbeddingModel, Exception};
use outcrop::fixture::{Operation, check_request};
use outcrop::openai::EmbeddingRequest;
use outcrop::openai::embedding::EncodingFormat;
use outcrop::translate::{EmbeddingCalls, Failure, embeddings};
use serde_json::{Map, Value, json};

use super::{cases, name, read_json};

#[test]
fn recorded_embeddings_arrive_number_by_number() {
    let (mut answers, mut vectors, mut numbers) = (0, 0, 0);
    for case in invocations("list-models") {
        let json = std::fs::read(case.join("response.json")).unwrap();
        let Some(expected) = in_answer(&serde_json::from_slice(&json).unwrap()) else {
            // A client library's own form, written instead of Bedrock's.
            assert!(embeddings(&json, 1, EncodingFormat::Float).is_err());
            println!("{} is not in Bedrock's form", name(&case));
            continue;
        };
        let read = |format| embeddings(&json, expected.len(), format).unwrap();
        let floats = read(EncodingFormat::Float);
        let base64 = read(EncodingFormat::Base64);
        for ((expected, float), base64) in expected
            .iter()
            .zip(&floats.embeddings)
            .zip(&base64.embeddings)
        {
            let float: Vec<f64> = serde_json::from_str(float).unwrap();
            assert_eq!(&float, expected, "{}", name(&case));
            let bytes = STANDARD.decode(base64.trim_matches('"')).unwrap();
            let (chunks, rest) = bytes.as_chunks::<4>();
            assert!(rest.is_empty() && chunks.len() == expected.len());
            for (bytes, expected) in chunks.iter().zip(expected) {
                let difference = f64::from(f32::from_le_bytes(*bytes)) - expected;
                assert!(difference.abs() <= expected.abs() * f64::from(f32::EPSILON));
            }
            numbers += expected.len();
        }
        let counted = read_json(&case.join("response.json"))["inputTextTokenCount"].as_u64();
        assert_eq!(floats.input_tokens, counted);
        let meta = read_json(&case.join("meta.json"));
        let headers = meta["response_headers"].as_object().unwrap();
        let header = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("x-amzn-bedrock-input-token-count"));
        if let (Some(counted), Some((_, header))) = (counted, header) {
            assert_eq!(header.as_str().unwrap(), counted.to_string());
        }
        answers += 1;
        vectors += expected.len();
    }
    println!("{answers} recorded answers: {vectors} embeddings of {numbers} numbers");
}

#[test]
fn recorded_requests_are_made_again() {
    let mut requests = 0;
    for case in invocations("list-models") {
        let recorded = read_json(&case.join("request.json"));
        // The format of the answer is the client's to choose, and is not said to the model.
        if recorded.is_null() || recorded.get("embedding_types").is_some() {
            continue;
        }
        let meta = read_json(&case.join("meta.json"));
        let model = meta["model_id"].as_str().unwrap();
        assert_eq!(
            check_request(model, Operation::InvokeModel, &recorded, false),
            Ok(()),
            "{}",
            name(&case)
        );
        let json = asked(model, &recorded).to_string();
        let request = EmbeddingRequest::parse(json.as_bytes()).unwrap();
        let model = EmbeddingModel::of(foundation_model(model).unwrap().unwrap()).unwrap();
        let (calls, notes) = EmbeddingCalls::new(&request, model).unwrap();
        let bodies: Vec<Value> = calls
            .calls()
            .map(|call| serde_json::from_slice(&call.body).unwrap())
            .collect();
        assert_eq!(bodies, [recorded], "{}", name(&case));
        assert_eq!(notes.ignored(), None);
        requests += 1;
    }
    println!("{requests} recorded requests");
}

/// Only one refusal was recorded: a member that Cohere's third version does not have.
#[test]
fn recorded_refusals_are_the_stand_ins_too() {
    for case in invocations("errors") {
        let meta = read_json(&case.join("meta.json"));
        let model = meta["model_id"].as_str().unwrap();
        if !model.contains("embed") {
            continue;
        }
        let body = std::fs::read(case.join("response.json")).unwrap();
        let exception = Exception::from_answer(400, Some("ValidationException"), None, &body);
        let request = read_json(&case.join("request.json"));
        let refused = check_request(model, Operation::InvokeModel, &request, false);
        assert_eq!(refused, Err(exception.message.clone()), "{}", name(&case));
        assert_eq!(Failure::from_exception(&exception, None).status, 400);
        println!("one recorded refusal: {}", exception.message);
    }
}

fn invocations(kind: &str) -> Vec<std::path::PathBuf> {
    let is_invocation = |case: &Path| read_json(&case.join("meta.json"))["api"] == "InvokeModel";
    let cases = cases(kind);
    cases
        .into_iter()
        .filter(|case| is_invocation(case))
        .collect()
}

/// The numbers of an answer in Bedrock's form.
fn in_answer(answer: &Value) -> Option<Vec<Vec<f64>>> {
    let numbers = |list: &Value| -> Vec<f64> {
        let list = list.as_array().unwrap();
        list.iter().map(|number| number.as_f64().unwrap()).collect()
    };
    if let Some(embedding) = answer.get("embedding") {
        return Some(vec![numbers(embedding)]);
    }
    let embeddings = answer.get("embeddings")?;
    let list = embeddings
        .get("float")
        .unwrap_or(embeddings)
        .as_array()
        .unwrap();
    let embedding = |entry: &Value| numbers(entry.get("embedding").unwrap_or(entry));
    Some(list.iter().map(embedding).collect())
}

/// The request of OpenAI's that asks for the same.
fn asked(model: &str, recorded: &Value) -> Value {
    let parameters = recorded.get("singleEmbeddingParams");
    let at = |pointer: &str| recorded.pointer(pointer).cloned().unwrap_or_default();
    let either = |one: &str, other: &str, third: &str| {
        [one, other, third]
            .map(at)
            .into_iter()
            .find(|value| !value.is_null())
            .unwrap_or_default()
    };
    let input_type = match at("/singleEmbeddingParams/embeddingPurpose").as_str() {
        Some("GENERIC_RETRIEVAL") => json!("search_query"),
        Some("GENERIC_INDEX") => json!("search_document"),
        _ => at("/input_type"),
    };
    let own: Map<String, Value> = ["normalize", "max_tokens"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), recorded.get(name)?.clone())))
        .collect();
    json!({
        "model": model,
        "input": either("/inputText", "/texts", "/singleEmbeddingParams/text/value"),
        "dimensions": either("/dimensions", "/output_dimension", "/singleEmbeddingParams/embeddingDimension"),
        "truncate": parameters.map_or_else(|| at("/truncate"), |own| own["text"]["truncationMode"].clone()),
        "input_type": input_type,
        "bedrock": if own.is_empty() { Value::Null } else { own.into() },
    })
}
