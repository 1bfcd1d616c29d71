//! From a client's request to the call of Bedrock; from the same request again, when Bedrock refuses a part of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tracing::warn;

use super::aside::Aside;
use super::caller::Caller;
use super::client_request::{ClientRequest, Sources, Subject, conversation};
use super::exchange::Exchange;
use super::keeper::Keeper;
use super::permitted::permitted;
use super::refusals::Refusals;
use super::request_body::Share;
use super::rules::{guardrail, guardrail_of, key_rules};
use crate::bedrock::model_id::{InvalidModelId, without_client_suffix};
use crate::bedrock::request::GuardrailConfiguration;
use crate::bedrock::{EmbeddingModel, Refusal};
use crate::config::{self, Config, PromptCacheMode, StoreLocation, Unsupported};
use crate::error::Error;
use crate::fetch::Fetched;
use crate::models::{Models, Target, Targets};
use crate::openai::error::excerpt;
use crate::openai::{ChatCompletionRequest, InvalidRequest, replace_lone_surrogates};
use crate::recall::{Memory, Recall, SharedMemory};
use crate::translate::{
    Answer, CachedPrefix, Context, Elsewhere, Guarding, Notes, Pricing, PromptCaching, StateKey,
    Translation, UNBOUNDED_ANSWER, converse_request,
};

/// The most features that one request is relieved of. Each costs a call.
const MAX_REFUSALS: usize = 4;
/// The most characters of a member's path that an error repeats: clients name members as they like.
const MAX_PATH: usize = 256;

/// Translates requests, in the light of what models were seen to refuse.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the configuration"
)]
pub(super) struct Translator {
    models: Models,
    /// Whether clients are told what answers cost.
    expose_cost: bool,
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
    /// The most tokens of the answer.
    pub(super) output_tokens: u32,
    /// Whether that is said in the request, or the model's own limit, and not just taken for enough.
    pub(super) is_bounded: bool,
}

impl Translator {
    /// A translator that knows what the operator wants.
    pub(super) fn new(config: &Config, models: Models) -> Self {
        let configured = config.state_key.as_ref();
        Self {
            models,
            expose_cost: config.keys.expose_cost,
            unsupported: config.unsupported,
            guardrail: guardrail(&config.guardrail),
            only_new_input: config.guardrail.only_new_input,
            prompt_caching: match config.prompt_cache.mode {
                PromptCacheMode::Auto => PromptCaching::Auto,
                PromptCacheMode::Client => PromptCaching::Client,
                PromptCacheMode::Off => PromptCaching::Off,
            },
            add_budget: config.reasoning.add_budget,
            s3: config.fetch.s3,
            aside: Aside::default(),
            refusals: Refusals::default(),
            recall: recall(config),
            state_key: configured.map_or_else(random_key, |key| Some(StateKey::new(*key.expose()))),
        }
    }

    /// What remembers the turns of a caller.
    pub(super) fn keeper(&self, caller: &Caller) -> Keeper {
        Keeper::new(Arc::clone(&self.recall), caller.owner())
    }

    /// Where what takes long is done.
    pub(super) fn aside(&self) -> &Aside {
        &self.aside
    }

    /// A request's JSON with halves of surrogate pairs replaced, which no JSON reader takes.
    pub(super) async fn without_lone_surrogates(&self, json: Bytes) -> Bytes {
        let replaced = self
            .aside
            .run(json.len(), || match replace_lone_surrogates(&json) {
                Cow::Borrowed(_) => None,
                Cow::Owned(json) => Some(Bytes::from(json)),
            });
        replaced.await.unwrap_or(json)
    }

    /// Whether the operator lets a request pass with what has no effect in it.
    ///
    /// # Errors
    /// With the first such member, where the operator wants them refused.
    pub(super) fn accept(&self, notes: &Notes) -> Result<(), InvalidRequest> {
        let (Unsupported::Reject, Some(path)) = (self.unsupported, notes.first_ignored()) else {
            return Ok(());
        };
        let path: String = path.chars().take(MAX_PATH).collect();
        let message = format!(
            "'{path}' has no effect with this model, and this gateway refuses what has none."
        );
        Err(InvalidRequest::unsupported(path, message))
    }

    /// Reads a request's body, tells the account of the request what it asks for, and translates it for the first
    /// of the targets that can take it.
    ///
    /// # Errors
    /// For a request that is wrong, or asks for what cannot be had; of several targets the first says why.
    pub(super) async fn read(
        &self,
        (body, share): (Bytes, Share),
        sources: Sources,
        exchange: &mut Exchange,
    ) -> Result<(ClientRequest, Call), Error> {
        let json = self.without_lone_surrogates(body).await;
        let parsed = self.parse(&json).await?;
        let model = parsed.model.clone().into_owned();
        let asked = || conversation(&parsed);
        let targets = permitted(&self.models, &sources.caller, &model, asked);
        let Targets {
            label,
            first: target,
            others,
        } = targets.await?;
        exchange.stream = parsed.stream;
        // What a client writes around an id must not become a label of its own.
        exchange.model = label;
        let subject = Subject::of(&target, &parsed, &sources, None, &*self.recall).await?;
        refuse_embedding_model(&exchange.model, subject.foundation_model.as_deref())?;
        let mut request = ClientRequest {
            json: json.clone(),
            _share: Arc::new(share),
            model,
            stream: parsed.stream,
            created: unix_seconds(),
            sources,
            target,
            others,
            left_behind: 0,
            subject,
            refused: Vec::new(),
            affordable: None,
            reserved: None,
        };
        let error = match self.translate(&request, parsed).await {
            Ok(call) => return Ok((request, call)),
            Err(error) => error,
        };
        while let Some(next) = request.others.pop_front() {
            if let Ok(call) = self.aim(&mut request, next).await {
                return Ok((request, call));
            }
        }
        Err(error)
    }

    /// The call of the same request at another target, which it is for from then on.
    ///
    /// # Errors
    /// When the request cannot be had there.
    pub(super) async fn aim(
        &self,
        request: &mut ClientRequest,
        target: Target,
    ) -> Result<Call, Error> {
        let json = request.json.clone();
        let parsed = self.parse(&json).await?;
        let images = request.subject.images.clone();
        let (sources, recall) = (&request.sources, &*self.recall);
        let subject = Subject::of(&target, &parsed, sources, images, recall).await?;
        let mut aimed = ClientRequest {
            target,
            subject,
            refused: Vec::new(),
            affordable: request.affordable.or(request.reserved),
            ..request.clone()
        };
        let call = self.translate_within(&mut aimed, parsed).await?;
        *request = aimed;
        Ok(call)
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
        let parsed = self.parse(&json).await?;
        let other = self.translate_within(request, parsed).await?;
        let is_other = other.body != call.body || other.streamable != call.streamable;
        Ok(is_other.then_some(other))
    }

    /// Remembers what was refused of a request that passed without it.
    pub(super) fn learn(&self, request: &ClientRequest) {
        for refusal in &request.refused {
            self.refusals.learn(&request.target.key(), *refusal);
        }
    }

    /// Reads a request's JSON.
    ///
    /// # Errors
    /// For what is no chat completion request.
    pub(super) async fn parse<'a>(
        &self,
        json: &'a Bytes,
    ) -> Result<ChatCompletionRequest<'a>, Error> {
        let parsed = self
            .aside
            .run(json.len(), || ChatCompletionRequest::parse(json));
        Ok(parsed.await?)
    }

    /// Translates a request for the target that it is for.
    ///
    /// # Errors
    /// When it cannot be had there.
    pub(super) async fn translate(
        &self,
        request: &ClientRequest,
        parsed: ChatCompletionRequest<'_>,
    ) -> Result<Call, Error> {
        let Subject {
            foundation_model,
            family,
            gov_cloud,
            recalled,
            images,
        } = &request.subject;
        let target = &request.target;
        let learned = self.refusals.apply(&target.key(), *family);
        let family = request
            .refused
            .iter()
            .fold(learned, |family, refusal| family.without(*refusal));
        let own_guardrail = guardrail_of(request, self.guardrail.as_ref());
        let context = Context {
            foundation_model: foundation_model.as_deref(),
            replay: !request.refused.contains(&Refusal::ReasoningReplay),
            prompt_caching: self.prompt_caching,
            add_budget_to_max_tokens: self.add_budget,
            gov_cloud: *gov_cloud,
            state_key: self.state_key.as_ref(),
            recalled,
            elsewhere: Elsewhere {
                images: images.as_deref().map(Fetched::images),
                s3: self.s3,
            },
            guarding: Guarding {
                guardrail: own_guardrail.as_ref().or(self.guardrail.as_ref()),
                only_new_input: self.only_new_input,
            },
            key_rules: key_rules(&request.sources.caller, request.affordable),
            pricing: Pricing {
                price: self.models.price(target, foundation_model.as_deref()),
                is_shown: self.expose_cost,
            },
            ..Context::new(&family)
        };
        let Translation {
            body,
            streamable,
            answer,
            mut notes,
            cached_prefix,
            input_tokens: _,
            max_tokens,
        } = self
            .aside
            .run(request.length(), || converse_request(parsed, &context))
            .await?;
        note_model(&mut notes, &request.model, target);
        self.accept(&notes)?;
        Ok(Call {
            body: body.into(),
            streamable,
            answer,
            notes,
            cached_prefix,
            context_window: family.context_window,
            output_tokens: max_tokens
                .or(family.max_output_tokens)
                .unwrap_or(UNBOUNDED_ANSWER),
            is_bounded: max_tokens.or(family.max_output_tokens).is_some(),
        })
    }
}

/// Notes that another id is called than `asked`, which the client named.
pub(super) fn note_model(notes: &mut Notes, asked: &str, target: &Target) {
    let is_configured = target.settings().is_some_and(|model| model.id == asked);
    if target.instead_of().is_some() {
        notes.adjust("model", &"inference_profile");
    } else if without_client_suffix(asked) != asked && !is_configured {
        notes.adjust("model", &"without_suffix");
    }
}

/// The error for a text that cannot be a model's id at all.
pub(super) fn not_an_id(error: InvalidModelId) -> Error {
    let wrong = InvalidRequest::value("model", error.to_string());
    let code = Some("model_not_found");
    InvalidRequest { code, ..wrong }.into()
}

/// Converse's own words for such a model do not say what it is for.
fn refuse_embedding_model(id: &str, foundation_model: Option<&str>) -> Result<(), InvalidRequest> {
    if foundation_model.and_then(EmbeddingModel::of).is_none() {
        return Ok(());
    }
    let message = format!(
        "'{}' makes embeddings and cannot chat; ask for them at /v1/embeddings.",
        excerpt(id)
    );
    Err(InvalidRequest::value("model", message))
}

/// What remembers turns: all gateways together where they share a store.
fn recall(config: &Config) -> Arc<dyn Recall> {
    let config::Recall { max_bytes, ttl } = config.recall;
    if let StoreLocation::Redis(url) = &config.keys.store {
        match SharedMemory::new(url, max_bytes, ttl) {
            Ok(memory) => return Arc::new(memory),
            Err(failure) => warn!("reasoning is remembered by this gateway alone: {failure}"),
        }
    }
    Arc::new(Memory::new(max_bytes, ttl))
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
