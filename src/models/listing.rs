//! What `/v1/models` shows: the models of the configuration, then those that AWS lists, with what is known of each.

use super::prices::{Called, Prices};
use crate::bedrock::catalog::{InvocableModel, Purpose, by_name};
use crate::bedrock::{Dimensions, EmbeddingModel, Family, Reasoning, model_id};
use crate::config::{self, AutoProfile, Config};
use crate::openai::model::{Cost, Model};

/// The owner of a model of which nothing is known but its id.
const UNKNOWN_OWNER: &str = "bedrock";

/// What the configuration says of the listing.
#[derive(Clone, Debug)]
pub struct Listing {
    configured: Vec<config::Model>,
    prices: Prices,
    default_context_window: u32,
    default_max_tokens: u32,
    /// Whose models a name means before others, where it is configured.
    region: Option<String>,
    /// Whether a name may lead to a profile that runs anywhere.
    allow_global: bool,
}

/// One model of the listing.
#[derive(Clone, Debug)]
pub struct ListedModel {
    /// As clients see it.
    pub model: Model,
    /// What it is for.
    pub purpose: Purpose,
    /// What it takes.
    pub family: Family,
}

/// What is known of a model before anything is shown of it.
struct Known<'a> {
    /// What clients ask for.
    id: &'a str,
    /// What Bedrock is asked for.
    called: &'a str,
    /// The row of AWS's lists, where there is one.
    row: Option<&'a InvocableModel>,
    /// What the operator says of it.
    configured: Option<&'a config::Model>,
    foundation_model: Option<&'a str>,
}

impl Listing {
    /// The listing that `config` describes.
    pub fn new(config: &Config) -> Self {
        Self {
            configured: config.models.clone(),
            prices: Prices::new(&config.prices),
            default_context_window: config.discovery.default_context_window,
            default_max_tokens: config.discovery.default_max_tokens,
            region: config.bedrock.region.clone(),
            allow_global: config.bedrock.auto_profile == AutoProfile::Global,
        }
    }

    /// The models whose ids `shown` lets through: aliases in the operator's order, then what AWS lists in its order. A
    /// model of the configuration that AWS lists as well keeps its place there.
    pub fn models(
        &self,
        invocable: &[InvocableModel],
        shown: impl Fn(&str) -> bool,
    ) -> Vec<ListedModel> {
        let row_of = |id: &str| invocable.iter().find(|row| row.id == id);
        let aliases = self
            .configured
            .iter()
            .filter(|model| shown(&model.id) && row_of(&model.id).is_none())
            .map(|model| self.configured(model, invocable));
        let rows = invocable.iter().filter(|row| shown(&row.id));
        let listed = rows.map(|row| {
            let configured = self.configured.iter().find(|model| model.id == row.id);
            match configured {
                Some(model) => self.configured(model, invocable),
                None => self.show(&Known::of_row(row)),
            }
        });
        aliases.chain(listed).collect()
    }

    fn configured(&self, model: &config::Model, invocable: &[InvocableModel]) -> ListedModel {
        let row_of = |id: &str| invocable.iter().find(|row| row.id == id);
        let target = model.targets.first();
        let id = target.map_or(&model.id, |target| &target.model);
        // What says no place may be a name that people use.
        let says_place =
            target.is_some_and(|target| target.account.is_some() || target.region.is_some());
        let named = || (!says_place).then(|| self.named(id, invocable)).flatten();
        let row = row_of(id).or_else(named);
        let called = row.map_or(id.as_str(), |row| &row.id);
        self.show(&Known::of_configured(model, called, row))
    }

    /// The model that a name such as `claude-sonnet-4-5` leads to.
    fn named<'a>(&self, name: &str, invocable: &'a [InvocableModel]) -> Option<&'a InvocableModel> {
        let region = self
            .region
            .as_deref()
            .or_else(|| Some(&invocable.first()?.region))?;
        by_name(invocable, name, region, self.allow_global)
    }

    fn show(&self, known: &Known<'_>) -> ListedModel {
        let family = Family::of(known.foundation_model);
        let chat = known.purpose() == Purpose::Chat;
        let overrides = known.configured;
        // What is shown for want of anything better is meant for models that chat.
        let window = || family.context_window.or(Some(self.default_context_window));
        let most = || family.max_output_tokens.or(Some(self.default_max_tokens));
        let context_window = overrides
            .and_then(|model| model.context_window)
            .or_else(|| window().filter(|_| chat));
        let max_tokens = overrides
            .and_then(|model| model.max_tokens)
            .or_else(|| most().filter(|_| chat));
        let model = Model {
            id: known.id.to_owned(),
            object: "model",
            created: known.row.map_or(0, |row| row.created),
            owned_by: known.owner(),
            shutdown_date: known.row.and_then(|row| row.end_of_life.clone()),
            name: known.name().to_owned(),
            context_window,
            max_tokens,
            max_output_tokens: max_tokens,
            input_modalities: known.input_modalities(&family),
            output_modalities: vec![if chat { "text" } else { "embeddings" }],
            dimensions: known.dimensions(),
            reasoning: chat && family.reasoning != Reasoning::None,
            tools: chat && family.tools,
            deprecated: known.row.is_some_and(|row| row.legacy),
            cost: self.cost(known),
        };
        ListedModel {
            model,
            purpose: known.purpose(),
            family,
        }
    }

    fn cost(&self, known: &Known<'_>) -> Option<Cost> {
        let price = self.prices.of(Called {
            configured: known.configured,
            foundation_model: known.foundation_model,
            id: known.called,
            region: known.region(),
        })?;
        Some(Cost {
            input: price.input,
            output: price.output,
            cache_read: price.cache_read,
            cache_write: price.cache_write,
        })
    }
}

impl<'a> Known<'a> {
    fn of_row(row: &'a InvocableModel) -> Self {
        Self {
            id: &row.id,
            called: &row.id,
            row: Some(row),
            configured: None,
            foundation_model: row
                .foundation_model
                .as_deref()
                .or_else(|| named_by(&row.id)),
        }
    }

    fn of_configured(
        model: &'a config::Model,
        called: &'a str,
        row: Option<&'a InvocableModel>,
    ) -> Self {
        let base = model.base_model.as_deref();
        let base = base.map(|base| named_by(base).unwrap_or(base));
        Self {
            id: &model.id,
            called,
            row,
            configured: Some(model),
            foundation_model: base
                .or_else(|| row.and_then(|row| row.foundation_model.as_deref()))
                .or_else(|| named_by(called)),
        }
    }

    /// Where it is called, as far as the configuration or AWS's list says so.
    fn region(&self) -> Option<&str> {
        let target = self.configured.and_then(|model| model.targets.first());
        let chosen = target.and_then(|target| target.region.as_deref());
        chosen.or_else(|| Some(&self.row?.region))
    }

    /// What AWS lists it for, else what its name says.
    fn purpose(&self) -> Purpose {
        match (self.row, self.embedding_model()) {
            (Some(row), _) => row.purpose,
            (None, Some(_)) => Purpose::Embeddings,
            (None, None) => Purpose::Chat,
        }
    }

    fn embedding_model(&self) -> Option<EmbeddingModel> {
        EmbeddingModel::of(self.foundation_model?)
    }

    fn dimensions(&self) -> Vec<u64> {
        match self.embedding_model().map(|model| model.dimensions) {
            Some(Dimensions::OneOf(dimensions)) => dimensions.to_vec(),
            Some(Dimensions::Fixed(dimensions)) => vec![dimensions],
            Some(Dimensions::Unknown) | None => Vec::new(),
        }
    }

    /// AWS's name of a model, under its own id; an alias is its own name.
    fn name(&self) -> &str {
        match self.row {
            Some(row) if row.id == self.id && !row.name.is_empty() => &row.name,
            _ => self.id,
        }
    }

    /// The provider as foundation models' ids name it.
    fn owner(&self) -> String {
        let of_id = self
            .foundation_model
            .and_then(|id| id.split_once('.'))
            .map(|(provider, _)| provider.to_owned());
        let of_row = || {
            let name = self.row?.provider.to_ascii_lowercase().replace(' ', "-");
            (!name.is_empty()).then_some(name)
        };
        of_id
            .or_else(of_row)
            .unwrap_or_else(|| UNKNOWN_OWNER.to_owned())
    }

    /// What AWS lists and the family takes. AWS lists no documents, and not every row says anything; then the family decides,
    /// if it is known.
    fn input_modalities(&self, family: &Family) -> Vec<&'static str> {
        if self.purpose() == Purpose::Embeddings {
            return vec!["text"];
        }
        let is_known = *family != Family::of(None);
        let listed = self
            .row
            .map(|row| row.input_modalities.as_slice())
            .filter(|listed| !listed.is_empty());
        let lists = |modality: &str| {
            listed.map_or(is_known, |listed| {
                listed.iter().any(|each| each == modality)
            })
        };
        let taken = [
            ("text", true),
            ("image", family.image && lists("image")),
            ("file", family.document && is_known),
            ("video", family.video && lists("video")),
            ("audio", family.audio && lists("audio")),
        ];
        let taken = taken.into_iter().filter(|(_, taken)| *taken);
        taken.map(|(modality, _)| modality).collect()
    }
}

/// The foundation model that an id names by itself.
fn named_by(id: &str) -> Option<&str> {
    model_id::foundation_model(id).ok().flatten()
}

#[cfg(test)]
mod tests;
