//! `fixtures/requests/<case>.openai.json`: a chat completion request, and the Converse request that it becomes
//! for the family of its model, or its refusal.

use std::fmt::Write as _;
use std::fs;

use outcrop::bedrock::Family;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::openai::{ChatCompletionRequest, InvalidRequest, replace_lone_surrogates};
use outcrop::translate::{Translation, converse_request};

use crate::golden::{assert_golden, pretty};

#[test]
fn requests_become_converse_requests() {
    insta::glob!("../../fixtures/requests", "*.openai.json", |path| {
        let json = fs::read(path).unwrap();
        let output = match translate(&json) {
            Ok(translation) => shown(&translation),
            Err(refusal) => refused(&refusal),
        };
        assert_golden(path, &output);
    });
}

/// Translates a request as the server does.
pub(crate) fn translate(json: &[u8]) -> Result<Translation, InvalidRequest> {
    let json = replace_lone_surrogates(json);
    let request = ChatCompletionRequest::parse(&json)?;
    let family = Family::of(foundation_model(&request.model).unwrap());
    converse_request(request, &family)
}

fn shown(translation: &Translation) -> String {
    let mut shown = String::new();
    for (header, value) in [
        ("x-outcrop-ignored", translation.notes.ignored()),
        ("x-outcrop-adjusted", translation.notes.adjusted()),
    ] {
        if let Some(value) = value {
            writeln!(shown, "{header}: {value}").unwrap();
        }
    }
    if !translation.streamable {
        shown.push_str("(not streamable)\n");
    }
    shown + &pretty(&translation.body)
}

fn refused(refusal: &InvalidRequest) -> String {
    let error = serde_json::to_vec(&refusal.object()).unwrap();
    format!("400 {}", pretty(&error))
}
