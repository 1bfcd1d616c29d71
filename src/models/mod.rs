//! What clients may ask for: the models of the configuration and those of the account, what is known of each, and where
//! it is called.

mod id;
mod listing;
mod prices;
mod profiles;
mod rest;
mod spread;
mod target;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::prices::{Called, Prices};
use self::profiles::LearnedProfiles;
use self::rest::Resting;
use crate::bedrock::Price;
use crate::bedrock::catalog;
use crate::bedrock::model_id::{InvalidModelId, foundation_model};
use crate::config::{self, AutoProfile, Config};
use crate::metrics::Metrics;
use crate::upstream::{Accounts, Bedrock, Discovery, Region, RegionSource, SetupError};

pub use self::id::names;
pub use self::listing::{ListedModel, Listing};
pub use self::target::{Target, Targets};

/// The models of this gateway; a clone is the same.
#[derive(Clone)]
pub struct Models {
    shared: Arc<Shared>,
}

struct Shared {
    accounts: Accounts,
    discovery: Discovery,
    auto_profile: AutoProfile,
    /// The models of the configuration, by what clients ask for.
    configured: HashMap<String, Arc<config::Model>>,
    listing: Listing,
    prices: Prices,
    learned: LearnedProfiles,
    resting: Resting,
}

impl Models {
    /// The models that `config` names, and those that are found in the regions that it names. Finding them begins
    /// here and is not waited for; `cache_file` says where the list is kept for the next start, if anywhere.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`SetupError`] when a target of the configuration cannot be called.
    pub fn begin(
        config: &Config,
        accounts: Accounts,
        cache_file: impl FnOnce(&[Bedrock]) -> Option<PathBuf>,
        metrics: &Metrics,
    ) -> Result<Self, SetupError> {
        let places = places(&accounts, &config.discovery)?;
        let cache_file = cache_file(&places);
        let discovery = Discovery::begin(places, &config.discovery, cache_file, metrics);
        let configured = config.models.iter();
        let models = Self {
            shared: Arc::new(Shared {
                accounts,
                discovery,
                auto_profile: config.bedrock.auto_profile,
                configured: configured
                    .map(|model| (model.id.clone(), Arc::new(model.clone())))
                    .collect(),
                listing: Listing::new(config),
                prices: Prices::new(&config.prices),
                learned: LearnedProfiles::default(),
                resting: Resting::default(),
            }),
        };
        for model in models.shared.configured.values() {
            for target in &model.targets {
                models.shared.bedrock_of(target)?;
            }
        }
        Ok(models)
    }

    /// The gateway's own account and region.
    pub fn own(&self) -> &Bedrock {
        self.shared.accounts.own()
    }

    /// The models whose ids `shown` lets through, with what is known of them. Waits for AWS only as
    /// [`Discovery::current`] does.
    pub async fn listed(&self, shown: impl Fn(&str) -> bool) -> Vec<ListedModel> {
        let found = self.shared.discovery.current().await;
        self.shared.listing.models(&found, shown)
    }

    /// Where `asked` is called, best first. No id is refused for being unknown: Bedrock has the last word.
    ///
    /// `conversation` is a number that stays the same for one conversation; it is asked for only where targets have
    /// weights, so that a conversation stays where its prompt is cached.
    ///
    /// # Errors
    /// [`InvalidModelId`] when it cannot be an id at all.
    pub fn targets(
        &self,
        asked: &str,
        conversation: impl FnOnce() -> u64,
    ) -> Result<Targets, InvalidModelId> {
        let shared = &*self.shared;
        let spellings = names(asked);
        let configured = spellings
            .iter()
            .find_map(|name| shared.configured.get_key_value(*name));
        let (label, targets) = if let Some((id, model)) = configured {
            (id.as_str(), shared.configured_targets(model, conversation))
        } else {
            let id = id::plain(asked);
            // Nothing but its form can be wrong with an id.
            foundation_model(id)?;
            let target = shared.discovered_target(id);
            // A name that people use leads to an id that the configuration may know.
            let targets = match shared.configured.get(&target.model_id) {
                Some(model) => shared.configured_targets(model, conversation),
                None => vec![target],
            };
            (id, targets)
        };
        let targets = targets.into_iter();
        let targets = targets.map(|target| shared.learned.instead_of(target));
        let mut others = shared.resting.last(targets.collect());
        Ok(Targets {
            label: label.to_owned(),
            first: others
                .pop_front()
                .unwrap_or_else(|| shared.discovered_target(label)),
            others,
        })
    }

    /// The inference profiles through which the model of `target` can be called from there, best first.
    pub fn profiles_of(&self, target: &Target, foundation_model: &str) -> Vec<String> {
        self.shared.profiles(target, foundation_model, true)
    }

    /// The same target through an inference profile, where the configuration allows to choose one.
    pub fn through_profile(&self, target: &Target, foundation_model: &str) -> Option<Target> {
        let global = match self.shared.auto_profile {
            AutoProfile::Off => return None,
            AutoProfile::Geography => false,
            AutoProfile::Global => true,
        };
        let profiles = self.shared.profiles(target, foundation_model, global);
        let profile = profiles.into_iter().find(|id| *id != target.model_id)?;
        Some(target.clone().through(profile))
    }

    /// What the tokens of a target cost whose foundation model is this one, as far as that is known.
    pub fn price(&self, target: &Target, foundation_model: Option<&str>) -> Option<Price> {
        let region = &target.bedrock.describe().region;
        self.shared.prices.of(Called {
            configured: target.settings(),
            foundation_model,
            id: &target.model_id,
            region: Some(region.as_str()),
        })
    }

    /// Remembers that a target is called through a profile, since `target` was answered.
    pub fn learn(&self, target: &Target) {
        self.shared.learned.learn(target);
    }

    /// Lets `target` rest, so that for `time` others are called first.
    pub fn rest(&self, target: &Target, time: Duration) {
        self.shared.resting.begin(target, time);
    }
}

impl Shared {
    /// The targets of a model of the configuration: in order, or by their weights.
    fn configured_targets(
        &self,
        model: &Arc<config::Model>,
        conversation: impl FnOnce() -> u64,
    ) -> Vec<Target> {
        if model.targets.is_empty() {
            let target = self.discovered_target(id::plain(&model.id));
            return vec![target.configured(model)];
        }
        let mut targets: Vec<&config::Target> = model.targets.iter().collect();
        if targets.iter().any(|target| target.weight.is_some()) {
            spread::order(&mut targets, conversation());
        }
        let targets = targets.into_iter();
        targets
            .map(|target| self.configured_target(target).configured(model))
            .collect()
    }

    /// Where a target of the configuration is called. One that says no place is what a client may ask for.
    fn configured_target(&self, target: &config::Target) -> Target {
        if target.account.is_none() && target.region.is_none() {
            return self.discovered_target(&target.model);
        }
        // Checked at the start.
        let bedrock = self.bedrock_of(target);
        let bedrock = bedrock.unwrap_or_else(|_| self.accounts.own().clone());
        let found = self.discovery.models();
        let row = found.iter().find(|row| row.id == target.model);
        Target::new(bedrock, &target.model).listed(row)
    }

    /// Where an id is called that the configuration does not know: an ARN in its own region, another where it was
    /// found, by its id or by the name that people use, and everything else in the gateway's region.
    fn discovered_target(&self, id: &str) -> Target {
        let own = self.accounts.own();
        let found = self.discovery.models();
        let row = found.iter().find(|row| row.id == id);
        if id.starts_with("arn:") {
            let region = id::arn_region(id, &own.describe().region);
            return Target::new(self.own_in(region), id).listed(row);
        }
        // Only what is no id can be a name.
        let named = || {
            let global = self.auto_profile == AutoProfile::Global;
            let region = own.describe().region.as_str();
            catalog::by_name(&found, id, region, global)
        };
        let is_id = matches!(foundation_model(id), Ok(Some(_)));
        let Some(row) = row.or_else(|| (!is_id).then(named).flatten()) else {
            return Target::new(own.clone(), id);
        };
        let region = Region::new(&row.region, RegionSource::Target).ok();
        Target::new(self.own_in(region), &row.id).listed(Some(row))
    }

    /// The gateway's own account in a region.
    fn own_in(&self, region: Option<Region>) -> Bedrock {
        let bedrock = region.and_then(|region| self.accounts.bedrock(None, Some(&region)).ok());
        bedrock.unwrap_or_else(|| self.accounts.own().clone())
    }

    fn profiles(&self, target: &Target, foundation_model: &str, global: bool) -> Vec<String> {
        let models = self.discovery.models();
        let region = target.bedrock.describe().region.as_str();
        let profiles = catalog::profiles_for(&models, foundation_model, region, global);
        profiles.into_iter().map(str::to_owned).collect()
    }

    fn bedrock_of(&self, target: &config::Target) -> Result<Bedrock, SetupError> {
        let named = target.region.as_deref();
        let region = named
            .map(|name| Region::new(name, RegionSource::Target))
            .transpose()?
            .or_else(|| id::arn_region(&target.model, &self.accounts.own().describe().region));
        self.accounts
            .bedrock(target.account.as_deref(), region.as_ref())
    }
}

/// The gateway's own account in each region whose models are listed. Its own region comes first: what several list is
/// called in the first.
///
/// # Errors
/// [`SetupError`] when the configuration names what cannot be a region.
pub fn places(
    accounts: &Accounts,
    settings: &config::Discovery,
) -> Result<Vec<Bedrock>, SetupError> {
    if settings.regions.is_empty() {
        return Ok(vec![accounts.own().clone()]);
    }
    let regions = settings.regions.iter();
    let mut places = regions
        .map(|name| {
            let region = Region::new(name, RegionSource::Configuration)?;
            accounts.bedrock(None, Some(&region))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let own = &accounts.own().describe().region;
    places.sort_by_key(|place| place.describe().region != *own);
    Ok(places)
}

impl fmt::Debug for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Models")
            .field("configured", &self.shared.configured.keys())
            .field("auto_profile", &self.shared.auto_profile)
            .finish_non_exhaustive()
    }
}
