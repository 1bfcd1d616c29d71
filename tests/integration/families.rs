//! `fixtures/families/request.json`: one rich request, translated for a model of every row of the family table. Each
//! result lies beside it, and passes the stand-in's checks of what that model takes.

use std::fs;
use std::path::Path;

use outcrop::bedrock::Family;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::fixture::{Operation, check_request};
use serde_json::Value;

use crate::golden::assert_golden;
use crate::requests::{shown, translate};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/families");
/// A model of every row, and one that no row knows.
pub(crate) const MODELS: [&str; 69] = [
    "anthropic.claude-v2:1",
    "anthropic.claude-3-haiku-20240307-v1:0",
    "anthropic.claude-3-5-sonnet-20240620-v1:0",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "anthropic.claude-3-5-haiku-20241022-v1:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-opus-4-20250514-v1:0",
    "anthropic.claude-opus-4-1-20250805-v1:0",
    "anthropic.claude-sonnet-4-5-20250929-v1:0",
    "anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-opus-4-5-20251101-v1:0",
    "anthropic.claude-opus-4-6-v1",
    "anthropic.claude-sonnet-4-6",
    "anthropic.claude-opus-4-7",
    "anthropic.claude-opus-4-8",
    "anthropic.claude-sonnet-5",
    "anthropic.claude-opus-5",
    "anthropic.claude-haiku-5-5",
    "anthropic.claude-opus-5-5",
    "anthropic.claude-fable-5-1",
    "anthropic.claude-mythos-5",
    "amazon.nova-micro-v1:0",
    "amazon.nova-lite-v1:0",
    "amazon.nova-pro-v1:0",
    "amazon.nova-premier-v1:0",
    "amazon.nova-2-lite-v1:0",
    "amazon.titan-text-express-v1",
    "meta.llama3-8b-instruct-v1:0",
    "meta.llama3-1-70b-instruct-v1:0",
    "meta.llama3-2-3b-instruct-v1:0",
    "meta.llama3-2-90b-instruct-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "meta.llama4-scout-17b-instruct-v1:0",
    "mistral.mistral-7b-instruct-v0:2",
    "mistral.mixtral-8x7b-instruct-v0:1",
    "mistral.mistral-large-2407-v1:0",
    "mistral.mistral-small-2402-v1:0",
    "mistral.pixtral-large-2502-v1:0",
    "mistral.magistral-small-2509",
    "mistral.voxtral-small-24b-2507",
    "mistral.devstral-2-123b",
    "mistral.mistral-large-3-675b-instruct",
    "cohere.command-r-v1:0",
    "ai21.jamba-instruct-v1:0",
    "ai21.jamba-1-5-large-v1:0",
    "deepseek.r1-v1:0",
    "deepseek.v3.2",
    "qwen.qwen3-32b-v1:0",
    "qwen.qwen3-235b-a22b-2507-v1:0",
    "qwen.qwen3-next-80b-a3b",
    "qwen.qwen3-coder-480b-a35b-v1:0",
    "qwen.qwen3-vl-235b-a22b",
    "openai.gpt-oss-120b-1:0",
    "openai.gpt-oss-safeguard-20b",
    "openai.gpt-5.6-luna",
    "xai.grok-4.6",
    "moonshot.kimi-k2-thinking",
    "moonshotai.kimi-k2.5",
    "zai.glm-4.7",
    "minimax.minimax-m2",
    "google.gemma-3-27b-it",
    "google.gemma-3-4b-it",
    "nvidia.nemotron-nano-12b-v2",
    "nvidia.nemotron-nano-9b-v2",
    "nvidia.nemotron-nano-3-30b",
    "nvidia.nemotron-super-3-120b",
    "writer.palmyra-x5-v1:0",
    "somebody.new-v9:0",
];

/// Profiles of every geography that AWS documents are of their model's family.
#[test]
fn a_geography_leaves_the_family_as_it_is() {
    let llama = "meta.llama3-1-70b-instruct-v1:0";
    for geography in [
        "global", "us", "us-gov", "eu", "apac", "jp", "au", "ca", "uk", "in", "sa", "amer",
    ] {
        let id = format!("{geography}.{llama}");
        let name = foundation_model(&id).unwrap();
        assert_eq!(name, Some(llama), "{id}");
        assert!(!Family::of(name).streaming_tools, "{id}");
    }
}

#[test]
fn every_family_gets_the_request_in_the_form_that_it_takes() {
    let request = fs::read(Path::new(FOLDER).join("request.json")).unwrap();
    let request: Value = serde_json::from_slice(&request).unwrap();
    for model in MODELS {
        let mut request = request.clone();
        let members = request.as_object_mut().unwrap();
        members.insert("model".to_owned(), Value::from(model));
        let mut translated = translate(request.to_string().as_bytes());
        if let Err(refusal) = &translated {
            assert_eq!(refusal.message, "This model does not take tools.");
            let members = request.as_object_mut().unwrap();
            members.retain(|name, _| !name.contains("tool"));
            translated = translate(request.to_string().as_bytes());
        }
        let translation = translated.unwrap();
        let operation = if translation.streamable {
            Operation::ConverseStream
        } else {
            Operation::Converse
        };
        let body = serde_json::from_slice(&translation.body).unwrap();
        let checked = check_request(model, operation, &body, false);
        assert_eq!(checked, Ok(()), "{model}");
        let case = model.replace(['.', ':'], "-");
        assert_golden(&Path::new(FOLDER).join(case), &shown(&translation));
    }
}
