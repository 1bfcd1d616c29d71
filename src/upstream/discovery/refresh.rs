//! One refresh: all lists of all places side by side, and what becomes of those that cannot be had.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::join;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::Shared;
use crate::bedrock::ExceptionKind;
use crate::bedrock::catalog::{InvocableModel, Listing, merge};
use crate::bedrock::listing::{
    FoundationModelSummary, InferenceProfileSummary, InferenceProfileType,
};
use crate::upstream::{Bedrock, Error};

/// How long a refresh waits for the disk.
const WRITING: Duration = Duration::from_secs(1);

/// What a refresh brought.
#[derive(Clone, Debug, Default)]
pub struct Refreshed {
    /// All that can be called.
    pub models: Arc<[InvocableModel]>,
    /// The lists that could not be had; what they said before still counts.
    pub failures: Vec<ListFailure>,
}

/// A list that could not be had.
#[derive(Clone, Debug)]
pub struct ListFailure {
    /// `ListFoundationModels` or `ListInferenceProfiles`.
    pub operation: &'static str,
    /// The region that was asked.
    pub region: String,
    /// Why.
    pub error: Error,
}

/// What one place answered.
struct Answers {
    foundation_models: Result<Vec<FoundationModelSummary>, Error>,
    system_profiles: Result<Vec<InferenceProfileSummary>, Error>,
    application_profiles: Result<Vec<InferenceProfileSummary>, Error>,
}

impl ListFailure {
    /// The IAM action to allow, when that is what is missing.
    pub fn missing_permission(&self) -> Option<String> {
        let denied = matches!(&self.error, Error::Exception { exception, .. } if exception.kind == ExceptionKind::AccessDenied);
        denied.then(|| format!("bedrock:{}", self.operation))
    }

    /// Whether it is the same failure again, as far as anybody could do something else about it.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.is_of_list(other) && self.error.name() == other.error.name()
    }

    pub(super) fn is_of_list(&self, other: &Self) -> bool {
        (&self.region, self.operation) == (&other.region, other.operation)
    }
}

impl fmt::Display for ListFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            operation,
            region,
            error,
        } = self;
        write!(f, "{operation} in {region}: {error}")?;
        match self.missing_permission() {
            Some(action) => write!(f, "; allow the IAM action {action}"),
            None => Ok(()),
        }
    }
}

impl Shared {
    /// Asks all places, keeps what they list, and tells what failed.
    pub(super) async fn ask(&self) -> Result<Refreshed, Vec<ListFailure>> {
        let answers = ask(&self.places).await;
        let (result, changed) = self.keep(answers);
        let outcome = match &result {
            Ok(refreshed) if refreshed.failures.is_empty() => "success",
            Ok(_) => "partial",
            Err(_) => "failure",
        };
        self.metrics.discovery_refresh(outcome);
        if let (Some(cache), Some(listings)) = (&self.cache, changed) {
            let writing = timeout(WRITING, cache.write(listings)).await;
            if writing.is_err() {
                debug!("the list of models is still being written after {WRITING:?}");
            }
        }
        result
    }

    /// Takes over what could be had, and says so; the listings come along if they are not as before.
    fn keep(
        &self,
        answers: Vec<(usize, Answers)>,
    ) -> (Result<Refreshed, Vec<ListFailure>>, Option<Vec<Listing>>) {
        let mut state = self.state();
        let mut failures = Vec::new();
        let (mut had, mut listings) = (false, state.listings.clone());
        for (place, answers) in answers {
            if let Some(listing) = listings.get_mut(place) {
                had |= answers.put_into(listing, &mut failures);
            }
        }
        state.asked = true;
        for failure in &failures {
            if state.told.is_news(failure) {
                warn!("the list of models is not complete: {failure}");
            } else {
                debug!("the list of models is not complete: {failure}");
            }
        }
        state.told.forget_all_but(&failures);
        if !had {
            return (Err(failures), None);
        }
        let changed = (listings != state.listings).then(|| listings.clone());
        state.models = merge(&listings, &self.settings.provider_filter).into();
        state.listings = listings;
        if changed.is_some() {
            info!(
                models = state.models.len(),
                "the models that can be called are known"
            );
        }
        let models = Arc::clone(&state.models);
        (Ok(Refreshed { models, failures }), changed)
    }
}

impl Answers {
    async fn of(place: &Bedrock) -> Self {
        let profiles = |kind| Box::pin(place.list_inference_profiles(kind));
        let (foundation_models, system_profiles, application_profiles) = join!(
            Box::pin(place.list_foundation_models()),
            profiles(InferenceProfileType::SystemDefined),
            profiles(InferenceProfileType::Application),
        );
        Self {
            foundation_models,
            system_profiles,
            application_profiles,
        }
    }

    /// Replaces the lists that could be had and adds the failures of the others; whether there was any list.
    fn put_into(self, listing: &mut Listing, failures: &mut Vec<ListFailure>) -> bool {
        let mut had = false;
        let mut failed = |operation, error: Error| {
            let failure = ListFailure {
                operation,
                region: listing.region.clone(),
                error,
            };
            // Both kinds of profiles fail for one reason.
            if !failures
                .iter()
                .any(|other: &ListFailure| other.is_like(&failure))
            {
                failures.push(failure);
            }
        };
        match self.foundation_models {
            Ok(rows) => {
                had = true;
                listing.foundation_models = rows;
            }
            Err(error) => failed("ListFoundationModels", error),
        }
        for (kind, answer) in [
            (InferenceProfileType::SystemDefined, self.system_profiles),
            (InferenceProfileType::Application, self.application_profiles),
        ] {
            match answer {
                Ok(rows) => {
                    had = true;
                    let profiles = &mut listing.inference_profiles;
                    profiles.retain(|row| row.kind != kind.as_str());
                    profiles.extend(rows);
                }
                Err(error) => failed("ListInferenceProfiles", error),
            }
        }
        had
    }
}

/// Asks all places at once, each with its index.
async fn ask(places: &[Bedrock]) -> Vec<(usize, Answers)> {
    let mut asked = JoinSet::new();
    for (index, place) in places.iter().enumerate() {
        let place = place.clone();
        asked.spawn(async move { (index, Answers::of(&place).await) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers
}
