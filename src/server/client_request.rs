//! A client's request, kept until Bedrock has answered, because it may have to be translated again: without what
//! Bedrock refused of it, or for another target.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use bytes::Bytes;

use super::caller::Caller;
use super::images::fetch;
use super::request_body::Share;
use crate::bedrock::model_id::{foundation_model, is_gov_cloud};
use crate::bedrock::{Family, PromptCache, Refusal};
use crate::config;
use crate::error::Error;
use crate::fetch::{Fetched, ImageFetcher};
use crate::models::Target;
use crate::openai::ChatCompletionRequest;
use crate::openai::content::{Content, ContentPart};
use crate::openai::message::{Message, Role};
use crate::recall::Recall;
use crate::translate::{Recalled, replayed_calls};

/// A client's request. A clone shares its text.
#[derive(Clone)]
pub(super) struct ClientRequest {
    /// The request's JSON text.
    pub(super) json: Bytes,
    pub(super) _share: Arc<Share>,
    /// What the client asked for.
    pub(super) model: String,
    /// Whether the answer is a stream.
    pub(super) stream: bool,
    /// When the request was read, in Unix seconds.
    pub(super) created: u64,
    /// Where what it names and does not hold comes from.
    pub(super) sources: Sources,
    /// Where it is called.
    pub(super) target: Target,
    /// Where it is called when that fails.
    pub(super) others: VecDeque<Target>,
    /// How many targets failed before.
    pub(super) left_behind: u32,
    /// What is known of the model that is called.
    pub(super) subject: Subject,
    /// What Bedrock refused of this very request, at this target.
    pub(super) refused: Vec<Refusal>,
    /// The most tokens of an answer, where little of a budget is left.
    pub(super) affordable: Option<u32>,
    /// The same at any other target, where a budget holds what is reserved for this one.
    pub(super) reserved: Option<u32>,
}

/// Where what a request names and does not hold comes from.
#[derive(Clone)]
pub(super) struct Sources {
    /// Who asks.
    pub(super) caller: Caller,
    /// What fetches images, where that is wanted.
    pub(super) images: Option<ImageFetcher>,
}

/// What is known of the model that is called, and what was brought for it.
#[derive(Clone)]
pub(super) struct Subject {
    /// The foundation model, where the id or a look-up names it.
    pub(super) foundation_model: Option<String>,
    /// What it takes, as far as the configuration and the table know.
    pub(super) family: Family,
    /// Whether AWS GovCloud is called.
    pub(super) gov_cloud: bool,
    /// What was remembered of the turns that the request replays.
    pub(super) recalled: Recalled,
    /// The images that it names by address, where they are fetched.
    pub(super) images: Option<Arc<Fetched>>,
}

impl ClientRequest {
    /// How much there is to translate, in bytes.
    pub(super) fn length(&self) -> usize {
        let Subject {
            images, recalled, ..
        } = &self.subject;
        let images = images.as_deref().map_or(0, Fetched::length);
        self.json.len() + images + recalled.length()
    }
}

impl Subject {
    /// Finds out what `target` calls, and brings what `request` names; `images` are those that were fetched for another
    /// target.
    ///
    /// # Errors
    /// When an image cannot be had.
    pub(super) async fn of(
        target: &Target,
        request: &ChatCompletionRequest<'_>,
        sources: &Sources,
        images: Option<Arc<Fetched>>,
        recall: &dyn Recall,
    ) -> Result<Self, Error> {
        let foundation_model = foundation_model_of(target).await;
        let mut family = Family::of(foundation_model.as_deref());
        if let Some(settings) = target.settings() {
            correct(&mut family, settings);
        }
        let recalled = if family.replays_reasoning {
            let owner = sources.caller.owner();
            let found = recall.find(&owner, &replayed_calls(request)).await;
            Recalled::new(found)
        } else {
            Recalled::none()
        };
        let images = match (&sources.images, images) {
            (Some(_), Some(images)) => Some(images),
            (Some(fetcher), None) if family.image => {
                Some(Arc::new(fetch(fetcher, &request.messages).await?))
            }
            _ => None,
        };
        let region = &target.bedrock.describe().region;
        Ok(Self {
            gov_cloud: is_gov_cloud(&target.model_id) || region.is_gov_cloud(),
            foundation_model,
            family,
            recalled,
            images,
        })
    }
}

/// The foundation model that a target calls: as the configuration says, else as the id does, else as AWS's lists do, else
/// by a look-up.
pub(super) async fn foundation_model_of(target: &Target) -> Option<String> {
    let name = |id: &str| foundation_model(id).ok().flatten().map(str::to_owned);
    let base_model = target
        .settings()
        .and_then(|model| model.base_model.as_deref());
    if let Some(base_model) = base_model {
        // What is no id of Bedrock's is the operator's own word for a model, and of no family.
        return name(base_model);
    }
    let named = name(&target.model_id).or_else(|| target.listed_model().and_then(name));
    if named.is_some() {
        return named;
    }
    let profile = target.bedrock.inference_profile(&target.model_id).await;
    profile.as_deref().and_then(name)
}

/// What the configuration knows better than the table.
fn correct(family: &mut Family, settings: &config::Model) {
    family.context_window = settings.context_window.or(family.context_window);
    family.max_output_tokens = settings.max_tokens.or(family.max_output_tokens);
    match settings.prompt_cache {
        Some(false) => family.prompt_cache = None,
        Some(true) => family.prompt_cache = family.prompt_cache.or(Some(PromptCache::ASSUMED)),
        None => {}
    }
}

/// A number for a conversation, the same for each of its requests: it is made of all up to the user's first words.
pub(super) fn conversation(request: &ChatCompletionRequest<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for message in &request.messages {
        hash_text(message, &mut hasher);
        if message.role == Role::User {
            break;
        }
    }
    hasher.finish()
}

fn hash_text(message: &Message<'_>, hasher: &mut DefaultHasher) {
    match &message.content {
        Content::Absent => {}
        Content::Text(text) => text.hash(hasher),
        Content::Parts(parts) => {
            for part in parts {
                if let ContentPart::Text(text) = part {
                    text.hash(hasher);
                }
            }
        }
    }
}
