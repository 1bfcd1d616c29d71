//! The lists of the control plane, all pages of them, within bounds of time, pages and bytes.

use std::collections::HashSet;

use tokio::time::timeout;
use tracing::warn;

use super::Answer;
use super::bedrock::CONTROL_TIMEOUT;
use super::calls::Calls;
use super::endpoint::Endpoint;
use super::error::{Error, Timeout};
use crate::bedrock::listing::{
    FoundationModelSummary, InferenceProfileSummary, InferenceProfileType, InferenceProfilesPage,
};

/// The most pages of one list; each has up to a thousand rows.
const MAX_PAGES: usize = 50;
/// The most bytes of one list, pages together; a row takes about one kilobyte.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Every row of ListFoundationModels, which has no pages.
pub(super) async fn foundation_models(
    control: &Endpoint,
    calls: &Calls,
) -> Result<Vec<FoundationModelSummary>, Error> {
    let uri = control.foundation_models()?;
    let answer = in_time(calls.foundation_models(uri)).await?;
    if answer.body.len() > MAX_BYTES {
        return Err(no_list(&answer));
    }
    FoundationModelSummary::list(&answer.body).ok_or_else(|| no_list(&answer))
}

/// Every row of ListInferenceProfiles of one kind. A token that comes again ends the list: it would never end otherwise.
pub(super) async fn inference_profiles(
    control: &Endpoint,
    calls: &Calls,
    kind: InferenceProfileType,
) -> Result<Vec<InferenceProfileSummary>, Error> {
    let (mut rows, mut bytes) = (Vec::new(), 0_usize);
    let mut tokens = HashSet::new();
    let mut token: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let uri = control.inference_profiles(kind, token.as_deref())?;
        let answer = in_time(calls.inference_profiles(uri)).await?;
        bytes = bytes.saturating_add(answer.body.len());
        if bytes > MAX_BYTES {
            return Err(no_list(&answer));
        }
        let page = InferenceProfilesPage::read(&answer.body).ok_or_else(|| no_list(&answer))?;
        rows.extend(page.inference_profile_summaries);
        let Some(next) = page.next_token else {
            return Ok(of_kind(rows, kind));
        };
        if !tokens.insert(next.clone()) {
            warn!("ListInferenceProfiles repeats a page token; what came until then is the list");
            return Ok(of_kind(rows, kind));
        }
        token = Some(next);
    }
    warn!("ListInferenceProfiles has more than {MAX_PAGES} pages; the rest is left out");
    Ok(of_kind(rows, kind))
}

/// The rows of one kind. They say which kind they are of; where they do not, the question does.
fn of_kind(
    mut rows: Vec<InferenceProfileSummary>,
    kind: InferenceProfileType,
) -> Vec<InferenceProfileSummary> {
    rows.retain(|row| row.kind.is_empty() || row.kind == kind.as_str());
    for row in &mut rows {
        kind.as_str().clone_into(&mut row.kind);
    }
    rows
}

/// One page, repeats included, within five seconds.
async fn in_time(page: impl Future<Output = Result<Answer, Error>>) -> Result<Answer, Error> {
    timeout(CONTROL_TIMEOUT, page)
        .await
        .unwrap_or(Err(Error::Timeout(Timeout::Total(CONTROL_TIMEOUT))))
}

fn no_list(answer: &Answer) -> Error {
    Error::Protocol {
        reason: "its answer is no list, or one of more than 32 MiB".to_owned(),
        request_id: answer.request_id.clone(),
    }
}
