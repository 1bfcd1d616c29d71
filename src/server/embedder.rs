//! The calls of one embeddings request, each made until there is an answer to it.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::Instant;

use super::beginning::Pending;
use super::bill::{Charge, Order};
use super::embedding_targets::EmbeddingTargets;
use super::embeddings::estimated_tokens;
use super::inference::{Refused, naming, wants_profile};
use super::recording::Tap;
use super::translation::Translator;
use super::upstream_failure::from_upstream;
use crate::fixture::Recorder;
use crate::models::Target;
use crate::openai::embedding::EncodingFormat;
use crate::translate::{Consumption, EmbeddingCall, Failure, embeddings};
use crate::upstream::{self, Answer, Attempts};

/// What the calls of one request have in common.
#[derive(Clone)]
pub(super) struct Embedder {
    pub(super) targets: Arc<EmbeddingTargets>,
    pub(super) translator: Arc<Translator>,
    pub(super) recorder: Option<Recorder>,
    pub(super) attempts: Arc<Attempts>,
    pub(super) format: EncodingFormat,
    /// What they cost. That of each call is a clone of it.
    pub(super) charge: Charge,
}

/// The answer to one call.
pub(super) struct Embedded {
    /// Where it was made: `account/region/model`.
    pub(super) target: String,
    /// `x-amzn-requestid`.
    pub(super) request_id: Option<String>,
    /// Each as JSON text, in the order of the texts.
    pub(super) embeddings: Vec<String>,
    /// What the call took.
    pub(super) consumption: Consumption,
}

impl Embedder {
    /// The call, which is made once it is waited for.
    pub(super) fn begin(&self, call: EmbeddingCall) -> Pending<Embedded> {
        Box::pin(self.clone().embed(call))
    }

    async fn embed(mut self, call: EmbeddingCall) -> Result<Embedded, Refused> {
        let body = Bytes::from(call.body);
        let estimate = estimated_tokens(body.len());
        let (target, answer) = self.invoke(&body, estimate).await?;
        let Answer {
            request_id,
            input_tokens,
            body,
        } = answer;
        let read = self
            .translator
            .aside()
            .run(body.len(), || embeddings(&body, call.texts, self.format));
        let billing = self.targets.billing(&target, estimate);
        match read.await {
            Ok(read) => {
                let consumption = billing.of_input(input_tokens.or(read.input_tokens));
                self.charge.answered(consumption);
                Ok(Embedded {
                    target: target.key(),
                    request_id,
                    embeddings: read.embeddings,
                    consumption,
                })
            }
            Err(error) => {
                self.charge.answered(billing.of_input(input_tokens));
                Err(Refused {
                    error: Failure::from_answer_error(&error, None).into(),
                    target: target.key(),
                    request_id,
                })
            }
        }
    }

    /// Calls InvokeModel with about so many tokens, at one target after the other, until there is an answer.
    async fn invoke(
        &mut self,
        body: &Bytes,
        input_tokens: u64,
    ) -> Result<(Target, Answer), Refused> {
        let begun = Instant::now();
        loop {
            let (target, bedrock) = self.targets.bedrock();
            self.charge.change(Order {
                model: target.model_id.clone(),
                billing: self.targets.billing(&target, input_tokens),
                output_tokens: 0,
            });
            self.charge.ask();
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
                    self.charge.refused();
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
