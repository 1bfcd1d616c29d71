//! What can be called from here: ListFoundationModels and ListInferenceProfiles.

use std::time::{Duration, Instant};

use super::advice;
use super::check::{Check, Finding, within};
use super::question::{Operation, Question, Subject};
use crate::bedrock::catalog::{InvocableModel, Listing, by_name, merge, profiles_for};
use crate::bedrock::listing::{
    FoundationModelSummary, InferenceProfileSummary, InferenceProfileType,
};
use crate::bedrock::model_id::foundation_model;
use crate::config::AutoProfile;
use crate::upstream::{Bedrock, Error};

/// How long each list may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What the lists say; nothing when they could not be had.
#[derive(Default)]
pub(super) struct Lists {
    listing: Listing,
    models: Vec<InvocableModel>,
}

/// Asks for both lists, side by side.
pub(super) async fn examine(bedrock: &Bedrock, question: Question<'_>) -> ([Check; 2], Lists) {
    let begun = Instant::now();
    let (models, profiles) = tokio::join!(
        within(LIMIT, bedrock.list_foundation_models()),
        within(LIMIT, inference_profiles(bedrock)),
    );
    let operation = Operation::ListFoundationModels;
    let (foundation_models, finding) = settled(
        models,
        Question {
            operation,
            ..question
        },
    );
    let finding = finding.unwrap_or_else(|| models_listed(&foundation_models));
    let models_check = Check::since(begun, operation.name(), finding);

    let operation = Operation::ListInferenceProfiles;
    let (inference_profiles, finding) = settled(
        profiles,
        Question {
            operation,
            ..question
        },
    );
    let finding = finding.unwrap_or_else(|| profiles_listed(&inference_profiles));
    let profiles_check = Check::since(begun, operation.name(), finding);

    let listing = Listing {
        region: question.region.to_string(),
        foundation_models,
        inference_profiles,
    };
    let models = merge(std::slice::from_ref(&listing), &[]);
    ([models_check, profiles_check], Lists { listing, models })
}

async fn inference_profiles(bedrock: &Bedrock) -> Result<Vec<InferenceProfileSummary>, Error> {
    let (ours, applications) = tokio::join!(
        bedrock.list_inference_profiles(InferenceProfileType::SystemDefined),
        bedrock.list_inference_profiles(InferenceProfileType::Application),
    );
    let mut rows = ours?;
    rows.extend(applications?);
    Ok(rows)
}

/// The rows, or none and why.
fn settled<Row>(
    rows: Result<Result<Vec<Row>, Error>, Finding>,
    question: Question<'_>,
) -> (Vec<Row>, Option<Finding>) {
    match rows {
        Ok(Ok(rows)) => (rows, None),
        Ok(Err(error)) => {
            let advice = advice::failed(&error, &question);
            (Vec::new(), Some(Finding::bad(error.to_string(), advice)))
        }
        Err(finding) => (Vec::new(), Some(finding)),
    }
}

fn models_listed(rows: &[FoundationModelSummary]) -> Finding {
    Finding::good(format!("{} foundation models", rows.len()))
}

fn profiles_listed(rows: &[InferenceProfileSummary]) -> Finding {
    let applications = InferenceProfileType::Application.as_str();
    let applications = rows.iter().filter(|row| row.kind == applications).count();
    Finding::good(format!(
        "{} inference profiles, {applications} of them your own",
        rows.len()
    ))
}

impl Lists {
    /// What can be called.
    pub(super) fn models(&self) -> &[InvocableModel] {
        &self.models
    }

    /// The id that a name such as `claude-sonnet-4-5` stands for, or the name itself.
    pub(super) fn meant(&self, name: &str, auto_profile: AutoProfile) -> String {
        let global = auto_profile == AutoProfile::Global;
        let is_listed = self.models.iter().any(|model| model.id == name);
        let meant = by_name(&self.models, name, &self.listing.region, global);
        let meant = meant.filter(|_| !is_listed);
        meant.map_or(name, |model| &model.id).to_owned()
    }

    /// A model and what the lists say of it.
    pub(super) fn subject(&self, id: &str, auto_profile: AutoProfile) -> Subject {
        let row = self
            .listing
            .inference_profiles
            .iter()
            .find(|row| row.inference_profile_id == id || row.inference_profile_arn == id);
        let behind = row.map_or_else(Vec::new, |row| {
            let arns = row.models.iter().map(|model| model.model_arn.clone());
            arns.filter(|arn| !arn.is_empty()).collect()
        });
        let foundation = foundation_model(id).ok().flatten().unwrap_or(id);
        let profiles = |global| {
            let ids = profiles_for(&self.models, foundation, &self.listing.region, global);
            ids.into_iter()
                .filter(|other| *other != id)
                .map(str::to_owned)
        };
        let chosen = match auto_profile {
            AutoProfile::Off => None,
            AutoProfile::Geography => profiles(false).next(),
            AutoProfile::Global => profiles(true).next(),
        };
        Subject {
            id: id.to_owned(),
            profile_arn: row.map(|row| row.inference_profile_arn.clone()),
            behind,
            profiles: profiles(true).collect(),
            chosen: chosen.map(|id| Box::new(self.subject(&id, AutoProfile::Off))),
        }
    }
}
