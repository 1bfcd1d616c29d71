//! `POST /v1/embeddings`.

use std::sync::Arc;

use super::beginning::in_order;
use super::bill::Order;
use super::body::Payload;
use super::chat_completions::notes_headers;
use super::embedder::{Embedded, Embedder};
use super::embedding_targets::EmbeddingTargets;
use super::exchange::Exchange;
use super::gateway::{Gateway, Reply};
use super::permitted::{dearest, permitted};
use super::request_body::Share;
use super::rules::key_rules;
use super::translation::note_model;
use crate::bedrock::{EmbeddingModel, Money, Terms};
use crate::error::Error;
use crate::keys::Demand;
use crate::openai::embedding::EncodingFormat;
use crate::openai::embedding_list::EmbeddingUsage;
use crate::openai::error::excerpt;
use crate::openai::{EmbeddingList, EmbeddingRequest, InvalidRequest};
use crate::translate::{Consumption, EmbeddingCalls, Failure, KeyRules};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;

/// How many calls of one request are made at the same time: enough to be quick, few enough to leave the account's quota to
/// others.
const CALLS_AT_ONCE: usize = 8;

/// What a number takes in JSON, with its sign and comma.
const BYTES_OF_A_FLOAT: usize = 14;
/// What four bytes take in base64, rounded up.
const BYTES_IN_BASE64: usize = 6;

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
        let caller = exchange.caller.clone();
        key_rules(&caller, None).permit(request.bedrock.as_ref())?;
        // No conversation goes on here, so any number will do.
        let targets = permitted(self.models(), &caller, &request.model, || fastrand::u64(..));
        let targets = targets.await?;
        if let Some(key) = caller.key() {
            let no_bedrock = key.limits.no_bedrock;
            let rules = KeyRules {
                no_bedrock,
                ..KeyRules::default()
            };
            rules.permit(request.bedrock.as_ref())?;
        }
        // What a client writes around an id must not become a label of its own.
        exchange.model.clone_from(&targets.label);
        let input_tokens = estimated_tokens(json.len());
        let all = targets.iter();
        let rates = dearest(self.models(), all, input_tokens, Terms::default()).await;
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
        let order = Order {
            model: targets.current().model_id,
            billing: targets.billing(&targets.current(), input_tokens),
            output_tokens: 0,
        };
        let demand = Demand {
            model: order.model.clone(),
            input_tokens,
            output_tokens: 0,
            choices: 1,
            rates,
        };
        let reservation = self.reserve(&caller, &demand, exchange).await?;
        let bill = exchange.begin_bill(reservation);
        exchange.called(&targets.current().key(), None);
        let embedder = Embedder {
            targets: Arc::new(targets),
            translator: Arc::clone(translator),
            recorder: self.recorder().cloned(),
            attempts: Arc::clone(&exchange.attempts),
            format: request.encoding_format,
            charge: bill.charge(order),
        };
        let mut list = EmbeddingList::default();
        let mut consumption: Option<Consumption> = None;
        let pending = calls.calls().map(|call| embedder.begin(call));
        let answered = in_order(pending, CALLS_AT_ONCE, |embedded: Embedded| {
            if list.is_empty() {
                exchange.upstream_request_id = embedded.request_id;
            }
            exchange.answered(&embedded.target, None);
            for embedding in &embedded.embeddings {
                list.push(embedding);
            }
            let more = embedded.consumption;
            consumption = Some(consumption.map_or(more, |sum| sum + more));
        });
        answered
            .await
            .map_err(|refused| refused.told_to(exchange))?;
        let Embedder {
            targets, charge, ..
        } = embedder;
        // All calls are booked, and none is to come.
        drop(charge);
        let counted = consumption.filter(|consumption| !consumption.estimated);
        exchange.usage = counted.map(|consumption| consumption.usage);
        exchange.measure_overhead();
        let usage = exchange.usage.map(|usage| {
            let shown = bill.spent().filter(|_| self.settings().expose_cost);
            let cost = shown.and_then(|spent| spent.cost);
            EmbeddingUsage::of(usage.input_tokens).at(cost.map(Money::usd))
        });
        let body = list.finish(&request.model, usage);
        note_model(&mut notes, &request.model, &targets.current());
        let mut headers = notes_headers(&notes);
        self.expose_cost(&bill, &mut headers);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Reply {
            headers,
            payload: Payload::Whole(body.into()),
        })
    }
}

/// How many tokens a request has, rather too many than too few: one for three bytes of its JSON text.
pub(super) fn estimated_tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(3)).unwrap_or(u64::MAX)
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
