//! `POST /v1/embeddings`.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tokio::time::Instant;

use super::beginning::{Pending, in_order};
use super::body::Payload;
use super::chat_completions::notes_headers;
use super::embedding_targets::EmbeddingTargets;
use super::exchange::Exchange;
use super::gateway::{Gateway, Reply};
use super::inference::{Refused, naming, wants_profile};
use super::recording::Tap;
use super::request_body::Share;
use super::translation::{Translator, not_an_id, note_model};
use super::upstream_failure::from_upstream;
use crate::bedrock::EmbeddingModel;
use crate::bedrock::response::TokenUsage;
use crate::error::Error;
use crate::fixture::Recorder;
use crate::models::Target;
use crate::openai::embedding::EncodingFormat;
use crate::openai::embedding_list::EmbeddingUsage;
use crate::openai::error::excerpt;
use crate::openai::{EmbeddingList, EmbeddingRequest, InvalidRequest};
use crate::translate::{EmbeddingCall, EmbeddingCalls, Failure, embeddings};
use crate::upstream::{self, Answer, Attempts};

/// How many calls of one request are made at the same time: enough to be quick, few enough to leave the account's quota to
/// others.
const CALLS_AT_ONCE: usize = 8;

/// What a number takes in JSON, with its sign and comma.
const BYTES_OF_A_FLOAT: usize = 14;
/// What four bytes take in base64, rounded up.
const BYTES_IN_BASE64: usize = 6;

/// What the calls of one request have in common.
#[derive(Clone)]
struct Embedder {
    targets: Arc<EmbeddingTargets>,
    translator: Arc<Translator>,
    recorder: Option<Recorder>,
    attempts: Arc<Attempts>,
    format: EncodingFormat,
}

/// The answer to one call.
struct Embedded {
    /// Where it was made: `account/region/model`.
    target: String,
    /// `x-amzn-requestid`.
    request_id: Option<String>,
    /// Each as JSON text, in the order of the texts.
    embeddings: Vec<String>,
    /// The tokens of all texts, where Bedrock said so.
    input_tokens: Option<u64>,
}

impl Gateway {
    /// Answers an embeddings request: as many calls of Bedrock as the model needs for its texts.
    ///
    /// # Errors
    /// For a request that is wrong, and for the first call that fails; the others are then ended.
    pub(super) async fn embeddings(
        &self,
        (body, _share): (Bytes, Share),
        exchange: &mut Exchange,
    ) -> Result<Reply, Error> {
        let translator = self.translator();
        let json = translator.without_lone_surrogates(body).await;
        let request = translator
            .aside()
            .run(json.len(), || EmbeddingRequest::parse(&json))
            .await?;
        // No conversation goes on here, so any number will do.
        let targets = self.models().targets(&request.model, || fastrand::u64(..));
        let targets = targets.map_err(not_an_id)?;
        // What a client writes around an id must not become a label of its own.
        exchange.model.clone_from(&targets.label);
        let (models, metrics) = (self.models().clone(), self.metrics().clone());
        let targets = EmbeddingTargets::new(models, metrics, targets)
            .await
            .ok_or_else(|| unknown_model(&exchange.model))?;
        let model = EmbeddingModel::of(targets.foundation_model())
            .ok_or_else(|| other_model(&exchange.model))?;
        let (calls, mut notes) = EmbeddingCalls::new(&request, model)?;
        translator.accept(&notes)?;
        let length = answer_length(&request, model);
        exchange.hold(self.answers().share_of_answer(length).await?);
        exchange.called(&targets.current().key(), None);
        let embedder = Embedder {
            targets: Arc::new(targets),
            translator: Arc::clone(translator),
            recorder: self.recorder().cloned(),
            attempts: Arc::clone(&exchange.attempts),
            format: request.encoding_format,
        };
        let mut list = EmbeddingList::default();
        let mut tokens = Some(0_u64);
        let pending = calls.calls().map(|call| embedder.begin(call));
        let answered = in_order(pending, CALLS_AT_ONCE, |embedded: Embedded| {
            if list.is_empty() {
                exchange.upstream_request_id = embedded.request_id;
            }
            exchange.answered(&embedded.target, None);
            for embedding in &embedded.embeddings {
                list.push(embedding);
            }
            let sum = tokens.zip(embedded.input_tokens);
            tokens = sum.map(|(sum, more)| sum.saturating_add(more));
        });
        answered
            .await
            .map_err(|refused| refused.told_to(exchange))?;
        exchange.usage = tokens.map(TokenUsage::of_input);
        exchange.measure_overhead();
        let body = list.finish(&request.model, tokens.map(EmbeddingUsage::of));
        note_model(&mut notes, &request.model, &embedder.targets.current());
        let mut headers = notes_headers(&notes);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Reply {
            headers,
            payload: Payload::Whole(body.into()),
        })
    }
}

impl Embedder {
    /// The call, which is made once it is waited for.
    fn begin(&self, call: EmbeddingCall) -> Pending<Embedded> {
        Box::pin(self.clone().embed(call))
    }

    async fn embed(self, call: EmbeddingCall) -> Result<Embedded, Refused> {
        let body = Bytes::from(call.body);
        let (target, answer) = self.invoke(&body).await?;
        let Answer {
            request_id,
            input_tokens,
            body,
        } = answer;
        let read = self
            .translator
            .aside()
            .run(body.len(), || embeddings(&body, call.texts, self.format));
        match read.await {
            Ok(read) => Ok(Embedded {
                target: target.key(),
                request_id,
                embeddings: read.embeddings,
                input_tokens: input_tokens.or(read.input_tokens),
            }),
            Err(error) => Err(Refused {
                error: Failure::from_answer_error(&error, None).into(),
                target: target.key(),
                request_id,
            }),
        }
    }

    /// Calls InvokeModel at one target after the other until there is an answer.
    async fn invoke(&self, body: &Bytes) -> Result<(Target, Answer), Refused> {
        let begun = Instant::now();
        loop {
            let (target, bedrock) = self.targets.bedrock();
            let tap = self
                .recorder
                .as_ref()
                .map(|recorder| Tap::of_model(recorder, &target.model_id, body));
            let answer = bedrock
                .invoke_model(&target.model_id, body.clone(), &self.attempts)
                .await;
            match answer {
                Ok(answer) => {
                    if let Some(tap) = tap {
                        tap.model_answer(&answer);
                    }
                    self.targets.answered(&target);
                    return Ok((target, answer));
                }
                Err(error) => {
                    if let Some(tap) = tap {
                        tap.failure(&error);
                    }
                    if !self.targets.go_on(&target, &error, begun) {
                        return Err(self.refused(&target, &error));
                    }
                }
            }
        }
    }

    fn refused(&self, target: &Target, error: &upstream::Error) -> Refused {
        let mut told = from_upstream(error, None);
        if wants_profile(error) {
            told = naming(told, &self.targets.profiles(target));
        }
        Refused {
            error: told,
            target: target.key(),
            request_id: error.request_id().map(str::to_owned),
        }
    }
}

/// How long the answer will be in bytes, about: a short request can have a very long one.
fn answer_length(request: &EmbeddingRequest<'_>, model: EmbeddingModel) -> usize {
    let dimensions = request
        .dimensions
        .unwrap_or_else(|| model.dimensions.most());
    let dimensions = usize::try_from(dimensions).unwrap_or(usize::MAX);
    let of_number = match request.encoding_format {
        EncodingFormat::Float => BYTES_OF_A_FLOAT,
        EncodingFormat::Base64 => BYTES_IN_BASE64,
    };
    let texts = request.input.len();
    texts.saturating_mul(dimensions).saturating_mul(of_number)
}

fn unknown_model(id: &str) -> Error {
    let message = format!(
        "The model '{}' is not known: it is no id of Bedrock's, or no inference profile that this gateway may look up. For \
         one that is, its operator allows bedrock:GetInferenceProfile, or names its base_model in [[models]].",
        excerpt(id)
    );
    let code = Some("model_not_found");
    Failure::new(404, "invalid_request_error", code, message).into()
}

fn other_model(id: &str) -> Error {
    let message = format!(
        "'{}' is no embeddings model that this gateway knows.",
        excerpt(id)
    );
    InvalidRequest::value("model", message).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_short_request_asks_for_is_known_before_it_is_there() {
        let texts = vec!["a"; 2048];
        let length = |model: &str, more: &str| {
            let json = format!(r#"{{"model":"m","input":{texts:?}{more}}}"#);
            let request = EmbeddingRequest::parse(json.as_bytes()).unwrap();
            answer_length(&request, EmbeddingModel::of(model).unwrap())
        };
        let nova = "amazon.nova-2-multimodal-embeddings-v1:0";
        assert_eq!(length(nova, ""), 2048 * 3072 * BYTES_OF_A_FLOAT);
        assert_eq!(
            length(nova, r#","dimensions":256"#),
            2048 * 256 * BYTES_OF_A_FLOAT
        );
        let base64 = r#","encoding_format":"base64""#;
        let cohere = "cohere.embed-english-v3";
        assert_eq!(length(cohere, base64), 2048 * 1024 * BYTES_IN_BASE64);
        // Not even the largest wish overflows; it is refused elsewhere.
        assert!(length(nova, &format!(r#","dimensions":{}"#, u64::MAX)) > usize::MAX / 2);
    }
}
