//! What the control plane lists: rows of ListFoundationModels and ListInferenceProfiles, read leniently.
//!
//! Live rows break the declared shapes: unknown modalities and inference types, names that are too long, null where
//! there should be a boolean. A member that is not as expected counts as absent, a row without an id is left out, and
//! what cannot be read never costs the rest of the list.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// One row of ListFoundationModels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FoundationModelSummary {
    /// What is called: `anthropic.claude-3-haiku-20240307-v1:0`.
    #[serde(deserialize_with = "lenient")]
    pub model_id: String,
    /// What people call it: `Claude 3 Haiku`.
    #[serde(deserialize_with = "lenient")]
    pub model_name: String,
    /// Who made it: `Anthropic`.
    #[serde(deserialize_with = "lenient")]
    pub provider_name: String,
    /// `TEXT`, `IMAGE`, `VIDEO`, `SPEECH` and whatever comes.
    #[serde(deserialize_with = "readable")]
    pub input_modalities: Vec<String>,
    /// The same and `EMBEDDING`.
    #[serde(deserialize_with = "readable")]
    pub output_modalities: Vec<String>,
    /// Whether it streams; null for some models.
    #[serde(deserialize_with = "lenient")]
    pub response_streaming_supported: Option<bool>,
    /// `ON_DEMAND`, `PROVISIONED`, `INFERENCE_PROFILE`.
    #[serde(deserialize_with = "readable")]
    pub inference_types_supported: Vec<String>,
    /// How long it is there.
    #[serde(deserialize_with = "lenient")]
    pub model_lifecycle: FoundationModelLifecycle,
    /// What the console shows; undocumented, and absent since some releases.
    #[serde(deserialize_with = "lenient")]
    pub description: FoundationModelDescription,
}

/// `modelLifecycle` of a foundation model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FoundationModelLifecycle {
    /// `ACTIVE` or `LEGACY`.
    #[serde(deserialize_with = "lenient")]
    pub status: Option<String>,
    /// When it became available, as ISO 8601.
    #[serde(deserialize_with = "lenient")]
    pub start_of_life_time: Option<String>,
    /// When it goes away, as ISO 8601.
    #[serde(deserialize_with = "lenient")]
    pub end_of_life_time: Option<String>,
}

/// `description` of a foundation model, as far as it says more than the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FoundationModelDescription {
    /// When it was released, as ISO 8601.
    #[serde(deserialize_with = "lenient")]
    pub release_date: Option<String>,
}

/// One row of ListInferenceProfiles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InferenceProfileSummary {
    /// What is called when AWS defined it: `us.anthropic.claude-…`. Says nothing in an application's.
    #[serde(deserialize_with = "lenient")]
    pub inference_profile_id: String,
    /// What is called when it is an application's.
    #[serde(deserialize_with = "lenient")]
    pub inference_profile_arn: String,
    /// What people call it.
    #[serde(deserialize_with = "lenient")]
    pub inference_profile_name: String,
    /// `SYSTEM_DEFINED` or `APPLICATION`.
    #[serde(deserialize_with = "lenient", rename = "type")]
    pub kind: String,
    /// `ACTIVE`.
    #[serde(deserialize_with = "lenient")]
    pub status: Option<String>,
    /// When it was made, as ISO 8601.
    #[serde(deserialize_with = "lenient")]
    pub created_at: Option<String>,
    /// The model in each of the regions that it may be called in; some ARNs have no region.
    #[serde(deserialize_with = "readable")]
    pub models: Vec<InferenceProfileModel>,
}

/// Who defined an inference profile, as AWS names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InferenceProfileType {
    /// AWS, across the regions of a geography.
    SystemDefined,
    /// Somebody for an application of theirs.
    Application,
}

/// A model behind an inference profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InferenceProfileModel {
    /// `arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-…`.
    #[serde(deserialize_with = "lenient")]
    pub model_arn: String,
}

/// The answer of ListFoundationModels.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListFoundationModelsResponse {
    #[serde(deserialize_with = "readable")]
    model_summaries: Vec<FoundationModelSummary>,
}

/// One page of ListInferenceProfiles.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InferenceProfilesPage {
    /// Its rows.
    #[serde(deserialize_with = "readable")]
    pub inference_profile_summaries: Vec<InferenceProfileSummary>,
    /// What to ask the next page with, if there is one.
    #[serde(deserialize_with = "lenient")]
    pub next_token: Option<String>,
}

impl InferenceProfileType {
    /// AWS's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SystemDefined => "SYSTEM_DEFINED",
            Self::Application => "APPLICATION",
        }
    }
}

impl FoundationModelSummary {
    /// The rows of a ListFoundationModels answer; `None` when it is no JSON object.
    pub fn list(answer: &[u8]) -> Option<Vec<Self>> {
        let response: ListFoundationModelsResponse = object(answer)?;
        let mut rows = response.model_summaries;
        rows.retain(|row| !row.model_id.is_empty());
        Some(rows)
    }
}

impl InferenceProfilesPage {
    /// Reads one page of a ListInferenceProfiles answer; `None` when it is no JSON object.
    pub fn read(answer: &[u8]) -> Option<Self> {
        let mut page: Self = object(answer)?;
        page.inference_profile_summaries.retain(|row| {
            !row.inference_profile_id.is_empty() || !row.inference_profile_arn.is_empty()
        });
        page.next_token = page.next_token.filter(|token| !token.is_empty());
        Some(page)
    }
}

/// A time as AWS writes it, in Unix seconds; `None` for what is none, or before 1970.
pub(super) fn unix_seconds(time: &str) -> Option<u64> {
    let time = DateTime::from_str(time, Format::DateTimeWithOffset).ok()?;
    u64::try_from(time.secs()).ok()
}

/// The day of a time as AWS writes it, in UTC: `YYYY-MM-DD`.
pub(super) fn day(time: &str) -> Option<String> {
    let time = DateTime::from_secs(i64::try_from(unix_seconds(time)?).ok()?);
    let text = time.fmt(Format::DateTime).ok()?;
    text.get(..10).map(str::to_owned)
}

fn object<T: DeserializeOwned>(answer: &[u8]) -> Option<T> {
    let value: Value = serde_json::from_slice(answer).ok()?;
    if value.is_object() {
        serde_json::from_value(value).ok()
    } else {
        None
    }
}

/// A member, or what stands for its absence when it is of another type.
fn lenient<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// Those items of a list that can be read.
fn readable<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let items: Vec<Value> = lenient(deserializer)?;
    let read = |item| serde_json::from_value(item).ok();
    Ok(items.into_iter().filter_map(read).collect())
}
