//! From a client's request to the call of Bedrock; from the same request again, when Bedrock refuses a part of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::aside::Aside;
use super::exchange::Exchange;
use super::images::fetch;
use super::keeper::Keeper;
use super::refusals::Refusals;
use super::request_body::Share;
use crate::bedrock::model_id::{foundation_model, is_gov_cloud, without_client_suffix};
use crate::bedrock::request::GuardrailConfiguration;
use crate::bedrock::{Family, Refusal};
use crate::config::{self, Config, PromptCacheMode, Unsupported};
use crate::error::Error;
use crate::fetch::{Fetched, ImageFetcher};
use crate::openai::{ChatCompletionRequest, InvalidRequest, replace_lone_surrogates};
use crate::recall::{Memory, Owner, Recall};
use crate::translate::{
    Answer, CachedPrefix, Context, Elsewhere, Guarding, Notes, PromptCaching, Recalled, StateKey,
    Translation, converse_request, replayed_calls,
};
use crate::upstream::Bedrock;

/// The most features that one request is relieved of. Each costs a call.
const MAX_REFUSALS: usize = 4;
/// The most characters of a member's path that an error repeats: clients name members as they like.
const MAX_PATH: usize = 256;

/// Translates requests, in the light of what models were seen to refuse.
#[derive(Debug)]
pub(super) struct Translator {
    unsupported: Unsupported,
    prompt_caching: PromptCaching,
    add_budget: bool,
    /// Whether Bedrock may be sent to S3.
    s3: bool,
    guardrail: Option<GuardrailConfiguration<'static>>,
    only_new_input: bool,
    aside: Aside,
    refusals: Refusals,
    recall: Arc<dyn Recall>,
    state_key: Option<StateKey>,
}

/// A client's request. It is kept until Bedrock has answered, because it may have to be translated again. A clone
/// shares its text.
#[derive(Clone)]
pub(super) struct ClientRequest {
    /// The request's JSON text.
    json: Bytes,
    _share: Arc<Share>,
    /// What the client asked for.
    pub(super) model: String,
    /// What is called: the same without what the client wrote after it for itself.
    pub(super) model_id: String,
    /// Whether the answer is a stream.
    pub(super) stream: bool,
    /// When the request was read, in Unix seconds.
    pub(super) created: u64,
    foundation_model: Option<String>,
    family: Family,
    /// Whether AWS GovCloud is called.
    gov_cloud: bool,
    /// What was remembered of the turns that the request replays.
    recalled: Recalled,
    /// The images that it names by address, where they are fetched.
    images: Option<Arc<Fetched>>,
    /// What Bedrock refused of this very request.
    refused: Vec<Refusal>,
}

/// What is sent to Bedrock, and how its answer must look.
#[derive(Clone, Default)]
pub(super) struct Call {
    /// The Converse request.
    pub(super) body: Bytes,
    /// Whether ConverseStream can answer it.
    pub(super) streamable: bool,
    /// How the answer must look.
    pub(super) answer: Answer,
    /// What had no effect, or another one.
    pub(super) notes: Notes,
    /// What the prompt cache is to keep, if anything.
    pub(super) cached_prefix: Option<CachedPrefix>,
    /// The model's context window in tokens, where known.
    pub(super) context_window: Option<u32>,
}

impl Translator {
    /// A translator that knows what the operator wants.
    pub(super) fn new(config: &Config) -> Self {
        let memory = Memory::new(config.recall.max_bytes, config.recall.ttl);
        let configured = config.state_key.as_ref();
        let config::Guardrail {
            id,
            version,
            trace,
            only_new_input,
        } = config.guardrail.clone();
        let named = id.zip(version);
        Self {
            unsupported: config.unsupported,
            guardrail: named.map(|(id, version)| GuardrailConfiguration {
                guardrail_identifier: id.into(),
                guardrail_version: version.into(),
                trace: trace.map(Cow::Owned),
            }),
            only_new_input,
            prompt_caching: match config.prompt_cache.mode {
                PromptCacheMode::Auto => PromptCaching::Auto,
                PromptCacheMode::Client => PromptCaching::Client,
                PromptCacheMode::Off => PromptCaching::Off,
            },
            add_budget: config.reasoning.add_budget,
            s3: config.fetch.s3,
            aside: Aside::default(),
            refusals: Refusals::default(),
            recall: Arc::new(memory),
            state_key: configured.map_or_else(random_key, |key| Some(StateKey::new(*key.expose()))),
        }
    }

    /// What remembers the turns of `owner`.
    pub(super) fn keeper(&self, owner: Owner) -> Keeper {
        Keeper::new(Arc::clone(&self.recall), owner)
    }

    /// Reads a request's body, tells the account of the request what it asks for, and translates it.
    ///
    /// # Errors
    /// For a request that is wrong, or asks for what cannot be had.
    pub(super) async fn read(
        &self,
        (body, share): (Bytes, Share),
        owner: &Owner,
        bedrock: &Bedrock,
        images: Option<&ImageFetcher>,
        exchange: &mut Exchange,
    ) -> Result<(ClientRequest, Call), Error> {
        let replaced = self
            .aside
            .run(body.len(), || match replace_lone_surrogates(&body) {
                Cow::Borrowed(_) => None,
                Cow::Owned(json) => Some(Bytes::from(json)),
            });
        let json = replaced.await.unwrap_or(body);
        let parsed = self
            .aside
            .run(json.len(), || ChatCompletionRequest::parse(&json))
            .await?;
        let model = parsed.model.clone().into_owned();
        let model_id = without_client_suffix(&model).to_owned();
        exchange.stream = parsed.stream;
        // What a client writes after an id must not become a label of its own.
        exchange.model.clone_from(&model_id);
        let foundation_model = foundation_model_behind(&model_id, bedrock).await?;
        let family = Family::of(foundation_model.as_deref());
        let recalled = if family.replays_reasoning {
            let found = self.recall.find(owner, &replayed_calls(&parsed)).await;
            Recalled::new(found)
        } else {
            Recalled::none()
        };
        let images = match images {
            Some(fetcher) if family.image => {
                Some(Arc::new(fetch(fetcher, &parsed.messages).await?))
            }
            _ => None,
        };
        let request = ClientRequest {
            json: json.clone(),
            _share: Arc::new(share),
            gov_cloud: is_gov_cloud(&model_id) || bedrock.describe().region.is_gov_cloud(),
            model,
            model_id,
            stream: parsed.stream,
            created: unix_seconds(),
            family,
            images,
            foundation_model,
            recalled,
            refused: Vec::new(),
        };
        let call = self.translate(&request, parsed).await?;
        Ok((request, call))
    }

    /// The call without the feature that Bedrock refused. There is none when the feature was not in it or was
    /// left out already, and when too many were.
    ///
    /// # Errors
    /// When what is left of the request cannot be had.
    pub(super) async fn without(
        &self,
        refusal: Refusal,
        request: &mut ClientRequest,
        call: &Call,
    ) -> Result<Option<Call>, Error> {
        if request.refused.contains(&refusal) || request.refused.len() >= MAX_REFUSALS {
            return Ok(None);
        }
        request.refused.push(refusal);
        let json = request.json.clone();
        let parsed = self
            .aside
            .run(json.len(), || ChatCompletionRequest::parse(&json))
            .await?;
        let other = self.translate(request, parsed).await?;
        let is_other = other.body != call.body || other.streamable != call.streamable;
        Ok(is_other.then_some(other))
    }

    /// Remembers what was refused of a request that passed without it.
    pub(super) fn learn(&self, request: &ClientRequest) {
        for refusal in &request.refused {
            self.refusals.learn(&request.model_id, *refusal);
        }
    }

    async fn translate(
        &self,
        request: &ClientRequest,
        parsed: ChatCompletionRequest<'_>,
    ) -> Result<Call, Error> {
        let learned = self.refusals.apply(&request.model_id, request.family);
        let family = request
            .refused
            .iter()
            .fold(learned, |family, refusal| family.without(*refusal));
        let context = Context {
            foundation_model: request.foundation_model.as_deref(),
            replay: !request.refused.contains(&Refusal::ReasoningReplay),
            prompt_caching: self.prompt_caching,
            add_budget_to_max_tokens: self.add_budget,
            gov_cloud: request.gov_cloud,
            state_key: self.state_key.as_ref(),
            recalled: &request.recalled,
            elsewhere: Elsewhere {
                images: request.images.as_deref().map(Fetched::images),
                s3: self.s3,
            },
            guarding: Guarding {
                guardrail: self.guardrail.as_ref(),
                only_new_input: self.only_new_input,
            },
            ..Context::new(&family)
        };
        let Translation {
            body,
            streamable,
            answer,
            mut notes,
            cached_prefix,
        } = self
            .aside
            .run(request.length(), || converse_request(parsed, &context))
            .await?;
        if request.model_id != request.model {
            notes.adjust("model", &"without_suffix");
        }
        if let (Unsupported::Reject, Some(path)) = (self.unsupported, notes.first_ignored()) {
            let path: String = path.chars().take(MAX_PATH).collect();
            let message = format!(
                "'{path}' has no effect with this model, and this gateway refuses what has none."
            );
            return Err(InvalidRequest::unsupported(path, message).into());
        }
        Ok(Call {
            body: body.into(),
            streamable,
            answer,
            notes,
            cached_prefix,
            context_window: family.context_window,
        })
    }
}

impl ClientRequest {
    /// How much there is to translate, in bytes.
    fn length(&self) -> usize {
        let images = self.images.as_deref().map_or(0, Fetched::length);
        self.json.len() + images + self.recalled.length()
    }
}

/// The foundation model behind an id; ids that do not name it are looked up.
async fn foundation_model_behind(model: &str, bedrock: &Bedrock) -> Result<Option<String>, Error> {
    let named = foundation_model(model).map_err(|error| InvalidRequest {
        code: Some("model_not_found"),
        ..InvalidRequest::value("model", error.to_string())
    })?;
    if let Some(name) = named {
        return Ok(Some(name.to_owned()));
    }
    let profile = bedrock.inference_profile(model).await;
    let name = profile
        .as_deref()
        .and_then(|name| foundation_model(name).ok().flatten());
    Ok(name.map(str::to_owned))
}

/// A key that lives as long as this process. Without randomness there is none, and clients are given nothing to
/// keep.
fn random_key() -> Option<StateKey> {
    let mut bytes = [0; 32];
    let source = rustls::crypto::aws_lc_rs::default_provider().secure_random;
    source.fill(&mut bytes).ok()?;
    Some(StateKey::new(bytes))
}

fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .as_ref()
        .map_or(0, Duration::as_secs)
}
