//! `GET /v1/models` and `GET /v1/models/{id}`: what is known to be there. Nothing of it is asked for while a client waits, but
//! for the first list after the start. An id that is not listed can be called all the same.

use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::caller::Caller;
use super::gateway::{Gateway, Reply, json};
use super::permitted::is_listed;
use crate::error::Error;
use crate::models::names;
use crate::openai::model::{Model, ModelList};

impl Gateway {
    /// All models that the caller may use.
    pub(super) async fn list_models(&self, caller: &Caller) -> Reply {
        let models = self.listed(caller, |_| true).await;
        json(text(&ModelList::of(&models)))
    }

    /// The model that `id`, percent-encoded or not, names.
    ///
    /// # Errors
    /// When it is not listed for the caller.
    pub(super) async fn retrieve_model(&self, caller: &Caller, id: &str) -> Result<Reply, Error> {
        let id = percent_decode_str(id).decode_utf8_lossy();
        // As for completions: the id itself first, then without what clients write around it.
        let names = names(&id);
        let models = self.listed(caller, |listed| names.contains(&listed)).await;
        let best = names
            .iter()
            .find_map(|name| models.iter().find(|model| model.id == *name));
        match best {
            Some(model) => Ok(json(text(model))),
            None => Err(Error::UnknownModel {
                id: id.into_owned(),
            }),
        }
    }

    /// The models that the caller may use and whose ids `shown` lets through.
    async fn listed(&self, caller: &Caller, shown: impl Fn(&str) -> bool) -> Vec<Model> {
        let models = self.models();
        let shown = |id: &str| shown(id) && is_listed(models, caller, id);
        let models = models.listed(shown).await;
        models.into_iter().map(|listed| listed.model).collect()
    }
}

/// JSON text, which numbers, texts and lists of them always have.
fn text(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
