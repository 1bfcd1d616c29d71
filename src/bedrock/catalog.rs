//! What can really be called from here, out of what the control plane lists.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use self::geography::Reach;
use super::listing::{
    FoundationModelSummary, InferenceProfileSummary, InferenceProfileType, day, unix_seconds,
};
use super::model_id;

pub use self::choice::{by_name, profiles_for};

mod choice;
mod geography;
mod purpose;

/// Something that can be called from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvocableModel {
    /// What is called: a foundation model's id, a system-defined profile's id, or the ARN of an application's profile.
    pub id: String,
    /// The region that lists it, and that is called.
    pub region: String,
    /// The id of the foundation model behind it, without geography; `None` when AWS did not say.
    pub foundation_model: Option<String>,
    /// What people call it.
    pub name: String,
    /// Who made it: `Anthropic`; empty when AWS did not say.
    pub provider: String,
    /// What `id` names.
    pub kind: InvocableKind,
    /// Which route serves it.
    pub purpose: Purpose,
    /// What it takes, of `text`, `image`, `video` and `audio`; empty when AWS did not say.
    pub input_modalities: Vec<String>,
    /// Whether it streams.
    pub streaming: bool,
    /// Whether AWS has announced that it goes away.
    pub legacy: bool,
    /// When it became available, in Unix seconds; 0 when nothing says so.
    pub created: u64,
    /// The day on which it goes away, `YYYY-MM-DD`.
    pub end_of_life: Option<String>,
}

/// What an id names; foundation models come before the profiles that lead to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InvocableKind {
    /// A foundation model, on demand in one region.
    FoundationModel,
    /// A profile that AWS defined, across the regions of a geography.
    SystemProfile,
    /// A profile of one's own.
    ApplicationProfile,
}

/// Which route serves a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// `/v1/chat/completions`.
    Chat,
    /// `/v1/embeddings`.
    Embeddings,
}

/// What one region lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listing {
    /// The region that was asked.
    pub region: String,
    /// Its foundation models.
    pub foundation_models: Vec<FoundationModelSummary>,
    /// Its inference profiles of both kinds.
    pub inference_profiles: Vec<InferenceProfileSummary>,
}

/// Merges what the regions list into what can be called, in an order that does not depend on AWS's.
///
/// An id that several regions list counts where it comes first. `provider_filter` holds names of providers or
/// beginnings of ids, in any case; none lets all through.
pub fn merge(listings: &[Listing], provider_filter: &[String]) -> Vec<InvocableModel> {
    let mut seen = HashSet::new();
    let mut models = Vec::new();
    for listing in listings {
        let known = Known::new(listing, listings);
        let rows = listing.foundation_models.iter();
        let profiles = listing.inference_profiles.iter();
        let listed = rows
            .filter_map(|row| known.on_demand(row))
            .chain(profiles.filter_map(|row| known.profile(row)));
        for model in listed {
            if passes(&model, provider_filter) && seen.insert(model.id.clone()) {
                models.push(model);
            }
        }
    }
    models.sort_by(order);
    models
}

/// What belongs to one foundation model stands together: itself, then the profiles that lead to it.
fn order(one: &InvocableModel, other: &InvocableModel) -> Ordering {
    fn key(model: &InvocableModel) -> (&str, InvocableKind, &str) {
        let behind = model.foundation_model.as_deref().unwrap_or(&model.id);
        (behind, model.kind, &model.id)
    }
    key(one).cmp(&key(other))
}

fn passes(model: &InvocableModel, provider_filter: &[String]) -> bool {
    let behind = model.foundation_model.as_deref().unwrap_or_default();
    let start = behind.split('.').next().unwrap_or_default();
    let matches = |wanted: &String| {
        let wanted = wanted.trim();
        !wanted.is_empty()
            && (wanted.eq_ignore_ascii_case(&model.provider) || wanted.eq_ignore_ascii_case(start))
    };
    provider_filter.is_empty() || provider_filter.iter().any(matches)
}

/// One region, and what is known of the models that its profiles lead to.
struct Known<'a> {
    region: &'a str,
    /// By id; another region's row serves where this one has none.
    rows: HashMap<&'a str, &'a FoundationModelSummary>,
    /// The names of providers by the beginnings of their ids.
    providers: HashMap<&'a str, &'a str>,
}

impl<'a> Known<'a> {
    fn new(own: &'a Listing, all: &'a [Listing]) -> Self {
        let (mut rows, mut providers) = (HashMap::new(), HashMap::new());
        for row in [own]
            .into_iter()
            .chain(all)
            .flat_map(|listing| &listing.foundation_models)
        {
            rows.entry(row.model_id.as_str()).or_insert(row);
            if !row.provider_name.is_empty() {
                providers
                    .entry(start(&row.model_id))
                    .or_insert(row.provider_name.as_str());
            }
        }
        Self {
            region: &own.region,
            rows,
            providers,
        }
    }

    /// A foundation model that can be called by its own id.
    fn on_demand(&self, row: &FoundationModelSummary) -> Option<InvocableModel> {
        let id = &row.model_id;
        model_id::foundation_model(id).ok()?;
        let on_demand = row
            .inference_types_supported
            .iter()
            .any(|kind| kind == "ON_DEMAND");
        if !on_demand || has_capacity(id) {
            return None;
        }
        self.behind(id)
    }

    /// A profile that can be called from this region.
    fn profile(&self, row: &InferenceProfileSummary) -> Option<InvocableModel> {
        let (kind, id) = if row.kind == InferenceProfileType::Application.as_str() {
            (
                InvocableKind::ApplicationProfile,
                &row.inference_profile_arn,
            )
        } else {
            (InvocableKind::SystemProfile, &row.inference_profile_id)
        };
        model_id::foundation_model(id).ok()?;
        if row.status.as_ref().is_some_and(|status| status != "ACTIVE") {
            return None;
        }
        if kind == InvocableKind::SystemProfile && !self.reaches(row) {
            return None;
        }
        let behind = foundation_model(row);
        let model = match &behind {
            Some(behind) => self.behind(behind)?,
            None => self.unknown(),
        };
        let made = row
            .created_at
            .as_deref()
            .and_then(unix_seconds)
            .unwrap_or_default();
        let created = match kind {
            InvocableKind::SystemProfile if model.created > 0 => model.created,
            _ => made,
        };
        let otherwise = if model.name.is_empty() {
            id
        } else {
            &model.name
        };
        Some(InvocableModel {
            id: id.clone(),
            name: named(&row.inference_profile_name, otherwise),
            kind,
            created,
            ..model
        })
    }

    /// Whether a system-defined profile can be called from this region: by its geography, or because AWS names this
    /// region among its own.
    fn reaches(&self, row: &InferenceProfileSummary) -> bool {
        Reach::of(&row.inference_profile_id, self.region) != Reach::Elsewhere
            || row
                .models
                .iter()
                .any(|model| region_of(&model.model_arn) == Some(self.region))
    }

    /// A foundation model as it would be listed; `None` when no route of ours serves it, or AWS no longer does.
    fn behind(&self, id: &str) -> Option<InvocableModel> {
        let unlisted = FoundationModelSummary::default();
        let row = self.rows.get(id).copied().unwrap_or(&unlisted);
        let lifecycle = &row.model_lifecycle;
        let legacy = match lifecycle.status.as_deref() {
            None | Some("ACTIVE") => false,
            Some("LEGACY") => true,
            Some(_) => return None,
        };
        let purpose = purpose::of(id, row)?;
        let provider = self.providers.get(start(id)).copied();
        Some(InvocableModel {
            id: id.to_owned(),
            region: self.region.to_owned(),
            foundation_model: Some(id.to_owned()),
            name: named(&row.model_name, id),
            provider: named(&row.provider_name, provider.unwrap_or_else(|| start(id))),
            kind: InvocableKind::FoundationModel,
            purpose,
            input_modalities: modalities(&row.input_modalities),
            streaming: purpose == Purpose::Chat,
            legacy,
            created: created(id, row),
            end_of_life: lifecycle.end_of_life_time.as_deref().and_then(day),
        })
    }

    /// What is known of a profile when nobody says what is behind it.
    fn unknown(&self) -> InvocableModel {
        InvocableModel {
            id: String::new(),
            region: self.region.to_owned(),
            foundation_model: None,
            name: String::new(),
            provider: String::new(),
            kind: InvocableKind::SystemProfile,
            purpose: Purpose::Chat,
            input_modalities: Vec::new(),
            streaming: true,
            legacy: false,
            created: 0,
            end_of_life: None,
        }
    }
}

/// The foundation model behind a profile, which the ARNs of its models name, else perhaps its id.
fn foundation_model(row: &InferenceProfileSummary) -> Option<String> {
    let named = row.models.iter().find_map(|model| {
        let arn = model.model_arn.as_str();
        let known = model_id::foundation_model(arn).ok()?;
        // A provider that is not known yet.
        let new = || arn.split_once(":foundation-model/").map(|(_, id)| id);
        known.or_else(new).filter(|id| !id.is_empty())
    });
    let by_id = || model_id::foundation_model(&row.inference_profile_id).ok()?;
    named.or_else(by_id).map(str::to_owned)
}

/// Whether an id ends with a capacity, as `…-v1:0:48k` and `…-v1:0:mm` do: only provisioned throughput has those.
fn has_capacity(id: &str) -> bool {
    let mut parts = id.split(':').skip(1);
    let version = parts.next().unwrap_or_default();
    parts.next().is_some() || !version.bytes().all(|byte| byte.is_ascii_digit())
}

/// The part of an id before the first dot, which stands for its provider.
fn start(id: &str) -> &str {
    id.split('.').next().unwrap_or_default()
}

fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3)
}

fn named(name: &str, otherwise: &str) -> String {
    let name = if name.trim().is_empty() {
        otherwise
    } else {
        name
    };
    name.to_owned()
}

/// Modalities as clients name them, in one order; those that no client knows are left out.
fn modalities(listed: &[String]) -> Vec<String> {
    let known = [
        ("text", ["TEXT", "TEXT"]),
        ("image", ["IMAGE", "IMAGE"]),
        ("video", ["VIDEO", "VIDEO"]),
        ("audio", ["SPEECH", "AUDIO"]),
    ];
    let is_listed = |words: [&str; 2]| listed.iter().any(|word| words.contains(&word.as_str()));
    let names = known.into_iter().filter(|(_, words)| is_listed(*words));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// When a foundation model became available: by its life cycle, the console's description, or the date in its id.
fn created(id: &str, row: &FoundationModelSummary) -> u64 {
    let told = [
        &row.model_lifecycle.start_of_life_time,
        &row.description.release_date,
    ];
    let told = told
        .into_iter()
        .flatten()
        .find_map(|time| unix_seconds(time));
    told.or_else(|| unix_seconds(&date_in(id)?))
        .unwrap_or_default()
}

/// `2025-09-29T00:00:00Z` of `anthropic.claude-sonnet-4-5-20250929-v1:0`.
fn date_in(id: &str) -> Option<String> {
    let is_date = |part: &&str| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_digit());
    let date = id.split('-').find(is_date)?;
    let (year, day) = date.split_at_checked(4)?;
    let (month, day) = day.split_at_checked(2)?;
    Some(format!("{year}-{month}-{day}T00:00:00Z"))
}

#[cfg(test)]
mod tests;
