//! `fixtures/embeddings/<case>.openai.json`: an embeddings request, and the InvokeModel calls that it becomes, or its
//! refusal. `<case>.invoke.json`: a request with the answers to its calls, and the response that they become.

use std::fmt::Write as _;
use std::fs;

use outcrop::bedrock::EmbeddingModel;
use outcrop::bedrock::model_id::foundation_model;
use outcrop::openai::embedding_list::EmbeddingUsage;
use outcrop::openai::{EmbeddingList, EmbeddingRequest, InvalidRequest};
use outcrop::translate::{AnswerError, EmbeddingCall, EmbeddingCalls, Failure, embeddings};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::golden::{assert_golden, pretty};

#[test]
fn requests_become_the_calls_of_their_model() {
    insta::glob!("../../fixtures/embeddings", "*.openai.json", |path| {
        let json = fs::read(path).unwrap();
        let output = shown(&json).unwrap_or_else(|refusal| {
            let error = serde_json::to_vec(&refusal.object()).unwrap();
            format!("400 {}", pretty(&error))
        });
        assert_golden(path, &output);
    });
}

#[test]
fn answers_become_a_list_of_embeddings() {
    insta::glob!("../../fixtures/embeddings", "*.invoke.json", |path| {
        let json = fs::read(path).unwrap();
        let exchange: Exchange<'_> = serde_json::from_slice(&json).unwrap();
        // Neither are numbers laid out anew: every digit counts.
        let output = exchange.list().unwrap_or_else(|error| {
            let failure = Failure::from_answer_error(&error, None);
            let object = serde_json::to_vec(&failure.object).unwrap();
            format!("{} {}", failure.status, pretty(&object))
        });
        assert_golden(path, &output);
    });
}

#[derive(Deserialize)]
struct Exchange<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    #[serde(borrow)]
    answers: Vec<&'a RawValue>,
}

impl Exchange<'_> {
    fn list(&self) -> Result<String, AnswerError> {
        let request = EmbeddingRequest::parse(self.request.get().as_bytes()).unwrap();
        let calls: Vec<_> = calls(&request).unwrap().0;
        assert_eq!(calls.len(), self.answers.len());
        let mut list = EmbeddingList::default();
        let mut tokens = Some(0);
        for (call, answer) in calls.iter().zip(&self.answers) {
            let read = embeddings(answer.get().as_bytes(), call.texts, request.encoding_format)?;
            for embedding in &read.embeddings {
                list.push(embedding);
            }
            tokens = tokens.zip(read.input_tokens).map(|(sum, more)| sum + more);
        }
        let json = list.finish(&request.model, tokens.map(EmbeddingUsage::of));
        Ok(String::from_utf8(json).unwrap())
    }
}

/// The calls of a request as the server makes them, and the header that tells what has no effect.
fn calls(
    request: &EmbeddingRequest<'_>,
) -> Result<(Vec<EmbeddingCall>, Option<String>), InvalidRequest> {
    let id = foundation_model(&request.model).unwrap().unwrap();
    let (calls, notes) = EmbeddingCalls::new(request, EmbeddingModel::of(id).unwrap())?;
    Ok((calls.calls().collect(), notes.ignored()))
}

fn shown(json: &[u8]) -> Result<String, InvalidRequest> {
    let request = EmbeddingRequest::parse(json)?;
    let (calls, ignored) = calls(&request)?;
    let mut shown = String::new();
    if let Some(ignored) = ignored {
        writeln!(shown, "x-outcrop-ignored: {ignored}").unwrap();
    }
    for call in calls {
        writeln!(shown, "{} text(s): {}", call.texts, pretty(&call.body)).unwrap();
    }
    Ok(shown)
}
